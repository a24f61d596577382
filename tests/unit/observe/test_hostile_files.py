"""Files from strangers: an answer or an error with its place, never a crash, a traceback or something left unseen."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from ringfence.base.errors import InputError
from ringfence.cli.main import run
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import new_key
from ringfence.observe.write import snapshot_bytes
from ringfence.prove import kinds
from ringfence.prove.snapshot import ClusterSnapshot

GOLDEN = Path(__file__).parents[2] / "golden/proof/separated-at-namespace"
MARK = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}

ODD_SPECS: list[object] = [None, [], 7, {"materials": 7}, {"materials": [7, None]}, {"signingKeys": 7, "resource": []}]


def pod(**spec: object) -> str:
    containers = [{"name": "c"}]
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}}
    return json.dumps({**body, "spec": {"containers": containers, **spec}})


def read(folder: Path, text: str | bytes, name: str = "a.json") -> ClusterSnapshot:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return read_snapshot("c", folder, new_key())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: " + "[" * 50_000, "nested too deeply"),
        ("- " * 50_000 + "a", "nested too deeply"),
        ("\n".join(" " * deep + "a:" for deep in range(1500)), "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ("a: 1\nb: x\x00y\n", ":2: neither JSON nor YAML: U+0000"),
        ("{{- if .Values.on }}\nkind: Pod\n{{- end }}\n", "a.yaml:1:3: neither JSON nor YAML"),
        ("a: " + "9" * 5000, "a number in it is too long"),
    ],
)
def test_text_that_nobody_can_read_is_an_error_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text, "a.yaml")
    assert said in str(error.value)


def test_what_to_do_about_packed_files_and_templates(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, b"\x1f\x8b\x08\x00\xff", "a.yaml")
    assert "gunzip" in str(error.value.hint)
    with pytest.raises(InputError) as error:
        read(tmp_path, "a: {{ .Values.x }}: b\n{{ end }}\n", "a.yaml")
    assert "helm template" in str(error.value.hint)


@pytest.mark.parametrize(
    "text",
    [
        pod(affinity={"nodeAffinity": 10**30}),
        pod(resources={"limits": {"cpu": 10**30}}),
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}, "x": '
        + "[" * 900
        + "]" * 900
        + "}",
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a\\ud800", "namespace": "shop"}}',
        json.dumps(
            [
                {"apiVersion": "ringfence.dev/v1", "kind": kind, "spec": spec}
                for kind in ("NotListed", "Defect", "Materials", "ClusterFacts")
                for spec in ODD_SPECS
            ]
        ),
    ],
)
def test_odd_values_are_read_and_written(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text)
    (tmp_path / "a.json").write_bytes(snapshot_bytes(found))
    again = read_snapshot("c", tmp_path, new_key())
    assert bool(again.defects) == bool(found.defects)


def test_halves_of_letters_are_read_as_the_api_server_reads_them(tmp_path: Path) -> None:
    metadata = '{"name": "a", "annotations": {"a": "\\ud800x \\ud83d\\ude00"}}'
    (found,) = read(tmp_path, '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": ' + metadata + "}").of(
        kinds.CONFIG_MAP
    )
    assert found["metadata"]["annotations"]["a"] == "\ufffdx \U0001f600"


@pytest.mark.parametrize("name", ["b.yaml.gz", "b.yml.j2", "b.json.zst", "b.YAML.GZ"])
def test_packed_files_in_a_folder_are_not_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x1f\x8b")
    found = read(tmp_path, json.dumps(MARK))
    assert [Path(defect.name).name for defect in found.defects] == [name]


def test_links_to_folders_are_named_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / ".git").symlink_to(tmp_path)
    found = read(tmp_path, json.dumps(MARK))
    assert [Path(defect.name).name for defect in found.defects] == ["round"]
    assert "link" in found.defects[0].problem


def prove(capsys: pytest.CaptureFixture[str], folder: str, *more: str) -> tuple[int, str, str]:
    code = run(["prove", "--partition", str(GOLDEN / "partition.yaml"), "--snapshot", f"prod={folder}", *more])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_objects_on_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    raw = (GOLDEN / "snapshot.yaml").read_bytes()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    assert prove(capsys, "-")[0] == 0
    # A second reading finds nothing there, as when the command before the pipe fails: that is no empty cluster.
    code, said, error = prove(capsys, "-")
    assert (code, said) == (2, "")
    assert "standard input" in error


@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "sarif", "junit"])
def test_no_name_turns_a_terminal_round(capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str) -> None:
    name = "evil\u202egnp.exe\x1b[31m<script>&]]>--help\ud83d\u2066"
    for source in GOLDEN.glob("snapshot.yaml"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "b.json").write_text(json.dumps({"apiVersion": "x/v1", "kind": name, "metadata": {"name": name}}))
    code, text, error = prove(capsys, str(tmp_path), "-o", form)
    assert code == 3
    assert not set("\u202e\x1b\u2066\ud83d") & set(text + error)
    if form == "yaml":
        assert "\u202e" in json.dumps(yaml.safe_load(text), ensure_ascii=False)
