"""Names and addresses that people write, into the parties they stand for.

An address that is a pod's is that pod; a node's address is the node; a Service's address is whatever its endpoints
are. An address in a node's pod range that no pod has belongs to a pod nobody listed: that is unknown, not outside.
"""

from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address

from ringfence.prove.network.flow import PLAIN, Dialled, OnNode, Party, node_face
from ringfence.prove.network.roads import ServiceTargets, node_port_targets, service_at, service_targets
from ringfence.prove.network.values import Address, Outside, Pod
from ringfence.prove.network.world import World


@dataclass(frozen=True, slots=True)
class Target:
    """A party and the port at which it is met there: a Service translates ports."""

    party: Party
    port: int
    dialled: Dialled = PLAIN


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a name stands for. ``any_of``: meeting one of the targets is enough (the endpoints of a Service)."""

    name: str
    targets: tuple[Target, ...] = ()
    any_of: bool = True
    problem: str = ""

    @property
    def parties(self) -> tuple[Party, ...]:
        """The parties without their ports."""
        return tuple(target.party for target in self.targets)


def resolve_source(world: World, text: str) -> Resolved:
    """Who speaks. ``problem`` says why it cannot be known."""
    address = _address(text)
    if address is not None and address not in world.nodes_at and not world.pods_at(str(address)):
        service = service_at(world, address)
        if service is not None:
            return Resolved(text, problem=f"{text} is the address of {service}, which opens no connections")
    return _resolve(world, text, 0)


def resolve_destination(world: World, text: str, protocol: str, port: int) -> Resolved:
    """Who is spoken to; a Service's address gives its endpoints and their ports."""
    address = _address(text)
    if address is not None:
        found = service_targets(world, address, protocol, port)
        if found is not None:
            return _endpoints(
                world, text, found, Dialled(address.version, address, hides=found.hides, local=found.local)
            )
        through = node_port_targets(world, protocol, port) if address in world.nodes_at else None
        if through is not None:
            node = replace(node_face(world, world.nodes_at[address]), addresses=(address,))
            dialled = Dialled(address.version, hides=through.hides, node=node, at=port)
            return _endpoints(world, text, through, dialled)
    return _resolve(world, text, port)


def _endpoints(world: World, text: str, found: ServiceTargets, dialled: Dialled) -> Resolved:
    if found.problem:
        return Resolved(text, problem=found.problem)
    targets: list[Target] = []
    for endpoint in found.endpoints:
        inner = _resolve(world, endpoint.address, endpoint.port)
        if inner.problem:
            return Resolved(text, problem=inner.problem)
        targets.extend(replace(target, dialled=dialled) for target in inner.targets)
    return Resolved(text, tuple(targets))


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _resolve(world: World, text: str, port: int) -> Resolved:
    address = _address(text)
    if address is not None:
        return _resolve_address(world, text, address, port)
    namespace, slash, name = text.strip().removeprefix("pod/").partition("/")
    if not slash:
        node = world.nodes.get(text.strip())
        if node is None:
            return Resolved(text, problem=f"{text[:80]} is neither NAMESPACE/POD nor an address")
        return Resolved(text, (Target(OnNode(node.name, node.addresses, f"node/{node.name}"), port),))
    broken = world.unreadable.get(f"pod/{namespace}/{name}")
    if broken:
        return Resolved(text, problem=f"pod {namespace}/{name} cannot be read: {broken}")
    pod = world.pods.get((namespace, name))
    if pod is not None:
        return Resolved(text, (Target(pod, port),))
    hidden = world.missing("pods", namespace)
    why = f": listing pods failed ({hidden.reason})" if hidden else ""
    return Resolved(text, problem=f"pod {namespace}/{name} is not in the snapshot{why}")


def _beside(world: World, address: Address, port: int, dialled: Dialled) -> tuple[Target, ...]:
    """The hostNetwork pods that have a node's address too, one for each set of labels."""
    found: dict[object, Pod] = {}
    for pod in world.pods_at(str(address)):
        found.setdefault((pod.namespace, tuple(sorted(pod.labels.items())), pod.ports), pod)
    return tuple(Target(pod, port, dialled) for pod in found.values())


def _resolve_address(world: World, text: str, address: Address, port: int) -> Resolved:
    dialled = Dialled(address.version)
    pods = [pod for pod in world.pods_at(str(address)) if not pod.host_network]
    if pods:
        return Resolved(text, tuple(Target(pod, port, dialled) for pod in pods), any_of=False)
    name = world.nodes_at.get(address)
    if name is not None:
        node = world.nodes.get(name)
        addresses = node.addresses if node else (address,)
        party = Target(OnNode(name, addresses or (address,), f"node/{name}"), port, dialled)
        return Resolved(text, (party, *_beside(world, address, port, dialled)), any_of=False)
    if any(address in part for node in world.nodes.values() for part in node.pod_ranges):
        return Resolved(text, problem=f"{address} is in a node's pod range and no pod of the snapshot has it")
    for resource in ("pods", "nodes", "services"):
        hidden = world.missing(resource, None)
        if hidden is not None:
            why = f"{address} may belong to {resource} that could not be listed ({hidden.reason})"
            return Resolved(text, problem=why)
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return Resolved(text, problem=f"{address} is no address of one party")
    return Resolved(text, (Target(Outside(address), port),))
