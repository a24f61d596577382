"""One whole number that orders arrangements as the contract does: price, then Environments, clusters, nodes."""

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from ringfence.decide.arrangement import Rank
from ringfence.decide.problem import Prices, Problem


@dataclass(frozen=True, slots=True)
class Weights:
    """What an Environment, a workload cluster and a node add to the number; ``move`` is one unit of a move's price.

    ``base`` is larger than any count, so that ties never outweigh a price.
    """

    environment: int
    cluster: int
    node: int
    price: int
    scale: int
    base: int

    def value(self, environments: int, clusters: int, nodes: int) -> int:
        """The number for these counts."""
        return environments * self.environment + clusters * self.cluster + nodes * self.node

    def of(self, rank: Rank) -> int:
        """The number of a rank."""
        return self.value(rank.environments, rank.clusters, rank.nodes)

    def least_price(self, value: int) -> Fraction:
        """The price that every arrangement with this number or a larger one has at least."""
        return Fraction(value // self.price, self.scale)


def weigh(problem: Problem) -> Weights:
    """The weights for a problem's prices."""
    prices = problem.prices
    base = _most_nodes(problem) + len(problem.names) + 2
    scale = lcm(prices.environment.denominator, prices.cluster.denominator, prices.node.denominator)
    price = base**3
    return Weights(
        environment=int(prices.environment * scale) * price + base**2,
        cluster=int(prices.cluster * scale) * price + base,
        node=int(prices.node * scale) * price + 1,
        price=price,
        scale=scale,
        base=base,
    )


def _most_nodes(problem: Problem) -> int:
    prices: Prices = problem.prices
    return sum(prices.nodes(*load) for loads in problem.loads for load in loads.values())
