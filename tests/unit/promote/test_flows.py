"""Promotion from end to end on real Git repositories and the real journal, with a stand-in for Argo CD."""

import json
import shutil
from pathlib import Path

import pytest

from promotion import record
from promotion_world import HeadDelivery, Site, make_site
from ringfence.base.errors import ConflictError, InputError, StateError, UnreachableError
from ringfence.evidence.place import open_ledger
from ringfence.flows.demote import demote
from ringfence.flows.history import history
from ringfence.flows.promote import promote
from ringfence.flows.promotion.answers import Outcome
from ringfence.flows.promotion.asking import Request, World
from ringfence.flows.promotion.beside import beside, mismatches
from ringfence.flows.promotion.delivery import Committed, Order
from ringfence.flows.promotion.statements import sign
from ringfence.flows.release import Choices, release
from ringfence.flows.rollback import rollback
from ringfence.flows.standing import approve, find, hold, lift, reject
from ringfence.flows.where import where
from ringfence.promote.gates.facts import Neighbours
from ringfence.promote.gates.question import Question


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def delivery(site: Site) -> HeadDelivery:
    found = site.world(site.workspace()).delivery
    assert isinstance(found, HeadDelivery)
    return found


def test_a_release_travels_to_production(site: Site) -> None:
    made = site.release("1.0.0")
    assert (made.place, made.new) == ("portal/local", True)
    place = site.climb("portal/local", "development", "testing", "staging")
    answer = site.promote(place, "production")
    assert answer.to_json() | {"because": None} == answer.to_json()
    assert answer.outcome is Outcome.DONE
    assert answer.revision == answer.observed == delivery(site).head("portal/production")
    assert {gate.name: gate.state for gate in answer.gates} == {
        "separation": "open",
        "health": "open",
        "verification": "open",
    }
    assert set(answer.seconds) == {"commit", "sync", "healthy"}
    for stage in ("development", "testing-1", "staging", "production"):
        assert "Welcome to 1.0.0" in delivery(site).chart(f"portal/{stage}")
    # Nobody's change is in the other copies: they show the latest version to the changes of others.
    assert "Welcome to 1.0.0" in delivery(site).chart("portal/testing-2")


def test_the_same_content_is_the_same_release(site: Site) -> None:
    first = site.release("1.0.0", "hello")
    again = site.release("1.0.0", "hello")
    other = site.release("1.0.1", "hello")
    assert first.release.digest == again.release.digest == other.release.digest
    assert not again.new
    assert any("the same content as 1.0.0" in note for note in other.notes)
    with pytest.raises(ConflictError, match="other content"):
        site.release("1.0.0", "good bye")


def test_a_command_typed_again_is_answered_as_done(site: Site) -> None:
    site.release("1.0.0")
    first = site.promote("portal/local", "development")
    again = site.promote("portal/local", "development")
    assert (first.outcome, again.outcome) == (Outcome.DONE, Outcome.DONE)
    assert again.revision == first.revision
    assert len(history(site.workspace(), "portal", event="promoted").entries) == 1


def test_a_fourth_change_waits_for_a_copy_in_order(site: Site) -> None:
    answers = []
    for number in range(1, 6):
        site.release(f"1.{number}.0")
        site.climb("portal/local", "development")
        answers.append(site.promote("portal/development", "testing"))
    assert [answer.outcome for answer in answers] == [Outcome.DONE] * 3 + [Outcome.WAITING] * 2
    assert [gate.name for gate in answers[-1].gates] == ["copy"]
    site.climb("portal/testing-2", "staging")
    last = site.promote("portal/development", "testing", release="1.5.0")
    assert last.outcome is Outcome.WAITING
    assert "1.4.0 has waited longer" in (last.because or "")
    first = site.promote("portal/development", "testing", release="1.4.0")
    assert (first.outcome, first.target) == (Outcome.DONE, "portal/testing-2")
    assert site.promote("portal/development", "testing", release="1.5.0", withdraw=True).outcome is Outcome.DONE
    assert site.workspace().state("portal").queue == ()


def test_a_broken_proof_refuses_and_is_remembered(site: Site) -> None:
    site.release("1.0.0")
    site.climb("portal/local", "development")
    site.proof["answer"] = "broken"
    answer = site.promote("portal/development", "testing")
    assert answer.outcome is Outcome.REFUSED
    assert answer.exit_code == 1
    assert [gate.state for gate in answer.gates if gate.name == "separation"] == ["closed"]
    assert history(site.workspace(), "portal", event="refused").total >= 1
    site.proof["answer"] = "unknown"
    assert site.promote("portal/development", "testing").outcome is Outcome.REFUSED
    site.proof["answer"] = "holds"
    assert site.promote("portal/development", "testing").outcome is Outcome.DONE


