"""From dimensions to pairs to the proof: which dimensions a level promises, and what that comes to."""

import operator
from collections.abc import Callable, Mapping

from ringfence.landscape.model import Level
from ringfence.prove.facts.territory import Territory
from ringfence.prove.partition import Partition
from ringfence.prove.proof import Answer, Dimension, PairProof, Proof, Verdict, worst
from ringfence.prove.snapshot import Snapshot
from ringfence.prove.verdicts.access import access_verdict
from ringfence.prove.verdicts.assumptions import assumptions_of
from ringfence.prove.verdicts.blind import blind_spots
from ringfence.prove.verdicts.credentials import credentials_verdict
from ringfence.prove.verdicts.data import data_verdict
from ringfence.prove.verdicts.network import network_verdict
from ringfence.prove.verdicts.performance import performance_verdict
from ringfence.prove.verdicts.platform import platform_verdict
from ringfence.prove.verdicts.world import ProofWorld, proof_world

_FULL = frozenset({Dimension.NETWORK, Dimension.ACCESS, Dimension.CREDENTIALS, Dimension.PERFORMANCE, Dimension.DATA})
PROMISES: Mapping[Level, frozenset[Dimension]] = {
    Level.LABELS: frozenset({Dimension.NETWORK}),
    Level.NAMESPACE: _FULL,
    Level.NODE: frozenset({Dimension.NETWORK, Dimension.PERFORMANCE}),
    Level.NODE_NAMESPACE: _FULL,
    Level.CLUSTER: _FULL | {Dimension.PLATFORM},
    Level.ENVIRONMENT: _FULL | {Dimension.PLATFORM},
}
"""What each level promises (contract, section 2). ``performance`` at ``namespace`` is the soft one."""

_SOFT = frozenset({Level.LABELS, Level.NAMESPACE, None})
_PRODUCTION = "production"


def prove(partition: Partition, snapshot: Snapshot, without: frozenset[str] = frozenset()) -> Proof:
    """The proof of every ordered pair of the Partition's deployments. Never raises for what the Snapshot holds."""
    return prove_in(proof_world(partition, snapshot, without))


def prove_in(world: ProofWorld) -> Proof:
    """As ``prove``, over facts that are indexed already; what was reached stays in ``world``."""
    pairs = tuple(
        _known_pair(world, a, b)
        for a in world.territories.values()
        for b in world.territories.values()
        if a.name != b.name
    )
    assumptions = world.memory.once(("assumptions",), lambda: assumptions_of(world))
    answers = tuple(answer for facts in world.clusters.values() for answer in facts.snapshot.answers)
    return Proof(_overall(world.partition, pairs), assumptions, pairs, answers)


def _known_pair(world: ProofWorld, a: Territory, b: Territory) -> PairProof:
    return world.memory.once(("pair", a.name, b.name), lambda: pair_proof(world, a, b), operator.is_)


def _overall(partition: Partition, pairs: tuple[PairProof, ...]) -> Answer:
    """What was promised, and always that production's data is safe; with no promise at all every pair counts."""
    counted = [pair for pair in pairs if pair.promised is not None or _always(partition, pair.source, pair.destination)]
    return worst(pair.answer for pair in (counted if partition.promises else pairs))


def _always(partition: Partition, source: str, destination: str) -> bool:
    """Whether stages.md's "always" is about this pair: production data, whatever happens in what is not production."""
    return partition.deployment(destination).stage == _PRODUCTION and partition.deployment(source).stage != _PRODUCTION


def pair_proof(world: ProofWorld, a: Territory, b: Territory) -> PairProof:
    """The verdicts for one ordered pair."""
    promised = world.partition.promised(a.name, b.name)

    def gaps(dimension: Dimension) -> list[str]:
        blind = world.memory.once(("blind", a.name, b.name), lambda: blind_spots(world, a, b))
        return blind.get(dimension, [])

    def known(what: object, work: Callable[[], Verdict]) -> Verdict:
        return world.memory.once((what, a.name, b.name), work, operator.eq)

    network = known(Dimension.NETWORK, lambda: network_verdict(world, a, b, gaps(Dimension.NETWORK)))
    access = known(Dimension.ACCESS, lambda: access_verdict(world, a, b, gaps(Dimension.ACCESS)))
    credentials = known(Dimension.CREDENTIALS, lambda: credentials_verdict(world, a, b, gaps(Dimension.CREDENTIALS)))
    soft = known("soft", lambda: performance_verdict(world, a, b, gaps(Dimension.PERFORMANCE), soft=True))
    hard = known("hard", lambda: performance_verdict(world, a, b, gaps(Dimension.PERFORMANCE), soft=False))
    platform = known(Dimension.PLATFORM, lambda: platform_verdict(world, a, b, gaps(Dimension.PLATFORM), promised))
    data = data_verdict(world, a, b, gaps(Dimension.DATA), (access, credentials, network))
    dimensions = {
        Dimension.NETWORK: network,
        Dimension.ACCESS: access,
        Dimension.CREDENTIALS: credentials,
        Dimension.PERFORMANCE: soft if promised in _SOFT else hard,
        Dimension.PLATFORM: platform,
        Dimension.DATA: data,
    }
    holds = _highest(world, a, b, dimensions, soft, hard, gaps(Dimension.PLATFORM))
    counted = _counted(world.partition, a.name, b.name)
    return PairProof(a.name, b.name, promised, holds, _answer(world, a, b, promised, dimensions), dimensions, counted)


def _counted(partition: Partition, source: str, destination: str) -> frozenset[Dimension]:
    """The dimensions of a pair that count in the proof's answer."""
    if not partition.promises:
        return frozenset(Dimension)
    promised = partition.promised(source, destination)
    counted = PROMISES[promised] if promised is not None else frozenset[Dimension]()
    return counted | {Dimension.DATA} if _always(partition, source, destination) else counted


def _answer(
    world: ProofWorld, a: Territory, b: Territory, promised: Level | None, dimensions: Mapping[Dimension, Verdict]
) -> Answer:
    wanted = set(PROMISES[promised]) if promised is not None else set()
    if _always(world.partition, a.name, b.name):
        wanted.add(Dimension.DATA)
    elif promised is None:
        # Nothing was promised: what is seen is reported, and nobody should read "holds" into silence.
        wanted = set(Dimension)
    return worst(dimensions[dimension].answer for dimension in wanted)


def _highest(
    world: ProofWorld,
    a: Territory,
    b: Territory,
    dimensions: Mapping[Dimension, Verdict],
    soft: Verdict,
    hard: Verdict,
    gaps: list[str],
) -> Level | None:
    reached: Level | None = None
    for level in Level:
        verdicts = {**dimensions, Dimension.PERFORMANCE: soft if level in _SOFT else hard}
        wanted = PROMISES[level] - {Dimension.PLATFORM}
        if not all(verdicts[dimension].answer is Answer.HOLDS for dimension in wanted):
            continue
        shared = platform_verdict(world, a, b, gaps, level) if Dimension.PLATFORM in PROMISES[level] else None
        if shared is None or shared.answer is Answer.HOLDS:
            reached = level if reached is None else reached.joined(level)
    return reached
