"""Large JSON Lists: what is shared, what is dropped, and what is no List after all."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ringfence.base.errors import InputError
from ringfence.observe import files
from ringfence.observe.collect import Collector
from ringfence.observe.decode import decode_file
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import key_from
from ringfence.prove import kinds
from ringfence.prove.kinds import ObjectName
from ringfence.prove.snapshot import ClusterSnapshot

KEY = key_from(b"a key for tests that is long enough")
Json = dict[str, Any]


def pod(name: str, **spec: Any) -> Json:
    metadata = {
        "name": name, "namespace": "n", "uid": "u", "resourceVersion": "1", "creationTimestamp": "2026-11-23T05:00:00Z",
        "managedFields": [{"manager": "kubelet"}], "labels": {"app": "web"},
    }  # fmt: skip
    status = {"phase": "Running", "podIP": "10.0.0.1", "conditions": [{"type": "Ready"}], "containerStatuses": [{}]}
    container = {"name": "c", "env": [{"name": "A", "value": "plain"}]}
    whole = {"containers": [container], "nodeName": "n1", **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": whole, "status": status}


def role(name: str, verb: str = "get") -> Json:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": [verb]}]
    metadata = {"name": name, "namespace": "n"}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules}


def listed(*items: Json) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def read(path: Path, text: str, name: str = "list.json") -> ClusterSnapshot:
    (path / name).write_text(text, encoding="utf-8")
    return read_snapshot("c", path / name, KEY)


@pytest.fixture(autouse=True)
def _any_list_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BULKY", 0)


def test_equal_parts_are_one(tmp_path: Path) -> None:
    found = read(tmp_path, listed(pod("a"), pod("b"), pod("c", nodeName="n2"), role("a"), role("b"), role("c", "list")))
    first, second, third = found.of(kinds.POD)
    assert first["spec"] is second["spec"] is not third["spec"]
    assert first["spec"]["containers"] is third["spec"]["containers"]
    one, other, another = found.of(kinds.ROLE)
    assert one["rules"] is other["rules"] is not another["rules"]


def test_one_cluster_is_one_snapshot_in_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "u"}, "status": {"images": []}}
    items = [pod("a"), role("a"), node]
    bulk = read(tmp_path, listed(*items))
    monkeypatch.setattr(files, "BULKY", 1 << 40)
    assert read(tmp_path, listed(*items)) == bulk
    assert read(tmp_path, yaml.safe_dump_all(items), "list.yaml").objects == bulk.objects
    (kept,) = bulk.of(kinds.POD)
    assert kept["metadata"] == {"name": "a", "namespace": "n", "labels": {"app": "web"}}
    assert kept["status"] == {"phase": "Running", "podIP": "10.0.0.1"}


def test_the_files_of_objects_are_known(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(listed(pod("a"), pod("b")), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(pod("c")), encoding="utf-8")
    (tmp_path / "c.json").write_text(listed(pod("d"), pod("a")), encoding="utf-8")
    found = read_snapshot("c", tmp_path, KEY).sources
    names = {"a": "a.json", "b": "a.json", "c": "b.yaml", "d": "c.json"}
    assert found == {ObjectName("c", "Pod", "n", name): str(tmp_path / file) for name, file in names.items()}


def test_a_number_too_large_for_one_decoder_is_left_to_the_other(tmp_path: Path) -> None:
    found = read(tmp_path, listed(role("a"), pod("a", more="NUMBER")).replace('"NUMBER"', "1e999"))
    assert found.of(kinds.POD)[0]["spec"]["more"] == float("inf")
    assert len(found.of(kinds.ROLE)) == 1


@pytest.mark.parametrize("spoiled", [b"\xff", b"\x00", b'"'])
@pytest.mark.parametrize("place", [b"kubelet", b"Ready", b"web", b"plain"])
def test_broken_text_is_an_error_wherever_it_is(tmp_path: Path, place: bytes, spoiled: bytes) -> None:
    (tmp_path / "list.json").write_bytes(listed(role("a"), pod("a")).encode().replace(place, spoiled))
    with pytest.raises(InputError):
        read_snapshot("c", tmp_path, KEY)


CASES = sorted((Path(__file__).parents[2] / "golden" / "proof").glob("*/snapshot.yaml"))


def test_the_clusters_worked_out_by_hand_are_the_same_as_lists(tmp_path: Path) -> None:
    assert CASES
    for case in CASES:
        documents = decode_file(case, str(case))
        items = [item for one in documents for item in (one["items"] if one.get("kind") == "List" else [one])]
        bulk = read(tmp_path, listed(*items))
        collector = Collector("c", KEY)
        collector.add(items)
        whole = collector.finish()
        assert bulk.objects == whole.objects, case
        assert (bulk.defects, bulk.materials, bulk.not_listed) == (whole.defects, whole.materials, whole.not_listed)
