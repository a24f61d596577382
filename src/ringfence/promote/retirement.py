"""Which releases the ladder may forget: what nobody can promote, demote or roll back to any more.

The state is read and written whole at each event, so it must not grow with the years; the history and the ledger keep
everything. A release that was rejected is never forgotten: the same content must not come back as a new one.
"""

from dataclasses import replace

from ringfence.promote.ladder import Ladder
from ringfence.promote.state import LadderState

KEPT_A_DEPLOYMENT = 25
"""How many releases a deployment remembers: those that ran there, and those that stand there behind the one running."""


def retire(ladder: Ladder, state: LadderState) -> LadderState:
    """``state`` without the releases that are out of reach."""
    ran = {deployment: digests[-KEPT_A_DEPLOYMENT:] for deployment, digests in state.ran.items()}
    kept = _kept(ladder, replace(state, ran=ran))
    if len(kept) == len(state.releases) and ran == state.ran:
        return state
    return replace(
        state,
        ran=ran,
        releases={digest: record for digest, record in state.releases.items() if digest in kept},
        positions={digest: place for digest, place in state.positions.items() if digest in kept},
        approvals=tuple(approval for approval in state.approvals if approval.release in kept),
        passages={digest: entries for digest, entries in state.passages.items() if digest in kept},
    )


def _kept(ladder: Ladder, state: LadderState) -> set[str]:
    kept = {*state.runs.values(), *state.holds, *(waiting.release for waiting in state.queue)}
    kept |= {digest for digests in state.ran.values() for digest in digests}
    for move in state.moves.values():
        kept |= {move.release, *(step.release for step in move.steps if step.release is not None)}
    standing: dict[str, list[str]] = {}
    for digest in state.releases:
        place = state.positions.get(digest)
        if place is not None:
            standing.setdefault(place.deployment or place.stage, []).append(digest)
    for digests in standing.values():
        kept |= set(digests[-KEPT_A_DEPLOYMENT:])
    return kept & set(state.releases)
