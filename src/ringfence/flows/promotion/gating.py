"""Asking the gates between two stages, and what an emergency may do about those that are shut."""

from dataclasses import replace

from ringfence.flows.promotion.asking import Request
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.decisions import Proposal
from ringfence.promote.gates.question import Facts, Gate, Question
from ringfence.promote.gates.registry import ask_all, named
from ringfence.promote.ladder import Ladder
from ringfence.promote.rules import EMERGENCY_PEOPLE, emergency_people
from ringfence.promote.state import LadderState
from ringfence.promote.verdict import GateState, GateVerdict


def gates_for(workspace: Workspace, ladder: Ladder, origin_stage: str, stage: str) -> tuple[Gate, ...]:
    """The gates between two stages, those of stages passed over named ``STAGE:GATE``."""
    entered = ladder.entered(origin_stage, stage)
    passed = [
        named(gate, f"{rung.stage}:{gate.name}")
        for rung in entered[:-1]
        for gate in workspace.policy.gates.get(rung.stage, ())
    ]
    return (*passed, *(gate for rung in entered[-1:] for gate in workspace.policy.gates.get(rung.stage, ())))


def ask_gates(
    workspace: Workspace, facts: Facts, ladder: Ladder, state: LadderState, proposal: Proposal
) -> tuple[GateVerdict, ...]:
    """The verdict of every gate in front of a proposed move."""
    position = state.positions[proposal.release]
    gates = gates_for(workspace, ladder, position.stage, proposal.stage)
    question = Question(
        release=state.releases[proposal.release],
        ladder=ladder,
        state=state,
        origin=proposal.origin,
        stage=proposal.stage,
        target=proposal.target or "",
        by=workspace.actor,
        now=workspace.clock.now(),
        calendar=workspace.landscape.calendar,
        groups=workspace.policy.groups,
    )
    return ask_all(gates, question, facts)


def overridden(
    workspace: Workspace, state: LadderState, request: Request, proposal: Proposal, gates: tuple[GateVerdict, ...]
) -> tuple[GateVerdict, ...]:
    """In an emergency that two people stand for, with a reason, what is shut lets the release pass all the same."""
    if not request.emergency or all(gate.passable for gate in gates):
        return gates
    people = emergency_people(state, proposal.release, proposal.stage, workspace.actor)
    if len(people) < EMERGENCY_PEOPLE or not (request.because or "").strip():
        missing = (
            f"a second person has to stand for it: ringfence approve {proposal.origin} --to {proposal.stage}"
            " --emergency --because TEXT --as OTHER"
            if (request.because or "").strip()
            else "an emergency needs a reason: --because TEXT"
        )
        return (*gates, GateVerdict("emergency", GateState.WAITING, missing))
    return tuple(gate if gate.passable else replace(gate, overridden=True) for gate in gates)
