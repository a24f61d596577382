"""A Landscape that no Topology can meet: nothing is built, ended or said to hold."""

from pathlib import Path

import pytest

from ringfence.cli.main import run

LANDSCAPE = """\
apiVersion: ringfence.dev/v1
kind: Landscape
metadata: {name: impossible}
spec:
  regulations: []
  applications:
    - name: shop
      requests: {cpu: "1", memory: 1Gi}
      deployments: {testing: {}, production: {}}
  separate:
    - {between: {stage: testing}, and: {stage: production}, level: cluster, because: load tests}
  together:
    - {deployments: [shop/testing, shop/production], in: namespace, because: one Helm release}
  costs: {environment: 1200, cluster: 450, node: {cpu: "4", memory: 16Gi, price: 110, fill: 0.8, minPerPool: 1}}
"""


@pytest.mark.parametrize(
    "words",
    [
        ["prove"], ["prove", "--watch"], ["up"], ["up", "--remove"], ["up", "--dry-run"], ["apply"], ["diff"],
        ["render"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_is_done_or_said_of_it(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    file = tmp_path / "ringfence.yaml"
    file.write_text(LANDSCAPE, encoding="utf-8")
    assert run([words[0], str(file), *words[1:]]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "no Topology that meets every requirement" in said.err
    assert "ringfence plan FILE --explain" in said.err
