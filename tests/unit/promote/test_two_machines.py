"""Two machines that share a Git repository: what one holds, queues or takes, the other sees, and nothing happens twice.

Each machine has folders, a clone and a signing key of its own; they share a bare repository for the ladder and the
ledger, and one for each Environment.
"""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from promotion_world import HeadDelivery, Site, make_site
from ringfence.base.errors import ConflictError, StateError, UnreachableError
from ringfence.evidence.place import Settings, key_path, open_ledger, write_settings
from ringfence.evidence.signing import file_signer
from ringfence.flows import standing
from ringfence.flows.demote import demote
from ringfence.flows.history import history
from ringfence.flows.promote import promote
from ringfence.flows.promotion.answers import Answer
from ringfence.flows.promotion.asking import Request, World
from ringfence.flows.promotion.journal import Journal
from ringfence.flows.targets import Contexts, Targets


@dataclass
class Machine(Site):
    """A machine whose Environments' repositories are shared."""

    remotes: dict[str, str] | None = None

    def targets(self) -> Targets:
        return replace(super().targets(), contexts=Contexts(repositories=self.remotes or {}))


def git(*words: str | Path) -> str:
    return subprocess.run(["git", *map(str, words)], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Machine, Machine]:
    """Ada's and Bob's machines, from the same Landscape."""
    first = make_site(tmp_path / "origin")
    shared = tmp_path / "shared.git"
    git("init", "--quiet", "--bare", shared)
    remotes = {}
    for environment in first.topology.environments:
        remote = tmp_path / f"{environment.name}.git"
        git("clone", "--quiet", "--bare", first.targets().repository_path(environment.name), remote)
        remotes[environment.name] = str(remote)
    found = []
    for name in ("ada", "bob"):
        folder = tmp_path / name
        shutil.copytree(first.folder, folder)
        machine = Machine(folder, first.topology, first.clock, actor=name, remotes=remotes)
        git("init", "--quiet", folder / "clone")
        file_signer(key_path(machine.paths))
        found.append(machine)
    for mine, other in ((found[0], found[1]), (found[1], found[0])):
        trusted = (f"{key_path(other.paths)}.pub",)
        settings = Settings(str(mine.folder / "clone"), str(shared), trusted=trusted)
        write_settings(mine.paths, "clinic", settings)
    return found[0], found[1]


def said(machine: Machine, what: str, version: str, because: str, verb: str = "hold") -> None:
    workspace = machine.workspace()
    getattr(standing, verb)(workspace, standing.find(workspace, what, version), because)
    workspace.journal.close()


def go_back(machine: Machine, deployment: str, because: str) -> Answer:
    workspace = machine.workspace()
    try:
        return demote(workspace, machine.world(workspace), deployment, because)
    finally:
        workspace.journal.close()


def test_a_demotion_sticks_for_a_colleague(machines: tuple[Machine, Machine]) -> None:
    ada, bob = machines
    ada.release("1.0.0")
    ada.climb("portal/local", "development", "testing")
    assert go_back(ada, "portal/testing-1", "slow").outcome == "done"
    refused = bob.promote("portal/development", "testing")
    assert refused.outcome == "refused"
    assert "held by ada: slow" in (refused.because or "")
    said(bob, "portal", "1.0.0", "mended", "lift")
    again = ada.promote("portal/development", "testing")
    assert again.outcome == "done", again
    workspace = bob.workspace()
    assert [entry.event for entry in history(workspace).entries][:3] == ["promoted", "lifted", "refused"]
    assert workspace.state("portal").runs["portal/testing-1"] == again.release
    assert open_ledger(bob.paths, "clinic", bob.clock).verify().intact


def test_a_release_of_one_machine_is_promoted_from_another(machines: tuple[Machine, Machine]) -> None:
    ada, bob = machines
    ada.release("1.0.0", "Hello from Ada")
    ada.climb("portal/local", "development")
    bob.climb("portal/development", "testing", "staging")
    workspace = bob.workspace()
    delivery = bob.world(workspace).delivery
    assert isinstance(delivery, HeadDelivery)
    assert "Hello from Ada" in delivery.chart("portal/staging")
    with pytest.raises(ConflictError, match="there already with other content"):
        bob.release("1.0.0", "Hello from Bob")


def test_copies_and_queues_are_everybodys(machines: tuple[Machine, Machine]) -> None:
    ada, bob = machines
    for number in range(1, 5):
        ada.release(f"{number}.0.0")
        answer = (ada if number % 2 else bob).promote("portal/local", "development")
        assert answer.outcome == "done", answer
        taken = (bob if number % 2 else ada).promote("portal/development", "testing")
        if number < 4:
            assert taken.target == f"portal/testing-{number}", taken
        else:
            assert taken.outcome == "waiting"
    said(ada, "portal/testing-2", "2.0.0", "wrong", "reject")
    assert bob.promote("portal/development", "testing").target == "portal/testing-2"


