"""Decoded Kubernetes objects into a World.

Reads raw JSON, not typed client models, which are many times slower to make. Kinds that play no part in the network
are passed over here; the proof decides what to make of kinds that nobody knows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from ringfence.prove.kinds import Kind
from ringfence.prove.network.cni import Assumed
from ringfence.prove.network.parse import PolicyParser
from ringfence.prove.network.parse_admin import parse_admin_policy
from ringfence.prove.network.pods import PodReader
from ringfence.prove.network.selectors import UnreadableError, parse_labels, parse_list, parse_mapping
from ringfence.prove.network.values import Address, Node, Opaque
from ringfence.prove.network.vendor_routes import ROUTES as VENDOR_ROUTES
from ringfence.prove.network.world import Unlisted, World
from ringfence.prove.platform.apiserver import minor_versions
from ringfence.prove.snapshot import ClusterSnapshot, Defect

NAME_LABEL = "kubernetes.io/metadata.name"
TEMPLATE_KINDS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"}
)
ROAD_KINDS = frozenset(
    {
        "Service",
        "Endpoints",
        "EndpointSlice",
        "Ingress",
        "IngressClass",
        "Gateway",
        "GatewayClass",
        "HTTPRoute",
        "GRPCRoute",
        "TCPRoute",
        "TLSRoute",
        "UDPRoute",
        "ReferenceGrant",
        "Route",
        "TargetGroupBinding",
        *VENDOR_ROUTES,
    }
)
ADMIN_KINDS = frozenset({"AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"})
ADMIN_VERSIONS = {
    "AdminNetworkPolicy": ("policy.networking.k8s.io/v1alpha1",),
    "BaselineAdminNetworkPolicy": ("policy.networking.k8s.io/v1alpha1",),
    "ClusterNetworkPolicy": ("policy.networking.k8s.io/v1alpha2", "policy.networking.k8s.io/v1beta1"),
}
VENDOR_GROUPS = frozenset(
    {"crd.projectcalico.org", "projectcalico.org", "cilium.io", "crd.antrea.io", "k8s.ovn.org", "kubeovn.io"}
)
DENYING_GROUPS = frozenset({"security.istio.io", "policy.linkerd.io", "k8s.ovn.org", "vpcresources.k8s.aws"})
"""Groups whose policies can only stop what would pass otherwise: meshes, egress firewalls, security groups for pods."""
_GROUPS_OF_ROUTES = {"Route": "route.openshift.io", **VENDOR_ROUTES}
MESH_GROUPS = frozenset({"security.istio.io", "policy.linkerd.io"})
"""Meshes take over TCP alone: other protocols pass by them."""
_FILTERS_NOTHING = (
    "AdminPolicyBasedExternalRoute",
    "Staged",
    "CiliumBGP",
    "CiliumL2Announcement",
    "CiliumEgressGateway",
)
"""How kinds begin that are called policies and let everything pass: rehearsals, announcements, source addresses."""
_DELETES_IN_ORDER = 33
"""The minor version from which a namespace's pods go before its policies (OrderedNamespaceDeletion, CVE-2024-7598)."""
_POLICY_WORDS = ("policy", "firewall", "securitygroup")


def build_world(objects: Iterable[Mapping[str, Any]], assumed: Assumed | None = None) -> World:
    """The World of one cluster's objects. Never raises for what an object holds: what cannot be read is remembered."""
    world = World(facts=assumed.facts if assumed else {}, plugin=assumed.plugin if assumed else None)
    readers = _Readers()
    for item in objects:
        _take(world, readers, item)
    _index_addresses(world)
    return world


def world_of(cluster: ClusterSnapshot, assumed: Assumed | None = None, version: object = None) -> World:
    """The World of one cluster of a Snapshot: its objects, what could not be listed, and what counts as unknown.

    ``version``: the Kubernetes version that somebody says it has.
    """
    world = build_world((item for kind in cluster.objects if _plays_a_part(kind) for item in cluster.of(kind)), assumed)
    world.deleted_in_order = min(minor_versions(cluster, version), default=0) >= _DELETES_IN_ORDER
    for marker in cluster.not_listed:
        spec = {"resource": marker.resource, "namespace": marker.namespace, "reason": marker.reason}
        _take_unlisted(world, {"spec": spec})
    for defect in cluster.defects:
        _take_defect(world, defect)
    return world


def weighs(kind: Kind) -> bool:
    """Whether policies of this kind, which nobody here can read, count in the network where they could decide."""
    return _is_vendor(f"{kind.group}/", kind.kind)


