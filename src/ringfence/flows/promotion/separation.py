"""The proof as a gate asks for it: the worst answer of every pair with one deployment, both ways."""

from ringfence.decide.topology import Topology
from ringfence.flows.promotion.workspace import Workspace
from ringfence.flows.targets import Targets
from ringfence.promote.gates.question import Proved


def proved(workspace: Workspace, topology: Topology, targets: Targets, deployment: str) -> Proved:
    """Whether what was promised of the pairs with ``deployment`` holds now, on the running clusters."""
    return Proved("unknown", f"nothing can prove {deployment} yet")
