"""A second evaluator of policies, built differently on purpose: per packet, per behaviour, straight from the JSON.

It enumerates every behaviour of the network plugin beforehand and knows no classes, indexes, questions or values of
the product. It covers pods on nodes, all four policy kinds, ipBlock, endPort, named ports and hostNetwork.
"""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import permutations, product
from typing import Any

Json = dict[str, Any]
FACTS: dict[str, tuple[str, ...]] = {
    "endPort": ("range", "first"),
    "ipBlockPods": ("matched", "unmatched"),
    "ipBlockNodes": ("matched", "unmatched"),
    "hostNetwork": ("node", "pod"),
    "adminNetworkPolicy": ("enforced", "ignored"),
    "baselineAdminNetworkPolicy": ("enforced", "ignored"),
    "clusterNetworkPolicy": ("enforced", "ignored"),
}


def verdict(objects: list[Json], source: Json, target: Json, protocol: str, port: int, known: dict[str, str]) -> str:
    """``yes``, ``no`` or ``unknown`` over all behaviours and all orders of policies of equal priority."""
    names = list(FACTS)
    seen: set[bool] = set()
    for values in product(*([known[name]] if name in known else FACTS[name] for name in names)):
        behaviour = dict(zip(names, values, strict=True))
        for ordered in orders(objects):
            seen.add(passes(objects, ordered, source, target, protocol, port, behaviour))
            if len(seen) == 2:
                return "unknown"
    return "yes" if seen == {True} else "no"


def orders(objects: list[Json]) -> Iterator[list[Json]]:
    """Every order in which cluster-wide policies may be looked at: by priority, ties in any order, kinds in any order.

    How two generations of the API compare when both are enforced is written nowhere.
    """
    admin = [item for item in objects if item["kind"].endswith("NetworkPolicy") and item["kind"] != "NetworkPolicy"]
    for order in permutations(admin):
        kinds = [item["kind"] for item in order]
        together = [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]
        priorities = {
            kind: [item["spec"].get("priority", 0) for item in order if item["kind"] == kind] for kind in kinds
        }
        if len(together) == len(set(kinds)) and all(found == sorted(found) for found in priorities.values()):
            yield list(order)


def matches(selector: Json, labels: dict[str, str]) -> bool:
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for part in selector.get("matchExpressions") or []:
        value, values = labels.get(part["key"]), part.get("values") or []
        good = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[part["operator"]]
        if not good:
            return False
    return True


def labels_of(objects: list[Json], namespace: str) -> dict[str, str]:
    for item in objects:
        if item["kind"] == "Namespace" and item["metadata"]["name"] == namespace:
            return {**item["metadata"].get("labels", {}), "kubernetes.io/metadata.name": namespace}
    raise LookupError(namespace)


def on_host(pod: Json) -> bool:
    return bool(pod["spec"].get("hostNetwork"))


def passes(
    objects: list[Json], admin: list[Json], source: Json, target: Json, protocol: str, port: int, how: dict[str, str]
) -> bool:
    if source is target:
        return True
    from_node = on_host(source) and how["hostNetwork"] == "node"
    to_node = on_host(target) and how["hostNetwork"] == "node"
    if (from_node or to_node) and source["spec"]["nodeName"] == target["spec"]["nodeName"]:
        return True
    out = direction(objects, admin, source, target, target, protocol, port, how, "egress")
    return out and direction(objects, admin, target, source, target, protocol, port, how, "ingress")


def direction(
    objects: list[Json],
    admin: list[Json],
    pod: Json,
    other: Json,
    target: Json,
    protocol: str,
    port: int,
    how: dict[str, str],
    way: str,
) -> bool:
    for tier in ("Admin", "Namespaced", "Baseline"):
        if tier == "Namespaced":
            answer = namespaced(objects, pod, other, target, protocol, port, how, way)
        else:
            answer = by_kind(objects, admin, tier, pod, other, target, protocol, port, how, way)
        if answer is not None:
            return answer
    return True


def isolating(objects: list[Json], pod: Json, way: str) -> Iterator[Json]:
    """The NetworkPolicies that select a pod in a direction."""
    for item in objects:
        if item["kind"] != "NetworkPolicy" or item["metadata"]["namespace"] != pod["metadata"]["namespace"]:
            continue
        spec = item["spec"]
        types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
        if way.capitalize() in types and matches(spec.get("podSelector") or {}, pod["metadata"]["labels"]):
            yield item


