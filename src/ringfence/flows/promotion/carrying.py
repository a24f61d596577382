"""Carrying a move out, step by step, so that it can be killed between any two and gone on with by whoever comes next.

Each step is written down when it is reached; a step that is not written down is done again, and every step may be:
a commit recognises itself, waiting changes nothing, the ledger is asked whether it has the move. One process carries a
move at a time, by a lock that dies with it.
"""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ringfence.base.errors import ConflictError, StateError
from ringfence.flows.promotion.commands import run_command
from ringfence.flows.promotion.delivery import Delivery, Order
from ringfence.flows.promotion.journal import Entry
from ringfence.flows.promotion.workspace import Workspace
from ringfence.landscape.model import DataClass
from ringfence.promote.events import MoveDone
from ringfence.promote.ladder import Ladder
from ringfence.promote.state import LadderState, Move, MoveKind

_SEED_SECONDS = 600.0
_WORDS = {
    MoveKind.PROMOTION: "promoted",
    MoveKind.DEMOTION: "demoted",
    MoveKind.ROLLBACK: "rolled-back",
    MoveKind.FOLLOW: "followed",
}


@dataclass(frozen=True, slots=True)
class Carried:
    """A move that is done: the revision of its main deployment (None: nothing ran there), and the one observed."""

    move: Move
    revision: str | None
    observed: str | None
    seconds: dict[str, float]


