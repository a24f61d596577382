"""Rights over what deployments share and whose effect no snapshot shows: they leave unknown what they could touch.

Modelling every driver, proxy and operator was rejected: what they do is in their code.
"""

from ringfence.prove.closure.engine import State
from ringfence.prove.rbac.powers import Power


def unmodelled(state: State, cluster: str, powers: tuple[Power, ...]) -> list[str]:
    """What is missing because of the ``powers`` that were reached in a cluster, each with what gives it."""
    found: dict[str, None] = {}
    for power in powers:
        for capability in state.powers(cluster, power.value):
            chain = state.chain(capability)
            shown = f" ({chain.steps[-1].by})" if chain.steps else ""
            # A right that may be none: what decides is whether it is one, and nobody need know yet what comes of it.
            found.update(dict.fromkeys(chain.doubts or [f"what comes of the right to {power.value}{shown}"]))
    return list(found)
