"""Planning: seconds for the clinic, 200 and 1,000 deployments, and growth, beside the straightforward model.

    python benchmarks/plan.py [--largest 1000] [--straightforward 48]

The straightforward model has one variable for every deployment and cluster and is solved by CP-SAT in the same run,
with the same deterministic limit for every size; its first answer puts every deployment into an Environment of its own.
Times are those of whole processes where a row says so, else of the work inside this one.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ringfence.decide.arrangement import EnvironmentPart, rank
from ringfence.decide.pooling import Pooling
from ringfence.decide.problem import Problem, state
from ringfence.decide.requirements import gather
from ringfence.decide.search import Outcome
from ringfence.decide.solve import solve
from ringfence.decide.solver import refine
from ringfence.decide.weights import weigh
from ringfence.landscape.load import parse_landscape

ROOT = Path(__file__).parents[1]
EIGHT = ["iso-27001", "hipaa", "bsi", "mdr", "nis2", "msbfs-2020-7", "pci-dss", "welkin"]
LADDER = {"development": 1, "testing": 3, "staging": 1, "production": 1}
SERVICES = {"postgresql": "1", "rabbitmq": "500m", "redis": "250m"}
PROTECTION = {"care": "high", "office": "normal", "core": "very-high", "public": "normal"}


def synthetic(deployments: int, seed: int = 1) -> dict[str, Any]:
    """A Landscape of applications with requests of their own, in four zones, under eight regulations."""
    dice = random.Random(seed)
    applications = []
    for number in range(-(-deployments // sum(LADDER.values()))):
        stages: dict[str, Any] = {stage: {"copies": copies} for stage, copies in LADDER.items()}
        stages["production"]["requests"] = {
            "cpu": f"{dice.randint(1, 80)}00m",
            "memory": f"{dice.randint(1, 64) * 256}Mi",
        }
        application: dict[str, Any] = {
            "name": f"app{number}",
            "zone": dice.choice(list(PROTECTION)),
            "data": dice.choice(["personal-health", "internal", "cards"]),
            "needs": dice.sample(list(SERVICES), dice.randint(0, 3)),
            "requests": {"cpu": f"{dice.randint(1, 30) * 50}m", "memory": f"{dice.randint(1, 32) * 128}Mi"},
            "deployments": stages,
        }
        if dice.random() < 0.1:
            application["marks"] = ["clearinghouse"]
        applications.append(application)
    return {
        "apiVersion": "ringfence.dev/v1",
        "kind": "Landscape",
        "metadata": {"name": "synthetic"},
        "spec": {
            "regulations": EIGHT,
            "zones": {zone: {"protection": protection} for zone, protection in PROTECTION.items()},
            "services": {name: {"requests": {"cpu": cpu, "memory": "1Gi"}} for name, cpu in SERVICES.items()},
            "applications": applications,
        },
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def process(path: Path) -> tuple[float, str]:
    """Seconds of a whole `ringfence plan -o json`, and the status that it printed."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ringfence", "plan", str(path), "-o", "json"], capture_output=True, check=True
    )
    seconds = time.perf_counter() - began
    head = done.stdout[:400].decode()
    return seconds, next(line for line in head.splitlines() if '"status"' in line).strip(' ,"')


def processes(largest: int) -> None:
    print(f"{'whole process, -o json':<34}{'seconds':>9}  status")
    seconds, status = min(process(ROOT / "examples/clinic/ringfence.yaml") for _ in range(5))
    print(f"{'clinic, best of 5':<34}{seconds:>9.2f}  {status}")
    with tempfile.TemporaryDirectory() as folder:
        for size in (200, largest):
            path = Path(folder) / "ringfence.yaml"
            path.write_text(json.dumps(synthetic(size)))
            seconds, status = process(path)
            print(f"{f'{size} deployments, 8 regulations':<34}{seconds:>9.2f}  {status}")


def problem_of(size: int) -> Problem:
    landscape = parse_landscape(json.dumps(synthetic(size)))
    return state(landscape, gather(landscape))


def apart(problem: Problem) -> Outcome:
    """Every deployment in an Environment of its own."""
    pooling = Pooling(problem)
    arrangement = tuple(EnvironmentPart((pooling.cluster((index,)),)) for index in range(len(problem.names)))
    return Outcome(arrangement, weigh(problem).of(rank(problem, arrangement)), 0, complete=False)


def growth(largest: int, straightforward: int) -> None:
    left = f"{'deployments':>11}{'kinds':>7}{'ours, s':>9}{'proved':>8}"
    print(f"\n{left}{'straightforward, s':>20}{'proved':>8}  dearer by")
    size = 12
    while size <= largest:
        problem = problem_of(size)
        ours, outcome = timed(partial(solve, problem))
        assert outcome.arrangement is not None
        price = rank(problem, outcome.arrangement).price
        row = f"{len(problem.names):>11}{len(problem.apart):>7}{ours:>9.3f}{outcome.proved!s:>8}"
        if size <= straightforward:
            start = apart(problem)
            theirs, other = timed(partial(refine, problem, weigh(problem), start, limit=10.0, most_clusters=8))
            dearer = rank(problem, other.arrangement).price / price - 1
            row += f"{theirs:>20.2f}{other.proved!s:>8}{float(dearer):>10.1%}"
        print(row, flush=True)
        size *= 2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--largest", type=int, default=1000)
    parser.add_argument("--straightforward", type=int, default=48)
    options = parser.parse_args()
    processes(options.largest)
    growth(options.largest, options.straightforward)


if __name__ == "__main__":
    main()
