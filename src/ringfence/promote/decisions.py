"""What to do when somebody asks for a promotion: a move, a place in the queue, or a refusal, each with its reason.

Decisions are values and change nothing; ``machine.advance`` takes the move and checks it again. An exception for every
"no" was rejected: a refusal is an answer (exit 1) with a place in the history, not a failure (exit 2).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ringfence.base.text import listed
from ringfence.promote.ladder import Ladder, Rung
from ringfence.promote.rules import place_name, short
from ringfence.promote.state import LadderState, Position, Step


@dataclass(frozen=True, slots=True)
class Proposal:
    """A move that the ladder allows, before its gates are asked."""

    release: str
    origin: str
    stage: str
    target: str | None
    steps: tuple[Step, ...]
    skipped: tuple[str, ...] = ()
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Every copy is taken, or others wait before this release: it waits in order."""

    release: str
    origin: str
    stage: str
    because: str


class Why(StrEnum):
    """Why a move is refused, for machines."""

    NOTHING_THERE = "NothingThere"
    AMBIGUOUS = "Ambiguous"
    HELD = "Held"
    NOT_ABOVE = "NotAbove"
    SKIPS = "Skips"
    BOTTOM = "Bottom"
    ON_THE_MOVE = "OnTheMove"
    NEVER_RAN = "NeverRan"
    NOTHING_BEFORE = "NothingBefore"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, and what would be right."""

    why: Why
    because: str
    hint: str
    release: str | None = None


Decision: TypeAlias = Proposal | Wait | Refusal


@dataclass(frozen=True, slots=True)
class Standing:
    """A release and the name of the place where it stands."""

    release: str
    place: str
    position: Position


def standing_at(ladder: Ladder, state: LadderState, place: str, release: str | None = None) -> Standing | Refusal:
    """The release that somebody means by a deployment, or by ``APP/STAGE`` where only one copy is taken.

    Where several stand (older ones behind the one that runs) it is the one that runs, else the only one;
    ``release`` (a digest) chooses another. Raises InputError for a place that the ladder does not have.
    """
    candidates = _candidates(ladder, state, place)
    if release is not None:
        candidates = [entry for entry in candidates if entry.release == release]
    if not candidates:
        return Refusal(Why.NOTHING_THERE, _empty(ladder, state, place), where_releases_are(state), release)
    running = [entry for entry in candidates if state.runs.get(entry.position.deployment or "") == entry.release]
    if len(candidates) > 1 and len(running) != 1 and not _is_entry(ladder, candidates):
        names = listed([f"{version_of(state, entry.release)} at {entry.place}" for entry in candidates])
        return Refusal(Why.AMBIGUOUS, f"{place}: several releases stand there: {names}", "choose one with --release")
    return running[0] if len(running) == 1 else candidates[-1]


def _is_entry(ladder: Ladder, candidates: list[Standing]) -> bool:
    return all(entry.position.stage == ladder.rungs[0].stage for entry in candidates)


def _candidates(ladder: Ladder, state: LadderState, place: str) -> list[Standing]:
    stage = place.partition("/")[2]
    whole_stage = any(rung.stage == stage and place not in rung.deployments for rung in ladder.rungs)
    if not whole_stage:
        ladder.rung_of(place)
    found = []
    for digest in state.releases:
        position = state.positions.get(digest)
        if position is None:
            continue
        name = place_name(ladder.application, position)
        if name == place or (whole_stage and position.stage == stage):
            found.append(Standing(digest, name, position))
    return found


def version_of(state: LadderState, digest: str) -> str:
    """The version of a release as its author named it, or the start of its digest."""
    record = state.releases.get(digest)
    return record.version if record else short(digest)


def _empty(ladder: Ladder, state: LadderState, place: str) -> str:
    running = state.runs.get(place)
    if running is not None:
        where = state.positions.get(running)
        now = f"; {version_of(state, running)} still runs there" + (
            f" and stands at {place_name(ladder.application, where)}" if where else ""
        )
        return f"no release stands at {place}{now}"
    return f"no release stands at {place}"


def where_releases_are(state: LadderState) -> str:
    """A hint that says where the releases of the application stand."""
    places = [
        f"{version_of(state, digest)} at {place_name(state.application, place)}"
        for digest, place in state.positions.items()
    ]
    if not places:
        return f"make one: ringfence release {state.application} VERSION"
    return f"releases of {state.application}: {listed(places[-8:])}"


def decide_promotion(
    ladder: Ladder,
    state: LadderState,
    origin: str,
    to: str,
    *,
    release: str | None = None,
    skip: bool = False,
) -> Decision:
    """What a promotion from ``origin`` to the stage or copy ``to`` comes to. Raises InputError for unknown names."""
    rung, copy = _target_rung(ladder, to)
    found = standing_at(ladder, state, origin, release)
    if isinstance(found, Refusal):
        return found
    stopped = stopped_by(state, found.release)
    if stopped is not None:
        return stopped
    parked = found.position.deployment is None and found.position.stage == rung.stage
    entered = ladder.entered(found.position.stage, rung.stage)
    if not entered and not parked:
        return Refusal(
            Why.NOT_ABOVE,
            f"{rung.stage} is not above {found.position.stage}, where {version_of(state, found.release)} stands",
            "a change goes back with `ringfence demote`",
            found.release,
        )
    skipped = tuple(passed.stage for passed in entered[:-1])
    if skipped and not skip:
        return Refusal(
            Why.SKIPS,
            f"from {found.position.stage} to {rung.stage} a release passes {listed(skipped)}",
            f"promote it to {skipped[0]} first, or pass --skip --because REASON",
            found.release,
        )
    return _with_target(state, found, rung, copy, skipped)


def _target_rung(ladder: Ladder, to: str) -> tuple[Rung, str | None]:
    name = to if "/" in to else f"{ladder.application}/{to}"
    for rung in ladder.rungs:
        if name in rung.deployments:
            return rung, name
    return ladder.rung(to.rpartition("/")[2]), None


def stopped_by(state: LadderState, release: str) -> Refusal | None:
    """The refusal for a release that is held or on the move, else None."""
    version = version_of(state, release)
    if release in state.holds:
        note = state.holds[release]
        return Refusal(
            Why.HELD,
            f"{version} is held by {note.by}: {note.because}",
            f"ringfence hold lift {state.application} {version} --because TEXT",
            release,
        )
    move = state.move_of(release)
    if move is None:
        return None
    return Refusal(
        Why.ON_THE_MOVE,
        f"{version} is on its way from {move.origin} to {move.target or move.stage}, started by {move.by}",
        f"run the same command again to finish it, or `ringfence demote {move.target} --because TEXT` to bring it back",
        release,
    )


def _with_target(
    state: LadderState, found: Standing, rung: Rung, copy: str | None, skipped: tuple[str, ...]
) -> Proposal | Wait:
    free = [copy] if copy is not None else list(rung.deployments)
    busy = {name: move for name in free if (move := state.move_touching(name)) is not None}
    target = next((name for name in free if name not in busy and (not rung.taken or state.taker(name) is None)), None)
    before = [waiting for waiting in state.queue if waiting.stage == rung.stage]
    ahead = [waiting for waiting in before if waiting.release != found.release]
    if before and before[0].release == found.release:
        ahead = []
    if target is None:
        return Wait(found.release, found.place, rung.stage, _occupied(state, rung, free))
    if rung.taken and ahead:
        first = version_of(state, ahead[0].release)
        return Wait(
            found.release, found.place, rung.stage, f"{target} is free, and {first} has waited longer for a copy"
        )
    return Proposal(found.release, found.place, rung.stage, target, (Step(target, found.release),), skipped=skipped)


def _occupied(state: LadderState, rung: Rung, names: list[str]) -> str:
    words = []
    for name in names:
        taker = state.taker(name)
        move = state.move_touching(name)
        if move is not None:
            words.append(f"{name} is being changed by {move.by}")
        elif taker is not None:
            words.append(f"{name} is taken by {version_of(state, taker)}")
    return listed(words) or f"{rung.stage} has no free deployment"
