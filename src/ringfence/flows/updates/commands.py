"""What people decide about an update: plan it, pause it, resume it, give it up, say what runs, whom to believe."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import InputError, StateError
from ringfence.base.paths import Paths, write_atomically
from ringfence.base.text import suggestion
from ringfence.decide.topology import Designation, Topology
from ringfence.evidence.signing import PublicKey
from ringfence.flows.updates.desk import Desk, open_desk
from ringfence.landscape.model import Landscape
from ringfence.update.bundle_file import PLATFORM
from ringfence.update.due import WORKING_DAYS, Freeze
from ringfence.update.record import UpdateRecord, read_record, seal_record
from ringfence.update.state import (
    RECORD_DAYS,
    Abandoned,
    Adopted,
    Issued,
    Paused,
    Plan,
    Planned,
    Received,
    Resumed,
    Returned,
    UpdateState,
    Wave,
)
from ringfence.update.status import Known, UpdateStatus, calendar_file, status_of
from ringfence.update.version import Bundle


@dataclass(frozen=True, slots=True)
class Opened:
    """A landscape with its Topology and its open update. ``embedded``: Environments that the engine runs now."""

    landscape: Landscape
    topology: Topology
    desk: Desk
    embedded: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """The Environments of the Topology."""
        return tuple(environment.name for environment in self.topology.environments)

    def check(self, environment: str) -> str:
        """``environment`` if there is one of that name. Raises InputError with the nearest spelling."""
        if environment in self.names:
            return environment
        raise InputError(
            f"{environment!r} is not an Environment of {self.landscape.name}; "
            f"{suggestion(environment, self.names)}".rstrip("; "),
            reason="UnknownEnvironment",
        )

    def known(self) -> tuple[Known, ...]:
        """Every Environment, with what the engine is compiled from where it runs one that nobody updated yet."""
        return tuple(
            Known(one.name, one.designation, PLATFORM if one.name in self.embedded else None)
            for one in self.topology.environments
        )


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What to plan. ``waves`` are Environments in order (empty: one wave a designation); ``remote`` are others'."""

    bundle: Bundle
    waves: Sequence[Sequence[str]] = ()
    remote: Sequence[str] = ()
    working_days: int = WORKING_DAYS
    patches_wait: bool = False
    freezes: Sequence[Freeze] = ()
    record_days: int = RECORD_DAYS


def open_update(file: Path, paths: Paths, clock: Clock, actor: str | None = None) -> Opened:
    """Open the update of the Landscape in ``file``."""
    from ringfence.engine import Engine
    from ringfence.flows.plan import decide, feasible
    from ringfence.flows.promotion.workspace import acting
    from ringfence.landscape.load import load_landscape

    landscape = load_landscape(file)
    topology = feasible(decide(landscape, price_requirements=False).topology)
    who = acting(actor, Path(landscape.folder))
    desk = open_desk(paths, landscape.name, landscape.calendar, clock, who)
    embedded = frozenset(one.name for one in Engine(paths, clock).state(landscape.name).environments)
    return Opened(landscape, topology, desk, embedded)


def plan_update(opened: Opened, request: PlanRequest, *, dry_run: bool = False) -> UpdateStatus:
    """Plan an update of every Environment. Raises InputError for a skipped version, RefusedError while one is open."""
    desk, now = opened.desk, opened.desk.clock.now()
    for name in (*request.remote, *(name for wave in request.waves for name in wave)):
        opened.check(name)
    plan = Plan(
        identifier=secrets.token_hex(8),
        bundle=request.bundle,
        waves=_waves(opened, request.waves),
        days=replace(desk.days, freezes=(*desk.days.freezes, *request.freezes)),
        working_days=request.working_days,
        patches_wait=request.patches_wait,
        remote=frozenset(request.remote),
        record_days=request.record_days,
    )
    before = desk.state
    for known in opened.known():
        # What the engine is compiled from is what an Environment on it runs until an update says otherwise.
        unknown = desk.state.environment(known.name).present is None and desk.state.plan is None
        if known.bundle is not None and known.name not in plan.remote and unknown:
            desk.state = desk.record(Adopted(now, desk.actor, known.name, known.bundle), dry_run=dry_run)
    try:
        _check_stated(desk.state, plan)
        after = desk.record(Planned(now, desk.actor, plan), dry_run=dry_run)
    finally:
        if dry_run:
            desk.state = before
    return _status(opened, after, now)


def _check_stated(state: UpdateState, plan: Plan) -> None:
    """Raises InputError for an Environment of which nobody said what it runs: whether a version is skipped would not
    be known."""
    for name in (name for wave in plan.waves for name in wave.environments if name not in plan.remote):
        if state.environment(name).present is None:
            raise InputError(
                f"{name}: nobody said what it runs, so nobody knows whether a version is skipped",
                reason="VersionUnknown",
                hint=f"ringfence update adopt -e {name} --bundle present.yaml FILE",
            )


def _waves(opened: Opened, asked: Sequence[Sequence[str]]) -> tuple[Wave, ...]:
    designations: Mapping[str, Designation] = {one.name: one.designation for one in opened.topology.environments}
    if not asked:
        found = (
            Wave(kind, tuple(name for name in opened.names if designations[name] is kind))
            for kind in (Designation.NON_PRODUCTION, Designation.PRODUCTION)
        )
        return tuple(wave for wave in found if wave.environments)
    waves = []
    for names in asked:
        kinds = {designations[name] for name in names}
        if len(kinds) != 1:
            raise InputError(
                f"a wave has one designation, {', '.join(names)} have both; production comes in waves of its own",
                reason="BadWaves",
            )
        waves.append(Wave(kinds.pop(), tuple(names)))
    missing = sorted(set(opened.names) - {name for names in asked for name in names})
    if missing:
        raise InputError(f"no wave names {', '.join(missing)}; every Environment belongs to one", reason="BadWaves")
    return tuple(waves)


