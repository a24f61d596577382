"""May anything of a deployment, present or to be made, speak to what is outside certain namespaces? An upper bound."""

from ringfence.prove.network.elsewhere import admits_elsewhere
from ringfence.prove.network.groups import Group
from ringfence.prove.network.selectors import Selector
from ringfence.prove.network.values import Pod
from ringfence.prove.network.wild import label_choices
from ringfence.prove.network.world import World


def may_leave(world: World, a: Group, inside: frozenset[str]) -> bool:
    """Could anything of the group, present or to be made, speak to something outside these namespaces?"""
    if a.powers.host_network & a.powers.create_pods or any(
        admits_elsewhere(world, pod, "egress", inside) for pod in a.pods
    ):
        return True
    for space in sorted(a.powers.create_pods):
        choices = label_choices(egress_selectors(world, space))
        made = (Pod(space, "created", labels, ref=f"namespace/{space}") for labels in choices.tried)
        if not choices.complete or any(admits_elsewhere(world, pod, "egress", inside) for pod in made):
            return True
    return False


def egress_selectors(world: World, space: str) -> list[Selector]:
    """The selectors that can tell apart pods of a namespace on their way out."""
    own = [policy.pods for policy in world.policies_of(space) if policy.egress is not None]
    return [*own, *(admin.pods for admin in world.admin)]
