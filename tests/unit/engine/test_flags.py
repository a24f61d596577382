"""The flags of an environment's clusters: all have the old ones or all the new, whenever the writer is killed."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ringfence.engine import flags

OLD = {"kube-apiserver": ("--event-ttl=1h",)}
NEW = {"kube-apiserver": ("--event-ttl=2h",), "kube-scheduler": ("--v=1",)}

# Ends itself as kill -9 would, just before the system call that is the N-th to change something.
_KILLED = """
import os, sys
from pathlib import Path
from ringfence.engine import flags

left = int(sys.argv[2])

def dying(call):
    def changed(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return call(*arguments, **named)
    return changed

for name in ("replace", "rename", "symlink", "fsync", "unlink"):
    setattr(os, name, dying(getattr(os, name)))
folder = Path(sys.argv[1])
flags.write(folder, [folder / "a", folder / "b"], {"kube-apiserver": ["--event-ttl=2h"], "kube-scheduler": ["--v=1"]})
"""


def environment(folder: Path) -> list[Path]:
    clusters = [folder / "a", folder / "b"]
    for cluster in clusters:
        cluster.mkdir(parents=True)
    return clusters


def seen(cluster: Path) -> object:
    """What the cluster's process would read."""
    try:
        return json.loads((cluster / flags.FLAGS_FILE).read_bytes())
    except FileNotFoundError:
        return None


def as_read(values: Mapping[str, Sequence[str]]) -> object:
    return {program: list(items) for program, items in values.items()}


def test_every_cluster_reads_what_was_written_last(tmp_path: Path) -> None:
    clusters = environment(tmp_path)
    flags.link(tmp_path, clusters)
    assert [seen(cluster) for cluster in clusters] == [None, None]
    nothing: Mapping[str, Sequence[str]] = {}
    for values in (OLD, NEW, nothing):
        flags.write(tmp_path, clusters, values)
        assert [seen(cluster) for cluster in clusters] == [as_read(values)] * 2


def test_a_cluster_that_comes_later_gets_the_flags_of_its_environment(tmp_path: Path) -> None:
    flags.write(tmp_path, environment(tmp_path), OLD)
    (tmp_path / "c").mkdir()
    flags.link(tmp_path, [tmp_path / "c"])
    assert seen(tmp_path / "c") == as_read(OLD)


@pytest.mark.parametrize("earlier", ["never", "linked", "a file each"])
def test_killed_anywhere_no_two_clusters_differ(tmp_path: Path, earlier: str) -> None:
    outcomes = set()
    for step in range(40):
        folder = tmp_path / str(step)
        clusters = environment(folder)
        before: object = None
        if earlier == "linked":
            flags.write(folder, clusters, OLD)
        elif earlier == "a file each":  # as an earlier version left it
            for cluster in clusters:
                (cluster / flags.FLAGS_FILE).write_text(json.dumps(as_read(OLD)))
        before = None if earlier == "never" else as_read(OLD)
        ended = subprocess.run([sys.executable, "-c", _KILLED, str(folder), str(step)], check=False, timeout=60)
        found = [seen(cluster) for cluster in clusters]
        assert found in ([before] * 2, [as_read(NEW)] * 2), f"killed at change {step}"
        outcomes.add(json.dumps(found[0]))
        flags.write(folder, clusters, NEW)
        assert [seen(cluster) for cluster in clusters] == [as_read(NEW)] * 2
        if ended.returncode == 0:
            break
    else:
        pytest.fail("it never came to its end")
    assert len(outcomes) == 2
