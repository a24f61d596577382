"""The embedded engine asked in place of clusters that are known from files only.

A throw-away API server a cluster is started, given what decides admission there, and asked as a live one would be.
What cannot be given to it makes its answers worthless, so then it is not asked: an admission by a server that lacks a
policy is no admission. Webhooks and vendors' own admission are not there; the rules leave those in doubt.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import RingfenceError, StateError
from ringfence.base.paths import Paths
from ringfence.engine import ClusterSpec, Engine, EnvironmentSpec, Role
from ringfence.kube import Cluster, NotFoundError, open_cluster
from ringfence.observe.decode import decode_file
from ringfence.prove import kinds
from ringfence.prove.kinds import Kind
from ringfence.prove.platform.apiserver import api_server_flags
from ringfence.prove.snapshot import ClusterSnapshot, Snapshot

_LANDSCAPE = "ask"
_DEADLINE = 30.0
_STEP = 0.1
_MOST = 20_000
_DECIDES: Mapping[Kind, str] = {
    kinds.NAMESPACE: "namespaces",
    kinds.RESOURCE_QUOTA: "resourcequotas",
    kinds.LIMIT_RANGE: "limitranges",
    kinds.VALIDATING_ADMISSION_POLICY: "validatingadmissionpolicies",
    kinds.VALIDATING_ADMISSION_POLICY_BINDING: "validatingadmissionpolicybindings",
    kinds.MUTATING_ADMISSION_POLICY: "mutatingadmissionpolicies",
    kinds.MUTATING_ADMISSION_POLICY_BINDING: "mutatingadmissionpolicybindings",
}
"""What an admission rests on: the engine must hold every object of these kinds, or it is not asked."""
_LOADED = (
    kinds.NAMESPACE,
    kinds.PRIORITY_CLASS,
    Kind("node.k8s.io", "RuntimeClass"),
    kinds.SERVICE_ACCOUNT,
    kinds.CLUSTER_ROLE,
    kinds.ROLE,
    kinds.CLUSTER_ROLE_BINDING,
    kinds.ROLE_BINDING,
    kinds.LIMIT_RANGE,
    kinds.RESOURCE_QUOTA,
    kinds.MUTATING_ADMISSION_POLICY,
    kinds.MUTATING_ADMISSION_POLICY_BINDING,
    kinds.VALIDATING_ADMISSION_POLICY,
    kinds.VALIDATING_ADMISSION_POLICY_BINDING,
)
_POLICIES = frozenset(kind for kind in _DECIDES if kind.kind.endswith(("Policy", "PolicyBinding")))
_OWN_PLUGINS = frozenset({"NodeRestriction"})


@dataclass(frozen=True, slots=True)
class StandIns:
    """The engine's clusters by the name of the cluster that each stands for, and why others have none."""

    open_to: Mapping[str, Callable[[], Cluster]]
    gaps: tuple[str, ...]
    version: str = ""


@contextmanager
def stand_ins(snapshot: Snapshot, paths: Paths, clock: Clock, report: Callable[[str], None]) -> Iterator[StandIns]:
    """Clusters that stand for those of ``snapshot``; every process and file is gone afterwards, however it ends.

    Raises what the engine raises when it cannot be started.
    """
    gaps = {name: why for name, cluster in snapshot.clusters.items() if (why := _unfit(cluster)) is not None}
    fit = [name for name in snapshot.clusters if name not in gaps]
    listed = tuple(f"{name}: {why}" for name, why in gaps.items())
    if not fit:
        yield StandIns({}, listed)
        return
    folder = Path(tempfile.mkdtemp(prefix="ringfence-ask-"))
    engine = Engine(Paths(folder / "state", paths.data, paths.cache), clock)
    try:
        names = {name: f"asked-{number}" for number, name in enumerate(fit, 1)}
        report(f"starting {len(fit)} throw-away API server{'s' if len(fit) > 1 else ''} to ask")
        specs = tuple(ClusterSpec(short, Role.WORKLOAD) for short in names.values())
        state = engine.up(_LANDSCAPE, [EnvironmentSpec("asked", specs)])
        open_to: dict[str, Callable[[], Cluster]] = {}
        version = ""
        for name, short in names.items():
            kubeconfig = state.cluster(short).kubeconfig
            with open_cluster(kubeconfig) as cluster:
                version = cluster.version()
                problem = _load(cluster, snapshot.cluster(name))
            if problem is None:
                open_to[name] = partial(open_cluster, kubeconfig)
            else:
                listed = (*listed, f"{name}: {problem}")
        yield StandIns(open_to, listed, version)
    finally:
        engine.down(_LANDSCAPE, purge=True)
        shutil.rmtree(folder, ignore_errors=True)