@contextmanager
def alone(workspace: Workspace, move: Move, waiting: Callable[[], None]) -> Iterator[None]:
    """Be the one that carries a move; ``waiting`` is called once when another process is at it.

    The lock's file stays: removing it would let a third process lock another file of the same name.
    """
    folder = workspace.paths.landscape(workspace.landscape.name) / "moves"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = (main_deployment(move) or move.origin).replace("/", ".")
    with (folder / f"{name}.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(stream, fcntl.LOCK_EX)
        workspace.journal.refresh()
        yield


def main_deployment(move: Move) -> str | None:
    """The deployment that a move is about: where a promotion goes, where a demotion or rollback leaves."""
    if move.kind is MoveKind.PROMOTION:
        return move.target
    return move.steps[0].deployment if move.steps else None


def carry_out(
    workspace: Workspace,
    ladder: Ladder,
    delivery: Delivery,
    move: Move,
    *,
    timeout: float,
    facts: dict[str, Any],
    force: bool = False,
) -> Carried:
    """Do what is left of a move, and finish it. Raises what Git, Argo CD and the clusters raise; the move then stays
    under way, and calling again goes on from there. ``facts`` go into the history and the ledger with it."""
    state = workspace.journal.state(ladder.application)
    written = workspace.journal.progress(move.identifier)
    revisions = {
        step.deployment: _committed(workspace, delivery, state, move, index, written, force)
        for index, step in enumerate(move.steps)
    }
    data = _throw_away(workspace, delivery, move, written)
    arrivals = {
        deployment: _arrived(workspace, delivery, move, deployment, revision, written, timeout)
        for deployment, revision in revisions.items()
        if move.kind is not MoveKind.FOLLOW  # nobody waits for what follows
    }
    if move.kind is MoveKind.FOLLOW:
        delivery.nudge(move.origin)
    _seed(workspace, state, move, written)
    about = main_deployment(move)
    seconds = _seconds(written, about, arrivals)
    platform = delivery.platform(move.target) if move.kind is MoveKind.PROMOTION and move.target else None
    observed = arrivals[about]["observed"] if about in arrivals else None
    more = {**facts, **data, "observed": observed, "seconds": seconds, "platform": platform}
    body = _body(state, move, revisions.get(about or ""), more)
    _evidence(workspace, move, body)
    event = _WORDS[move.kind]
    done = MoveDone(move.identifier, workspace.clock.now(), platform, revisions)
    entry = Entry(workspace.clock.now(), ladder.application, event, body, about, move.release)
    try:
        workspace.journal.record(ladder, done, entry)
    except ConflictError:
        if move.identifier in workspace.state(ladder.application).moves:
            raise
        # A colleague's machine went on with the same move, and finished it first.
    workspace.journal.forget(move.identifier)
    return Carried(move, revisions.get(about or ""), observed, seconds)


def _committed(
    workspace: Workspace,
    delivery: Delivery,
    state: LadderState,
    move: Move,
    index: int,
    written: dict[str, str],
    force: bool,
) -> str:
    step = move.steps[index]
    name = f"commit:{step.deployment}"
    if name not in written:
        began = workspace.clock.monotonic()
        release = workspace.releases.get(step.release) if step.release else None
        expected = state.runs.get(step.deployment)
        if move.replaces is not None:
            # The move that was given up may have written to Git already, and may not.
            force = True
        order = Order(
            step.deployment, release, expected, f"{move.identifier}.{index}", _message(state, move, step.deployment),
            move.by, force,
        )  # fmt: skip
        revision = delivery.commit(order).revision
        value = json.dumps({"revision": revision, "seconds": workspace.clock.monotonic() - began})
        workspace.journal.reached(move.identifier, name, value)
        written[name] = value
    return str(json.loads(written[name])["revision"])


def _arrived(
    workspace: Workspace,
    delivery: Delivery,
    move: Move,
    deployment: str,
    revision: str,
    written: dict[str, str],
    timeout: float,
) -> dict[str, Any]:
    name = f"arrive:{deployment}"
    if name not in written:
        seen = delivery.arrive(deployment, revision, timeout)
        value = json.dumps({"observed": seen.revision, "sync": seen.sync, "healthy": seen.healthy})
        workspace.journal.reached(move.identifier, name, value)
        written[name] = value
    found: dict[str, Any] = json.loads(written[name])
    return found


def _throw_away(workspace: Workspace, delivery: Delivery, move: Move, written: dict[str, str]) -> dict[str, Any]:
    """What the promotion says of the data at its stage; throw-away data is thrown away here (stages.md)."""
    if move.kind is not MoveKind.PROMOTION or move.target is None:
        return {}
    data = workspace.landscape.stage(move.stage).data
    if data is not DataClass.THROW_AWAY:
        return {"data": data.value}
    if "thrown-away" not in written:
        gone = str(delivery.throw_away(move.target))
        workspace.journal.reached(move.identifier, "thrown-away", gone)
        written["thrown-away"] = gone
    return {"data": data.value, "thrownAway": int(written["thrown-away"])}


def _seed(workspace: Workspace, state: LadderState, move: Move, written: dict[str, str]) -> None:
    """Load seed data by the application's own command, where the Landscape names one for the stage."""
    command = workspace.policy.seed.get(move.stage, ())
    if move.kind is not MoveKind.PROMOTION or not command or "seeded" in written:
        return
    ended = run_command(
        command,
        folder=workspace.landscape.folder,
        seconds=_SEED_SECONDS,
        environment={
            "RINGFENCE_LANDSCAPE": workspace.landscape.name,
            "RINGFENCE_DEPLOYMENT": move.target or "",
            "RINGFENCE_STAGE": move.stage,
            "RINGFENCE_VERSION": state.releases[move.release].version,
            "RINGFENCE_RELEASE": move.release,
        },
    )
    if ended.exit_code != 0:
        how = "took too long" if ended.exit_code is None else f"ended with {ended.exit_code}"
        raise StateError(
            f"{command[0]}: loading seed data {how}{': ' if ended.last_line else ''}{ended.last_line}",
            reason="NotSeeded",
            hint="mend the command; the same promotion runs it again",
        )
    workspace.journal.reached(move.identifier, "seeded", "done")


def _seconds(written: dict[str, str], about: str | None, arrivals: dict[str, dict[str, Any]]) -> dict[str, float]:
    if about is None or about not in arrivals:
        return {}
    commit = json.loads(written[f"commit:{about}"])["seconds"]
    arrival = arrivals[about]
    return {"commit": round(commit, 3), "sync": round(arrival["sync"], 3), "healthy": round(arrival["healthy"], 3)}


def _body(state: LadderState, move: Move, revision: str | None, facts: dict[str, Any]) -> dict[str, Any]:
    body = {
        "move": move.identifier,
        "version": state.releases[move.release].version,
        "released": state.releases[move.release].at.isoformat(),
        "stage": move.stage,
        "by": move.by,
        "from": move.origin,
        "to": move.target or (move.origin if move.kind is MoveKind.FOLLOW else f"{state.application}/{move.stage}"),
        "because": move.because,
        "skipped": list(move.skipped),
        "emergency": any(gate.overridden for gate in move.gates),
        "gates": [
            {"name": gate.name, "state": gate.state.value, "because": gate.because, "facts": dict(gate.facts)}
            for gate in move.gates
        ],
        "revision": revision,
        "now": {step.deployment: step.release for step in move.steps},
        **facts,
    }
    return {key: value for key, value in body.items() if value not in (None, [], False)}


def _evidence(workspace: Workspace, move: Move, body: dict[str, Any]) -> None:
    """Once a move, whichever machine comes to it first: the ledger knows moves by their identifier."""
    subject = main_deployment(move) or move.origin
    because = move.because or f"{move.kind.value} from {move.origin}"
    facts = {**body, "release": move.release}
    workspace.evidence(f"{move.kind.value}.done", subject, because, facts, once=f"move {move.identifier}")


def _message(state: LadderState, move: Move, deployment: str) -> str:
    version = state.releases[move.release].version
    head = (
        f"{move.kind.value.capitalize()} of {state.application} {version}: {move.origin} to {move.target or move.stage}"
    )
    lines = [head, "", f"Deployment: {deployment}", f"Release: {move.release}", f"Move: {move.identifier}"]
    return "\n".join([*lines, f"By: {move.by}", *([f"Because: {move.because}"] if move.because else [])]) + "\n"
