"""An update as people run it: waves, records, refusals, and a crash at every write."""

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import icalendar
import pytest

from ringfence.base import paths
from ringfence.base.clock import SetClock
from ringfence.base.errors import InputError, RingfenceError, StateError
from ringfence.base.paths import Paths
from ringfence.decide.topology import Cluster, ClusterRole, Designation, Environment, Status, Topology
from ringfence.evidence import store
from ringfence.evidence.signing import file_signer
from ringfence.flows.updates import commands, run
from ringfence.flows.updates.commands import Opened, PlanRequest
from ringfence.flows.updates.desk import open_desk
from ringfence.landscape.load import parse_landscape
from ringfence.update.due import Freeze
from ringfence.update.platform import Report
from ringfence.update.record import Check, RefusedError, read_record, seal_record
from ringfence.update.state import Progress
from ringfence.update.version import Bundle, Version

MONDAY = datetime(2026, 12, 14, 9, tzinfo=UTC)
OLD = Bundle(Version(1, 4, 2), Version(1, 36, 1))
NEW = Bundle(Version(1, 5, 0), Version(1, 37, 2))
PATCH = Bundle(Version(1, 4, 3), Version(1, 36, 2))
LANDSCAPE = """
apiVersion: ringfence.dev/v1
kind: Landscape
metadata: {name: clinic}
spec:
  applications:
    - {name: portal, deployments: {testing: {}, production: {}}}
  holidays: {country: SE, timezone: Europe/Stockholm}
"""


def environment(name: str, designation: Designation) -> Environment:
    return Environment(name, designation, (Cluster(f"{name}-1", ClusterRole.WORKLOAD, (), ()),))


TOPOLOGY = Topology(
    "clinic",
    Status.OPTIMAL,
    Fraction(0),
    Fraction(0),
    (
        environment("test", Designation.NON_PRODUCTION),
        environment("stage", Designation.NON_PRODUCTION),
        environment("prod", Designation.PRODUCTION),
    ),
    (),
    (),
    (),
)


@dataclass
class Platform:
    """Environments that run what they were last given."""

    runs: dict[str, Bundle] = field(default_factory=dict)
    fails: str | None = None
    deliveries: int = 0

    def deliver(self, environment: str, bundle: Bundle, report: Report) -> Check:
        self.deliveries += 1
        if self.fails == environment:
            raise StateError("no space left")
        self.runs[environment] = bundle
        return Check("ran", True, str(bundle.version))

    def healthy(self, environment: str) -> Check:
        return Check("healthy", True, "")


def looks(separation: bool = True, gates: bool = True) -> run.Looks:
    return run.Looks(
        lambda _: Check("separation", separation, "" if separation else "alice reaches production"),
        lambda _: Check("gates", gates, "" if gates else "portal is degraded"),
    )


@dataclass
class Site:
    """A machine that can be opened again and again."""

    folder: Path
    clock: SetClock
    topology: Topology = TOPOLOGY

    def open(self) -> Opened:
        where = Paths(self.folder / "state", self.folder / "data", self.folder / "cache")
        landscape = parse_landscape(LANDSCAPE)
        desk = open_desk(where, "clinic", landscape.calendar, self.clock, "ada")
        return Opened(landscape, self.topology, desk, frozenset())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path, SetClock(MONDAY))
    for name in ("test", "stage", "prod"):
        commands.adopt(made.open(), name, OLD)
    return made


def states(opened: Opened) -> dict[str, str]:
    return {one.name: one.phase.value for one in commands.status(opened).environments}


def test_what_nobody_stated_is_not_planned_for(tmp_path: Path) -> None:
    made = Site(tmp_path, SetClock(MONDAY))
    for name in ("test", "prod"):
        commands.adopt(made.open(), name, OLD)
    with pytest.raises(InputError, match="stage: nobody said what it runs"):
        commands.plan_update(made.open(), PlanRequest(NEW))
    assert made.open().desk.state.plan is None
    commands.adopt(made.open(), "stage", OLD)
    commands.plan_update(made.open(), PlanRequest(NEW))


def test_non_production_first_and_production_five_working_days_later(site: Site) -> None:
    platform = Platform()
    commands.plan_update(site.open(), PlanRequest(NEW))
    assert states(site.open()) == {"test": "due", "stage": "due", "prod": "waiting"}
    assert run.start(site.open(), platform, looks()).updated == ("test", "stage")
    assert platform.runs == {"test": NEW, "stage": NEW}
    production = commands.status(site.open()).environments[2]
    assert production.not_before is not None
    assert production.not_before.isoformat() == "2026-12-21T10:00:00+01:00"
    site.clock.moment = datetime(2026, 12, 21, 8, 59, 59, tzinfo=UTC)
    with pytest.raises(RefusedError, match="not before 2026-12-21T10:00:00"):
        run.start(site.open(), platform, looks())
    site.clock.moment = datetime(2026, 12, 21, 9, 0, 0, tzinfo=UTC)
    assert states(site.open())["prod"] == "due"
    assert run.start(site.open(), platform, looks()).updated == ("prod",)
    assert states(site.open()) == {"test": "done", "stage": "done", "prod": "done"}
    assert site.open().desk.ledger.verify().intact


