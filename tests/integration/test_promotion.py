"""A change on the ladder of a real landscape: Git, Argo CD, Helm, Kubernetes, and what may go wrong with each.

The tests are chapters of one story and run in order: bringing a landscape up for each would take longer than all of
them together.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from integration.conftest import EngineHome
from integration.killing import ringfence, writes
from integration.landscapes import write_landscape
from patience import eventually
from ringfence.base.clock import SystemClock
from ringfence.base.errors import ForbiddenError
from ringfence.engine import Role
from ringfence.flows.targets import find_targets
from ringfence.kube import PODS, open_cluster

pytestmark = pytest.mark.engine

_NAME = "ladder"
_DEPLOYMENTS = "{local: {}, development: {}, testing: {copies: 2}, staging: {}, production: {}}"
_PROMOTION = """\
  promotion:
    groups: {release-managers: [carol, dave]}
    gates:
      - gate: separation
        stage: testing
        accept: &all [access, credentials, data, network, performance, platform]
        because: this test is about the ladder; proofs have tests of their own
      - {gate: separation, stage: staging, accept: *all, because: as above}
      - {gate: separation, stage: production, accept: *all, because: as above}
      - {gate: approval, stage: production, people: 1, group: release-managers}
"""


class Ladder:
    """The command line on one landscape."""

    def __init__(self, home: EngineHome, folder: Path) -> None:
        self.home = home
        self.folder = folder

    def run(self, *words: str, code: int = 0, actor: str = "alice") -> dict[str, Any]:
        """A command that must end with ``code``; what it answered."""
        acting = (
            ["--as", actor] if words[0] in ("release", "promote", "demote", "rollback", "approve", "reject") else []
        )
        done = subprocess.run(
            [sys.executable, "-m", "ringfence", *words, *acting, "-f", str(self.folder), "-o", "json"],
            env=self.home.variables, capture_output=True, text=True, check=False, timeout=200,
        )  # fmt: skip
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        answer: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        return answer

    def release(self, version: str) -> str:
        """Change the chart and release it."""
        values = self.folder / "charts" / "shop" / "values.yaml"
        lines = [
            f"greeting: Hello {version}" if line.startswith("greeting:") else line
            for line in values.read_text(encoding="utf-8").splitlines()
        ]
        values.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(self.run("release", "shop", version)["digest"])

    def promote(self, origin: str, to: str, *words: str, code: int = 0) -> dict[str, Any]:
        """A promotion, and its answer."""
        return self.run("promote", f"shop/{origin}", "--to", to, *words, code=code)

    def greeting(self, deployment: str) -> str:
        """What the cluster itself has for a deployment."""
        targets = find_targets(self.home.paths, SystemClock(), _NAME)
        cluster = next(one for one in targets.engine.clusters if one.role is Role.WORKLOAD)
        name = deployment.replace("/", "-")
        with open_cluster(cluster.kubeconfig) as connection:
            kind = connection.resource_of("v1", "ConfigMap")
            found = [
                item
                for item in connection.list_raw(kind, None).items
                if item["metadata"]["namespace"] == name and "greeting" in json.dumps(item.get("data") or {}).lower()
            ]
        return json.dumps([item.get("data") for item in found])


@pytest.fixture(scope="module")
def ladder(engine_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ladder]:
    folder = tmp_path_factory.mktemp(_NAME)
    write_landscape(folder, _NAME, {"shop": _DEPLOYMENTS})
    with (folder / "ringfence.yaml").open("a", encoding="utf-8") as stream:
        stream.write(_PROMOTION)
    for command in (["up"], ["apply", "--timeout", "120"]):
        ended = ringfence([command[0], str(folder), *command[1:]], engine_home.variables)
        assert ended.code == 0, ended.output
    yield Ladder(engine_home, folder)
    engine_home.engine().down(_NAME, purge=True)


def test_a_release_travels_to_production(ladder: Ladder) -> None:
    digest = ladder.release("1.0.0")
    ladder.promote("local", "development")
    assert ladder.promote("development", "testing")["to"] == "shop/testing-1"
    answer = ladder.promote("testing-1", "staging")
    assert answer["kind"] == "Promotion"
    assert (answer["release"], answer["from"], answer["to"]) == (digest, "shop/testing-1", "shop/staging")
    assert answer["state"] == "done"
    assert answer["revision"] == answer["observed"]
    assert set(answer["seconds"]) == {"commit", "sync", "healthy"}
    assert {gate["name"]: gate["state"] for gate in answer["gates"]} == {"separation": "open", "health": "open"}
    waiting = ladder.promote("staging", "production", code=1)
    assert waiting["state"] == "waiting"
    assert [gate["state"] for gate in waiting["gates"] if gate["name"] == "approval"] == ["waiting"]
    ladder.run("approve", "shop/staging", "--to", "production", actor="carol")
    assert ladder.promote("staging", "production")["state"] == "done"
    assert "Hello 1.0.0" in ladder.greeting("shop/production")
    # No change stands at the second copy: it follows the latest version, and no promotion waits for that.
    eventually(lambda: "Hello 1.0.0" in ladder.greeting("shop/testing-2"), "the second copy runs 1.0.0", 60)


def test_copies_are_waited_for(ladder: Ladder) -> None:
    for number in (1, 2, 3):
        ladder.release(f"2.{number}.0")
        ladder.promote("local", "development")
        answer = ladder.promote("development", "testing", code=0 if number < 3 else 1)
        assert answer["state"] == ("done" if number < 3 else "waiting")
    ladder.promote("testing-1", "staging")
    assert ladder.promote("development", "testing")["to"] == "shop/testing-1"
    assert "Hello 2.3.0" in ladder.greeting("shop/testing-1")


def test_a_demotion_sticks(ladder: Ladder) -> None:
    ladder.run("reject", "shop/testing-2", "--because", "not wanted")
    answer = ladder.run("demote", "shop/staging", "--because", "slow")
    assert (answer["kind"], answer["state"], answer["to"]) == ("Demotion", "done", "shop/testing-2")
    assert "Hello 1.0.0" in ladder.greeting("shop/staging")
    assert "Hello 2.1.0" in ladder.greeting("shop/testing-2")
    refused = ladder.promote("testing-2", "staging", code=1)
    assert refused["state"] == "refused"
    assert "slow" in refused["because"]
    ended = ringfence(["apply", str(ladder.folder), "--timeout", "90"], ladder.home.variables)
    assert ended.code == 0, ended.output
    assert "Hello 1.0.0" in ladder.greeting("shop/staging")
    ladder.run("hold", "lift", "shop/testing-2", "--because", "mended")
    assert ladder.promote("testing-2", "staging")["state"] == "done"


def test_production_rolls_back_and_stays_back(ladder: Ladder) -> None:
    ladder.run("approve", "shop/staging", "--to", "production", actor="dave")
    ladder.promote("staging", "production")
    assert "Hello 2.1.0" in ladder.greeting("shop/production")
    answer = ladder.run("rollback", "shop", "--because", "errors")
    assert (answer["kind"], answer["state"]) == ("Rollback", "done")
    assert answer["revision"] == answer["observed"]
    assert "Hello 1.0.0" in ladder.greeting("shop/production")
    assert ladder.promote("staging", "production", code=1)["state"] == "refused"


def _signal(processes: list[int], number: signal.Signals) -> None:
    """To those that are still there: what Argo CD starts to read a repository ends by itself."""
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def test_argocd_stopped_between_commit_and_sync(ladder: Ladder) -> None:
    state = ladder.home.engine().state(_NAME)
    parents = [one.argocd.process.pid for one in state.environments if one.argocd and one.argocd.process.pid]
    controllers = [
        pid for parent in parents for pid in (parent, *(p.pid for p in psutil.Process(parent).children(True)))
    ]
    assert controllers
    ladder.release("3.0.0")
    _signal(controllers, signal.SIGSTOP)
    try:
        answer = ladder.promote("local", "development", "--timeout", "4", code=1)
    finally:
        _signal(controllers, signal.SIGCONT)
    assert answer["state"] == "waiting"
    assert answer["revision"]
    again = ladder.promote("local", "development")
    assert (again["state"], again["revision"]) == ("done", answer["revision"])
    assert "Hello 3.0.0" in ladder.greeting("shop/development")


def test_two_promotions_at_once(ladder: Ladder) -> None:
    """The same command twice, and another one beside it: each is done once, nobody is told a lie."""
    ladder.release("3.1.0")
    with ThreadPoolExecutor(3) as pool:
        same = [pool.submit(ladder.promote, "local", "development") for _ in range(2)]
        other = pool.submit(ladder.promote, "testing-1", "staging")
        answers = [one.result() for one in same]
        beside = other.result()
    assert [answer["state"] for answer in answers] == ["done", "done"]
    assert answers[0]["revision"] == answers[1]["revision"]
    assert beside["state"] == "done"
    entries = ladder.run("history", "shop", "-n", "50")["entries"]
    assert [entry["version"] for entry in entries if entry["event"] == "promoted"].count("3.1.0") == 1


@pytest.mark.parametrize("point", [1, 6, 14])
def test_killed_and_run_again(ladder: Ladder, point: int) -> None:
    state = ladder.home.paths.landscape(_NAME)
    version = f"4.{point}.0"
    ladder.release(version)
    words = ["promote", "shop/local", "--to", "development", "-f", str(ladder.folder), "--as", "alice"]
    ended = ringfence(words, ladder.home.variables, partial(writes, state), point)
    assert ended.killed or ended.code == 0, ended.output
    assert ladder.promote("local", "development")["state"] == "done"
    assert f"Hello {version}" in ladder.greeting("shop/development")
    entries = ladder.run("history", "shop", "-n", "100")["entries"]
    assert [entry["version"] for entry in entries if entry["event"] == "promoted"].count(version) == 1


@pytest.mark.parametrize(
    ("group", "sees"),
    [
        ("alpha-devs", {"development", "testing-1", "staging"}),
        ("beta-devs", {"testing-1", "staging"}),
        ("qa", {"testing-1", "staging"}),
        ("product-management", {"staging"}),
        ("customers", set()),
    ],
)
def test_people_see_what_their_row_says(ladder: Ladder, group: str, sees: set[str]) -> None:
    """The rows of stages.md, asked of the API server as those people, by real requests."""
    targets = find_targets(ladder.home.paths, SystemClock(), _NAME)
    cluster = next(one for one in targets.engine.clusters if one.role is Role.WORKLOAD)
    allowed = set()
    with open_cluster(cluster.kubeconfig) as administrator:
        person = administrator.impersonating("somebody", (group,))
        for stage in ("development", "testing-1", "staging", "production"):
            try:
                person.list_raw(PODS, f"shop-{stage}")
                allowed.add(stage)
            except ForbiddenError:
                pass
    assert allowed == sees


def test_what_happened_is_in_the_ledger(ladder: Ladder) -> None:
    ended = ringfence(["evidence", "verify", str(ladder.folder)], ladder.home.variables)
    assert ended.code == 0, ended.output
