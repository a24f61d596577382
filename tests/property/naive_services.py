"""Ways through Services, enumerated: every behaviour of proxy and plugin, every node that could be dialled.

Built on the naive evaluator of policies and, like it, on nothing of the product. NetworkPolicy v1 only, and pods with
networks of their own.
"""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

from property.naive_network import direction, isolating, matches, passes, port_v1

Json = dict[str, Any]
FACTS: dict[str, tuple[str, ...]] = {
    "nodePortSource": ("client", "node"),
    "nodePortTarget": ("node", "pod"),
    "serviceAddress": ("after", "before"),
}
HIDDEN: dict[str, tuple[str, ...]] = {"own": ("pod", "node"), "local": ("holds", "passed by")}
Way = tuple[Json, Json, Json, Json, str | None]


def ways(objects: list[Json], sources: list[Json], targets: list[Json]) -> Iterator[Way]:
    """Source, target, Service, port of the Service, and the node that is dialled (None: the cluster address)."""
    nodes = [item["metadata"]["name"] for item in objects if item["kind"] == "Node"]
    for service in (item for item in objects if item["kind"] == "Service"):
        for entry, source, target in product(service["spec"]["ports"], sources, targets):
            if leads_to(objects, service, target):
                yield source, target, service, entry, None
                for node in nodes if service["spec"].get("type") == "NodePort" else []:
                    yield source, target, service, entry, node


def leads_to(objects: list[Json], service: Json, target: Json) -> bool:
    selector = service["spec"].get("selector")
    space = service["metadata"]["namespace"]
    if selector and space == target["metadata"]["namespace"]:
        return matches({"matchLabels": selector}, target["metadata"]["labels"])
    return any(
        target["status"]["podIP"] in end["addresses"]
        for item in objects
        if item["kind"] == "EndpointSlice" and item["metadata"]["namespace"] == space
        if item["metadata"]["labels"]["kubernetes.io/service-name"] == service["metadata"]["name"]
        for end in item["endpoints"]
    )


def verdict(objects: list[Json], way: Way, known: dict[str, str]) -> str:
    """``yes``, ``no`` or ``unknown`` over all behaviours that ``known`` leaves; it settles what FACTS does not name."""
    seen = set()
    free = {name: (known[name],) if name in known else values for name, values in FACTS.items()} | HIDDEN
    for values in product(*free.values()):
        seen.add(gets_through(objects, way, {**known, **dict(zip(free, values, strict=True))}))
    return "unknown" if len(seen) == 2 else "yes" if seen == {True} else "no"


def gets_through(objects: list[Json], way: Way, how: dict[str, str]) -> bool:
    source, target, service, entry, node = way
    protocol, port = entry["protocol"], entry["targetPort"]
    let_in = direction(objects, [], target, source, target, protocol, port, how, "ingress")
    out = direction(objects, [], source, target, target, protocol, port, how, "egress")
    if source is target:
        return True
    if node is None:
        dialled = how["serviceAddress"] == "before" and to_address(
            objects, source, service["spec"]["clusterIP"], protocol, port, target, how
        )
        return (out or dialled) and let_in
    mine, theirs = source["spec"]["nodeName"], target["spec"]["nodeName"]
    if mine != node and how["nodePortTarget"] == "pod":
        return passes(objects, [], source, target, protocol, port, how)
    if mine == node:
        reached = out or how["own"] == "node"
    else:
        address = address_of(objects, node)
        known = how["ipBlockNodes"] == "matched"
        reached = to_address(objects, source, address if known else "", protocol, entry["nodePort"], None, how)
    if not reached:
        return False
    if service["spec"].get("externalTrafficPolicy") == "Local":
        led = theirs == node or (mine == node and how["local"] == "passed by")
        return led and let_in
    if theirs == node:
        return how["nodePortSource"] == "node" or let_in
    return from_node(objects, target, address_of(objects, node), protocol, port, how)


def address_of(objects: list[Json], name: str) -> str:
    return next(
        str(item["status"]["addresses"][0]["address"])
        for item in objects
        if item["kind"] == "Node" and item["metadata"]["name"] == name
    )


def to_address(
    objects: list[Json], pod: Json, address: str, protocol: str, port: int, target: Json | None, how: dict[str, str]
) -> bool:
    return by_address(objects, pod, address, protocol, port, target, how, "egress")


def from_node(objects: list[Json], pod: Json, address: str, protocol: str, port: int, how: dict[str, str]) -> bool:
    seen = address if how["ipBlockNodes"] == "matched" else ""
    return by_address(objects, pod, seen, protocol, port, pod, how, "ingress")


def by_address(
    objects: list[Json],
    pod: Json,
    address: str,
    protocol: str,
    port: int,
    target: Json | None,
    how: dict[str, str],
    way: str,
) -> bool:
    """Do the pod's policies let traffic with an address pass, which only ranges match? ``target`` names ports."""
    isolated = False
    for item in isolating(objects, pod, way):
        isolated = True
        for rule in item["spec"].get(way) or []:
            peers = rule.get("from" if way == "ingress" else "to") or []
            ports = rule.get("ports") or []
            numbered = [one for one in ports if target is not None or not isinstance(one.get("port"), str)]
            if ports and not any(port_v1(one, target or {}, protocol, port, how) for one in numbered):
                continue
            if not peers or any("ipBlock" in peer and in_range(peer["ipBlock"], address) for peer in peers):
                return True
    return not isolated


def in_range(block: Json, address: str) -> bool:
    if not address or ip_address(address) not in ip_network(block["cidr"]):
        return False
    return not any(ip_address(address) in ip_network(part) for part in block.get("except", []))