def namespaced(
    objects: list[Json], pod: Json, other: Json, target: Json, protocol: str, port: int, how: dict[str, str], way: str
) -> bool | None:
    if on_host(pod) and how["hostNetwork"] == "node":
        return None
    isolated = False
    for item in isolating(objects, pod, way):
        isolated = True
        for rule in item["spec"].get(way) or []:
            peers = rule.get("from" if way == "ingress" else "to") or []
            ports = rule.get("ports") or []
            if peers and not any(peer_v1(objects, peer, item, other, how) for peer in peers):
                continue
            if not ports or any(port_v1(entry, target, protocol, port, how) for entry in ports):
                return True
    return False if isolated else None


def peer_v1(objects: list[Json], peer: Json, policy: Json, other: Json, how: dict[str, str]) -> bool:
    if "ipBlock" in peer:
        address = ip_address(other["status"]["podIP"])
        inside = address in ip_network(peer["ipBlock"]["cidr"])
        inside = inside and not any(address in ip_network(part) for part in peer["ipBlock"].get("except", []))
        return inside and how["ipBlockNodes" if on_host(other) else "ipBlockPods"] == "matched"
    if on_host(other) and how["hostNetwork"] == "node":
        return False
    namespace = other["metadata"]["namespace"]
    if "namespaceSelector" in peer:
        if not matches(peer["namespaceSelector"], labels_of(objects, namespace)):
            return False
    elif namespace != policy["metadata"]["namespace"]:
        return False
    return matches(peer.get("podSelector") or {}, other["metadata"]["labels"])


def port_v1(entry: Json, target: Json, protocol: str, port: int, how: dict[str, str]) -> bool:
    if entry.get("protocol", "TCP") != protocol:
        return False
    wanted = entry.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        if on_host(target) and how["hostNetwork"] == "node":
            return False
        return port in named(target, wanted, protocol)
    last = entry.get("endPort", wanted) if how["endPort"] == "range" else wanted
    return int(wanted) <= port <= int(last or wanted)


def named(target: Json, name: str, protocol: str) -> list[int]:
    return [
        entry["containerPort"]
        for container in target["spec"]["containers"]
        for entry in container.get("ports", [])
        if entry.get("name") == name and entry.get("protocol", "TCP") == protocol
    ]


def by_kind(
    objects: list[Json],
    admin: list[Json],
    tier: str,
    pod: Json,
    other: Json,
    target: Json,
    protocol: str,
    port: int,
    how: dict[str, str],
    way: str,
) -> bool | None:
    if on_host(pod):
        return None
    tiers = {"AdminNetworkPolicy": "Admin", "BaselineAdminNetworkPolicy": "Baseline"}
    for item in admin:
        kind = item["kind"]
        if tiers.get(kind, item["spec"].get("tier")) != tier or how[kind[0].lower() + kind[1:]] != "enforced":
            continue
        if not subject(objects, item["spec"]["subject"], pod):
            continue
        for rule in item["spec"].get(way) or []:
            peers = rule["from" if way == "ingress" else "to"]
            entries = rule.get("ports") or rule.get("protocols") or []
            if not any(peer_admin(objects, peer, other) for peer in peers):
                continue
            if entries and not any(port_admin(entry, target, protocol, port) for entry in entries):
                continue
            if rule["action"] == "Pass":
                return None
            return bool(rule["action"] != "Deny")
    return None


def subject(objects: list[Json], body: Json, pod: Json) -> bool:
    space = labels_of(objects, pod["metadata"]["namespace"])
    if "namespaces" in body:
        return matches(body["namespaces"], space)
    both = body["pods"]
    return matches(both["namespaceSelector"], space) and matches(both["podSelector"], pod["metadata"]["labels"])


def peer_admin(objects: list[Json], peer: Json, other: Json) -> bool:
    if "networks" in peer:
        return any(ip_address(other["status"]["podIP"]) in ip_network(part) for part in peer["networks"])
    return not on_host(other) and subject(objects, peer, other)


def port_admin(entry: Json, target: Json, protocol: str, port: int) -> bool:
    if "namedPort" in entry or "destinationNamedPort" in entry:
        name = entry.get("namedPort") or entry.get("destinationNamedPort")
        return not on_host(target) and port in named(target, str(name), protocol)
    if "portNumber" in entry:
        return bool(entry["portNumber"].get("protocol", "TCP") == protocol and entry["portNumber"]["port"] == port)
    if "portRange" in entry:
        body = entry["portRange"]
        return bool(body.get("protocol", "TCP") == protocol and body["start"] <= port <= body["end"])
    inner = entry.get(protocol.lower())
    if inner is None:
        return False
    wanted = inner.get("destinationPort")
    if wanted is None:
        return True
    if "range" in wanted:
        return bool(wanted["range"]["start"] <= port <= wanted["range"]["end"])
    return bool(wanted["number"] == port)
