"""Several threads may open clusters at once: the client library alone would crash there."""

import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ringfence.kube import open_cluster

sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(8) as pool:
    opened = list(pool.map(lambda _: open_cluster(Path(sys.argv[1])).server, range(8)))
print(len(opened))
"""
_KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: here, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {token: none}}]
contexts: [{name: here, context: {cluster: here, user: me}}]
"""


def test_many_threads_may_open_clusters_at_once(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(_KUBECONFIG, encoding="utf-8")
    for _ in range(5):
        result = subprocess.run(
            [sys.executable, "-c", _SCRIPT, str(kubeconfig)], capture_output=True, text=True, check=False
        )
        assert (result.returncode, result.stdout) == (0, "8\n"), result.stderr