def _unfit(cluster: ClusterSnapshot) -> str | None:
    """Why the engine cannot answer for a cluster, None when it can."""
    for kind, resource in _DECIDES.items():
        for marker in cluster.unseen(resource):
            return f"the engine cannot be given what was not seen: {marker}"
        for defect in cluster.defective(kind):
            return f"the engine cannot be given {kind.kind} {defect.name}: {defect.problem}"
    flags = api_server_flags(cluster)
    more = sorted((flags.admission_enabled - _OWN_PLUGINS) | flags.admission_disabled)
    if more or flags.get("admission-control-config-file"):
        return f"its API server's own admission differs from the engine's: {', '.join(more) or 'configured by a file'}"
    if sum(len(cluster.of(kind)) for kind in _LOADED) > _MOST:
        return f"more than {_MOST} objects would have to be given to the engine"
    return None


def _load(cluster: Cluster, snapshot: ClusterSnapshot) -> str | None:
    """Give the engine everything; why that failed, None when it did not."""
    try:
        parameters = _parameters(snapshot)
    except StateError as error:
        return str(error)
    objects = list(_objects(snapshot))
    policies = [item for item in objects if Kind.of(item) in _POLICIES]
    rest = [item for item in objects if Kind.of(item) not in _POLICIES]
    deciding = {*_DECIDES, kinds.CONFIG_MAP, kinds.CUSTOM_RESOURCE_DEFINITION, *map(Kind.of, parameters.objects)}
    # Policies come last: one that ignores failures lets everything in for as long as its parameters are not there.
    for document in (*parameters.definitions, *rest):
        problem = _given(cluster, document, deciding)
        if problem is not None:
            return problem
    unserved = _unserved(cluster, parameters.objects)
    if unserved is not None:
        return unserved
    for document in (*parameters.objects, *policies):
        problem = _given(cluster, document, deciding)
        if problem is not None:
            return problem
    return _settled(cluster, snapshot)


def _given(cluster: Cluster, document: Mapping[str, Any], deciding: set[Kind]) -> str | None:
    """Give the engine one object; why that failed, None when it did not, or when the object decides nothing."""
    kind = Kind.of(document)
    try:
        cluster.apply(document, force=True)
    except RingfenceError as error:
        if kind in deciding:
            return f"the engine does not take {kind.kind} {document['metadata']['name']}: {error}"
    return None


def _unserved(cluster: Cluster, objects: tuple[dict[str, Any], ...]) -> str | None:
    """Wait until the engine serves the kinds of some objects; which one it does not, None when it serves all."""
    until = time.monotonic() + _DEADLINE
    for api_version, kind in dict.fromkeys((item["apiVersion"], item["kind"]) for item in objects):
        while True:
            try:
                cluster.resource_of(api_version, kind)
                break
            except NotFoundError:
                if time.monotonic() > until:
                    return f"the engine does not come to serve {kind} of {api_version}"
            time.sleep(_STEP)
            cluster.kinds_changed()
    return None


def _objects(snapshot: ClusterSnapshot) -> Iterator[dict[str, Any]]:
    for kind in _LOADED:
        for document in snapshot.of(kind):
            yield _bare(document)
        if kind == kinds.NAMESPACE:
            # The engine's controllers make this account too, some seconds later; a pod without it is refused.
            for document in snapshot.of(kind):
                metadata = {"name": "default", "namespace": document["metadata"]["name"]}
                yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _bare(document: Mapping[str, Any]) -> dict[str, Any]:
    """The object without what only its own cluster knows of it."""
    metadata = {
        key: value
        for key, value in document["metadata"].items()
        if key in ("name", "namespace", "labels", "annotations") and value
    }
    rest = {key: value for key, value in document.items() if key not in ("metadata", "status")}
    if document.get("kind") == "Namespace":
        rest.pop("spec", None)
    if document.get("kind") == "ServiceAccount":
        rest = {key: rest[key] for key in ("apiVersion", "kind")}
    return {**rest, "metadata": metadata}


@dataclass(frozen=True, slots=True)
class _Parameters:
    """What policies take parameters from, and the definitions of those kinds."""

    definitions: tuple[dict[str, Any], ...] = ()
    objects: tuple[dict[str, Any], ...] = ()


_Wanted = Mapping[tuple[str, str], str]


