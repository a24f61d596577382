"""What the network evaluators know: pods, nodes, rules and policies as plain values, one shape for all policy APIs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from ringfence.prove.network.selectors import Selector

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
PROTOCOLS = ("TCP", "UDP", "SCTP")
HIGHEST_PORT = 65535


_PLAIN = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}", re.ASCII)


@lru_cache(maxsize=1 << 17)
def _parsed(text: str) -> Address:
    return ip_address(text)


def canonical_address(raw: object) -> str | None:
    """An address in its one spelling, or None for what is no address."""
    if not isinstance(raw, str):
        return None
    if _PLAIN.fullmatch(raw):
        return raw
    try:
        return str(ip_address(raw))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class NamedPort:
    """A container port that has a name: policies may call it by that name."""

    name: str
    protocol: str
    number: int


@dataclass(frozen=True, slots=True)
class HostPort:
    """A port of a pod's node that leads into the pod: ``number`` is the pod's, ``at`` the node's."""

    protocol: str
    number: int
    at: int


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as policies see it. ``ref`` is ``pod/NAMESPACE/NAME``, or the workload that a template belongs to.

    ``finished``: it has succeeded or failed, so no Service leads to it and its address may be another's by now.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    host_network: bool = False
    address_texts: tuple[str, ...] = ()
    node: str | None = None
    ports: tuple[NamedPort, ...] = ()
    host_ports: tuple[HostPort, ...] = ()
    ref: str = ""
    images: tuple[str, ...] = ()
    finished: bool = False

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The pod's addresses; parsed when asked for, since most are never looked at."""
        return tuple(_parsed(text) for text in self.address_texts)


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its labels and every address it has."""

    name: str
    labels: Mapping[str, str]
    addresses: tuple[Address, ...] = ()
    pod_ranges: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Outside:
    """An address that is no pod's and no node's."""

    address: Address
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """``ipBlock``: a range without its exceptions."""

    network: Network
    excepted: tuple[Network, ...] = ()

    def contains(self, address: Address) -> bool:
        """Is the address in the range and in no exception?"""
        return address in self.network and not any(address in part for part in self.excepted)

    def __str__(self) -> str:
        """As a policy writes it."""
        return str(self.network) + (f" except {', '.join(map(str, self.excepted))}" if self.excepted else "")


@dataclass(frozen=True, slots=True)
class Peer:
    """One entry of ``from`` or ``to``.

    ``namespaces`` None means the policy's own namespace (NetworkPolicy v1 only). Exactly one of the three groups is
    used: selectors, ``blocks``, ``nodes``. ``domains`` can only be guessed at. ``strange`` is a peer type that this
    program does not know: implementations must fail closed on it.
    """

    namespaces: Selector | None = None
    pods: Selector | None = None
    blocks: tuple[Block, ...] = ()
    nodes: Selector | None = None
    domains: tuple[str, ...] = ()
    strange: bool = False


@dataclass(frozen=True, slots=True)
class PortRule:
    """One entry of ``ports``: empty ``protocol`` is any; no ``first`` and no ``name`` is every port."""

    protocol: str = ""
    first: int | None = None
    last: int | None = None
    name: str | None = None
    strange: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Peers (none: anybody) and ports (none: any). ``action`` is Allow, Deny or Pass."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[PortRule, ...] = ()
    action: str = "Allow"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """NetworkPolicy v1: rules of a direction, or None where the policy leaves that direction alone."""

    namespace: str
    name: str
    pods: Selector
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None

    @property
    def ref(self) -> str:
        """``networkpolicy/NAMESPACE/NAME``."""
        return f"networkpolicy/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class AdminPolicy:
    """AdminNetworkPolicy, BaselineAdminNetworkPolicy or ClusterNetworkPolicy. ``tier`` is Admin or Baseline."""

    kind: str
    name: str
    tier: str
    priority: int
    namespaces: Selector
    pods: Selector
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]

    @property
    def ref(self) -> str:
        """``clusternetworkpolicy/NAME`` and the like."""
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that may decide and cannot be read: ``v1`` behaves as unknown NetworkPolicies, ``vendor`` overrides.

    ``namespace`` None means everywhere. ``tcp_only``: it is a mesh's, and meshes see no other protocol.
    """

    kind: str
    namespace: str | None
    ref: str
    why: str
    denies_only: bool = False
    tcp_only: bool = False