def status(opened: Opened) -> UpdateStatus:
    """Where every Environment stands now."""
    return _status(opened, opened.desk.state, opened.desk.clock.now())


def calendar(opened: Opened) -> str:
    """The status as an iCalendar file."""
    now = opened.desk.clock.now()
    return calendar_file(_status(opened, opened.desk.state, now), now)


def _status(opened: Opened, state: UpdateState, now: datetime) -> UpdateStatus:
    from ringfence.flows.updates.desk import calendar_of

    days = state.plan.days if state.plan is not None else opened.desk.days
    return status_of(opened.landscape.name, state, opened.known(), now, calendar_of(days))


def pause(opened: Opened, because: str, *, dry_run: bool = False) -> UpdateStatus:
    """Let nothing new begin."""
    desk = opened.desk
    return _after(opened, desk.record(Paused(desk.clock.now(), desk.actor, because), dry_run=dry_run))


def resume(opened: Opened, *, dry_run: bool = False) -> UpdateStatus:
    """Let what was paused or stopped go on."""
    desk = opened.desk
    return _after(opened, desk.record(Resumed(desk.clock.now(), desk.actor), dry_run=dry_run))


def abandon(opened: Opened, because: str, *, dry_run: bool = False) -> UpdateStatus:
    """Give the plan up; every Environment stays at what it runs."""
    desk = opened.desk
    return _after(opened, desk.record(Abandoned(desk.clock.now(), desk.actor, because), dry_run=dry_run))


def adopt(opened: Opened, environment: str, bundle: Bundle, *, dry_run: bool = False) -> UpdateStatus:
    """Say what an Environment runs that Ringfence did not update itself."""
    desk = opened.desk
    event = Adopted(desk.clock.now(), desk.actor, opened.check(environment), bundle)
    return _after(opened, desk.record(event, dry_run=dry_run))


def returned(opened: Opened, environment: str) -> UpdateStatus:
    """Write down that an Environment went back to what it ran before, and say so to those who wait for it."""
    desk = opened.desk
    desk.record(Returned(desk.clock.now(), desk.actor, opened.check(environment)))
    issue_if_needed(opened)
    return status(opened)


def trust(opened: Opened, environment: str, key: PublicKey, *, dry_run: bool = False) -> None:
    """Believe records of ``environment`` that ``key`` signed."""
    opened.check(environment)
    if not dry_run:
        opened.desk.pin(environment, key)


def receive(opened: Opened, text: bytes) -> UpdateRecord:
    """Take a record that arrived as a file. Raises RefusedError for a forged, foreign, stale or replayed one.

    The same record again changes nothing.
    """
    desk = opened.desk
    record = read_record(text, desk.trusted(), opened.landscape.name)
    if desk.state.environment(record.environment).record != record:
        desk.record(Received(desk.clock.now(), desk.actor, record))
    return record


def recordable(opened: Opened, environment: str) -> str:
    """The version that a record of an Environment would speak of. Raises StateError when there can be none here."""
    plan = opened.desk.state.plan
    known = opened.desk.state.environment(opened.check(environment))
    if plan is not None and environment in plan.remote:
        raise StateError(f"{environment} is updated by somebody else, who signs its records", reason="Remote")
    if known.present is None or known.since is None:
        raise StateError(
            f"{environment}: nobody said what it runs", reason="VersionUnknown", hint="ringfence update adopt"
        )
    return str(known.present.version)


def issue(opened: Opened, environment: str) -> Path:
    """Sign a new record of what an Environment updated here runs, and say in which file it is."""
    desk = opened.desk
    recordable(opened, environment)
    known = desk.state.environment(environment)
    assert known.present is not None
    assert known.since is not None
    designation = next(one.designation for one in opened.topology.environments if one.name == environment)
    now = desk.clock.now()
    record = UpdateRecord(
        landscape=opened.landscape.name,
        environment=environment,
        designation=designation.value,
        version=str(known.present.version),
        bundle=known.present.digest,
        finished=known.finished or known.since,
        issued=max(now, known.since),
        sequence=max(known.issued, known.record.sequence if known.record else 0) + 1,
        checks=known.checks,
    )
    desk.record(Issued(now, desk.actor, environment, record.sequence))
    path = desk.folder / "records" / f"{environment}.json"
    write_atomically(path, seal_record(record, desk.signer), mode=0o644)
    receive(opened, path.read_bytes())
    return path


def issue_if_needed(opened: Opened) -> tuple[Path, ...]:
    """Sign the records that a finished or undone update calls for and a crash may have kept from being signed."""
    state = opened.desk.state
    if state.plan is None:
        return ()
    found = []
    for name in state.plan.environments:
        known = state.environment(name)
        if name in state.plan.remote or known.present is None or known.since is None:
            continue
        behind = known.record is None or known.record.bundle != known.present.digest
        if behind and (known.record is not None or known.finished is not None):
            found.append(issue(opened, name))
    return tuple(found)


def _after(opened: Opened, state: UpdateState) -> UpdateStatus:
    return _status(opened, state, opened.desk.clock.now())
