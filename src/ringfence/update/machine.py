"""Which event may follow which state: ``apply`` is the only way that an update moves.

Pure: State -> event -> State, or a refusal that says why. The rule that production comes five working days later
stands here and not in the command that starts it, so that no order of commands, no crash and no second machine can go
around it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ringfence.base.calendar import WorkingDays
from ringfence.base.errors import InputError
from ringfence.base.text import listed, suggestion
from ringfence.decide.topology import Designation
from ringfence.update.due import UpdateKind
from ringfence.update.gate import gate_of, is_done, kind_of_plan
from ringfence.update.record import RefusedError, check_fresh
from ringfence.update.state import (
    REQUIRED_CHECKS,
    Abandoned,
    Adopted,
    Begun,
    EnvironmentState,
    Finished,
    Halted,
    Issued,
    Paused,
    Plan,
    Planned,
    Progress,
    Received,
    Resumed,
    Returned,
    UpdateEvent,
    UpdateState,
)
from ringfence.update.version import check_step


def apply(state: UpdateState, event: UpdateEvent, calendar: WorkingDays) -> UpdateState:
    """The state after ``event``; ``calendar`` is that of the plan's days (any, where there is no plan).

    Raises RefusedError when the event may not happen now, InputError when it makes no sense at all.
    """
    following = _RULES[type(event)](state, event, calendar)
    return replace(following, last=event.at if state.last is None else max(state.last, event.at))


def finished(state: UpdateState) -> bool:
    """True when there is no plan, or every Environment of it is done."""
    return state.plan is None or all(is_done(state, state.plan, name) for name in state.plan.environments)


def _adopted(state: UpdateState, event: Adopted, _: WorkingDays) -> UpdateState:
    if not finished(state):
        raise _refused("an update is under way; what an Environment runs is said by the update")
    known = replace(
        state.environment(event.environment),
        present=event.bundle,
        since=event.at,
        previous=None,
        progress=Progress.IDLE,
    )
    return replace(_with(state, known), plan=None)


def _planned(state: UpdateState, event: Planned, _: WorkingDays) -> UpdateState:
    if not finished(state):
        raise _refused(
            "another update is under way", hint="ringfence update status; ringfence update abandon gives it up"
        )
    plan = event.plan
    _check_waves(plan)
    environments = dict(state.environments)
    for name in plan.environments:
        known = state.environment(name)
        already = known.present is not None and known.present.digest == plan.bundle.digest
        if known.present is not None and not already and name not in plan.remote:
            check_step(known.present, plan.bundle)
        environments[name] = replace(
            known,
            previous=known.present,
            progress=Progress.DONE if already else Progress.IDLE,
            finished=known.since if already else None,
            because="",
            checks=known.checks if already else (),
        )
    following = replace(state, plan=plan, environments=environments, paused=None)
    if all(is_done(following, plan, name) for name in plan.environments):
        raise InputError(
            f"every Environment runs {plan.bundle.version} already",
            reason="SameVersion",
            hint="name a bundle with a newer version: --bundle FILE",
        )
    kind = kind_of_plan(following, plan)
    designations = {wave.designation for wave in plan.waves}
    if kind is not UpdateKind.PATCH and designations == {Designation.PRODUCTION}:
        raise InputError(
            f"a {kind} update needs a non-production Environment that runs it first, and there is none",
            reason="NoNonProduction",
            hint="ringfence plan --explain says how many Environments there should be",
        )
    return following


def _check_waves(plan: Plan) -> None:
    names = plan.environments
    if not names or len(set(names)) != len(names):
        raise InputError("each Environment belongs to exactly one wave", reason="BadWaves")
    unknown = sorted(plan.remote - set(names))
    if unknown:
        raise InputError(
            f"{listed(unknown)}: no such Environment; {suggestion(unknown[0], names)}".rstrip("; "),
            reason="UnknownEnvironment",
        )
    order = [wave.designation for wave in plan.waves]
    if order != sorted(order, key=lambda one: one is Designation.PRODUCTION):
        raise InputError("every wave of non-production comes before the first of production", reason="BadWaves")
    if plan.working_days < 0 or plan.record_days < 1:
        raise InputError("working days are 0 or more, and records are believed for a day or more", reason="BadDays")


def _begun(state: UpdateState, event: Begun, calendar: WorkingDays) -> UpdateState:
    known = _planned_environment(state, event.environment)
    if known.progress is Progress.DONE:
        raise _refused(f"{event.environment} is done already")
    if known.progress is Progress.RUNNING:
        raise _refused(f"the update of {event.environment} runs already")
    if known.progress is Progress.STOPPED:
        raise _refused(
            f"the update of {event.environment} stopped: {known.because}",
            hint="ringfence update resume tries it again, ringfence update back returns it to what it ran before",
        )
    gate = gate_of(state, event.environment, event.at, calendar)
    if not gate.open:
        until = f" (not before {gate.not_before.isoformat()})" if gate.not_before else ""
        raise _refused(f"{event.environment} may not begin: {gate.because}{until}")
    return _with(state, replace(known, progress=Progress.RUNNING, because="", checks=()))


def _finished(state: UpdateState, event: Finished, _: WorkingDays) -> UpdateState:
    known = _running(state, event.environment)
    passed = {check.name for check in event.checks if check.passed}
    failed = [check.name for check in event.checks if not check.passed]
    missing = [name for name in REQUIRED_CHECKS if name not in passed and name not in failed]
    if failed or missing:
        words = listed([*(f"{name} failed" for name in failed), *(f"{name} was not checked" for name in missing)])
        raise _refused(f"{event.environment} is not done: {words}")
    plan = _plan(state)
    # A clock that was set back while it ran must not make the finish earlier than its beginning.
    moment = event.at if state.last is None else max(event.at, state.last)
    return _with(
        state,
        replace(
            known,
            progress=Progress.DONE,
            present=plan.bundle,
            since=moment,
            finished=moment,
            checks=event.checks,
            because="",
        ),
    )


def _halted(state: UpdateState, event: Halted, _: WorkingDays) -> UpdateState:
    known = _running(state, event.environment)
    return _with(state, replace(known, progress=Progress.STOPPED, because=event.because, checks=event.checks))


def _returned(state: UpdateState, event: Returned, _: WorkingDays) -> UpdateState:
    known = _planned_environment(state, event.environment)
    if known.progress not in (Progress.STOPPED, Progress.DONE):
        raise _refused(f"{event.environment} has nothing to go back from")
    if known.previous is None:
        raise _refused(f"nobody said what {event.environment} ran before")
    because = f"went back to {known.previous.version}"
    return _with(
        state,
        replace(
            known, progress=Progress.STOPPED, present=known.previous, since=event.at, finished=None, because=because
        ),
    )


def _issued(state: UpdateState, event: Issued, _: WorkingDays) -> UpdateState:
    known = state.environment(event.environment)
    if event.sequence <= known.issued:
        raise _refused(f"record {event.sequence} of {event.environment} was issued before")
    return _with(state, replace(known, issued=event.sequence))


def _received(state: UpdateState, event: Received, _: WorkingDays) -> UpdateState:
    record = event.record
    known = state.environment(record.environment)
    if known.record is not None and record.sequence <= known.record.sequence:
        raise _refused(
            f"record {record.sequence} of {record.environment} is a replay: {known.record.sequence} was seen"
        )
    if state.plan is not None:
        check_fresh(record, event.at, state.plan.record_lifetime)
    return _with(state, replace(known, record=record))


def _paused(state: UpdateState, event: Paused, _: WorkingDays) -> UpdateState:
    _plan(state)
    return replace(state, paused=event.because or "no reason given")


def _resumed(state: UpdateState, event: Resumed, _: WorkingDays) -> UpdateState:
    plan = _plan(state)
    stopped = [name for name in plan.environments if state.environment(name).progress is Progress.STOPPED]
    if state.paused is None and not stopped:
        raise _refused("nothing is paused or stopped")
    environments = dict(state.environments)
    for name in stopped:
        environments[name] = replace(environments[name], progress=Progress.IDLE)
    return replace(state, paused=None, environments=environments)


def _abandoned(state: UpdateState, event: Abandoned, _: WorkingDays) -> UpdateState:
    plan = _plan(state)
    running = [name for name in plan.environments if state.environment(name).progress is Progress.RUNNING]
    if running:
        raise _refused(f"the update of {listed(running)} is half done; finish it with ringfence update start")
    environments = {
        name: replace(known, progress=Progress.IDLE, because="") for name, known in state.environments.items()
    }
    return replace(state, plan=None, paused=None, environments=environments)


def _plan(state: UpdateState) -> Plan:
    if state.plan is None:
        raise _refused("no update is planned", hint="ringfence update plan FILE --bundle BUNDLE")
    return state.plan


def _planned_environment(state: UpdateState, name: str) -> EnvironmentState:
    plan = _plan(state)
    if name not in plan.environments:
        raise InputError(
            f"{name!r} is not an Environment of the update; {suggestion(name, plan.environments)}".rstrip("; "),
            reason="UnknownEnvironment",
        )
    return state.environment(name)


def _running(state: UpdateState, name: str) -> EnvironmentState:
    known = _planned_environment(state, name)
    if known.progress is not Progress.RUNNING:
        raise _refused(f"the update of {name} does not run")
    return known


def _with(state: UpdateState, known: EnvironmentState) -> UpdateState:
    return replace(state, environments={**state.environments, known.name: known})


def _refused(message: str, hint: str | None = None) -> RefusedError:
    return RefusedError(message, reason="UpdateRefused", hint=hint)


_RULES: dict[type, Callable[[UpdateState, Any, WorkingDays], UpdateState]] = {
    Abandoned: _abandoned,
    Adopted: _adopted,
    Begun: _begun,
    Finished: _finished,
    Halted: _halted,
    Issued: _issued,
    Paused: _paused,
    Planned: _planned,
    Received: _received,
    Resumed: _resumed,
    Returned: _returned,
}
