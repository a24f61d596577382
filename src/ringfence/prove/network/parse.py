"""Kubernetes objects, as decoded JSON, into the values of this package.

Sources: networking.k8s.io/v1 types and their validation; policy.networking.k8s.io v1alpha1 and v1alpha2 types. What
the API server would refuse raises UnreadableError: the caller turns it into ``unknown``, never into an empty rule.
Equal specs are parsed once, which is most of the speed for thousands of generated policies.
"""

import re
from ipaddress import IPv6Network, ip_network

from ringfence.prove.network.selectors import (
    EVERYTHING,
    Selector,
    UnreadableError,
    only,
    parse_list,
    parse_mapping,
    parse_selector,
)
from ringfence.prove.network.values import HIGHEST_PORT, PROTOCOLS, Block, Network, Peer, Policy, PortRule, Rule

DIRECTIONS = frozenset({"Ingress", "Egress"})
_SPEC_FIELDS = frozenset({"podSelector", "policyTypes", "ingress", "egress"})
_RULE_FIELDS = {side: frozenset({side, "ports"}) for side in ("from", "to")}
_PEER_FIELDS = frozenset({"podSelector", "namespaceSelector", "ipBlock"})
_BLOCK_FIELDS = frozenset({"cidr", "except"})
_PORT_FIELDS = frozenset({"protocol", "port", "endPort"})
_PREFIX = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}", re.ASCII)
_PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


class PolicyParser:
    """Reads NetworkPolicies and remembers specs it has seen."""

    def __init__(self) -> None:
        self._read: dict[int, tuple[object, Policy]] = {}
        self._seen: dict[str, Policy] = {}

    def parse(self, namespace: str, name: str, spec: object) -> Policy:
        """One policy. Raises UnreadableError."""
        # A Snapshot has equal specs once; each is kept here, so that no other can come to have its identity.
        known = self._read.get(id(spec))
        if known is None:
            known = self._read[id(spec)] = (spec, self._shape(spec))
        shape = known[1]
        return Policy(namespace, name, shape.pods, shape.ingress, shape.egress)

    def _shape(self, spec: object) -> Policy:
        key = repr(spec)
        shape = self._seen.get(key)
        if shape is None:
            shape = self._seen[key] = parse_policy_spec(spec)
        return shape


def parse_policy_spec(raw: object) -> Policy:
    """The spec of a NetworkPolicy, with a name still to be given. Raises UnreadableError."""
    spec = parse_mapping(raw, "spec")
    only(spec, _SPEC_FIELDS, "spec")
    ingress = tuple(parse_rule(rule, "from") for rule in parse_list(spec.get("ingress"), "ingress"))
    egress = tuple(parse_rule(rule, "to") for rule in parse_list(spec.get("egress"), "egress"))
    types = parse_list(spec.get("policyTypes"), "policyTypes")
    if len(types) > len(DIRECTIONS) or not all(isinstance(kind, str) and kind in DIRECTIONS for kind in types):
        raise UnreadableError("policyTypes must be Ingress or Egress")
    isolates_ingress = "Ingress" in types or not types
    isolates_egress = "Egress" in types or (not types and bool(egress))
    return Policy(
        "",
        "",
        parse_selector(spec.get("podSelector")),
        ingress if isolates_ingress else None,
        egress if isolates_egress else None,
    )


def parse_rule(raw: object, side: str) -> Rule:
    """One rule of NetworkPolicy v1; ``side`` is ``from`` or ``to``. Raises UnreadableError."""
    body = parse_mapping(raw, "a rule")
    only(body, _RULE_FIELDS[side], "a rule")
    peers = tuple(parse_peer(peer) for peer in parse_list(body.get(side), side))
    ports = tuple(parse_port(port) for port in parse_list(body.get("ports"), "ports"))
    return Rule(peers, ports)


