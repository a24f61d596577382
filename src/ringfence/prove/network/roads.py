"""Services: which addresses lead to which pods, and at which port.

Source: core/v1 Service and discovery.k8s.io/v1 EndpointSlice types. A Service with a selector leads to the pods that
match it, in its namespace. One without leads wherever its EndpointSlices say, also into other namespaces
(CVE-2021-25740, open by design), so written end points are followed in both cases.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from ringfence.prove.network.values import Address, Pod
from ringfence.prove.network.world import World

SERVICE_NAME = "kubernetes.io/service-name"
OPEN_TYPES = frozenset({"NodePort", "LoadBalancer"})
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a Service sends packets: an address as written and the port there."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class ServiceTargets:
    """The end points behind one port of a Service; ``problem`` says why they are not known.

    ``local``: clients inside are led to their own node's end points only. ``hides``: nodes stand in for the client.
    """

    ref: str
    endpoints: tuple[Endpoint, ...] = ()
    problem: str = ""
    local: bool = False
    hides: bool = False


def mapping(raw: object) -> Body:
    """A JSON object, or an empty one in place of anything else."""
    return raw if isinstance(raw, Mapping) else {}


def listed(raw: object) -> list[Body]:
    """The JSON objects of a list; anything else is left out."""
    return [entry for entry in raw if isinstance(entry, Mapping)] if isinstance(raw, list) else []


def texts(raw: object) -> list[str]:
    """The strings of a list; anything else is left out."""
    return [entry for entry in raw if isinstance(entry, str)] if isinstance(raw, list) else []


def place(item: Body) -> tuple[str, str]:
    """Namespace and name of an object; ``default`` where no namespace is written."""
    meta = mapping(item.get("metadata"))
    return str(meta.get("namespace") or "default"), str(meta.get("name") or "")


def service_ref(item: Body) -> str:
    """``service/NAMESPACE/NAME``."""
    return "service/" + "/".join(place(item))


def addresses_of(service: Body) -> Iterator[str]:
    """Every address that leads to a Service: cluster, external and load balancer addresses."""
    spec = mapping(service.get("spec"))
    yield from texts(spec.get("clusterIPs"))
    yield str(spec.get("clusterIP") or "")
    yield from outer_addresses_of(service)


def outer_addresses_of(service: Body) -> Iterator[str]:
    """The addresses that lead to a Service from outside too: external and load balancer addresses."""
    spec = mapping(service.get("spec"))
    yield from texts(spec.get("externalIPs"))
    yield str(spec.get("loadBalancerIP") or "")
    balancer = mapping(mapping(service.get("status")).get("loadBalancer"))
    for entry in listed(balancer.get("ingress")):
        yield str(entry.get("ip") or "")


def service_at(world: World, address: Address) -> str | None:
    """The Service that an address leads to, or None."""
    service = _by_address(world).get(address)
    return None if service is None else service_ref(service)


def _by_address(world: World) -> Mapping[Address, Body]:
    if not world.services_at:
        world.services_at.update(_services_by_address(world))
    return world.services_at


def service_targets(world: World, address: Address, protocol: str, port: int) -> ServiceTargets | None:
    """What is behind a Service's address, or None when no Service has it."""
    service = _by_address(world).get(address)
    if service is None:
        return None
    spec = mapping(service.get("spec"))
    outer = str(address) in outer_addresses_of(service)
    local = not outer and spec.get("internalTrafficPolicy") == "Local"
    hides = outer and spec.get("externalTrafficPolicy") != "Local"
    for entry in listed(spec.get("ports")):
        if entry.get("port") == port and (entry.get("protocol") or "TCP") == protocol:
            return replace(_targets(world, service, entry), local=local, hides=hides)
    return ServiceTargets(service_ref(service), problem=f"{service_ref(service)} has no port {port}/{protocol}")