def _parameters(snapshot: ClusterSnapshot) -> _Parameters:
    """The parameters of policies, read again, since a snapshot keeps no values, and no kinds that it does not know.

    Raises StateError for a kind that the files do not define, and for values that they do not hold.
    """
    wanted: dict[tuple[str, str], str] = {}
    for document in (*snapshot.of(kinds.VALIDATING_ADMISSION_POLICY), *snapshot.of(kinds.MUTATING_ADMISSION_POLICY)):
        kind = (document.get("spec") or {}).get("paramKind")
        if kind:
            wanted.setdefault((str(kind.get("apiVersion")), str(kind.get("kind"))), document["metadata"]["name"])
    if not wanted:
        return _Parameters()
    documents = list(_read_again(snapshot))
    definitions = tuple(item for item in documents if _defines(item, wanted))
    defined = {(item["spec"]["group"], item["spec"]["names"]["kind"]) for item in definitions}
    for (api_version, kind), policy in wanted.items():
        group = api_version.partition("/")[0] if "/" in api_version else ""
        if (api_version, kind) != ("v1", "ConfigMap") and (group, kind) not in defined:
            why = "of which the snapshot holds no CustomResourceDefinition"
            raise StateError(f"parameters of policy {policy} are {kind} objects of {api_version}, {why}")
    chosen = tuple(_bare(item) for item in documents if (item.get("apiVersion"), item.get("kind")) in wanted)
    blank = any(value == "" for item in chosen if item["kind"] == "ConfigMap" for value in _values(item))
    if blank:
        raise StateError("the files lack the values of ConfigMaps that policies take parameters from")
    return _Parameters(tuple(_bare(item) for item in definitions), chosen)


def _values(config_map: Mapping[str, Any]) -> list[object]:
    return list((config_map.get("data") or {}).values())


def _defines(document: Mapping[str, Any], wanted: _Wanted) -> bool:
    """Whether an object is the definition of a kind of parameters."""
    if document.get("kind") != kinds.CUSTOM_RESOURCE_DEFINITION.kind:
        return False
    spec = document.get("spec") or {}
    named = (spec.get("group"), (spec.get("names") or {}).get("kind"))
    return any((api_version.partition("/")[0], kind) == named for api_version, kind in wanted)


def _read_again(snapshot: ClusterSnapshot) -> Iterator[dict[str, Any]]:
    """The documents of the snapshot's files. Raises StateError where one cannot be read again."""
    files = {source.rpartition(":")[0] or source for source in snapshot.sources.values()}
    if not files:
        raise StateError("what policies take parameters from cannot be read again")
    for file in sorted(files):
        path = Path(file if Path(file).is_file() else file.partition(":")[0])
        if not path.is_file():
            raise StateError("what policies take parameters from cannot be read again")
        yield from _flat(decode_file(path, str(path)))


def _flat(documents: Any) -> Iterator[dict[str, Any]]:
    for document in documents:
        if isinstance(document, dict) and isinstance(document.get("items"), list):
            yield from _flat(document["items"])
        elif isinstance(document, dict) and isinstance(document.get("metadata"), dict):
            yield document


def _settled(cluster: Cluster, snapshot: ClusterSnapshot) -> str | None:
    """Wait until quotas count and policies are in force; why they are not, None when they are."""
    from ringfence.kube import Resource

    quotas = Resource("", "v1", "resourcequotas", "ResourceQuota", namespaced=True)
    until = time.monotonic() + _DEADLINE
    while time.monotonic() < until:
        listed = cluster.list_raw(quotas).items
        if all((item.get("status") or {}).get("hard") or not (item["spec"].get("hard")) for item in listed):
            break
        time.sleep(_STEP)
    else:
        return "the engine's quotas did not come into force"
    if not snapshot.of(kinds.VALIDATING_ADMISSION_POLICY_BINDING):
        return None
    return _policies_in_force(cluster, until)


def _policies_in_force(cluster: Cluster, until: float) -> str | None:
    """Policies work a moment after they are stored: one of our own that refuses a pod is stored last and waited for."""
    api = "admissionregistration.k8s.io/v1"
    rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    name = "ringfence-asks-last"
    chosen = {"resourceRules": [{**rule, "resourceNames": [name]}]}
    spec = {"matchConstraints": chosen, "validations": [{"expression": "false"}]}
    bound = {"policyName": name, "validationActions": ["Deny"]}
    for kind, body in (("ValidatingAdmissionPolicy", spec), ("ValidatingAdmissionPolicyBinding", bound)):
        cluster.apply({"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": body}, force=True)
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}
    while time.monotonic() < until:
        try:
            cluster.create(probe, dry_run=True)
        except RingfenceError:
            return None
        time.sleep(_STEP)
    return "the engine's admission policies did not come into force"
