"""Controllers that run the code of whoever reaches their webhook: the step from the network into the closure.

A network path to such a pod makes one that pod, and what its ServiceAccount reads follows by the ordinary rules.
"""

from typing import TYPE_CHECKING

from ringfence.prove.answer import Truth
from ringfence.prove.closure.capability import Capability, inside
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.pods import PodFacts
from ringfence.prove.facts.territory import Territory
from ringfence.prove.proof import Step
from ringfence.prove.rules.components import exposed_controllers
from ringfence.prove.rules.registry import state_rule

if TYPE_CHECKING:
    from ringfence.prove.verdicts.world import ProofWorld

EXPOSED = state_rule(
    "network/exposed-webhook",
    "Whoever reaches the admission webhook of an unpatched ingress-nginx runs code in it, and reads all its Secrets.",
    source="CVE-2025-1974 (kubernetes#131009)",
    versions="ingress-nginx before 1.11.5 and 1.12.1",
)


def _exposed(facts: ClusterFacts) -> list[tuple[PodFacts, str | None]]:
    return facts.memory.once(("exposed", facts.name), lambda: list(exposed_controllers(facts)))


def reached_controllers(world: "ProofWorld", a: Territory, state: State) -> dict[Capability, Derivation | None]:
    """The exposed pods that A reaches, each with the connection as its step."""
    from ringfence.prove.network.cells import Span
    from ringfence.prove.network.cross import cross_connections
    from ringfence.prove.network.groups import Group
    from ringfence.prove.verdicts.network_groups import group_in_state, network_world, pods_by_ref

    found: dict[Capability, Derivation | None] = {}
    for cluster in sorted(a.clusters):
        facts = world.clusters[cluster]
        for pod, doubt in _exposed(facts):
            gives = inside(cluster, pod.name.kind, pod.namespace, pod.name.name)
            if state.has(gives):
                continue
            net = network_world(world, cluster)
            target = pods_by_ref(world, cluster).get(f"{pod.name.kind.lower()}/{pod.namespace}/{pod.name.name}")
            if target is None:
                continue
            group = group_in_state(world, cluster, a, state, certain=False)
            crossing = cross_connections(
                net, group, Group(pod.shown, frozenset({pod.namespace}), (target,)), (Span("UDP"),)
            )
            if crossing.truth is Truth.NO:
                continue
            unsure = crossing.missing[0] if crossing.missing else f"whether {a.name} reaches {pod.shown}"
            reason = doubt or (unsure if crossing.truth is Truth.UNKNOWN else None)
            text = f"{a.name} reaches the webhook of {pod.shown} and runs code in it"
            step = Step(text, f"Namespace {pod.namespace}", f"{cluster}:namespace/{pod.namespace}", EXPOSED)
            found[gives] = Derivation(gives, EXPOSED, step, reason)
    return found
