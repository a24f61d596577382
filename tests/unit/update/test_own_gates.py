"""The deployments' own gates on a new platform: their tests, and what was verified where before production."""

import sys
from pathlib import Path

import pytest

from promotion_world import HeadDelivery, Site, make_site
from ringfence.flows.history import history
from ringfence.flows.promotion.asking import World
from ringfence.flows.promotion.workspace import Workspace
from ringfence.flows.updates.own_gates import OwnGates
from ringfence.flows.updates.platforms import Site as Place
from ringfence.update.bundle_file import PLATFORM
from ringfence.update.record import Check
from ringfence.update.version import Bundle, Version

NEW = Bundle(Version(1, 5, 0), PLATFORM.kubernetes)
TESTS = """\
  promotion:
    gates:
      - {{gate: tests, stage: staging, command: [{python}, -c, "{script}"]}}
"""
SCRIPT = "import pathlib, sys; sys.exit(pathlib.Path('bad').exists())"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = make_site(tmp_path)
    path = made.landscape_file
    path.write_text(path.read_text() + TESTS.format(python=sys.executable, script=SCRIPT))
    made.release("1.0.0")
    made.climb("portal/local", "development", "testing", "staging", "production")
    return made


def own(site: Site, platform: str = "1.4.0 on Kubernetes v1.37.2") -> OwnGates:
    def world(workspace: Workspace, report: object) -> World:
        opened = site.world(workspace)
        assert isinstance(opened.delivery, HeadDelivery)
        opened.delivery.version = platform
        return opened

    place = Place(site.workspace().landscape, site.topology, site.landscape_file, site.paths, site.clock)
    return OwnGates(place, "ada", world, lambda _: lambda _: Check("gates", True, "everything runs"))


def environment(site: Site, deployment: str) -> str:
    return site.topology.placement(deployment).environment


def test_the_tests_of_every_stage_run_again_on_the_new_platform(site: Site) -> None:
    look = own(site).passed(lambda _: None)
    here = environment(site, "portal/staging")
    check = look(here)
    assert (check.passed, check.because) == (True, "everything runs; 1 of their own tests passed")
    (site.folder / "clinic" / "bad").touch()
    check = look(here)
    assert not check.passed
    assert check.because.startswith("portal/staging: tests: ")
    assert "ended with 1" in check.because


def test_what_runs_badly_is_not_asked_further(site: Site) -> None:
    bad = own(site)
    broken = OwnGates(bad.site, "ada", bad.world, lambda _: lambda _: Check("gates", False, "portal is degraded"))
    assert broken.passed(lambda _: None)(environment(site, "portal/staging")).because == "portal is degraded"


def test_production_waits_until_what_runs_there_was_verified_on_the_bundle(site: Site) -> None:
    production = environment(site, "portal/production")
    ready = own(site).ready(NEW)(production)
    assert not ready.passed
    assert ready.because == "portal/production runs 1.0.0, which no non-production deployment ran on 1.5.0"
    updated = own(site, "1.5.0 on Kubernetes v1.37.2")
    said: list[str] = []
    for name in sorted({one.environment for one in site.topology.placements} - {production}):
        updated.verified(name, said.append)
        updated.verified(name, said.append)
    assert own(site).ready(NEW)(production).passed
    written = history(site.workspace(), "portal", event="verified", limit=50).entries
    assert len(written) == len(said) == 3  # development, testing and staging, each once
    assert {entry.body["platform"] for entry in written} == {"1.5.0 on Kubernetes v1.37.2"}


def test_nothing_is_asked_where_nothing_was_released(tmp_path: Path) -> None:
    made = make_site(tmp_path)
    gates = own(made)
    (made.paths.landscape("clinic") / "promotion.db").unlink()
    assert gates.ready(NEW)(environment(made, "portal/production")).passed
    assert gates.passed(lambda _: None)(environment(made, "portal/production")).because == "everything runs"
