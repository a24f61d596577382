"""Running an update: whatever may begin begins, one Environment after the other, until a gate is closed.

Killed at any moment it is run again: an Environment whose update had begun is delivered once more (delivering is
idempotent), and everything else is in the ledger.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.errors import InputError, RingfenceError
from ringfence.flows.updates.commands import Opened, issue_if_needed, receive, returned, status
from ringfence.update.gate import gate_of, is_done
from ringfence.update.machine import apply
from ringfence.update.platform import Look, Platform, Report
from ringfence.update.record import Check, RefusedError
from ringfence.update.state import Begun, Finished, Halted, Progress, Returned
from ringfence.update.status import UpdateStatus


def always(environment: str) -> Check:
    """Nothing more is asked of an Environment before it is updated."""
    return Check("verified", True, f"nothing more is asked of {environment}")


@dataclass(frozen=True, slots=True)
class Looks:
    """How it is seen that the proof of separation holds and that the deployments' own gates pass.

    ``ready`` is asked before an Environment is touched; ``finished`` is told which one passed everything, and told
    again after a crash.
    """

    separation: Look
    gates: Look
    ready: Look = always
    finished: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class RunResult:
    """What happened: Environments that were updated, the one where it stopped, and where everything stands."""

    updated: tuple[str, ...]
    stopped: str | None
    status: UpdateStatus


def start(
    opened: Opened,
    platform: Platform,
    looks: Looks,
    *,
    environment: str | None = None,
    records: Sequence[Path] = (),
    report: Report = lambda _: None,
) -> RunResult:
    """Update every Environment whose turn has come (or only ``environment``), and stop at the first that fails.

    Raises RefusedError with the reason when nothing may begin now.
    """
    for path in records:
        receive(opened, read_file(path))
    issue_if_needed(opened)
    if environment is not None:
        opened.check(environment)
    _tell_finished(opened, looks)
    updated: list[str] = []
    while (name := _next(opened, environment)) is not None:
        unready = _unready(opened, name, looks)
        if unready is not None and not updated:
            raise RefusedError(f"{name} may not begin now: {unready.because}", reason="NotVerified", hint=_VERIFY)
        if unready is not None:
            report(f"{name} may not begin now: {unready.because}")
            break
        if not _update(opened, name, platform, looks, report):
            return RunResult(tuple(updated), name, status(opened))
        issue_if_needed(opened)
        _tell_finished(opened, looks)
        updated.append(name)
    if not updated:
        _refuse(opened, environment)
    return RunResult(tuple(updated), None, status(opened))


def back(opened: Opened, environment: str, platform: Platform, *, report: Report = lambda _: None) -> UpdateStatus:
    """Return an Environment to what it ran before the present update. Raises RefusedError when there is no way back."""
    desk = opened.desk
    # Asked first, done second: what may not be written down must not be done.
    apply(desk.state, Returned(desk.clock.now(), desk.actor, opened.check(environment)), desk.calendar)
    before = desk.state.environment(environment).previous
    assert before is not None
    check = platform.deliver(environment, before, report)
    if not check.passed:
        raise RefusedError(f"{environment} did not go back: {check.because}", reason="WayBackFailed")
    return returned(opened, environment)


def read_file(path: Path) -> bytes:
    """The bytes of a record's file. Raises InputError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the record cannot be read: {error.strerror}", reason="NotFound") from error


_VERIFY = "bring that release into a non-production deployment that was updated, then ringfence update start again"


def _unready(opened: Opened, name: str, looks: Looks) -> Check | None:
    """What speaks against beginning with an Environment; nothing once it has begun."""
    if opened.desk.state.environment(name).progress is Progress.RUNNING:
        return None
    check = looks.ready(name)
    return None if check.passed else check


def _tell_finished(opened: Opened, looks: Looks) -> None:
    state = opened.desk.state
    if state.plan is None:
        return
    for name in state.plan.environments:
        if name not in state.plan.remote and is_done(state, state.plan, name):
            looks.finished(name)


def _next(opened: Opened, only: str | None) -> str | None:
    state = opened.desk.state
    if state.plan is None:
        return None
    wanted = [name for name in state.plan.environments if only in (None, name) and name not in state.plan.remote]
    for name in wanted:
        if state.environment(name).progress is Progress.RUNNING:
            return name
    now = opened.desk.clock.now()
    for name in wanted:
        if is_done(state, state.plan, name):
            continue
        if state.environment(name).progress is Progress.IDLE and gate_of(state, name, now, opened.desk.calendar).open:
            return name
        return None
    return None


def _update(opened: Opened, name: str, platform: Platform, looks: Looks, report: Report) -> bool:
    desk = opened.desk
    plan = desk.state.plan
    assert plan is not None
    if desk.state.environment(name).progress is not Progress.RUNNING:
        desk.record(Begun(desk.clock.now(), desk.actor, name))
    report(f"{name}: bringing {plan.bundle.version}")
    checks = _checks(
        {
            "ran": lambda: platform.deliver(name, plan.bundle, report),
            "healthy": lambda: platform.healthy(name),
            "separation": lambda: looks.separation(name),
            "gates": lambda: looks.gates(name),
        }
    )
    failed = [check for check in checks if not check.passed]
    now = desk.clock.now()
    if failed:
        because = "; ".join(f"{check.name}: {check.because}" for check in failed)
        desk.record(Halted(now, desk.actor, name, because, checks))
        report(f"{name}: stopped: {because}")
        return False
    desk.record(Finished(now, desk.actor, name, checks))
    report(f"{name}: runs {plan.bundle.version}")
    return True


def _checks(asked: Mapping[str, Callable[[], Check]]) -> tuple[Check, ...]:
    """Every check in order; after the first that fails the rest is not looked at."""
    found: list[Check] = []
    for name, ask in asked.items():
        try:
            check = ask()
        except RingfenceError as error:
            check = Check(name, False, error.message)
        found.append(check)
        if not check.passed:
            break
    return tuple(found)


def _refuse(opened: Opened, only: str | None) -> None:
    """Say why nothing began; nothing at all when everything is done."""
    state = opened.desk.state
    if state.plan is None:
        raise RefusedError("no update is planned", reason="NoPlan", hint="ringfence update plan FILE --bundle BUNDLE")
    here = [name for name in state.plan.environments if name not in state.plan.remote]
    for name in here if only is None else [only]:
        if is_done(state, state.plan, name):
            continue
        gate = gate_of(state, name, opened.desk.clock.now(), opened.desk.calendar)
        until = f", not before {gate.not_before.isoformat(timespec='seconds')}" if gate.not_before is not None else ""
        raise RefusedError(f"{name} may not begin now: {gate.because}{until}", reason="GateClosed")
