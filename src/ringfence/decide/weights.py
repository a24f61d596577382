"""One whole number that orders arrangements as the contract does: price, then Environments, clusters, nodes."""

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from ringfence.decide.arrangement import Rank
from ringfence.decide.problem import Prices, Problem


@dataclass(frozen=True, slots=True)
class Weights:
    """What an Environment, a workload cluster and a node add to the number, over the ``months`` that count.

    ``base`` is larger than any count, so that ties never outweigh a price.
    """

    environment: int
    cluster: int
    node: int
    price: int
    scale: int
    base: int
    months: int = 1

    def value(self, environments: int, clusters: int, nodes: int) -> int:
        """The number for these counts."""
        return environments * self.environment + clusters * self.cluster + nodes * self.node

    def of(self, rank: Rank) -> int:
        """The number of a rank."""
        return self.value(rank.environments, rank.clusters, rank.nodes)

    def least_price(self, value: int) -> Fraction:
        """The price that every arrangement with this number or a larger one has at least."""
        return Fraction(value // self.price, self.scale * self.months)

    def move(self, price: Fraction) -> int:
        """What a move of this price adds."""
        return int(price * self.scale) * self.price


def weigh(problem: Problem) -> Weights:
    """The weights for a problem's prices."""
    prices = problem.prices
    base = _most_nodes(problem) + len(problem.names) + 2
    scale = lcm(prices.environment.denominator, prices.cluster.denominator, prices.node.denominator)
    months = 1
    if problem.previous is not None:
        months = problem.previous.months
        scale = lcm(scale, *(each.denominator for each in problem.previous.move))
    price = base**3
    return Weights(
        environment=int(prices.environment * scale) * months * price + base**2,
        cluster=int(prices.cluster * scale) * months * price + base,
        node=int(prices.node * scale) * months * price + 1,
        price=price,
        scale=scale,
        base=base,
        months=months,
    )


def _most_nodes(problem: Problem) -> int:
    prices: Prices = problem.prices
    return sum(prices.nodes(*load) for loads in problem.loads for load in loads.values())
