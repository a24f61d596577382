"""What leads to a pod besides its own address: Services of all types, written end points, ports of nodes.

A Service with a selector leads to the pods that match it, in its namespace. One without leads wherever its
EndpointSlices say, also into other namespaces (CVE-2021-25740, open by design). Looked up by pod, once for a world.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from ringfence.prove.network.cni import SERVICE_ADDRESS
from ringfence.prove.network.roads import (
    OPEN_TYPES,
    Body,
    addresses_of,
    endpoints_of,
    listed,
    mapping,
    outer_addresses_of,
    place,
    selected_pods,
    service_ref,
    target_number,
)
from ringfence.prove.network.values import Address, Pod
from ringfence.prove.network.world import World

UNSAID_PORT = 30000
"""Stands for a node port that the API server has not chosen yet: the first of its usual range."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """One way to one port of a pod, ``number``; ``ref`` is the Service or, for a host port, the pod.

    ``at``: the port of nodes that takes packets in, None if none does; ``own``: only the pod's own node does.
    ``addresses`` lead there from inside the cluster, and ``outer`` from outside too; ``nameless``: there is a cluster
    address that the snapshot does not show. ``hides``: nodes stand in for clients from outside. ``balanced``: a load
    balancer leads in.
    """

    ref: str
    protocol: str
    number: int
    at: int | None = None
    own: bool = False
    addresses: tuple[Address, ...] = ()
    outer: tuple[Address, ...] = ()
    nameless: bool = False
    hides: bool = False
    balanced: bool = False


def services_of(world: World, pod: Pod) -> tuple[Entrance, ...]:
    """What leads to a pod by addresses of its own that policies may see; nothing where they see the pod behind."""
    if world.facts.get(SERVICE_ADDRESS.key) == "after":
        return ()
    return tuple(entry for entry in entrances(world).get(pod.ref, ()) if entry.nameless or entry.addresses)


def entrances(world: World) -> Mapping[str, tuple[Entrance, ...]]:
    """By the reference of a pod, what leads to it."""
    found: dict[str, tuple[Entrance, ...]] | None = world.memo.get("entrances")
    if found is None:
        gathered: dict[str, list[Entrance]] = {}
        balanced = _target_groups(world)
        for service in world.objects.get("Service", ()):
            for ref, entrance in _of_service(world, service, balanced):
                gathered.setdefault(ref, []).append(entrance)
        for pod in (*world.pods.values(), *world.templates):
            for port in pod.host_ports:
                entry = Entrance(pod.ref, port.protocol, port.number, port.at, own=True, hides=True)
                gathered.setdefault(pod.ref, []).append(entry)
        found = world.memo["entrances"] = {ref: tuple(dict.fromkeys(listed)) for ref, listed in gathered.items()}
    return found


def _target_groups(world: World) -> frozenset[tuple[str, str]]:
    """The Services that a load balancer outside was told to lead to (TargetGroupBinding of AWS)."""
    return frozenset(
        (place(item)[0], str(mapping(mapping(item.get("spec")).get("serviceRef")).get("name") or ""))
        for item in world.objects.get("TargetGroupBinding", ())
    )


def _of_service(world: World, service: Body, balanced: frozenset[tuple[str, str]]) -> Iterator[tuple[str, Entrance]]:
    spec = mapping(service.get("spec"))
    kind = str(spec.get("type") or "ClusterIP")
    if kind == "ExternalName":
        return
    outer = tuple(_parsed(outer_addresses_of(service)))
    inner = tuple(address for address in _parsed(addresses_of(service)) if address not in outer)
    headless = spec.get("clusterIP") == "None"
    for entry in listed(spec.get("ports")):
        at = entry.get("nodePort")
        opens = kind in OPEN_TYPES and (kind == "NodePort" or spec.get("allocateLoadBalancerNodePorts") is not False)
        made = {
            "ref": service_ref(service),
            "protocol": str(entry.get("protocol") or "TCP"),
            "at": (at if isinstance(at, int) and at else UNSAID_PORT) if opens else None,
            "addresses": inner,
            "outer": outer,
            "nameless": not inner and not headless,
            "hides": spec.get("externalTrafficPolicy") != "Local",
            "balanced": kind == "LoadBalancer" or place(service) in balanced,
        }
        for ref, number in _behind(world, service, entry):
            yield ref, Entrance(number=number, **made)  # type: ignore[arg-type]


def _behind(world: World, service: Body, entry: Body) -> Iterator[tuple[str, int]]:
    for pod in selected_pods(world, service):
        number = target_number(entry, pod)
        if number is not None:
            yield pod.ref, number
    for end in endpoints_of(world, service, entry):
        for pod in world.pods_at(end.address):
            yield pod.ref, end.port


def _parsed(texts: Iterator[str]) -> Iterator[Address]:
    for text in dict.fromkeys(texts):
        try:
            yield ip_address(text)
        except ValueError:
            continue


def exposed(world: World, pod: Pod) -> bool:
    """Can packets from outside arrive at a pod with a node's address as their source?

    By a host port, or by a NodePort, LoadBalancer or external address whose traffic policy is not Local; perhaps, where
    Services could not be listed.
    """
    if world.missing("services", pod.namespace) is not None:
        return True
    return any(
        entry.hides and (entry.at is not None or entry.outer or entry.balanced)
        for entry in entrances(world).get(pod.ref, ())
    )