def test_the_contract_has_these_fields(site: Site) -> None:
    commands.plan_update(site.open(), PlanRequest(NEW))
    value = commands.status(site.open()).to_json()
    assert value["kind"] == "UpdateStatus"
    assert set(value["environments"][0]) >= {
        "name", "designation", "version", "next", "state", "notBefore", "because"
    }  # fmt: skip
    assert (value["environments"][2]["version"], value["environments"][2]["next"]) == ("1.4.2", "1.5.0")


def test_a_patch_follows_at_once_but_after_non_production(site: Site) -> None:
    platform = Platform()
    commands.plan_update(site.open(), PlanRequest(PATCH))
    with pytest.raises(RefusedError, match="waits for test and stage"):
        run.start(site.open(), platform, looks(), environment="prod")
    assert run.start(site.open(), platform, looks()).updated == ("test", "stage", "prod")


def test_a_patch_told_to_wait_waits(site: Site) -> None:
    commands.plan_update(site.open(), PlanRequest(PATCH, patches_wait=True))
    assert run.start(site.open(), Platform(), looks()).updated == ("test", "stage")


def test_a_freeze_holds_production_on_any_day_in_it(site: Site) -> None:
    freeze = Freeze(datetime(2026, 12, 28).date(), datetime(2027, 1, 6).date(), "year end")  # noqa: DTZ001
    commands.plan_update(site.open(), PlanRequest(NEW, freezes=(freeze,)))
    run.start(site.open(), Platform(), looks())
    # Due on the 21st, and nobody came before the freeze began.
    site.clock.moment = datetime(2026, 12, 29, 12, tzinfo=UTC)
    with pytest.raises(RefusedError, match=r"year end.*2027-01-07T00:00:00"):
        run.start(site.open(), Platform(), looks())
    site.clock.moment = datetime(2027, 1, 7, 12, tzinfo=UTC)
    assert run.start(site.open(), Platform(), looks()).updated == ("prod",)


@pytest.mark.parametrize("broken", ["platform", "separation", "gates"])
def test_a_wave_that_fails_stops_and_production_is_not_touched(site: Site, broken: str) -> None:
    platform = Platform(fails="test" if broken == "platform" else None)
    commands.plan_update(site.open(), PlanRequest(NEW))
    result = run.start(site.open(), platform, looks(broken != "separation", broken != "gates"))
    assert result.stopped == "test"
    assert "prod" not in platform.runs
    site.clock.moment += timedelta(days=60)
    with pytest.raises(RefusedError, match="stopped at test"):
        run.start(site.open(), Platform(), looks())
    platform.fails = None
    commands.resume(site.open())
    assert run.start(site.open(), platform, looks()).updated == ("test", "stage")


def test_the_way_back(site: Site) -> None:
    platform = Platform()
    commands.plan_update(site.open(), PlanRequest(NEW))
    run.start(site.open(), platform, looks(gates=False))
    assert platform.runs["test"] == NEW
    run.back(site.open(), "test", platform)
    assert platform.runs["test"] == OLD
    shown = commands.status(site.open()).environments[0]
    assert (shown.version, shown.phase.value) == ("1.4.2", "stopped")


def test_non_production_that_went_back_closes_the_gate_again(site: Site) -> None:
    platform = Platform()
    commands.plan_update(site.open(), PlanRequest(NEW))
    run.start(site.open(), platform, looks())
    site.clock.moment += timedelta(days=14)
    assert states(site.open())["prod"] == "due"
    run.back(site.open(), "stage", platform)
    assert states(site.open())["prod"] == "waiting"
    with pytest.raises(RefusedError):
        run.start(site.open(), platform, looks(), environment="prod")


def test_paused_is_paused(site: Site) -> None:
    commands.plan_update(site.open(), PlanRequest(NEW))
    commands.pause(site.open(), "incident")
    with pytest.raises(RefusedError, match="incident"):
        run.start(site.open(), Platform(), looks())
    commands.resume(site.open())
    assert run.start(site.open(), Platform(), looks()).updated


