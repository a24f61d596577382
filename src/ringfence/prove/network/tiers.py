"""One direction of one packet through all tiers of policy: vendor, Admin, NetworkPolicy v1, Baseline, default.

Sources: networking.k8s.io/v1 types; policy.networking.k8s.io v1alpha1 and v1alpha2 types. Selecting a pod by a
cluster-wide policy isolates nothing; selecting it by a NetworkPolicy does, and its verdict is then final.
"""

from dataclasses import dataclass

from ringfence.prove.answer import Choices, Question, Trail
from ringfence.prove.network.cni import ADMIN_QUESTIONS, END_PORT, POLICY, SCTP
from ringfence.prove.network.flow import PLAIN, Dialled, Party, admin_face, describe, face, in_block, namespace_matches
from ringfence.prove.network.values import AdminPolicy, Opaque, Peer, Pod, Policy, PortRule, Rule
from ringfence.prove.network.world import World

INGRESS, EGRESS = "ingress", "egress"
NODE_PEERS = Question(
    "adminNodePeers",
    ("supported", "closed"),
    "whether the network plugin supports nodes as peers of cluster-wide policies",
)
_LISTED = 3


@dataclass(frozen=True, slots=True)
class Way:
    """One direction at one pod: ``subject`` is selected by policies, ``other`` matched by their peers."""

    world: World
    direction: str
    subject: Pod
    other: Party
    destination: Party
    protocol: str
    port: int
    dialled: Dialled = PLAIN


def direction_passes(way: Way, choices: Choices, trail: Trail) -> bool:
    """May the packet pass here? Notes the tier that decided."""
    override = _opaque(way, choices, trail, "vendor")
    if override is not None:
        return override
    verdict = _admin(way, "Admin", choices, trail)
    if verdict in {"Allow", "Deny"}:
        return verdict == "Allow"
    namespaced = _namespaced(way, choices, trail)
    if namespaced is not None:
        return namespaced
    verdict = _admin(way, "Baseline", choices, trail)
    if verdict in {"Allow", "Deny"}:
        return verdict == "Allow"
    trail.note(f"{way.direction}: no policy selects {way.subject.ref}, so everything may pass")
    return True


def _opaque_answer(way: Way, found: list[Opaque], kind: str, choices: Choices) -> str:
    names = ", ".join(f"{entry.ref} ({entry.why})" for entry in found[:_LISTED])
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    values = ("nothing", "denies") if all(entry.denies_only for entry in found) else ("nothing", "denies", "allows")
    key = f"opaque:{kind}:{way.direction}:{way.subject.namespace}"
    return choices.ask(Question(key, values, f"what {names}{more} does to {way.direction} of {way.subject.namespace}"))


def _opaque(way: Way, choices: Choices, trail: Trail, kind: str) -> bool | None:
    found = [
        entry
        for entry in way.world.opaque_in(way.subject.namespace)
        if entry.kind == kind and (way.protocol == "TCP" or not entry.tcp_only)
    ]
    if not found:
        return None
    answer = _opaque_answer(way, found, kind, choices)
    if answer == "nothing":
        return None
    trail.note(f"{way.direction}: {found[0].ref} {answer} it, perhaps", *(entry.ref for entry in found[:_LISTED]))
    return answer == "allows"


def _namespaced(way: Way, choices: Choices, trail: Trail) -> bool | None:
    """NetworkPolicy v1: None where the pod is not isolated in this direction."""
    subject = face(way.world, way.subject, choices)
    if not isinstance(subject, Pod):
        return None
    selecting = way.world.selecting(subject, way.direction)
    hidden = _opaque(way, choices, Trail(), "v1")
    if not selecting and hidden is None:
        return None
    if choices.ask(POLICY) == "ignored":
        trail.note(f"{way.direction}: the network plugin ignores NetworkPolicy")
        return None
    if way.world.may_be_bare(subject.namespace) and _gone(subject.namespace, choices):
        trail.note(f"{way.direction}: policies of {subject.namespace} may be gone before its pods")
        return None
    if way.protocol == "SCTP" and choices.ask(SCTP) != "enforced":
        trail.note(f"{way.direction}: the network plugin does not filter SCTP")
        return choices.ask(SCTP) == "passed"
    return _allowed_by(way, selecting, choices, trail) or _hidden_or_denied(way, selecting, hidden, trail)