def _plays_a_part(kind: Kind) -> bool:
    """Whether objects of a kind can matter here: what ``_take`` looks at in any version."""
    group, name = kind
    read = any(name == kind for _, kind in _READERS)
    by_name = read or name in ROAD_KINDS or name in TEMPLATE_KINDS or name in ADMIN_KINDS
    return by_name or name == "NotListed" or _is_vendor(f"{group}/", name)


def _take_defect(world: World, defect: Defect) -> None:
    group, kind = defect.kind
    ref = "/".join(part for part in (kind.lower(), defect.namespace, defect.name) if part)
    if (group, kind) == ("networking.k8s.io", "NetworkPolicy"):
        world.opaque.append(Opaque("v1", defect.namespace or None, ref, defect.problem))
    elif kind in ADMIN_KINDS or kind == "NetworkPolicy" or _is_vendor(f"{group}/", kind):
        denies_only = group in DENYING_GROUPS
        world.opaque.append(
            Opaque("vendor", defect.namespace or None, ref, defect.problem, denies_only, group in MESH_GROUPS)
        )
    else:
        world.unreadable[ref] = defect.problem


@dataclass(frozen=True, slots=True)
class _Readers:
    """What remembers the parts of objects that it has read, and the addresses of nodes that pods have told."""

    policies: PolicyParser = field(default_factory=PolicyParser)
    pods: PodReader = field(default_factory=PodReader)
    hosts: set[object] = field(default_factory=set)


def _take(world: World, readers: _Readers, item: Mapping[str, Any]) -> None:
    kind = item.get("kind")
    if not isinstance(kind, str):
        return
    version = str(item.get("apiVersion") or "")
    reader = _READERS.get((version, kind)) or (_take_template if kind in TEMPLATE_KINDS else None)
    if reader is not None:
        try:
            reader(world, readers, item)
        except UnreadableError as error:
            world.unreadable[reference(item)] = str(error)
    elif kind in ROAD_KINDS:
        if version.partition("/")[0] == _GROUPS_OF_ROUTES.get(kind, version.partition("/")[0]):
            world.objects[kind].append(item)
    elif kind in ADMIN_KINDS and version.startswith("policy.networking.k8s.io/"):
        _take_admin(world, kind, version, item)
    elif kind == "NetworkPolicy" or _is_vendor(version, kind):
        _take_vendor(world, kind, version, item)
    elif kind == "NotListed":
        _take_unlisted(world, item)


_Read = Callable[[World, _Readers, Mapping[str, Any]], None]


def reference(item: Mapping[str, Any]) -> str:
    """``kind/namespace/name`` of any object, even a broken one."""
    meta = item.get("metadata")
    meta = meta if isinstance(meta, Mapping) else {}
    parts = [str(item.get("kind") or "object").lower(), meta.get("namespace"), meta.get("name")]
    return "/".join(str(part) for part in parts if part)


def _meta(item: Mapping[str, Any]) -> tuple[str, str]:
    return _names(parse_mapping(item.get("metadata"), "metadata"))


def _names(meta: Mapping[str, Any]) -> tuple[str, str]:
    name, namespace = meta.get("name"), meta.get("namespace", "")
    if not isinstance(name, str) or not name or not isinstance(namespace, str):
        raise UnreadableError("metadata needs a name")
    return namespace, name


def _labels(item: Mapping[str, Any]) -> Mapping[str, str]:
    return parse_labels(parse_mapping(item.get("metadata"), "metadata").get("labels"))


def _take_policy(world: World, readers: _Readers, item: Mapping[str, Any]) -> None:
    namespace: str | None = None
    try:
        found, name = _meta(item)
        namespace = found or "default"
        world.policies[namespace].append(readers.policies.parse(namespace, name, item.get("spec")))
    except UnreadableError as error:
        world.opaque.append(Opaque("v1", namespace, reference(item), str(error)))


def _take_admin(world: World, kind: str, version: str, item: Mapping[str, Any]) -> None:
    try:
        if version not in ADMIN_VERSIONS[kind]:
            raise UnreadableError(f"{version} is not a version of {kind} that is known here")
        world.admin.append(parse_admin_policy(kind, _meta(item)[1], item.get("spec")))
    except UnreadableError as error:
        world.opaque.append(Opaque("vendor", None, reference(item), str(error)))


def _is_vendor(version: str, kind: str) -> bool:
    group = version.partition("/")[0] if "/" in version else ""
    lowered = kind.lower()
    if kind.startswith(_FILTERS_NOTHING):
        return False
    if group in VENDOR_GROUPS or group in DENYING_GROUPS or group == "policy.networking.k8s.io":
        return any(word in lowered for word in _POLICY_WORDS) or kind == "PeerAuthentication"
    return "networkpolicy" in lowered