@pytest.mark.parametrize(
    ("bundle", "message"),
    [
        (Bundle(Version(1, 6, 0), Version(1, 37, 0)), "skip a minor"),
        (Bundle(Version(3, 0, 0), Version(1, 37, 0)), "skip a minor"),
        (Bundle(Version(2, 1, 0), Version(1, 37, 0)), "skip a minor"),
        (Bundle(Version(1, 5, 0), Version(1, 38, 0)), "Kubernetes would go from 1.36.1 to 1.38.0"),
        (Bundle(Version(1, 4, 1), Version(1, 36, 1)), "go back"),
        (OLD, r"runs 1\.4\.2 already"),
        (Bundle(OLD.version, OLD.kubernetes, {"argo-cd": "9"}), "another content"),
    ],
)
def test_a_step_that_may_not_be_is_refused_before_anything_is_written(site: Site, bundle: Bundle, message: str) -> None:
    before = site.open().desk.count
    with pytest.raises(InputError, match=message):
        commands.plan_update(site.open(), PlanRequest(bundle))
    assert site.open().desk.count == before


def test_a_dry_run_writes_nothing(site: Site) -> None:
    before = site.open().desk.count
    shown = commands.plan_update(site.open(), PlanRequest(NEW), dry_run=True)
    assert shown.environments[0].next == "1.5.0"
    assert site.open().desk.count == before


def test_production_alone_may_not_have_a_minor_update(site: Site) -> None:
    alone = Site(site.folder, site.clock, replace(TOPOLOGY, environments=TOPOLOGY.environments[2:]))
    with pytest.raises(InputError, match="needs a non-production Environment"):
        commands.plan_update(alone.open(), PlanRequest(NEW))


# Two parties that share nothing: production knows non-production by its signed records only.


@pytest.fixture
def apart(tmp_path: Path) -> tuple[Site, Site]:
    sites = Site(tmp_path / "np", SetClock(MONDAY)), Site(tmp_path / "p", SetClock(MONDAY))
    commands.adopt(sites[0].open(), "test", OLD)
    commands.adopt(sites[0].open(), "stage", OLD)
    commands.adopt(sites[1].open(), "prod", OLD)
    commands.plan_update(sites[0].open(), PlanRequest(NEW, remote=("prod",)))
    commands.plan_update(sites[1].open(), PlanRequest(NEW, remote=("test", "stage")))
    for name in ("test", "stage"):
        commands.trust(sites[1].open(), name, sites[0].open().desk.signer.public)
    run.start(sites[0].open(), Platform(), looks())
    return sites


def records(site: Site) -> list[Path]:
    return [site.open().desk.folder / "records" / f"{name}.json" for name in ("test", "stage")]


def test_records_open_the_gate_of_production_elsewhere(apart: tuple[Site, Site]) -> None:
    non_production, production = apart
    production.clock.moment += timedelta(days=7)
    with pytest.raises(RefusedError, match="no record of test has arrived"):
        run.start(production.open(), Platform(), looks())
    with pytest.raises(RefusedError, match="no record of stage"):
        run.start(production.open(), Platform(), looks(), records=records(non_production)[:1])
    platform = Platform()
    assert run.start(production.open(), platform, looks(), records=records(non_production)).updated == ("prod",)
    assert platform.runs == {"prod": NEW}


def test_a_record_too_early_keeps_the_gate_closed(apart: tuple[Site, Site]) -> None:
    non_production, production = apart
    production.clock.moment += timedelta(days=6)
    with pytest.raises(RefusedError, match="working days"):
        run.start(production.open(), Platform(), looks(), records=records(non_production))


def test_a_stale_record_keeps_the_gate_closed(apart: tuple[Site, Site]) -> None:
    non_production, production = apart
    production.clock.moment += timedelta(days=31)
    with pytest.raises(RefusedError, match="stale"):
        run.start(production.open(), Platform(), looks(), records=records(non_production))
    # A record grows stale in the drawer as well.
    production.clock.moment = MONDAY + timedelta(days=1)
    for path in records(non_production):
        commands.receive(production.open(), path.read_bytes())
    production.clock.moment = MONDAY + timedelta(days=31)
    with pytest.raises(RefusedError, match="stale"):
        run.start(production.open(), Platform(), looks())
    non_production.clock.moment = production.clock.moment
    fresh = [commands.issue(non_production.open(), name) for name in ("test", "stage")]
    assert run.start(production.open(), Platform(), looks(), records=fresh).updated == ("prod",)


def test_a_replayed_record_does_not_undo_a_later_one(apart: tuple[Site, Site]) -> None:
    non_production, production = apart
    good = [path.read_bytes() for path in records(non_production)]
    for text in good:
        commands.receive(production.open(), text)
    run.back(non_production.open(), "stage", Platform())
    commands.receive(production.open(), records(non_production)[1].read_bytes())
    production.clock.moment += timedelta(days=7)
    with pytest.raises(RefusedError, match="replay"):
        commands.receive(production.open(), good[1])
    with pytest.raises(RefusedError, match=r"stage runs 1\.4\.2 by its latest record"):
        run.start(production.open(), Platform(), looks())


