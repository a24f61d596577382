"""The line of an object: of this one, not of another that is called alike."""

import json
from pathlib import Path

import pytest

from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import new_key
from ringfence.observe.lines import locate
from ringfence.prove.snapshot import snapshot_of

ITEMS = [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {}},
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "shop", "name": "web"}},
    {"metadata": {"name": "web", "namespace": "test"}, "kind": "ServiceAccount", "apiVersion": "v1"},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "labels": {"name": "other"}}},
]
YAML = """\
# A list, as kubectl writes one
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata:
    name: web
    namespace: shop
  spec: {}
- kind: ServiceAccount
  apiVersion: v1
  metadata: {namespace: shop,
    name: web}
---
? [an, odd, key]
: value
? kind
: ConfigMap
apiVersion: v1
metadata: {name: "web"}
data: &shared
  name: trap
  namespace: trap
more: *shared
"""


def line(folder: Path, text: str, name: str) -> int | None:
    file = folder / "objects.yaml"
    file.write_text(text, encoding="utf-8")
    found = locate(snapshot_of([read_snapshot("c", folder, new_key())]), name)
    assert found is not None
    return found.line


@pytest.mark.parametrize("number", range(len(ITEMS)))
def test_in_a_list_of_json(tmp_path: Path, number: int) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": ITEMS}, indent=1)
    item = ITEMS[number]
    place = "".join(f"{part}/" for part in [item["metadata"].get("namespace")] if part)  # type: ignore[attr-defined] # JSON
    written = text.splitlines()[(line(tmp_path, text, f"c:{str(item['kind']).lower()}/{place}web") or 0) - 1]
    assert '"name": "web"' in written
    names = [number for number, row in enumerate(text.splitlines(), 1) if '"name": "web"' in row]
    assert line(tmp_path, text, f"c:{str(item['kind']).lower()}/{place}web") == names[number]


def test_in_a_list_of_yaml(tmp_path: Path) -> None:
    text = YAML.partition("---\n")[0]
    assert line(tmp_path, text, "c:service/shop/web") == 8
    assert line(tmp_path, text, "c:serviceaccount/shop/web") == 14


def test_among_keys_and_values_of_any_form(tmp_path: Path) -> None:
    text = YAML.partition("---\n")[2].replace("? [an, odd, key]\n: value\n", "")
    assert line(tmp_path, text, "c:configmap/default/web") == 4


def test_text_that_cannot_be_read_again_has_no_lines(tmp_path: Path) -> None:
    file = tmp_path / "objects.yaml"
    file.write_text(json.dumps(ITEMS[0]), encoding="utf-8")
    snapshot = snapshot_of([read_snapshot("c", tmp_path, new_key())])
    file.unlink()
    found = locate(snapshot, "c:service/shop/web")
    assert found is not None
    assert found.line is None
    assert locate(snapshot, "c:service/shop/other") is None
    assert locate(snapshot, "other:service/shop/web") is None