def test_an_emergency_needs_two_people_and_shows_for_ever(site: Site) -> None:
    site.release("1.0.0")
    site.climb("portal/local", "development")
    site.proof["answer"] = "broken"
    alone = site.promote("portal/development", "testing", emergency=True, because="the clinic is down")
    assert (alone.outcome, alone.gates[-1].name) == (Outcome.REFUSED, "emergency")
    workspace = site.workspace("bob")
    approve(workspace, find(workspace, "portal/development"), "testing", "the clinic is down", emergency=True)
    assert site.promote("portal/development", "testing", emergency=True).outcome is Outcome.REFUSED
    answer = site.promote("portal/development", "testing", emergency=True, because="the clinic is down")
    assert answer.outcome is Outcome.DONE
    assert [gate.overridden for gate in answer.gates if gate.name == "separation"] == [True]
    entry = history(site.workspace(), "portal", event="promoted").entries[0]
    assert entry.body["emergency"] is True


def test_demotion_sticks_in_git_and_on_the_ladder(site: Site) -> None:
    for number in (1, 2):
        site.release(f"{number}.0.0")
        site.climb("portal/local", "development", "testing", "staging")
    workspace = site.workspace()
    answer = demote(workspace, site.world(workspace), "portal/staging", "slow")
    assert (answer.outcome, answer.target) == (Outcome.DONE, "portal/testing-1")
    assert "Welcome to 1.0.0" in delivery(site).chart("portal/staging")
    assert "Welcome to 2.0.0" in delivery(site).chart("portal/testing-1")
    refused = site.promote("portal/testing-1", "staging")
    assert (refused.outcome, refused.because) == (Outcome.REFUSED, "2.0.0 is held by alice: slow")
    lift(workspace, find(workspace, "portal/testing-1"), "mended")
    assert site.promote("portal/testing-1", "staging").outcome is Outcome.DONE


def test_the_first_release_goes_back_to_what_was_applied(site: Site) -> None:
    before = delivery(site).chart("portal/staging")
    site.release("1.0.0")
    site.climb("portal/local", "development", "testing", "staging")
    assert delivery(site).chart("portal/staging") != before
    workspace = site.workspace()
    demote(workspace, site.world(workspace), "portal/staging", "slow")
    assert delivery(site).chart("portal/staging") == before
    assert delivery(site).chart("portal/staging", "release.json") == ""


def test_rollback_brings_back_what_ran_and_holds_what_leaves(site: Site) -> None:
    for number in (1, 2):
        site.release(f"{number}.0.0")
        site.climb("portal/local", "development", "testing", "staging", "production")
    workspace = site.workspace()
    answer = rollback(workspace, site.world(workspace), "portal", "errors", to="1.0.0")
    assert answer.outcome is Outcome.DONE
    assert "Welcome to 1.0.0" in delivery(site).chart("portal/production")
    assert site.promote("portal/staging", "production").outcome is Outcome.REFUSED
    never = rollback(workspace, site.world(workspace), "portal", "errors again")
    assert never.outcome is Outcome.REFUSED


def test_argocd_down_says_where_it_stands_and_goes_on(site: Site) -> None:
    site.release("1.0.0")
    workspace = site.workspace()
    world = site.world(workspace)
    assert isinstance(world.delivery, HeadDelivery)
    world.delivery.down = True
    answer = site.promote("portal/local", "development", world=world)
    assert (answer.outcome, answer.exit_code) == (Outcome.WAITING, 2)
    assert answer.revision is not None
    assert "does not answer" in (answer.because or "")
    world.delivery.down = False
    world.delivery.unhealthy = True
    answer = site.promote("portal/local", "development", world=world)
    assert (answer.outcome, answer.exit_code) == (Outcome.WAITING, 1)
    world.delivery.unhealthy = False
    head = delivery(site).head("portal/development")
    done = site.promote("portal/local", "development", world=world)
    assert (done.outcome, done.revision) == (Outcome.DONE, head)


def test_a_promotion_that_never_gets_healthy_is_brought_back(site: Site) -> None:
    site.release("1.0.0")
    before = delivery(site).chart("portal/development")
    workspace = site.workspace()
    world = site.world(workspace)
    assert isinstance(world.delivery, HeadDelivery)
    world.delivery.unhealthy = True
    assert site.promote("portal/local", "development", world=world).outcome is Outcome.WAITING
    assert delivery(site).chart("portal/development") != before
    world.delivery.unhealthy = False
    answer = demote(workspace, world, "portal/development", "it does not start")
    assert (answer.outcome, answer.target) == (Outcome.DONE, "portal/local")
    assert delivery(site).chart("portal/development") == before
    assert site.promote("portal/local", "development").outcome is Outcome.REFUSED