def _gone(namespace: str, choices: Choices) -> bool:
    """May the policies of a namespace that is being deleted be gone already?"""
    text = f"whether policies of {namespace}, which is or may be deleted, go before its pods (CVE-2024-7598)"
    return choices.ask(Question(f"deleted:{namespace}", ("there", "gone"), text)) == "gone"


def _hidden_or_denied(way: Way, selecting: list[Policy], hidden: bool | None, trail: Trail) -> bool:
    if hidden is True:
        trail.note(f"{way.direction}: a policy that cannot be read allows it, perhaps")
        return True
    refs = [policy.ref for policy in selecting[:_LISTED]]
    more = f" and {len(selecting) - _LISTED} more" if len(selecting) > _LISTED else ""
    who = (", ".join(refs) or "a policy that cannot be read") + more
    trail.note(f"{way.direction}: {who} isolates {way.subject.ref} and no rule allows {_packet(way)}", *refs)
    return False


def _allowed_by(way: Way, selecting: list[Policy], choices: Choices, trail: Trail) -> bool:
    other = face(way.world, way.other, choices)
    destination = face(way.world, way.destination, choices)
    for policy in selecting:
        rules = policy.ingress if way.direction == INGRESS else policy.egress
        for rule in rules or ():
            if not _port_matches_any(rule, way, destination, choices, v1=True):
                continue
            if not rule.peers or any(_peer_matches(way, policy, peer, other, choices) for peer in rule.peers):
                trail.note(f"{way.direction}: {policy.ref} allows {_packet(way)}", policy.ref)
                return True
    return False


def _packet(way: Way) -> str:
    side = "from" if way.direction == INGRESS else "to"
    return f"{way.port}/{way.protocol} {side} {describe(way.other)}"


def _peer_matches(way: Way, policy: Policy, peer: Peer, other: Party, choices: Choices) -> bool:
    if peer.pods is None:
        return any(in_block(block, other, way.dialled, choices, v1=True) for block in peer.blocks)
    if not isinstance(other, Pod) or not peer.pods.matches(other.labels):
        return False
    if peer.namespaces is None:
        return other.namespace == policy.namespace
    return namespace_matches(way.world, peer.namespaces, other.namespace, choices)


def _port_matches_any(rule: Rule, way: Way, destination: Party, choices: Choices, *, v1: bool) -> bool:
    return not rule.ports or any(_port_matches(port, way, destination, choices, v1=v1) for port in rule.ports)


def _port_matches(port: PortRule, way: Way, destination: Party, choices: Choices, *, v1: bool) -> bool:
    if port.protocol and port.protocol != way.protocol:
        return False
    if port.name is not None:
        return isinstance(destination, Pod) and _is_named(destination, port.name, way, choices)
    if port.first is None or port.last is None:
        return True
    if not port.first <= way.port <= port.last:
        return False
    return way.port == port.first or not v1 or choices.ask(END_PORT) == "range"


def _is_named(pod: Pod, name: str, way: Way, choices: Choices) -> bool:
    """Does the pod call this port so? Of several ports of one name some plugins take the first alone."""
    numbers = [entry.number for entry in pod.ports if entry.name == name and entry.protocol == way.protocol]
    if way.port not in numbers:
        return False
    if way.port == numbers[0]:
        return True
    text = f"whether {name} is every port of {pod.ref} that is called so, or the first alone"
    return choices.ask(Question(f"port-name:{pod.ref}:{name}", ("every", "first"), text)) == "every"


