"""What somebody asks for, and the two answers that need no cluster: a place in the queue, and a refusal."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from ringfence.base.errors import RingfenceError, UnreachableError
from ringfence.flows.promotion.answers import Answer, Outcome
from ringfence.flows.promotion.carrying import main_deployment
from ringfence.flows.promotion.delivery import Delivery
from ringfence.flows.promotion.journal import Entry
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.decisions import Wait
from ringfence.promote.events import Queued, Withdrawn
from ringfence.promote.gates.question import Facts
from ringfence.promote.ladder import Ladder
from ringfence.promote.state import LadderState, Move, Waiting
from ringfence.promote.verdict import GateState, GateVerdict

PROMOTION = "Promotion"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for. ``origin`` is a deployment, ``to`` a stage or a copy; times are in seconds.

    ``patience`` is how long gates and copies are waited for (0: not at all), ``timeout`` how long Argo CD is.
    """

    origin: str
    to: str
    release: str | None = None
    skip: bool = False
    because: str | None = None
    emergency: bool = False
    patience: float = 0.0
    timeout: float = 180.0
    dry_run: bool = False
    withdraw: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """Where promotion acts: delivery, facts for gates, and somewhere to report to."""

    delivery: Delivery
    facts: Facts
    report: Callable[[str], None] = lambda _: None


def queue(workspace: Workspace, ladder: Ladder, state: LadderState, request: Request, wait: Wait) -> Answer:
    """The answer for a release that waits for a copy; it is put into the queue when it is not yet in it."""
    gate = GateVerdict("copy", GateState.WAITING, wait.because)
    answer = answer_of(state, request, wait.release, Outcome.WAITING, (gate,), wait.because)
    queued = any((one.release, one.stage) == (wait.release, wait.stage) for one in state.queue)
    if ladder.rung(wait.stage).taken and not queued and not request.dry_run:
        waiting = Waiting(wait.release, wait.stage, workspace.actor, workspace.clock.now())
        body = {
            "version": answer.version,
            "by": workspace.actor,
            "from": wait.origin,
            "to": wait.stage,
            "because": wait.because,
        }
        entry = Entry(workspace.clock.now(), ladder.application, "queued", body, wait.origin, wait.release)
        workspace.journal.record(ladder, Queued(waiting), entry, seen=state)
    hint = "the same command, run again or with --wait, takes a copy when it is this release's turn"
    return replace(answer, hint=hint)


def withdraw(workspace: Workspace, ladder: Ladder, state: LadderState, request: Request, chosen: str | None) -> Answer:
    """Take a release out of the queue for a stage."""
    stage = ladder.rung(request.to.rpartition("/")[2]).stage
    candidates = [one for one in state.queue if one.stage == stage and chosen in (None, one.release)]
    mine = [
        one for one in candidates if (place := state.positions.get(one.release)) and place.deployment == request.origin
    ]
    if not mine:
        return answer_of(
            state, request, chosen, Outcome.REFUSED, because=f"no release of {request.origin} waits for {stage}"
        )
    if not request.dry_run:
        body = {"by": workspace.actor, "from": request.origin, "to": stage, "because": request.because}
        entry = Entry(workspace.clock.now(), ladder.application, "withdrawn", body, request.origin, mine[0].release)
        workspace.journal.record(ladder, Withdrawn(mine[0].release, stage), entry, seen=state)
    return answer_of(state, request, mine[0].release, Outcome.DONE, because=f"it no longer waits for {stage}")


def queued_seconds(workspace: Workspace, state: LadderState, move: Move) -> float:
    """How long a release waited for its copy; 0 when it did not."""
    queued = workspace.journal.entries(state.application, event="queued", limit=50)
    at = next(
        (entry.at for entry in queued if entry.release == move.release and entry.body.get("to") == move.stage), None
    )
    return round((move.at - at).total_seconds(), 3) if at else 0.0


def answer_of(
    state: LadderState,
    request: Request,
    release: str | None,
    outcome: Outcome,
    gates: tuple[GateVerdict, ...] = (),
    because: str | None = None,
    target: str | None = None,
) -> Answer:
    """An answer about a release as the ladder has it."""
    record = state.releases.get(release or "")
    to = target or (request.to if "/" in request.to else f"{state.application}/{request.to}")
    version = record.version if record else None
    return Answer(PROMOTION, release, version, request.origin, to, outcome, gates, because=because)


def write_refusal(workspace: Workspace, ladder: Ladder, answer: Answer) -> None:
    """Keep a refusal in the history and in the ledger."""
    body = {
        "version": answer.version,
        "by": workspace.actor,
        "from": answer.origin,
        "to": answer.target,
        "because": answer.because,
        "gates": [
            {"name": gate.name, "state": gate.state.value, "because": gate.because, "facts": dict(gate.facts)}
            for gate in answer.gates
        ],
    }
    entry = Entry(workspace.clock.now(), ladder.application, "refused", body, answer.origin, answer.release)
    workspace.journal.write(entry)
    workspace.evidence(
        "promotion.refused", answer.target, answer.because or "refused", {**body, "release": answer.release}
    )


def stuck(workspace: Workspace, kind: str, state: LadderState, move: Move, error: RingfenceError) -> Answer:
    """Where a move stands that something stopped half-way; the same command goes on from there."""
    about = main_deployment(move)
    commit = workspace.journal.progress(move.identifier).get(f"commit:{about}")
    revision = str(json.loads(commit)["revision"]) if commit else None
    where = f"committed as {revision[:12]}, not yet healthy there" if revision else "nothing was committed yet"
    back = f"; `ringfence demote {move.target} --because TEXT` brings it back" if kind == PROMOTION else ""
    return Answer(
        kind,
        move.release,
        state.releases[move.release].version,
        move.origin,
        move.target or f"{state.application}/{move.stage}",
        Outcome.WAITING,
        move.gates,
        revision,
        because=f"{where}: {error}",
        hint=f"the same command goes on from here{back}",
        failed=isinstance(error, UnreachableError) or error.reason != "NotHealthy",
    )
