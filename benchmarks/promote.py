# ruff: noqa: SLF001
"""Promotion: our own part against Argo CD's own sync in the same run, and the history at 10,000 promotions.

    python benchmarks/promote.py [--promotions 6] [--history 10000] [--no-engine]

Our own part is everything that `promote` does in its process besides waiting for Argo CD and the rollout: deciding,
gates, journal, Git, ledger. Argo CD's own sync is measured on commits that are made by hand, with nothing of promotion.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from promotion import ladder, record
from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.flows.history import history
from ringfence.flows.loops import loops
from ringfence.flows.promote import promote
from ringfence.flows.promotion.argo_delivery import ArgoDelivery
from ringfence.flows.promotion.asking import Request
from ringfence.flows.promotion.delivery import Observed
from ringfence.flows.promotion.journal import Entry, Journal
from ringfence.flows.promotion.workspace import open_workspace
from ringfence.flows.promotion.world import open_world
from ringfence.flows.release import Choices, release
from ringfence.flows.where import where
from ringfence.promote.decisions import Proposal, decide_promotion
from ringfence.promote.events import MoveDone, MoveStarted, Released
from ringfence.promote.state import Move, MoveKind

LANDSCAPE = """\
apiVersion: ringfence.dev/v1
kind: Landscape
metadata: {name: bench}
spec:
  regulations: []
  costs:
    environment: 100
    cluster: 50
    node: {cpu: "4", memory: 16Gi, price: 10, fill: 0.8, minPerPool: 1}
  applications:
    - name: portal
      source: {helm: charts/portal}
      requests: {cpu: 100m, memory: 128Mi}
      deployments: {local: {}, development: {}, testing: {copies: 3}, staging: {}, production: {}}
