"""Whether an Environment may begin its update now, and if not, why and until when.

Pure, and asked twice: once to tell people, once by the machine before it lets an update begin. Production asks for
records only, never for what happens to be known here of non-production: Environments share nothing, and a rule that
has a short cut on one machine is no rule.
"""

from dataclasses import dataclass
from datetime import datetime, time

from ringfence.base.calendar import WorkingDays, next_day, wall_clock
from ringfence.base.text import listed
from ringfence.decide.topology import Designation
from ringfence.update.due import Freeze, UpdateKind, update_due
from ringfence.update.record import RefusedError, check_fresh
from ringfence.update.state import Plan, Progress, UpdateState
from ringfence.update.version import kind_of


@dataclass(frozen=True, slots=True)
class Gate:
    """``open``: it may begin now. ``not_before``: the earliest moment, None while that is not known."""

    open: bool
    because: str
    not_before: datetime | None = None


def gate_of(state: UpdateState, environment: str, now: datetime, calendar: WorkingDays) -> Gate:
    """The gate before ``environment`` at ``now``; ``calendar`` is that of the plan's days."""
    plan = state.plan
    if plan is None or environment not in plan.environments:
        return Gate(False, "no update is planned")
    if environment in plan.remote:
        return Gate(False, "somebody else updates it; its record arrives here")
    stopped = [name for name in plan.environments if state.environment(name).progress is Progress.STOPPED]
    production = plan.designation(environment) is Designation.PRODUCTION
    waited = _production_gate(state, plan, now, calendar) if production else Gate(True, "its turn has come", now)
    if state.paused is not None:
        return Gate(False, f"paused: {state.paused}", waited.not_before)
    if stopped:
        because = "; ".join(f"{name}: {state.environment(name).because}" for name in stopped)
        return Gate(False, f"the update stopped at {listed(stopped)} ({because})", waited.not_before)
    missing = _earlier_not_done(state, plan, environment)
    if missing:
        elsewhere = production and not waited.open and plan.remote.issuperset(missing)
        because = waited.because if elsewhere else f"waits for {listed(missing)}"
        return Gate(False, because, waited.not_before if production else None)
    return waited


def kind_of_plan(state: UpdateState, plan: Plan) -> UpdateKind:
    """The weightiest kind among the Environments updated here; an unknown version counts as a major update."""
    kinds = set()
    for name in [name for name in plan.environments if name not in plan.remote] or plan.environments:
        known = state.environment(name)
        before = known.previous or known.present
        kinds.add(UpdateKind.MAJOR if before is None else kind_of(before.version, plan.bundle.version))
    return next(kind for kind in (UpdateKind.MAJOR, UpdateKind.MINOR, UpdateKind.PATCH) if kind in kinds)


def is_done(state: UpdateState, plan: Plan, environment: str) -> bool:
    """True when an Environment runs the plan's bundle: seen here, or by its record when somebody else updates it."""
    known = state.environment(environment)
    if environment not in plan.remote:
        return known.progress is Progress.DONE
    return known.record is not None and known.record.bundle == plan.bundle.digest


def _earlier_not_done(state: UpdateState, plan: Plan, environment: str) -> list[str]:
    missing: list[str] = []
    for wave in plan.waves:
        if environment in wave.environments:
            break
        missing.extend(name for name in wave.environments if not is_done(state, plan, name))
    return missing


def _production_gate(state: UpdateState, plan: Plan, now: datetime, calendar: WorkingDays) -> Gate:
    finished: list[datetime] = []
    for wave in plan.waves:
        if wave.designation is Designation.PRODUCTION:
            continue
        for name in wave.environments:
            problem = _record_problem(state, plan, name, now)
            if problem is not None:
                return Gate(False, problem)
            record = state.environment(name).record
            if record is not None:
                finished.append(record.finished)
    kind = kind_of_plan(state, plan)
    if not finished:
        return Gate(False, "no non-production Environment is in the plan, so none can have finished first")
    due = update_due(
        max(finished),
        kind,
        calendar,
        days=plan.working_days,
        patches_wait=plan.patches_wait,
        freezes=plan.days.freezes,
    )
    if now < due.not_before:
        return Gate(
            False, _why_not_before(kind, plan, max(finished).astimezone(calendar.zone), due.frozen), due.not_before
        )
    thawed = _after_freezes(now, plan.days.freezes, calendar)
    if thawed > now:
        return Gate(False, f"frozen: {_reason(plan.days.freezes, now, calendar)}", thawed)
    return Gate(True, "its turn has come", due.not_before)


def _record_problem(state: UpdateState, plan: Plan, name: str, now: datetime) -> str | None:
    """Why the record of a non-production Environment does not count, None when it does."""
    record = state.environment(name).record
    if record is None:
        return f"no record of {name} has arrived"
    if record.bundle != plan.bundle.digest:
        return f"{name} runs {record.version} by its latest record, not this {plan.bundle.version}"
    if record.designation != Designation.NON_PRODUCTION:
        return f"the record of {name} is of an Environment designated {record.designation}"
    try:
        check_fresh(record, now, plan.record_lifetime)
    except RefusedError as error:
        return error.message
    return None


def _why_not_before(kind: UpdateKind, plan: Plan, finished: datetime, frozen: tuple[Freeze, ...]) -> str:
    waits = f"{plan.working_days} working days after non-production finished, {finished.isoformat(timespec='seconds')}"
    reason = f"a {kind} update waits {waits}" if kind is not UpdateKind.PATCH or plan.patches_wait else "a patch update"
    if frozen:
        reason += f"; frozen: {'; '.join(freeze.because for freeze in frozen)}"
    return reason


def _after_freezes(now: datetime, freezes: tuple[Freeze, ...], calendar: WorkingDays) -> datetime:
    moment = now.astimezone(calendar.zone)
    for freeze in sorted(freezes, key=lambda one: (one.first, one.last)):
        if freeze.first <= moment.date() <= freeze.last:
            moment = wall_clock(next_day(freeze.last), time(), calendar.zone)
    return moment


def _reason(freezes: tuple[Freeze, ...], now: datetime, calendar: WorkingDays) -> str:
    day = now.astimezone(calendar.zone).date()
    return "; ".join(freeze.because for freeze in freezes if freeze.first <= day <= freeze.last)