def node_port_targets(world: World, protocol: str, port: int) -> ServiceTargets | None:
    """What is behind this port of every node, or None when no Service takes packets in there."""
    found: dict[tuple[str, int], tuple[Body, Body]] | None = world.memo.get("node ports")
    if found is None:
        found = world.memo["node ports"] = {}
        for service in world.objects.get("Service", ()):
            for entry in listed(mapping(service.get("spec")).get("ports")):
                number = entry.get("nodePort")
                if isinstance(number, int):
                    found[str(entry.get("protocol") or "TCP"), number] = (service, entry)
    pair = found.get((protocol, port))
    if pair is None:
        return None
    hides = mapping(pair[0].get("spec")).get("externalTrafficPolicy") != "Local"
    return replace(_targets(world, *pair), hides=hides)


def _services_by_address(world: World) -> Iterator[tuple[Address, Body]]:
    for service in world.objects.get("Service", ()):
        for text in addresses_of(service):
            try:
                yield ip_address(text), service
            except ValueError:
                continue


def _targets(world: World, service: Body, entry: Body) -> ServiceTargets:
    """Kept by the identity of the Service's port, which is kept too, so that no other can come to have it."""
    known: dict[int, tuple[Body, ServiceTargets]] = world.memo.setdefault("service targets", {})
    kept = known.get(id(entry))
    if kept is not None and kept[0] is entry:
        return kept[1]
    ref = service_ref(service)
    found = tuple(endpoints_of(world, service, entry))
    targets = ServiceTargets(ref, found, "" if found else f"{ref} has no end points in the snapshot")
    known[id(entry)] = (entry, targets)
    return targets


def endpoints_of(world: World, service: Body, port: Body) -> Iterator[Endpoint]:
    """The end points of one port of a Service: pods that its selector matches, and those that are written down."""
    seen: set[Endpoint] = set()
    for pod in selected_pods(world, service):
        number = target_number(port, pod)
        for address in pod.addresses if number is not None else ():
            seen.add(Endpoint(str(address), number or 0))
    seen.update(_written(world, service, port))
    yield from sorted(seen, key=lambda end: (end.address, end.port))


def selected_pods(world: World, service: Body) -> list[Pod]:
    """The pods that a Service's selector matches, finished ones left out; none for a Service without selector."""
    namespace = place(service)[0]
    selector = mapping(mapping(service.get("spec")).get("selector"))
    if not selector or mapping(service.get("spec")).get("type") == "ExternalName":
        return []
    return [
        pod
        for pod in world.pods_in(namespace)
        if not pod.finished and all(pod.labels.get(key) == value for key, value in selector.items())
    ]


def target_number(port: Body, pod: Pod) -> int | None:
    """The pod's port for one port of a Service; None when the pod has no port of that name."""
    target = port.get("targetPort") or port.get("port")
    if isinstance(target, int):
        return target
    protocol = port.get("protocol") or "TCP"
    return next((e.number for e in pod.ports if e.name == target and e.protocol == protocol), None)


def _written(world: World, service: Body, port: Body) -> Iterator[Endpoint]:
    namespace, name = place(service)
    wanted = port.get("name") or ""
    for piece in world.objects_in("EndpointSlice", namespace):
        labels = mapping(mapping(piece.get("metadata")).get("labels"))
        if labels.get(SERVICE_NAME) == name:
            numbers = [entry.get("port") for entry in listed(piece.get("ports")) if (entry.get("name") or "") == wanted]
            for endpoint in listed(piece.get("endpoints")):
                yield from _pairs(texts(endpoint.get("addresses")), numbers)
    for item in world.objects_in("Endpoints", namespace):
        if place(item)[1] != name:
            continue
        for subset in listed(item.get("subsets")):
            numbers = [e.get("port") for e in listed(subset.get("ports")) if (e.get("name") or "") == wanted]
            yield from _pairs([str(entry.get("ip")) for entry in listed(subset.get("addresses"))], numbers)


def _pairs(addresses: list[str], numbers: list[Any]) -> Iterator[Endpoint]:
    for address in addresses:
        for number in numbers:
            if isinstance(number, int):
                yield Endpoint(address, number)