def test_a_forged_record_keeps_the_gate_closed(apart: tuple[Site, Site], tmp_path: Path) -> None:
    non_production, production = apart
    desk = production.open().desk
    record = read_record(records(non_production)[0].read_bytes(), desk.trusted(), "clinic")
    with pytest.raises(RefusedError, match="nobody here trusts"):
        commands.receive(production.open(), seal_record(record, file_signer(tmp_path / "mallory.pem")))
    envelope = json.loads(records(non_production)[0].read_bytes())
    envelope["payload"] = json.loads(records(non_production)[1].read_bytes())["payload"]
    with pytest.raises(RefusedError, match="does not fit"):
        commands.receive(production.open(), json.dumps(envelope).encode())


def test_a_key_speaks_for_its_own_environment_only(apart: tuple[Site, Site], tmp_path: Path) -> None:
    _, production = apart
    other = file_signer(tmp_path / "test.pem")
    commands.trust(production.open(), "test", other.public)
    desk = production.open().desk
    genuine = read_record(records(apart[0])[1].read_bytes(), desk.trusted(), "clinic")
    with pytest.raises(RefusedError, match="record of stage cannot be believed"):
        commands.receive(production.open(), seal_record(genuine, other))


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"\xff", b'{"payload": "e30=", "payloadType": "x"}', b"[" * 9999])
def test_junk_is_no_record(apart: tuple[Site, Site], junk: bytes) -> None:
    with pytest.raises(RefusedError):
        commands.receive(apart[1].open(), junk)


# Crashes


class _CrashError(BaseException):
    """The process dies here."""


def crash_at(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], int]:
    """Die before the ``number``-th write of the ledger: after a write is before the next one."""
    count = 0

    def dying(real: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object, **named: object) -> None:
            nonlocal count
            count += 1
            if count == number:
                raise _CrashError
            real(*arguments, **named)

        return call

    monkeypatch.setattr(store, "append_line", dying(store.append_line))
    monkeypatch.setattr(store, "write_atomically", dying(paths.write_atomically))
    return lambda: count


def test_a_crash_at_any_write_is_made_good_by_running_it_again(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.plan_update(site.open(), PlanRequest(NEW))
    number = 0
    while True:
        number += 1
        copy = Site(tmp_path / "copies" / str(number), SetClock(MONDAY))
        shutil.copytree(site.folder / "data", copy.folder / "data")
        platform = Platform()
        with monkeypatch.context() as patch:
            writes = crash_at(patch, number)
            with contextlib.suppress(_CrashError):
                run.start(copy.open(), platform, looks())
        if writes() < number:
            break
        assert copy.open().desk.state.environment("prod").progress is Progress.IDLE
        with contextlib.suppress(RefusedError):  # everything before production was done already
            run.start(copy.open(), platform, looks())
        opened = copy.open()
        assert states(opened) == {"test": "done", "stage": "done", "prod": "waiting"}
        assert platform.runs == {"test": NEW, "stage": NEW}
        assert opened.desk.ledger.verify().intact
        assert commands.status(opened).environments[2].not_before is not None
    assert number > 10


def test_two_people_who_decide_at_once_do_not_both_win(site: Site) -> None:
    one, two = site.open(), site.open()
    commands.plan_update(one, PlanRequest(NEW))
    with pytest.raises(RingfenceError, match="somebody else decided first"):
        commands.plan_update(two, PlanRequest(PATCH))
    plan = site.open().desk.state.plan
    assert plan is not None
    assert plan.bundle == NEW


def test_the_calendar_file_is_read_by_another_program(site: Site) -> None:
    freeze = Freeze(datetime(2027, 2, 1).date(), datetime(2027, 2, 5).date(), "audit; all hands, " + "ö" * 90)  # noqa: DTZ001
    commands.plan_update(site.open(), PlanRequest(NEW, freezes=(freeze,)))
    run.start(site.open(), Platform(), looks())
    text = commands.calendar(site.open())
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    events: dict[str, Any] = {
        str(event["SUMMARY"]): event for event in icalendar.Calendar.from_ical(text).walk("VEVENT")
    }
    update = events["clinic/prod: the platform may be updated to 1.5.0"]
    assert update["DTSTART"].dt == datetime(2026, 12, 21, 9, tzinfo=UTC)
    frozen = events["clinic: production is frozen"]
    assert str(frozen["DESCRIPTION"]) == freeze.because
    assert (frozen["DTSTART"].dt, frozen["DTEND"].dt) == (freeze.first, freeze.last + timedelta(days=1))