def _take_vendor(world: World, kind: str, version: str, item: Mapping[str, Any]) -> None:
    meta = item.get("metadata")
    namespace = meta.get("namespace") if isinstance(meta, Mapping) else None
    group = version.partition("/")[0]
    why = f"{kind} of {version or 'no version'} is not evaluated"
    denies_only = group in DENYING_GROUPS
    world.opaque.append(Opaque("vendor", namespace or None, reference(item), why, denies_only, group in MESH_GROUPS))


def _take_unlisted(world: World, item: Mapping[str, Any]) -> None:
    spec = item.get("spec")
    spec = spec if isinstance(spec, Mapping) else {}
    resource = str(spec.get("resource") or "").partition(".")[0].lower()
    namespace = spec.get("namespace")
    entry = Unlisted(resource, namespace if isinstance(namespace, str) and namespace else None, str(spec.get("reason")))
    world.unlisted.append(entry)
    where = f"in {entry.namespace}" if entry.namespace else "everywhere"
    if resource in {"networkpolicies", "*"}:
        world.opaque.append(
            Opaque("v1", entry.namespace, "networkpolicies", f"listing networkpolicies {where} failed: {entry.reason}")
        )
    elif resource.endswith("networkpolicies"):
        world.opaque.append(Opaque("vendor", None, resource, f"listing {resource} failed: {entry.reason}"))


def _take_namespace(world: World, _: _Readers, item: Mapping[str, Any]) -> None:
    name = _meta(item)[1]
    world.namespaces[name] = {**_labels(item), NAME_LABEL: name}
    status = item.get("status")
    phase = status.get("phase") if isinstance(status, Mapping) else None
    if phase == "Terminating" or parse_mapping(item.get("metadata"), "metadata").get("deletionTimestamp"):
        world.leaving |= {name}


def _take_node(world: World, _: _Readers, item: Mapping[str, Any]) -> None:
    name = _meta(item)[1]
    status = parse_mapping(item.get("status"), "status")
    spec = parse_mapping(item.get("spec"), "spec")
    addresses = []
    for entry in parse_list(status.get("addresses"), "addresses"):
        address = _address(parse_mapping(entry, "an address").get("address"))
        if address is not None:
            addresses.append(address)
    ranges = []
    for text in parse_list(spec.get("podCIDRs"), "podCIDRs") or [spec.get("podCIDR")]:
        try:
            ranges.append(ip_network(str(text), strict=False))
        except ValueError:
            continue
    world.nodes[name] = Node(name, _labels(item), tuple(addresses), tuple(ranges))


def _take_pod(world: World, readers: _Readers, item: Mapping[str, Any]) -> None:
    meta = parse_mapping(item.get("metadata"), "metadata")
    namespace, name = _names(meta)
    namespace = namespace or "default"
    spec = parse_mapping(item.get("spec"), "spec")
    status = parse_mapping(item.get("status"), "status")
    labels = parse_labels(meta.get("labels"))
    pod = readers.pods.read(namespace, name, labels, spec, status, f"pod/{namespace}/{name}")
    world.pods[namespace, name] = pod
    told = status.get("hostIP")
    if pod.node and told and told not in readers.hosts:
        host = _address(told)
        if host is not None:
            readers.hosts.add(told)
            world.nodes_at.setdefault(host, pod.node)


def _take_template(world: World, readers: _Readers, item: Mapping[str, Any]) -> None:
    namespace, name = _meta(item)
    namespace = namespace or "default"
    spec = parse_mapping(item.get("spec"), "spec")
    if item.get("kind") == "CronJob":
        spec = parse_mapping(parse_mapping(spec.get("jobTemplate"), "jobTemplate").get("spec"), "spec")
    template = parse_mapping(spec.get("template"), "template")
    labels = parse_labels(parse_mapping(template.get("metadata"), "metadata").get("labels"))
    inner = parse_mapping(template.get("spec"), "spec")
    world.templates.append(readers.pods.read(namespace, name, labels, inner, {}, reference(item)))


def _address(raw: object) -> Address | None:
    try:
        return ip_address(raw) if isinstance(raw, str) else None
    except ValueError:
        return None


def _index_addresses(world: World) -> None:
    for node in world.nodes.values():
        for address in node.addresses:
            world.nodes_at[address] = node.name
    for pod in world.pods.values():
        if pod.host_network and pod.node and not pod.finished:
            for address in pod.addresses:
                world.nodes_at.setdefault(address, pod.node)


_READERS: dict[tuple[str, str], _Read] = {
    ("v1", "Namespace"): _take_namespace,
    ("v1", "Node"): _take_node,
    ("v1", "Pod"): _take_pod,
    ("networking.k8s.io/v1", "NetworkPolicy"): _take_policy,
}
