"""Lists that are read field by field against the same files decoded whole: the same snapshot, or the same refusal."""

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.base.errors import InputError
from ringfence.observe import files
from ringfence.observe.hashing import key_from
from ringfence.prove.memory import same
from ringfence.prove.snapshot import ClusterSnapshot

KEY = key_from(b"a key for tests that is long enough")
Json = dict[str, Any]
RBAC = "rbac.authorization.k8s.io/v1"
SECRET_WORD = "Zr8-kPq3vTx71LmWn05q"


def thing(kind: str, api: str = "v1", namespace: str | None = "n", **body: Any) -> Json:
    metadata: Json = {"name": "a", "uid": "u", "managedFields": [{"f:a": {'k:{"b"}': {}}}], "generation": 1}
    metadata |= {"namespace": namespace} if namespace else {}
    metadata |= {"labels": {"app": "web"}, "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}
    metadata |= {"creationTimestamp": None, "ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x"}]}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


SUBJECTS = [{"kind": "Group", "name": "g"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}]
CONTAINER = {
    "name": "c", "image": "i", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": 1}},
    "env": [{"name": "PASSWORD", "value": SECRET_WORD}], "args": [f"--token={SECRET_WORD}"],
}  # fmt: skip
SPEC = {"containers": [CONTAINER], "nodeName": "n1", "priority": 0, "hostNetwork": False, "restartPolicy": "Always"}
STATUS = {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "conditions": [{"a": 1e3}]}
RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
OBJECTS: list[Json] = [
    thing("Pod", spec=SPEC, status=STATUS),
    thing("Pod", namespace="kube-system", spec=SPEC, status=STATUS),
    thing("Namespace", namespace=None, spec={"finalizers": ["kubernetes"]}, status={"phase": "Active"}),
    thing("Node", namespace=None, status={"addresses": [{"type": "InternalIP", "address": "10.0.0.9"}], "images": []}),
    thing("Service", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}, status={"loadBalancer": {}}),
    thing("ServiceAccount", secrets=[{"name": "s"}], automountServiceAccountToken=False),
    thing("NetworkPolicy", "networking.k8s.io/v1", spec={"podSelector": {}, "ingress": [{}]}),
    thing("Role", RBAC, rules=RULES),
    thing("ClusterRole", RBAC, None, rules=RULES, aggregationRule=None),
    thing("RoleBinding", RBAC, subjects=SUBJECTS, roleRef={"kind": "Role", "name": "a"}),
    thing("ClusterRoleBinding", RBAC, None, subjects=SUBJECTS, roleRef={"kind": "ClusterRole", "name": "a"}),
    thing("EndpointSlice", "discovery.k8s.io/v1", addressType="IPv4", endpoints=[{"addresses": ["10.0.0.1"]}]),
    thing("ResourceQuota", spec={"hard": {"cpu": "1"}}, status={"hard": {"cpu": "1"}}),
    thing("Secret", data={"p": "WnI4LWtQcTN2VHg3MUxtV24wNXE="}),
    thing("ConfigMap", data={"p": SECRET_WORD}),
    thing("Deployment", "apps/v1", spec={"template": {"spec": SPEC}}),
    thing("Widget", "example.com/v1"),
    {"apiVersion": "ringfence.dev/v1", "kind": "NotListed", "spec": {"resource": "pods", "reason": "Forbidden"}},
    {"apiVersion": "v1", "kind": "List", "items": [thing("Service")]},
]  # fmt: skip
ODD = st.sampled_from(
    [None, True, 0, 1.5, 10**30, "", "x", "A_b", "default", "kube-system", "\u00e9", "\u202e", [], {}, [None], {"a": 1}]
)