def test_git_that_differs_from_the_journal_is_not_overwritten(site: Site) -> None:
    site.release("1.0.0")
    site.climb("portal/local", "development")
    repository = delivery(site).repository("portal/development")
    path = next(name for name in repository.files() if name.endswith("release.json"))
    other = json.loads(repository.read(path) or b"{}") | {"release": "sha256:other", "by": "carol", "move": "x"}
    repository.commit({path: json.dumps(other).encode()}, "Another machine was here")
    site.release("2.0.0")
    answer = site.promote("portal/local", "development")
    assert answer.outcome is Outcome.WAITING
    assert "put by carol" in (answer.because or "")
    assert site.promote("portal/local", "development", force=True).outcome is Outcome.DONE


def test_held_rejected_and_approved_releases(site: Site) -> None:
    site.release("1.0.0")
    workspace = site.workspace()
    hold(workspace, find(workspace, "portal", "1.0.0"), "not now")
    assert site.promote("portal/local", "development").outcome is Outcome.REFUSED
    lift(workspace, find(workspace, "portal/local"), "now")
    with pytest.raises(ConflictError, match="cannot approve"):
        approve(workspace, find(workspace, "portal/local"), "development", None, emergency=False)
    reject(workspace, find(workspace, "portal/local"), "wrong")
    assert site.promote("portal/local", "development").outcome is Outcome.REFUSED
    with pytest.raises(ConflictError, match="rejected for good"):
        site.release("1.0.1", "Welcome to 1.0.0")


def test_throw_away_data_is_thrown_away_and_seed_data_loaded(site: Site) -> None:
    with site.landscape_file.open("a") as stream:
        stream.write(
            "  promotion:\n    seed: {testing: [sh, -c, 'echo $RINGFENCE_DEPLOYMENT >> seeded; test -e fine']}\n"
        )
    site.release("1.0.0")
    workspace = site.workspace()
    world = site.world(workspace)
    assert isinstance(world.delivery, HeadDelivery)
    site.promote("portal/local", "development", world=world)
    answer = site.promote("portal/development", "testing", world=world)
    assert (answer.outcome, answer.exit_code) == (Outcome.WAITING, 2)
    assert "loading seed data ended with 1" in (answer.because or "")
    (site.folder / "clinic" / "fine").touch()
    assert site.promote("portal/development", "testing", world=world).outcome is Outcome.DONE
    assert world.delivery.thrown_away == ("portal/development",)
    assert (site.folder / "clinic" / "seeded").read_text().split() == ["portal/testing-1", "portal/testing-1"]
    data = [entry.body["data"] for entry in history(workspace, "portal", event="promoted").entries]
    assert data == ["seed", "throw-away"]


def test_nothing_is_promised_before_the_landscape_is_applied(site: Site) -> None:
    site.release("1.0.0")
    shutil.rmtree(delivery(site).repository("portal/development").path)
    with pytest.raises(StateError, match="does not have it yet"):
        site.promote("portal/local", "development")
    assert site.workspace().state("portal").moves == {}


def test_an_impact_analysis_is_signed_and_cannot_be_changed(site: Site) -> None:
    text = site.landscape_file.read_text()
    site.landscape_file.write_text(text.replace("welkin]", "welkin, nist-800-171]"))
    site.release("1.0.0")
    place = site.climb("portal/local", "development", "testing", "staging")
    waiting = site.promote(place, "production")
    assert [gate.state for gate in waiting.gates if gate.name == "impact"] == ["waiting"]
    document = site.folder / "analysis.md"
    document.write_text("Nothing that is exposed changes.")
    bob = site.workspace("bob")
    path = sign(bob, find(bob, place).digest, document)
    kept = next(one for one in path.parent.iterdir() if not one.name.endswith(".json"))
    kept.chmod(0o600)
    kept.write_text("Something else.")
    assert site.promote(place, "production").outcome is Outcome.WAITING
    sign(bob, find(bob, place).digest, document)
    assert site.promote(place, "production").outcome is Outcome.DONE


def test_a_dry_run_changes_nothing(site: Site) -> None:
    site.release("1.0.0")
    head = delivery(site).head("portal/development")
    assert site.promote("portal/local", "development", dry_run=True).outcome is Outcome.PLANNED
    assert delivery(site).head("portal/development") == head
    assert site.workspace().state("portal").moves == {}


def test_images_by_tag_are_refused(site: Site) -> None:
    path = site.folder / "clinic" / "charts" / "portal" / "values.yaml"
    text = path.read_text()
    path.write_text("\n".join('  tag: "1.4"' if "digest:" in line else line for line in text.splitlines()) + "\n")
    with pytest.raises(InputError, match="named by a tag"):
        release(site.workspace(), "portal", "1.0.0", Choices())
    made = release(site.workspace(), "portal", "1.0.0", Choices(allow_tags=True))
    assert any("not pinned" in note for note in made.notes)


