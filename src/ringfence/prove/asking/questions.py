"""Which attacks a proof needs an answer to, read off the closure: who could try, what they would send, what is said.

Every place where somebody of a deployment can create pods is asked for a pod that owns its node; every kind of node
that admission keeps those pods from, or may, is asked for a pod there; PriorityClasses where policies leave it open;
RoleBindings where somebody writes them; one Secret of each namespace. Where the closure is sure, one or a few shapes
are tried, to find out when it is wrong; where it cannot decide, many, since one that is admitted settles it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.admission.attacks import class_attack, policies_of
from ringfence.prove.admission.guard import Gate
from ringfence.prove.admission.placement import nodes_open_to
from ringfence.prove.admission.rootpods import root_pod_guard
from ringfence.prove.admission.webhooks import webhook_guards
from ringfence.prove.asking import shapes
from ringfence.prove.asking.answers import Aim, Told
from ringfence.prove.cel.policies import Says
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.closure.engine import State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.rbac.index import MASTERS, UNAUTHENTICATED, Subject
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rbac.rules import Request
from ringfence.prove.verdicts.world import ProofWorld

_RBAC = "rbac.authorization.k8s.io"
_SURE, _UNSURE = 3, 12
_NODES = 12
_ACTORS = 6
_SYSTEM_CLASSES = ("system-cluster-critical", "system-node-critical")


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who would try: directly, or (``workload``) by a workload whose controller makes the pods."""

    subject: Subject
    workload: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One attack: its shapes are tried as each of ``actors`` until one is admitted."""

    cluster: str
    namespace: str
    aim: Aim
    target: str
    expected: Told
    actors: tuple[Actor, ...]
    attempts: tuple[dict[str, Any], ...]

    @property
    def key(self) -> tuple[str, str, Aim, str]:
        """What the question is about."""
        return (self.cluster, self.namespace, self.aim, self.target)


def questions(world: ProofWorld) -> list[Question]:
    """The attacks that the closures of a proof need, each once, in a fixed order.

    Who could try is gathered over all closures first: what is asked of a namespace, and what is expected there, is the
    same for all of them and is worked out once.
    """
    creators: dict[tuple[str, str], dict[Actor, None]] = defaultdict(dict)
    binders: dict[tuple[str, str], dict[Subject, None]] = defaultdict(dict)
    expected: dict[tuple[str, str], set[Told]] = defaultdict(set)
    for state in world.every_state():
        for facts in world.clusters.values():
            subjects = _subjects(state, facts.name)
            for namespace in _namespaces(world, state, facts):
                found = islice(_creators(world, facts, subjects, namespace), _ACTORS)
                creators[facts.name, namespace].update(dict.fromkeys(found))
            for namespace in _bound_spaces(world, state, facts):
                mine = [one for one in subjects if _may(world, facts, one, namespace, _RBAC, "rolebindings")]
                if mine:
                    binders[facts.name, namespace].update(dict.fromkeys(mine[:_ACTORS]))
                    expected[facts.name, namespace].add(_binding_expected(state, facts.name, namespace))
    asked: list[Question] = []
    for (cluster, namespace), who in creators.items():
        if who:
            actors = tuple(who)[: 2 * _ACTORS]
            asked += _pods(world.clusters[cluster], namespace, actors)
            asked += _secrets(world, world.clusters[cluster], namespace, actors)
    for place, subjects_there in binders.items():
        asked.append(_binding(place, tuple(subjects_there)[: 2 * _ACTORS], expected[place]))
    return sorted(asked, key=lambda question: question.key)


def _binding(place: tuple[str, str], binders: tuple[Subject, ...], expected: set[Told]) -> Question:
    actors = tuple(Actor(subject) for subject in binders)
    said = expected.pop() if len(expected) == 1 else Told.UNKNOWN
    return Question(*place, Aim.ROLE_BINDING, shapes.ADMIN, said, actors, (shapes.binding_attack(binders[0]),))


def _binding_expected(state: State, cluster: str, namespace: str) -> Told:
    """The API server lets nobody give rights that they lack, unless they may bind or escalate."""
    for place in (namespace, EVERYWHERE):
        reached = state.reached.get(Capability(Can.NAMESPACE_ADMIN, cluster, place))
        if reached is not None:
            return Told.UNKNOWN if reached.doubts else Told.ADMITTED
    return Told.UNKNOWN if state.has(Capability(Can.CLUSTER_ADMIN, cluster)) else Told.REFUSED


def _subjects(state: State, cluster: str) -> list[Subject]:
    """Everybody that the deployment can act as, people first, but for those that nobody can be impersonated as."""
    order = {"User": 0, "Group": 1, "ServiceAccount": 2}
    nobody = {MASTERS, UNAUTHENTICATED, "system:anonymous", "system:authenticated"}
    found = [
        Subject(item.detail, item.namespace, item.name)
        for item in state.of(Can.ACT_AS, cluster)
        if item.name not in nobody and EVERYWHERE not in (item.name, item.namespace)
    ]
    return sorted(found, key=lambda subject: (order.get(subject.kind, 3), subject))


def _namespaces(world: ProofWorld, state: State, facts: ClusterFacts) -> list[str]:
    places = {item.namespace for item in state.of(Can.CREATE_PODS, facts.name)}
    if EVERYWHERE in places:
        places |= _owned(world, facts.name)
    return sorted(place for place in places if place in facts.namespaces)


def _owned(world: ProofWorld, cluster: str) -> set[str]:
    return {space for item in world.territories.values() for space in item.namespaces(cluster)}


def _bound_spaces(world: ProofWorld, state: State, facts: ClusterFacts) -> list[str]:
    places = {item.namespace for item in state.powers(facts.name, Power.CREATE_BINDINGS.value)}
    places |= {item.namespace for item in state.of(Can.NAMESPACE_ADMIN, facts.name)}
    if EVERYWHERE in places:
        places |= _owned(world, facts.name)
    return sorted(place for place in places if place in facts.namespaces)


def _creators(world: ProofWorld, facts: ClusterFacts, subjects: Iterable[Subject], namespace: str) -> Iterator[Actor]:
    """Those that RBAC lets create pods, then those that it lets create a workload."""
    listed = list(subjects)
    direct = [subject for subject in listed if _may(world, facts, subject, namespace, "", "pods")]
    yield from (Actor(subject) for subject in direct)
    for subject in listed:
        for resource, (api, _, _) in shapes.WORKLOADS.items():
            if subject not in direct and _may(world, facts, subject, namespace, api.partition("/")[0], resource):
                yield Actor(subject, resource)
                break


def _may(world: ProofWorld, facts: ClusterFacts, subject: Subject, namespace: str, group: str, resource: str) -> bool:
    key = ("may create", facts.name, subject, group, resource)

    def found() -> frozenset[str | None]:
        request = Request("create", group, resource)
        return frozenset(
            grant.scope
            for grant in facts.rbac.of(subject)
            if any(rule.permits(request) for rule in grant.rules.possible)
        )

    scopes = world.memory.once(key, found)
    return None in scopes or namespace in scopes


def _pods(facts: ClusterFacts, namespace: str, actors: tuple[Actor, ...]) -> Iterator[Question]:
    policies = policies_of(facts, namespace)
    make = partial(Question, facts.name, namespace)
    guard = root_pod_guard(facts, namespace, relabelled=False)
    expected = {Gate.OPEN: Told.ADMITTED, Gate.CLOSED: Told.REFUSED, Gate.DOUBTFUL: Told.UNKNOWN}[guard.gate]
    most = _UNSURE if expected is Told.UNKNOWN else _SURE
    yield make(Aim.ROOT_POD, "", expected, actors, tuple(shapes.root_attacks(policies, most)))
    choice = nodes_open_to(facts, namespace)
    if choice.nodes is not None or choice.doubt or guard.gate is Gate.DOUBTFUL:
        for node in shapes.spread(facts, _NODES):
            shut = choice.nodes is not None and node not in choice.nodes
            said = Told.REFUSED if shut else Told.UNKNOWN if choice.doubt else Told.ADMITTED
            count = 4 if said is Told.UNKNOWN else 1
            if said is not Told.ADMITTED:
                attempts = shapes.node_attacks(facts, policies, node, count, root=False)
                yield make(Aim.POD_ON_NODE, node, said, actors, tuple(attempts))
            if guard.gate is not Gate.CLOSED:
                rooted = said if Told.REFUSED in (said, expected) or said is expected else Told.UNKNOWN
                attempts = shapes.node_attacks(facts, policies, node, count, root=True)
                yield make(Aim.ROOT_ON_NODE, node, rooted, actors, tuple(attempts))
    yield from _classes(facts, namespace, actors)


def _classes(facts: ClusterFacts, namespace: str, actors: tuple[Actor, ...]) -> Iterator[Question]:
    policies = policies_of(facts, namespace)
    hooked = any(True for _ in webhook_guards(facts, namespace, "", "pods"))
    listed = [item["metadata"]["name"] for item in facts.snapshot.of(kinds.PRIORITY_CLASS)]
    for name in dict.fromkeys((*_SYSTEM_CLASSES, *listed)):
        refusal = class_attack(policies, name)
        if refusal.says is Says.MAYBE or (hooked and refusal.says is Says.PASSES):
            attempts = tuple(shapes.class_attacks(policies, name, _SURE))
            yield Question(facts.name, namespace, Aim.PRIORITY, name, Told.UNKNOWN, actors, attempts)


def _secrets(world: ProofWorld, facts: ClusterFacts, namespace: str, actors: tuple[Actor, ...]) -> Iterator[Question]:
    """One Secret of each namespace: that a pod may mount it is what every witness about Secrets rests on."""
    names = sorted(facts.secrets_in.get(namespace, ()))
    if names and namespace in _owned(world, facts.name):
        attempts = tuple(shapes.secret_attacks(policies_of(facts, namespace), names[0], _SURE))
        yield Question(facts.name, namespace, Aim.SECRET_POD, names[0], Told.ADMITTED, actors, attempts)