class Racing(HeadDelivery):
    """Lets a colleague act in the middle of a promotion."""

    meanwhile: object = None

    def check(self, deployment: str) -> None:
        super().check(deployment)
        act, self.meanwhile = self.meanwhile, None
        if callable(act):
            act()


def test_who_loses_a_race_decides_again_on_what_the_other_did(machines: tuple[Machine, Machine]) -> None:
    ada, bob = machines
    ada.release("1.0.0")
    ada.climb("portal/local", "development")
    workspace = ada.workspace()
    plain = ada.world(workspace)
    racing = Racing(workspace.landscape, ada.topology, ada.targets(), ada.clock)
    racing.meanwhile = lambda: said(bob, "portal", "1.0.0", "stop")
    answer = promote(workspace, World(racing, plain.facts), Request("portal/development", "testing"))
    assert answer.outcome == "refused", answer
    assert "held by bob: stop" in (answer.because or "")


def test_a_colleague_goes_on_with_a_promotion_whose_machine_died(machines: tuple[Machine, Machine]) -> None:
    ada, bob = machines
    ada.release("1.0.0")
    workspace = ada.workspace()
    world = ada.world(workspace)
    assert isinstance(world.delivery, HeadDelivery)
    world.delivery.down = True
    assert promote(workspace, world, Request("portal/local", "development")).outcome == "waiting"
    answer = bob.promote("portal/local", "development")
    assert answer.outcome == "done", answer
    world.delivery.down = False
    workspace.journal.refresh()
    assert promote(workspace, world, Request("portal/local", "development")).outcome == "done"
    ledger = open_ledger(bob.paths, "clinic", bob.clock)
    kinds = [entry.event.kind for entry in ledger.entries()]
    assert kinds.count("promotion.done") == 1
    assert ledger.verify().intact


def test_a_machine_that_promoted_alone_begins_to_share(machines: tuple[Machine, Machine]) -> None:
    ada, bob = machines
    settings = ada.paths.data / "evidence" / "clinic" / "settings.json"
    kept = settings.read_bytes()
    settings.unlink()
    ada.release("1.0.0")
    ada.climb("portal/local", "development")
    settings.write_bytes(kept)
    said(ada, "portal", "1.0.0", "wait")
    seen = bob.workspace()
    assert [entry.event for entry in history(seen).entries] == ["held", "promoted", "released"]
    assert bob.promote("portal/development", "testing").outcome == "refused"
    said(bob, "portal", "1.0.0", "go", "lift")
    assert bob.promote("portal/development", "testing").outcome == "done"


def test_two_ladders_do_not_become_one(machines: tuple[Machine, Machine]) -> None:
    ada, bob = machines
    settings = ada.paths.data / "evidence" / "clinic" / "settings.json"
    kept = settings.read_bytes()
    settings.unlink()
    ada.release("1.0.0")
    bob.release("2.0.0")
    settings.write_bytes(kept)
    with pytest.raises(StateError, match="a ladder of its own"):
        ada.workspace()


def test_a_remote_that_is_away_is_said_and_nothing_is_decided_without_it(machines: tuple[Machine, Machine]) -> None:
    ada, bob = machines
    ada.release("1.0.0")
    shared = ada.folder.parent / "shared.git"
    shared.rename(shared.with_name("away.git"))
    workspace = ada.workspace()
    assert workspace.journal.stale is not None
    assert history(workspace).total == 1
    with pytest.raises(UnreachableError, match="did not answer"):
        said(ada, "portal", "1.0.0", "wait")
    shared.with_name("away.git").rename(shared)
    assert bob.workspace().state("portal").holds == {}


def test_killed_anywhere_while_sharing(machines: tuple[Machine, Machine]) -> None:
    """A process killed between the push and its own copy finds the event there when it comes back."""
    ada, bob = machines
    ada.release("1.0.0")
    for name in ("publish", "news"):
        child = os.fork()
        if child == 0:
            original = getattr(__import__("ringfence.flows.promotion.shared", fromlist=["x"]).SharedLadder, name)

            def stop(self: object, *words: object) -> object:
                found = original(self, *words)  # noqa: B023
                os.kill(os.getpid(), signal.SIGKILL)
                return found

            workspace = ada.workspace()
            assert workspace.journal.shared is not None
            setattr(type(workspace.journal.shared), name, stop)
            said_again = standing.find(workspace, "portal", "1.0.0")
            standing.hold(workspace, said_again, name)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        for machine in (ada, bob):
            workspace = machine.workspace()
            assert [note.because for note in workspace.state("portal").holds.values()] == [name]
            workspace.journal.close()


def test_a_journal_of_the_first_format_is_read(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    site.release("1.0.0")
    workspace = site.workspace()
    database = workspace.journal._database
    database.execute("DROP INDEX entry_shared")
    database.execute("ALTER TABLE entry DROP COLUMN shared")
    database.execute("DROP TABLE fact")
    database.execute("PRAGMA user_version=1")
    workspace.journal.close()
    journal = Journal(workspace.journal.path)
    assert [entry.event for entry in journal.entries()] == ["released"]
