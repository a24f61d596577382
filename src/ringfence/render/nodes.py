"""How the nodes of each pool look: a label that only an administrator can set, a taint that keeps others off."""

from ringfence.base.quantity import format_cpu, format_memory
from ringfence.decide.topology import Cluster
from ringfence.landscape.model import Landscape
from ringfence.render.manifests import NodePool, NodeTaint
from ringfence.render.names import POOL


def pools(landscape: Landscape, cluster: Cluster) -> tuple[NodePool, ...]:
    """The pools of a cluster in the Topology's order.

    Every pool is tainted, also the only one: a second pool may come later, and a pod that tolerates nothing must not
    land beside a deployment in the meantime. On a cluster that exists, what the platform runs needs nodes of its own.
    """
    capacity = landscape.costs.node.capacity
    return tuple(
        NodePool(
            name=pool.name,
            nodes=pool.nodes,
            dedicated_to=pool.dedicated_to,
            labels={POOL: pool.name},
            taints=(NodeTaint(POOL, pool.name, "NoSchedule"),),
            cpu=format_cpu(capacity.cpu),
            memory=format_memory(capacity.memory),
        )
        for pool in cluster.pools
    )
