"""Opening the world for a promotion: where deployments live, Git and Argo CD, and the proof."""

from collections.abc import Callable

from ringfence.flows.plan import feasible, plan
from ringfence.flows.promotion.argo_delivery import ArgoDelivery
from ringfence.flows.promotion.asking import World
from ringfence.flows.promotion.facts import WorldFacts
from ringfence.flows.promotion.separation import proved
from ringfence.flows.promotion.workspace import Workspace
from ringfence.flows.targets import find_targets


def open_world(workspace: Workspace, report: Callable[[str], None]) -> World:
    """The running landscape. Raises StateError when there is no Topology for it."""
    topology = feasible(plan(workspace.landscape))
    targets = find_targets(workspace.paths, workspace.clock, workspace.landscape.name)
    delivery = ArgoDelivery(
        workspace.landscape, topology, targets, workspace.clock, report, lambda name: _bundle(workspace, name)
    )
    facts = WorldFacts(workspace, delivery, lambda deployment: proved(workspace, topology, targets, deployment))
    return World(delivery, facts, report)


def _bundle(workspace: Workspace, environment: str) -> str | None:
    """The platform's version that an update brought to an Environment, as the ledger has it."""
    from ringfence.flows.updates.desk import open_desk

    landscape = workspace.landscape
    desk = open_desk(workspace.paths, landscape.name, landscape.calendar, workspace.clock, workspace.actor)
    known = desk.state.environments.get(environment)
    return None if known is None or known.present is None else str(known.present.version)