@st.composite
def spoiled(draw: st.DrawFn, raw: Any) -> Any:
    """The same value with something else in one place, a field more or a field less."""
    if not isinstance(raw, dict | list) or not raw or draw(st.integers(0, 9)) == 0:
        return draw(ODD)
    if isinstance(raw, list):
        place = draw(st.integers(0, len(raw) - 1))
        return [draw(spoiled(item)) if number == place else item for number, item in enumerate(raw)]
    key = draw(st.sampled_from(sorted(raw)))
    what = draw(st.integers(0, 9))
    if what == 0:
        return {key: draw(spoiled(raw[key]))}
    if what == 1:
        return {name: value for name, value in raw.items() if name != key}
    if what == 2:
        return {**raw, draw(st.sampled_from(("spec", "status", "rules", "data", "extra", "namespace"))): draw(ODD)}
    return {**raw, key: draw(spoiled(raw[key]))}


@st.composite
def named_only(draw: st.DrawFn) -> Json:
    """An object with few fields in its metadata."""
    item = draw(st.sampled_from([item for item in OBJECTS if "metadata" in item]))
    fields = draw(st.sets(st.sampled_from(("namespace", "labels", "finalizers", "annotations", "deletionTimestamp"))))
    odd = {name: draw(st.sampled_from(({}, {"a": "x"}, {"-": "x"}, {"a": "-"}, ["x"], "x", "n"))) for name in fields}
    return {**item, "metadata": {"name": draw(st.sampled_from(("a", "A", "a.b", "a%", ""))), **odd}}


@st.composite
def listed(draw: st.DrawFn) -> Json:
    items = draw(st.lists(st.one_of(st.sampled_from(OBJECTS), named_only()), min_size=1, max_size=5))
    items = [draw(spoiled(item)) if draw(st.booleans()) else copy.deepcopy(item) for item in items]
    kind = draw(st.sampled_from(("List", "List", "List", "PodList", "ServiceList", "Pod", "")))
    metadata = draw(st.sampled_from(({}, {"continue": "x"}, None)))
    return {
        "apiVersion": draw(st.sampled_from(("v1", "v1", "a/b/c"))),
        "kind": kind,
        "metadata": metadata,
        "items": items,
    }


def read(path: Path, bulky: int) -> ClusterSnapshot | str:
    """The snapshot that the file is, or what is said of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BULKY", bulky)
        try:
            return files.read_snapshot("c", path, KEY)
        except InputError as error:
            return str(error)


def agree(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.json"
        path.write_bytes(content)
        one, other = read(path, 0), read(path, 1 << 40)
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert {kind: unordered(items) for kind, items in one.objects.items()} == {
        kind: unordered(items) for kind, items in other.objects.items()
    }
    for name in ("not_listed", "defects", "materials", "version", "issuer", "signing_keys"):
        assert same(getattr(one, name), getattr(other, name)), name
    assert dict(one.sources) == dict(other.sources)


def unordered(value: Any) -> Any:
    """A value that is equal only to the same value of the same types, whatever the order of fields."""
    if isinstance(value, dict):
        return (dict, {key: unordered(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return (type(value), [unordered(item) for item in value])
    return (type(value), value)


@settings(max_examples=250, deadline=None)
@given(listed(), st.sampled_from((None, 2)), st.booleans())
def test_spoiled_objects_read_the_same_both_ways(document: Json, indent: int | None, ascii_only: bool) -> None:
    agree(json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


PIECES = [b'"', b"\\", b"\\u12", b"\\ud800", b"1e999", b"-", b"01", b"NaN", b"null", b"\xff", b",", b"{}"]
BYTES = st.one_of(st.binary(max_size=4), st.sampled_from([*PIECES, b'"kind":"Role",', b'"name":"b",', b"1" * 30]))


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(OBJECTS), min_size=1, max_size=3), st.data())
def test_broken_text_reads_the_same_both_ways(items: list[Json], data: st.DataObject) -> None:
    content = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()
    for _ in range(data.draw(st.integers(1, 2))):
        start = data.draw(st.integers(0, len(content)))
        end = start + data.draw(st.integers(0, 8))
        content = content[:start] + data.draw(BYTES) + content[end:]
    agree(content)
