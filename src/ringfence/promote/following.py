"""What runs where nobody's change is: the stable version in development, the latest in testing and staging.

Stages.md, "Promotion": beside a change runs the stable or the latest version of everything else. A deployment at which
a change stands is that change's own; one at which none stands follows. Which version is stable or latest changes only
by promotions, demotions and rollbacks, so following happens after those. A controller that follows all the time was
rejected: between two moves there is nothing to follow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ringfence.landscape.model import Beside
from ringfence.promote.ladder import Ladder
from ringfence.promote.state import LadderState


@dataclass(frozen=True, slots=True)
class Follower:
    """A deployment at which no change stands, and the release that it should run."""

    deployment: str
    stage: str
    release: str


def meant(ladder: Ladder, state: LadderState, stage: str, beside: Beside) -> str | None:
    """The release that a stage shows of an application to changes of others; None when there is none yet.

    Stable is what production runs; latest is what came last to this stage or a later one and is neither held nor
    rejected.
    """
    return stable(ladder, state) if beside is Beside.STABLE else latest(ladder, state, stage)


def stable(ladder: Ladder, state: LadderState) -> str | None:
    """What production runs."""
    names = [name for rung in ladder.rungs if rung.production for name in rung.deployments]
    return next((state.runs[name] for name in names if name in state.runs), None)


def latest(ladder: Ladder, state: LadderState, stage: str) -> str | None:
    """The release that came last to the stage or passed it, and may still be promoted."""
    known = {rung.stage for rung in ladder.rungs[ladder.position(stage) :]}
    passages = [
        passage
        for release, entries in state.passages.items()
        if release not in state.rejected and release not in state.holds
        for passage in entries
        if passage.stage in known
    ]
    return max(passages, key=lambda passage: passage.at).release if passages else None


def followers(ladder: Ladder, state: LadderState, beside: Mapping[str, Beside]) -> Iterator[Follower]:
    """Deployments that run something else than they should; ``beside`` is what each stage shows. Never production."""
    for rung in ladder.rungs:
        if not rung.placed or rung.production or beside.get(rung.stage) not in (Beside.STABLE, Beside.LATEST):
            continue
        release = meant(ladder, state, rung.stage, beside[rung.stage])
        if release is None or release in state.holds or release in state.rejected:
            continue
        for name in rung.deployments:
            if state.runs.get(name) != release and not state.standing(name) and state.move_touching(name) is None:
                yield Follower(name, rung.stage, release)