@pytest.mark.parametrize(
    ("origin", "to"),
    [("portal/local", "stagng"), ("portl/local", "staging"), ("portal", "staging"), ("portal/testing-9", "staging")],
)
def test_unknown_names_are_bad_input(site: Site, origin: str, to: str) -> None:
    site.release("1.0.0")
    with pytest.raises(InputError):
        site.promote(origin, to)


def test_the_ledger_holds_every_decision_and_verifies(site: Site) -> None:
    from ringfence.evidence.place import open_ledger

    site.release("1.0.0")
    site.climb("portal/local", "development")
    site.proof["answer"] = "broken"
    site.promote("portal/development", "testing")
    ledger = open_ledger(site.paths, "clinic", site.clock)
    assert ledger.verify().intact
    refused = ledger.entries()[-1].event
    assert "iso-27001 A.8.31" in refused.clauses
    kinds = [entry.event.kind for entry in ledger.entries()]
    assert kinds == ["release.made", "promotion.done", "promotion.refused"]


def test_where_no_change_stands_the_stable_or_latest_version_runs(site: Site) -> None:
    site.release("1.0.0")
    site.climb("portal/local", "development", "testing", "staging", "production")
    site.release("2.0.0")
    site.climb("portal/local", "development")
    # 2.0.0 is the change in development; testing shows the latest that came there.
    assert "2.0.0" in delivery(site).chart("portal/development")
    assert "1.0.0" in delivery(site).chart("portal/testing-3")
    site.climb("portal/development", "testing")
    assert "1.0.0" in delivery(site).chart("portal/development"), "the change left: stable is what production runs"
    assert all("2.0.0" in delivery(site).chart(f"portal/testing-{copy}") for copy in (1, 2, 3))
    workspace = site.workspace()
    demote(workspace, site.world(workspace), "portal/testing-1", "slow")
    assert "2.0.0" in delivery(site).chart("portal/development")
    assert all("1.0.0" in delivery(site).chart(f"portal/testing-{copy}") for copy in (1, 2, 3))
    followed = history(site.workspace(), "portal", event="followed", limit=100).entries
    assert {entry.place for entry in followed} <= {f"portal/{name}" for name in (
        "development", "testing-1", "testing-2", "testing-3")}  # fmt: skip
    assert open_ledger(site.paths, "clinic", site.clock).verify().intact


class OneIsAway(HeadDelivery):
    """Nothing can be written to one deployment."""

    away = ""

    def commit(self, order: Order) -> Committed:
        if order.deployment == self.away:
            raise UnreachableError("the repository does not answer")
        return super().commit(order)


def test_what_cannot_follow_stops_nothing_and_follows_later(site: Site) -> None:
    site.release("1.0.0")
    site.climb("portal/local", "development")
    workspace = site.workspace()
    plain = site.world(workspace)
    said: list[str] = []
    away = OneIsAway(workspace.landscape, site.topology, site.targets(), site.clock)
    away.away = "portal/testing-3"
    answer = promote(workspace, World(away, plain.facts, said.append), Request("portal/development", "testing"))
    assert answer.outcome is Outcome.DONE
    assert any("portal/testing-3 does not follow" in line for line in said)
    assert workspace.state("portal").moves == {}
    site.promote("portal/testing-1", "staging")
    assert "1.0.0" in delivery(site).chart("portal/testing-3")


def test_a_neighbour_that_is_not_as_the_stage_says_is_told_and_can_be_a_gate(site: Site) -> None:
    site.release("1.0.0")
    site.climb("portal/local", "development", "testing", "staging", "production")
    site.release("2.0.0")
    site.climb("portal/local", "development")
    workspace = site.workspace()
    around = beside(workspace, "development", "backoffice")
    portal = next(one for one in around if one["application"] == "portal")
    assert (portal["wanted"], portal["release"], portal["asWanted"]) == ("stable", "1.0.0", False)
    assert portal["changes"] == ["2.0.0"]
    (sentence,) = mismatches(around, "development")
    assert "should show the stable version of portal, 1.0.0; it runs 2.0.0 at portal/development" in sentence
    question = Question(
        record(1), workspace.ladder("backoffice"), workspace.state("backoffice"), "backoffice/local", "development",
        "backoffice/development", "ada", site.clock.now(),
    )  # fmt: skip
    verdict = Neighbours().ask(question, site.world(workspace).facts)
    assert (verdict.state, verdict.because) == ("waiting", sentence)
    seen = where(site.landscape_file, site.paths, site.clock, "clinic")
    assert seen["backoffice/development"].notes == (sentence,)
    assert (seen["portal/development"].runs, seen["portal/development"].notes) == ("2.0.0", ())
    site.climb("portal/development", "testing")
    assert Neighbours().ask(question, site.world(site.workspace()).facts).state == "open"