def _admin(way: Way, tier: str, choices: Choices, trail: Trail) -> str | None:
    """The verdict of a tier: Allow, Deny, Pass or None, over both generations of the API."""
    subject = admin_face(way.world, way.subject)
    if not isinstance(subject, Pod):
        return None
    by_kind: dict[str, list[AdminPolicy]] = {}
    for policy in way.world.admin:
        if policy.tier == tier and (policy.ingress if way.direction == INGRESS else policy.egress):
            by_kind.setdefault(policy.kind, []).append(policy)
    verdicts: dict[str, str] = {}
    for kind, policies in by_kind.items():
        verdict = _tier_verdict(way, policies, choices, trail)
        if verdict is not None and choices.ask(ADMIN_QUESTIONS[kind]) == "enforced":
            verdicts[kind] = verdict
    found = tuple(dict.fromkeys(verdicts.values()))
    if len(found) <= 1:
        return found[0] if found else None
    question = Question(f"order:{tier}:{way.direction}", found, f"which of {', '.join(verdicts)} comes first")
    return choices.ask(question)


def _tier_verdict(way: Way, policies: list[AdminPolicy], choices: Choices, trail: Trail) -> str | None:
    by_priority: dict[int, list[AdminPolicy]] = {}
    for policy in policies:
        by_priority.setdefault(policy.priority, []).append(policy)
    for priority in sorted(by_priority):
        matching: dict[str, str] = {}
        for policy in by_priority[priority]:
            verdict = _policy_verdict(way, policy, choices)
            if verdict is not None:
                matching[policy.ref] = verdict
        if not matching:
            continue
        found = tuple(dict.fromkeys(matching.values()))
        chosen = found[0]
        if len(found) > 1:
            text = f"which of {', '.join(matching)}, of equal priority {priority}, is applied (the API leaves it open)"
            chosen = choices.ask(Question(f"equal:{policies[0].kind}:{way.direction}:{priority}", found, text))
        decided = [ref for ref, verdict in matching.items() if verdict == chosen]
        trail.note(f"{way.direction}: {decided[0]} says {chosen} to {_packet(way)}", *decided)
        return chosen
    return None


def _policy_verdict(way: Way, policy: AdminPolicy, choices: Choices) -> str | None:
    if not policy.pods.matches(way.subject.labels):
        return None
    rules = policy.ingress if way.direction == INGRESS else policy.egress
    if not namespace_matches(way.world, policy.namespaces, way.subject.namespace, choices):
        return None
    for rule in rules:
        verdict = _rule_verdict(way, rule, choices)
        if verdict is not None:
            return verdict
    return None


def _rule_verdict(way: Way, rule: Rule, choices: Choices) -> str | None:
    """First match wins. What the program or the plugin does not know fails closed: Allow nothing, else deny all."""
    strange = any(peer.strange for peer in rule.peers) or any(port.strange for port in rule.ports)
    if not strange and any(peer.nodes is not None for peer in rule.peers):
        strange = choices.ask(NODE_PEERS) == "closed"
    if strange:
        return None if rule.action == "Allow" else "Deny"
    destination = admin_face(way.world, way.destination)
    if not _port_matches_any(rule, way, destination, choices, v1=False):
        return None
    other = admin_face(way.world, way.other)
    return rule.action if any(_admin_peer(way, peer, other, choices) for peer in rule.peers) else None


def _admin_peer(way: Way, peer: Peer, other: Party, choices: Choices) -> bool:
    if peer.domains:
        text = f"whether {', '.join(peer.domains)} is {describe(other)}"
        return choices.ask(Question(f"domain:{peer.domains}:{describe(other)}", ("no", "yes"), text)) == "yes"
    if peer.blocks:
        return any(in_block(block, other, way.dialled, choices, v1=False) for block in peer.blocks)
    if peer.nodes is not None:
        node = None if isinstance(other, Pod) else way.world.nodes.get(getattr(other, "name", None) or "")
        return node is not None and peer.nodes.matches(node.labels)
    if not isinstance(other, Pod) or peer.pods is None or peer.namespaces is None:
        return False
    return peer.pods.matches(other.labels) and namespace_matches(way.world, peer.namespaces, other.namespace, choices)
