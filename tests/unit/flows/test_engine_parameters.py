"""What the embedded engine is given of policies' parameters, read again from the files of a snapshot."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ringfence.base.errors import StateError
from ringfence.flows.engine_asking import _parameters
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import new_key
from ringfence.prove.snapshot import ClusterSnapshot

POLICY = "admissionregistration.k8s.io/v1"


def _thing(api: str, kind: str, name: str, **body: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **body}


def _policy(api: str, kind: str) -> dict[str, Any]:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    spec = {
        "paramKind": {"apiVersion": api, "kind": kind},
        "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": "true"}],
    }
    return _thing(POLICY, "ValidatingAdmissionPolicy", "p", spec=spec)


DEFINITION = _thing(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "guards.example.org",
    spec={"group": "example.org", "scope": "Cluster", "names": {"kind": "Guard", "plural": "guards"}},
)
GUARD = _thing("example.org/v1", "Guard", "all", spec={"open": True})


def _snapshot(folder: Path, *documents: dict[str, Any]) -> ClusterSnapshot:
    file = folder / "objects.yaml"
    file.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return read_snapshot("one", file, new_key())


def test_parameters_of_a_kind_that_the_files_define(tmp_path: Path) -> None:
    found = _parameters(_snapshot(tmp_path, _policy("example.org/v1", "Guard"), DEFINITION, GUARD))
    assert [item["metadata"]["name"] for item in found.definitions] == ["guards.example.org"]
    assert [item["spec"] for item in found.objects] == [{"open": True}]


def test_parameters_of_a_kind_that_they_do_not_define(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="policy p are Guard objects"):
        _parameters(_snapshot(tmp_path, _policy("example.org/v1", "Guard"), GUARD))


def test_config_maps_with_their_values_and_without(tmp_path: Path) -> None:
    settings = {**_thing("v1", "ConfigMap", "guard", data={"open": "true"})}
    settings["metadata"]["namespace"] = "default"
    found = _parameters(_snapshot(tmp_path, _policy("v1", "ConfigMap"), settings))
    assert [item["data"] for item in found.objects] == [{"open": "true"}]
    with pytest.raises(StateError, match="lack the values"):
        _parameters(_snapshot(tmp_path, _policy("v1", "ConfigMap"), {**settings, "data": {"open": ""}}))


def test_no_parameters_need_no_files(tmp_path: Path) -> None:
    assert not _parameters(_snapshot(tmp_path, GUARD)).objects