"""


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Stopwatch:
    """Adds up the seconds that deliveries wait for Argo CD and the rollout."""

    def __init__(self) -> None:
        self.waited = 0.0

    def watch(self, delivery: ArgoDelivery) -> None:
        arrive = delivery.arrive

        def measured(deployment: str, revision: str, timeout: float) -> Observed:
            began = time.perf_counter()
            try:
                return arrive(deployment, revision, timeout)
            finally:
                self.waited += time.perf_counter() - began

        delivery.arrive = measured  # type: ignore[method-assign]


def overhead(folder: Path, promotions: int) -> dict[str, float]:
    """Promote a change after another into development; the medians in seconds."""
    root = Path(__file__).resolve().parents[1]
    chart = folder / "charts" / "portal"
    subprocess.run(["cp", "-r", str(root / "examples/clinic/charts/portal"), str(chart)], check=True)
    (folder / "ringfence.yaml").write_text(LANDSCAPE)
    for words in (["up", str(folder)], ["apply", str(folder)]):
        subprocess.run([sys.executable, "-m", "ringfence", *words], check=True, stdout=sys.stderr)
    workspace = open_workspace(folder, Paths.from_environment(), SystemClock(), "bench")
    own, waiting, bare, command = [], [], [], []
    for number in range(promotions):
        values = chart / "values.yaml"
        lines = [
            f"greeting: Hello {number}" if line.startswith("greeting:") else line
            for line in values.read_text().splitlines()
        ]
        values.write_text("\n".join(lines) + "\n")
        release(workspace, "portal", f"1.{number}.0", Choices())
        watch = Stopwatch()
        began = time.perf_counter()
        world = open_world(workspace, lambda _: None)
        assert isinstance(world.delivery, ArgoDelivery)
        watch.watch(world.delivery)
        answer = promote(workspace, world, Request("portal/local", "development"))
        assert answer.outcome == "done", answer
        own.append(time.perf_counter() - began - watch.waited)
        waiting.append(watch.waited)
        bare.append(_by_hand(world.delivery, number))
    words = [sys.executable, "-m", "ringfence", "promote", "portal/local", "--to", "development", "-f", str(folder)]
    for _ in range(3):
        command.append(timed(lambda: subprocess.run(words, check=True, capture_output=True)))
    return {
        "own part": statistics.median(own),
        "waiting for Argo CD and rollout": statistics.median(waiting),
        "Argo CD alone, commit by hand": statistics.median(bare),
        "the command when there is nothing left to do": statistics.median(command),
    }


def _greeting(values: str, text: str) -> str:
    lines = [f"greeting: {text}" if line.startswith("greeting:") else line for line in values.splitlines()]
    return "\n".join(lines) + "\n"


def _by_hand(delivery: ArgoDelivery, number: int) -> float:
    """A commit that promotion knows nothing of, and the seconds until Argo CD has brought it to the cluster."""
    place = delivery._place("portal/testing-3")
    repository = delivery._targets.repository(place.environment)
    path = f"{place.path}/chart/values.yaml"
    text = (repository.read(path) or b"").decode()
    revision = repository.commit({path: _greeting(text, f"By hand {number}").encode()}, "By hand").sha
    return timed(lambda: delivery.arrive("portal/testing-3", revision, 120.0))


def fill(path: Path, promotions: int) -> None:
    """A history as real promotions leave it; the last hundred releases go through the state machine as well."""
    journal = Journal(path)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    stages = ("development", "testing", "staging", "production")
    with journal._transaction():
        for number in range(promotions):
            now += timedelta(minutes=7)
            journal._insert(_entry(now, number, stages[number % 4], record(number // 4 + 1000).digest))
    journal._database.execute("PRAGMA synchronous=OFF")
    steps = ladder(gates={})
    for number in range(1, 101):
        state = journal.record(steps, Released(record(number)))
        origin = "portal/local"
        for stage in stages:
            decision = decide_promotion(steps, state, origin, stage)
            assert isinstance(decision, Proposal), decision
            move = Move(
                f"m{number}{stage}", MoveKind.PROMOTION, decision.release, origin, stage, decision.target,
                decision.steps, "ada", now,
            )  # fmt: skip
            journal.record(steps, MoveStarted(move))
            state = journal.record(steps, MoveDone(move.identifier, now))
            origin = decision.target or ""
    journal.close()


def _entry(at: datetime, number: int, stage: str, release: str) -> Entry:
    gates: list[dict[str, object]] = [
        {"name": name, "state": "open", "because": "x" * 80, "facts": {}} for name in ("separation", "health")
    ]
    body: dict[str, object] = {
        "move": f"{number:016x}",
        "version": f"1.{number // 4}",
        "released": at.isoformat(),
        "stage": stage,
        "by": "ada",
        "from": "portal/elsewhere",
        "to": f"portal/{stage}",
        "revision": "0" * 40,
        "observed": "0" * 40,
        "gates": gates,
        "seconds": {"commit": 0.1, "sync": 1.0, "healthy": 1.5},
    }
    return Entry(at, "portal", "promoted", body, f"portal/{stage}", release)


def at_length(folder: Path, promotions: int) -> dict[str, float]:
    """How long looking back takes with that many promotions, in seconds."""
    root = Path(__file__).resolve().parents[1]
    (folder / "charts").mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-r", str(root / "examples/clinic/charts/portal"), str(folder / "charts/portal")], check=True)
    (folder / "ringfence.yaml").write_text(LANDSCAPE)
    paths = Paths.from_environment()
    filled = timed(lambda: fill(paths.landscape("bench") / "promotion.db", promotions))
    workspace = open_workspace(folder, paths, SystemClock(), "bench")
    words = [sys.executable, "-m", "ringfence", "history", "-f", str(folder), "-o", "json"]
    state = workspace.journal.state("portal")
    return {
        f"writing {promotions} promotions in one transaction": filled,
        "the 20 newest entries": timed(lambda: history(workspace)),
        "the 20 newest of one deployment": timed(lambda: history(workspace, "portal/staging")),
        "where every release stands": timed(lambda: workspace.journal.state("portal")),
        "what `status` asks of the ladder": timed(lambda: where(folder, paths, SystemClock(), "bench")),
        "loops over all": timed(lambda: loops(workspace)),
        "`ringfence history`, as a process": timed(lambda: subprocess.run(words, check=True, capture_output=True)),
        "releases that the ladder still remembers": float(len(state.releases)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--promotions", type=int, default=6)
    parser.add_argument("--history", type=int, default=10_000)
    parser.add_argument("--no-engine", action="store_true")
    given = parser.parse_args()
    result: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        os.environ["XDG_DATA_HOME"] = str(folder / "data")
        if not given.no_engine:
            (folder / "one" / "charts").mkdir(parents=True)
            try:
                result["promotion"] = overhead(folder / "one", given.promotions)
            finally:
                subprocess.run([sys.executable, "-m", "ringfence", "down", str(folder / "one"), "--purge"], check=False)
            own = result["promotion"]["own part"]
            result["promotion"]["own part of Argo CD's sync"] = (
                own / result["promotion"]["Argo CD alone, commit by hand"]
            )
        result["history"] = at_length(folder / "two", given.history)
    print(
        json.dumps(
            {part: {key: round(value, 4) for key, value in found.items()} for part, found in result.items()}, indent=2
        )
    )


if __name__ == "__main__":
    main()