def parse_peer(raw: object) -> Peer:
    """One peer of NetworkPolicy v1. Raises UnreadableError."""
    body = parse_mapping(raw, "a peer")
    only(body, _PEER_FIELDS, "a peer")
    block, pods, namespaces = body.get("ipBlock"), body.get("podSelector"), body.get("namespaceSelector")
    if block is not None:
        if pods is not None or namespaces is not None:
            raise UnreadableError("ipBlock excludes other peers")
        return Peer(blocks=(parse_block(block),))
    if pods is None and namespaces is None:
        raise UnreadableError("a peer needs podSelector, namespaceSelector or ipBlock")
    return Peer(
        namespaces=None if namespaces is None else parse_selector(namespaces),
        pods=EVERYTHING if pods is None else parse_selector(pods),
    )


def parse_block(raw: object) -> Block:
    """An ipBlock; every exception lies strictly inside. Raises UnreadableError."""
    body = parse_mapping(raw, "ipBlock")
    only(body, _BLOCK_FIELDS, "ipBlock")
    network = parse_network(body.get("cidr"))
    excepted = tuple(parse_network(part) for part in parse_list(body.get("except"), "except"))
    for part in excepted:
        inside = part.version == network.version and part.network_address in network
        if not inside or part.prefixlen <= network.prefixlen:
            raise UnreadableError(f"except {part} must be a strict subset of {network}")
    return Block(network, excepted)


def parse_network(raw: object) -> Network:
    """A CIDR; bits beyond the prefix are dropped, as the API server does. Raises UnreadableError."""
    if not isinstance(raw, str) or not _PREFIX.fullmatch(raw):
        raise UnreadableError("a CIDR must be written ADDRESS/BITS")
    try:
        network = ip_network(raw, strict=False)
    except ValueError as error:
        raise UnreadableError(f"{raw[:64]!r} is no CIDR") from error
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise UnreadableError(f"{raw[:64]!r} is IPv4 written as IPv6: how it is read differs")
    return network


def parse_port(raw: object) -> PortRule:
    """One port of NetworkPolicy v1. Raises UnreadableError."""
    body = parse_mapping(raw, "a port")
    only(body, _PORT_FIELDS, "a port")
    protocol = body.get("protocol") or "TCP"
    if protocol not in PROTOCOLS:
        raise UnreadableError(f"the protocol {protocol!r} is not TCP, UDP or SCTP")
    port, end = body.get("port"), body.get("endPort")
    if port is None or isinstance(port, str):
        if end is not None:
            raise UnreadableError("endPort needs a numeric port")
        return PortRule(protocol, name=None if port is None else port_name(port))
    first = port_number(port)
    last = first if end is None else port_number(end)
    if last < first:
        raise UnreadableError("endPort must not be below port")
    return PortRule(protocol, first, last)


def port_number(raw: object) -> int:
    """A port from 1 to 65535. Raises UnreadableError."""
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= HIGHEST_PORT:
        raise UnreadableError("a port must be a number from 1 to 65535")
    return raw


def port_name(raw: str) -> str:
    """A port's name: at most 15 of a-z, 0-9 and single - inside, with a letter. Raises UnreadableError."""
    if not _PORT_NAME.fullmatch(raw):
        raise UnreadableError(f"{raw[:64]!r} is no port name")
    return raw


def parse_subject(raw: object, *, both: bool) -> tuple[Selector, Selector]:
    """Namespace and pod selector of an admin policy's subject; ``both`` as for pods. Raises UnreadableError."""
    body = parse_mapping(raw, "subject")
    only(body, frozenset({"namespaces", "pods"}), "subject")
    namespaces, pods = body.get("namespaces"), body.get("pods")
    if (namespaces is None) == (pods is None):
        raise UnreadableError("exactly one of namespaces and pods must be given")
    if pods is None:
        return parse_selector(namespaces), EVERYTHING
    return parse_pods(pods, both=both)


def parse_pods(raw: object, *, both: bool) -> tuple[Selector, Selector]:
    """``pods`` of a cluster-wide policy. ``both``: its CRD asks for a namespaceSelector too, as v1alpha1 does; else
    none means every namespace. Raises UnreadableError."""
    body = parse_mapping(raw, "pods")
    only(body, frozenset({"namespaceSelector", "podSelector"}), "pods")
    if body.get("podSelector") is None or (both and body.get("namespaceSelector") is None):
        raise UnreadableError("pods needs podSelector, and in v1alpha1 namespaceSelector too")
    return parse_selector(body.get("namespaceSelector")), parse_selector(body["podSelector"])
