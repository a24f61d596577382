"""Snapshots from files: every way of writing objects reads the same, and what cannot be read is never nothing."""

import base64
import json
from pathlib import Path

import pytest

from ringfence.base.errors import InputError
from ringfence.cli.main import run
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import key_from, new_key
from ringfence.observe.write import snapshot_bytes
from ringfence.prove import kinds
from ringfence.prove.snapshot import ClusterSnapshot, MaterialKind

KEY = key_from(b"a key for tests that is long enough")
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n"}, "spec": {"containers": []}}
VALUE = "Zr8-kPq3vTx71LmWn05q"


def read(folder: Path, **files: str) -> ClusterSnapshot:
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
    return read_snapshot("c", folder, KEY)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(POD),
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [POD]}),
        json.dumps({"apiVersion": "v1", "kind": "PodList", "items": [{k: POD[k] for k in ("metadata", "spec")}]}),
        json.dumps([POD]),
        "---\n" + json.dumps(POD) + "\n---\n---\n",
        json.dumps(POD) + "\n" + json.dumps(POD),
    ],
)
def test_lists_and_documents_read_the_same(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, pods_yaml=text)
    assert [pod["metadata"]["name"] for pod in found.of(kinds.POD)] == ["a"]
    assert not found.defects


def test_markers_and_refusals_are_gaps(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        a_yaml="apiVersion: ringfence.dev/v1\nkind: NotListed\n"
        "spec: {resource: secrets, namespace: n, reason: Forbidden}\n",
        b_json='{"kind": "Status", "apiVersion": "v1", "reason": "Forbidden", "details": {"kind": "roles"}}',
        c_json='{"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": "x"}, "items": []}',
    )
    assert [str(marker) for marker in found.not_listed] == [
        "list secrets in n: Forbidden",
        "list roles: Forbidden",
        "list pods: the list was cut off",
    ]


@pytest.mark.parametrize("text", ["a: [", "\x00\x01", "{'a': ", "a: 1\na: 2\n", "&a [*a]", "\tx: 1"])
def test_neither_yaml_nor_json_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_snapshot("c", tmp_path, KEY)


def test_a_billion_laughs_is_an_error(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError):
        read_snapshot("c", tmp_path, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "just words",
        "apiVersion: v1\nkind: Pod\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\nspec: words\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: A_B, namespace: n}\nspec: {containers: []}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\nspec: {containers: [{name: 1}]}\n",
        "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n",
        "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a, namespace: n}\nspec: {template: {}}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: n}\ndata: {x: '***'}\n",
    ],
)
def test_what_the_api_would_refuse_is_a_defect(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, odd_yaml=text)
    assert len(found.defects) == 1
    assert not found.objects


def test_two_objects_of_one_name_that_differ_are_a_defect(tmp_path: Path) -> None:
    other = {**POD, "spec": {"containers": [], "nodeName": "x"}}
    found = read(tmp_path, a_json=json.dumps(POD), b_json=json.dumps(other))
    assert len(found.defects) == 1


def _everywhere() -> dict[str, str]:
    encoded = base64.b64encode(VALUE.encode()).decode()
    auth = base64.b64encode(f"robot:{VALUE}".encode()).decode()
    docker = base64.b64encode(json.dumps({"auths": {"registry.example": {"auth": auth}}}).encode()).decode()
    return {
        "Secret": json.dumps({"data": {"password": encoded}}),
        "twice encoded": json.dumps({"data": {"p": base64.b64encode(encoded.encode()).decode()}}),
        "docker login": json.dumps({"data": {".dockerconfigjson": docker}, "type": "kubernetes.io/dockerconfigjson"}),
        "URL": json.dumps({"stringData": {"url": f"postgresql://app:{VALUE}@db:5432/x"}}),
        "properties": json.dumps({"stringData": {"app.properties": f"user=app\npassword={VALUE}\n"}}),
        "JSON": json.dumps({"stringData": {"c.json": json.dumps({"db": {"password": VALUE}})}}),
    }


@pytest.mark.parametrize("place", sorted(_everywhere()))
def test_one_value_is_one_digest_wherever_it_stands(tmp_path: Path, place: str) -> None:
    body = json.loads(_everywhere()[place])
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, **body}
    found = read(tmp_path, s_json=json.dumps(document))
    assert KEY.digest(VALUE.encode()) in {material.digest for material in found.materials}


def test_literals_of_pods_and_config_maps_too(tmp_path: Path) -> None:
    container = {"name": "c", "env": [{"name": "PASSWORD", "value": VALUE}], "args": [f"--token={VALUE}"]}
    pod = {**POD, "spec": {"containers": [container]}}
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "n"},
        "data": {"k": VALUE},
    }
    found = read(tmp_path, a_json=json.dumps(pod), b_json=json.dumps(config))
    owners = {material.owner.kind for material in found.materials if material.digest == KEY.digest(VALUE.encode())}
    assert owners == {"Pod", "ConfigMap"}


def test_no_value_stays_in_the_snapshot_or_its_file(tmp_path: Path) -> None:
    documents = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"s{number}", "namespace": "n"}, **json.loads(text)}
        for number, text in enumerate(_everywhere().values())
    ]
    documents[0]["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": VALUE}
    container = {"name": "c", "env": [{"name": "PASSWORD", "value": VALUE}], "args": [f"--token={VALUE}"]}
    documents.append({**POD, "spec": {"containers": [container]}})
    found = read(tmp_path, a_json=json.dumps(documents))
    written = snapshot_bytes(found).decode()
    hidden = (VALUE, base64.b64encode(VALUE.encode()).decode(), base64.b64encode(f"robot:{VALUE}".encode()).decode())
    assert not [text for text in hidden if text in written or text in repr(found)]


def test_a_written_snapshot_reads_back_the_same(tmp_path: Path) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "n"},
        "stringData": {"p": VALUE},
    }
    first = read(
        tmp_path, a_json=json.dumps([POD, secret, {"apiVersion": "x/v1", "kind": "Odd", "metadata": {"name": "o"}}])
    )
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "s.json").write_bytes(snapshot_bytes(first))
    second = read_snapshot("c", tmp_path / "again", new_key())
    assert second.materials == first.materials
    assert second.defects == first.defects
    assert {kind: len(items) for kind, items in second.objects.items()} == {
        kind: len(items) for kind, items in first.objects.items()
    }


def test_trifles_are_no_credentials(tmp_path: Path) -> None:
    values = {"a": "true", "b": "5432", "c": "postgres", "host": "db.shop.svc.cluster.local", "path": "/var/run/app"}
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "stringData": values}
    found = read(tmp_path, s_json=json.dumps(document))
    telling = [item for item in found.materials if item.compares and item.about.get("shape") != "plain"]
    assert not telling


def test_certificates_are_public_and_keys_are_not(tmp_path: Path) -> None:
    body = "\n".join(["MIIBszCCAVmgAwIBAgIUQ2Vyd"] * 4)
    certificate = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "n"},
        "stringData": {"tls.crt": certificate, "tls.key": key},
    }
    found = read(tmp_path, s_json=json.dumps(document))
    assert {material.kind for material in found.materials} == {MaterialKind.PRIVATE_KEY}


def test_the_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    assert run(["snapshot", "--from", str(tmp_path)]) == 2
    assert "bad.yaml:" in capsys.readouterr().err
