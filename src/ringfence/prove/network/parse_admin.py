"""AdminNetworkPolicy, BaselineAdminNetworkPolicy (v1alpha1) and ClusterNetworkPolicy (v1alpha2, v1beta1) into values.

Source: policy.networking.k8s.io types. A peer or port of a type that this program does not know is kept as
``strange``: implementations must fail closed on it. What the CRD's validation refuses raises UnreadableError.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.prove.network.parse import parse_network, parse_pods, parse_subject, port_name, port_number
from ringfence.prove.network.selectors import (
    EVERYTHING,
    UnreadableError,
    only,
    parse_list,
    parse_mapping,
    parse_selector,
)
from ringfence.prove.network.values import AdminPolicy, Block, Peer, PortRule, Rule

HIGHEST_PRIORITY = 1000
MOST_RULES = {"ClusterNetworkPolicy": 25}
_SPEC_FIELDS = frozenset({"tier", "priority", "subject", "ingress", "egress"})
_ALLOWED = {
    "AdminNetworkPolicy": {"Allow": "Allow", "Deny": "Deny", "Pass": "Pass"},
    "BaselineAdminNetworkPolicy": {"Allow": "Allow", "Deny": "Deny"},
    "ClusterNetworkPolicy": {"Accept": "Allow", "Deny": "Deny", "Pass": "Pass"},
}


def parse_admin_policy(kind: str, name: str, raw: object) -> AdminPolicy:
    """One cluster-wide policy from its ``spec``. Raises UnreadableError."""
    spec = parse_mapping(raw, "spec")
    if kind == "BaselineAdminNetworkPolicy" and name != "default":
        raise UnreadableError("its one name is default")
    only(spec, _SPEC_FIELDS, "spec")
    namespaces, pods = parse_subject(spec.get("subject"), both=kind != "ClusterNetworkPolicy")
    return AdminPolicy(
        kind=kind,
        name=name,
        tier=_tier(kind, spec),
        priority=0 if kind == "BaselineAdminNetworkPolicy" else _priority(spec.get("priority")),
        namespaces=namespaces,
        pods=pods,
        ingress=_rules(kind, spec.get("ingress"), "from"),
        egress=_rules(kind, spec.get("egress"), "to"),
    )


def _tier(kind: str, spec: Mapping[str, Any]) -> str:
    if kind != "ClusterNetworkPolicy":
        return "Admin" if kind == "AdminNetworkPolicy" else "Baseline"
    tier = spec.get("tier")
    if tier not in ("Admin", "Baseline"):
        raise UnreadableError("tier must be Admin or Baseline")
    return str(tier)


def _priority(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= HIGHEST_PRIORITY:
        raise UnreadableError("priority must be a number from 0 to 1000")
    return raw


def _rules(kind: str, raw: object, side: str) -> tuple[Rule, ...]:
    listed = parse_list(raw, "rules")
    if len(listed) > MOST_RULES.get(kind, 100):
        raise UnreadableError("more rules than the API takes")
    return tuple(_rule(kind, parse_mapping(rule, "a rule"), side) for rule in listed)


def _rule(kind: str, body: Mapping[str, Any], side: str) -> Rule:
    action = _ALLOWED[kind].get(str(body.get("action")))
    if action is None:
        raise UnreadableError(f"the action {body.get('action')!r} is not one of {', '.join(_ALLOWED[kind])}")
    ports_field = "protocols" if kind == "ClusterNetworkPolicy" else "ports"
    only(body, frozenset({"name", "action", side, ports_field}), "a rule")
    both = kind != "ClusterNetworkPolicy"
    peers = tuple(_peer(parse_mapping(peer, "a peer"), both=both) for peer in parse_list(body.get(side), side))
    if not peers:
        raise UnreadableError(f"{side} must name at least one peer")
    if side == "from" and any(peer.blocks or peer.domains or peer.nodes is not None for peer in peers):
        raise UnreadableError("a rule of ingress takes namespaces and pods as peers only")
    if action != "Allow" and any(peer.domains for peer in peers):
        raise UnreadableError("domainNames can only be allowed")
    ports = _listed(body.get(ports_field), ports_field, _port if both else _protocol)
    if any(port.name is not None for port in ports) and any(_has_no_names(peer) for peer in peers):
        raise UnreadableError("ports are named by pods: networks, nodes and domainNames take none by name")
    return Rule(peers, ports, action, str(body.get("name") or ""))


def _has_no_names(peer: Peer) -> bool:
    return bool(peer.blocks or peer.domains or peer.nodes is not None)


def _listed(raw: object, what: str, parse: Any) -> tuple[PortRule, ...]:
    entries = parse_list(raw, what)
    if raw is not None and not entries:
        raise UnreadableError(f"{what} must not be empty")
    return tuple(parse(parse_mapping(entry, what)) for entry in entries)


def _peer(body: Mapping[str, Any], *, both: bool) -> Peer:
    given = {key for key, value in body.items() if value is not None}
    if len(given & {"namespaces", "pods", "nodes", "networks", "domainNames"}) > 1:
        raise UnreadableError("a peer takes exactly one of its fields")
    if "namespaces" in given:
        return Peer(namespaces=parse_selector(body["namespaces"]), pods=EVERYTHING)
    if "pods" in given:
        return Peer(*parse_pods(body["pods"], both=both))
    if "nodes" in given:
        return Peer(nodes=parse_selector(body["nodes"]))
    if "networks" in given:
        networks = parse_list(body["networks"], "networks")
        if not networks:
            raise UnreadableError("networks must not be empty")
        return Peer(blocks=tuple(Block(parse_network(part)) for part in networks))
    if "domainNames" in given:
        return Peer(domains=tuple(str(name) for name in parse_list(body["domainNames"], "domainNames")))
    return Peer(strange=True)


def _port(body: Mapping[str, Any]) -> PortRule:
    """v1alpha1: portNumber {protocol, port}, namedPort, portRange {protocol, start, end}."""
    if body.get("portNumber") is not None:
        number = parse_mapping(body["portNumber"], "portNumber")
        port = port_number(number.get("port"))
        return PortRule(str(number.get("protocol") or "TCP"), port, port)
    if body.get("namedPort") is not None:
        return PortRule(name=port_name(str(body["namedPort"])))
    if body.get("portRange") is not None:
        span = parse_mapping(body["portRange"], "portRange")
        return _span(str(span.get("protocol") or "TCP"), span)
    return PortRule(strange=True)


def _protocol(body: Mapping[str, Any]) -> PortRule:
    """v1alpha2: tcp, udp or sctp with destinationPort {number | range}, or destinationNamedPort."""
    if body.get("destinationNamedPort") is not None:
        return PortRule(name=port_name(str(body["destinationNamedPort"])))
    for key in ("tcp", "udp", "sctp"):
        if body.get(key) is None:
            continue
        target = parse_mapping(body[key], key).get("destinationPort")
        if target is None:
            raise UnreadableError(f"{key} needs a destinationPort")
        port = parse_mapping(target, "destinationPort")
        if port.get("range") is not None:
            return _span(key.upper(), parse_mapping(port["range"], "range"), single=False)
        number = port_number(port.get("number"))
        return PortRule(key.upper(), number, number)
    return PortRule(strange=True)


def _span(protocol: str, span: Mapping[str, Any], *, single: bool = True) -> PortRule:
    first, last = port_number(span.get("start")), port_number(span.get("end"))
    if first > last or (first == last and not single):
        raise UnreadableError("a range must end after it starts")
    return PortRule(protocol, first, last)
