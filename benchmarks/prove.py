"""How the whole proof grows, what one change costs, and the network part beside a public peer on the same files.

    .venv/bin/python benchmarks/prove.py                 growth in namespaces, pods, policies, classes, bindings, ...
    .venv/bin/python benchmarks/prove.py --large         25,000 namespaces, 100,000 pods, 75,000 policies and more
    .venv/bin/python benchmarks/prove.py --peer PATH     with a cyclonus v0.5.6 that is there already
    .venv/bin/python benchmarks/prove.py --no-peer       without it

The peer is cyclonus v0.5.6 (github.com/mattfenwick/cyclonus), compiled from the Go modules into a folder that goes
away; where that is not possible the rest is printed all the same. Times are processor time of this machine; what to
compare is the proportion to decoding the same JSON in the same run.
"""

import argparse
import gc
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from prove_inputs import Json, Size, objects, partition, with_neighbours
from ringfence.flows.prove import prove_snapshot
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import new_key
from ringfence.prove import kinds
from ringfence.prove.network.build import build_world
from ringfence.prove.network.cni import assumed
from ringfence.prove.network.connect import connect
from ringfence.prove.partition import Partition
from ringfence.prove.proof import Proof
from ringfence.prove.prover import Prover
from ringfence.prove.snapshot import ClusterSnapshot, snapshot_of

CALICO = assumed({"cni": {"name": "calico"}}, default_enforced=False)
PEER = "github.com/mattfenwick/cyclonus/cmd/cyclonus@v0.5.6"
LARGE = Size(25_000, owned=2_500)


_DECODE = """
import gc, json, pathlib, sys, time
raw = pathlib.Path(sys.argv[1]).read_bytes()
gc.disable()
start = time.process_time()
json.loads(raw)
print(time.process_time() - start)
"""


@dataclass(frozen=True)
class Measured:
    """Seconds of decoding the JSON, of reading it as a snapshot (decoding too), and of proving it."""

    what: str
    decode: float
    read: float
    prove: float

    def __str__(self) -> str:
        whole = (self.read + self.prove) / self.decode
        return (
            f"{self.what:86} decode {self.decode:6.2f} s  read {self.read:6.2f} s  prove {self.prove:6.2f} s"
            f"  whole {whole:6.1f} x decoding"
        )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of some work, and what it returns."""
    gc.collect()
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


@contextmanager
def snapshot_file(size: Size) -> Iterator[Path]:
    """The objects of a cluster in a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cluster.json"
        # One after the other: what it takes to make the file is not what it takes to prove it.
        with file.open("wb") as stream:
            stream.write(b'{"apiVersion":"v1","kind":"List","items":[')
            for place, item in enumerate(objects(size)):
                stream.write(b"," * bool(place) + orjson.dumps(item))
            stream.write(b"]}")
        yield file


def decoding(file: Path) -> float:
    """Seconds of decoding the JSON of a file alone, in a process of its own: it takes more memory than the proof."""
    result = subprocess.run([sys.executable, "-c", _DECODE, str(file)], capture_output=True, check=True, text=True)
    return float(result.stdout)


def measure(size: Size) -> Measured:
    """Decode, read and prove one cluster."""
    with snapshot_file(size) as file:
        decode = decoding(file)
        read, cluster = timed(lambda: read_snapshot("prod", file, new_key()))
    seconds, _ = timed(lambda: prove_snapshot(partition(size), snapshot_of([cluster])))
    return Measured(size.shown, decode, read, seconds)


def growth() -> None:
    """Each quantity alone, twice and four times as much of it."""
    base = Size(250)
    rows: list[tuple[str, list[Size]]] = [
        ("namespaces", [replace(base, namespaces=250 * n) for n in (1, 2, 4)]),
        ("namespaces that meet in no port", [replace(base, namespaces=250 * n, open_ports=True) for n in (1, 2, 4)]),
        ("namespaces whose teams hold edit", [replace(base, namespaces=250 * n, usual_roles=True) for n in (1, 2, 4)]),
        ("pods", [replace(base, pods=8 * n) for n in (1, 2, 4)]),
        ("policies", [replace(base, policies=8 * n, classes=8) for n in (1, 2, 4)]),
        ("classes", [replace(base, pods=32, policies=8, classes=8 * n) for n in (1, 2, 4)]),
        ("bindings", [replace(base, bindings=4 * n) for n in (1, 2, 4)]),
        ("deployments (all their ordered pairs)", [replace(base, deployments=5 * n) for n in (1, 2, 4)]),
    ]
    for name, sizes in rows:
        print(f"growth in {name}")
        first: Measured | None = None
        for size in sizes:
            found = measure(size)
            first = first or found
            print(f"  {found}  prove {found.prove / first.prove:4.1f} x the first")


def one_change(size: Size) -> None:
    """One changed object after the other, by a Prover that goes on from the last proof."""
    with snapshot_file(size) as file:
        cluster = read_snapshot("prod", file, new_key())
    prover, wanted = Prover(), partition(size)
    first, _ = timed(lambda: prover.prove(wanted, snapshot_of([cluster])))
    seconds = []
    for number in range(8):
        cluster = _changed(cluster, kinds.NETWORK_POLICY if number % 2 else kinds.POD, number)
        spent, _ = timed(partial(_proved, prover, wanted, cluster))
        seconds.append(spent)
    shown = f"{sorted(seconds)[len(seconds) // 2] * 1000:.0f} ms (median), {max(seconds) * 1000:.0f} ms at most"
    print(f"one changed pod or policy of {size.shown}: {shown}; from the start {first:.2f} s")


def _proved(prover: Prover, wanted: Partition, cluster: ClusterSnapshot) -> Proof:
    return prover.prove(wanted, snapshot_of([cluster]))


def _changed(cluster: ClusterSnapshot, kind: kinds.Kind, number: int) -> ClusterSnapshot:
    items = list(cluster.of(kind))
    item = items[number]
    metadata = {**item["metadata"], "labels": {**(item["metadata"].get("labels") or {}), "app": f"other{number}"}}
    items[number] = {**item, "metadata": metadata}
    return replace(cluster, objects={**cluster.objects, kind: tuple(items)})


def against_peer(program: Path, size: Size) -> None:
    """Every pair of pods on one port over the same files, by the peer's simulated probe and by ``connect``."""
    items = [item for item in with_neighbours(size) if item["kind"] in ("Namespace", "Pod", "NetworkPolicy")]
    with tempfile.TemporaryDirectory() as folder:
        policies, model = Path(folder) / "policies", Path(folder) / "model.json"
        policies.mkdir()
        for number, item in enumerate(items):
            if item["kind"] == "NetworkPolicy":
                (policies / f"{number}.yaml").write_text(json.dumps(item), encoding="utf-8")
        model.write_text(json.dumps(peer_model(items)), encoding="utf-8")
        command = [str(program), "analyze", "--mode", "probe", "--policy-path", str(policies)]
        start = time.perf_counter()
        result = subprocess.run(
            [*command, "--probe-path", str(model), "-v", "error"],
            capture_output=True,
            check=False,
            timeout=600,
            text=True,
        )
        theirs = time.perf_counter() - start
    if result.returncode != 0:
        print(f"the peer failed (exit {result.returncode}): {result.stderr[:300]}")
        return
    names = sorted(f"{i['metadata']['namespace']}/{i['metadata']['name']}" for i in items if i["kind"] == "Pod")
    start = time.perf_counter()
    world = build_world(items, CALICO)
    ours = {
        (source, destination): connect(world, source, destination, "TCP", 80).answer == "yes"
        for source in names
        for destination in names
    }
    seconds = time.perf_counter() - start
    other = peer_answers(result.stdout, names)
    apart = [pair for pair, answer in other.items() if ours[pair] != answer]
    itself = sum(source == destination for source, destination in apart)
    print(
        f"all {len(ours):,} pairs of {len(names)} pods, {size.namespaces * size.policies} policies: "
        f"cyclonus {theirs:.2f} s, ringfence {seconds:.2f} s ({theirs / seconds:.1f} x)"
    )
    print(
        f"  of {len(other):,} answers, {sum(other.values()):,} of them yes, {len(apart) - itself} differ between pods"
        f" and {itself} from a pod to itself (no policy stops that; the peer asks them)"
    )


def peer_answers(text: str, names: list[str]) -> dict[tuple[str, str], bool]:
    """The truth table that the peer prints for both directions together: a row a source, a dot where it gets through.
    Its headings are in capitals."""
    found: dict[tuple[str, str], bool] = {}
    known = {name.upper(): name for name in names}
    columns: list[str] = []
    for line in text.partition("Combined:")[2].partition("\n\n")[0].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) < 2:
            continue
        if not cells[0]:
            columns = [known[cell] for cell in cells[1:]]
        else:
            source = known[cells[0].upper()]
            found.update({(source, column): cell == "." for column, cell in zip(columns, cells[1:], strict=True)})
    return found


def peer_model(items: list[Json]) -> Json:
    """The pods and namespaces in the form that the peer reads."""
    spaces = {
        item["metadata"]["name"]: {
            **item["metadata"]["labels"],
            "kubernetes.io/metadata.name": item["metadata"]["name"],
        }
        for item in items
        if item["kind"] == "Namespace"
    }
    container = {"Name": "c", "Port": 80, "Protocol": "TCP", "PortName": "http"}
    pods = [
        {
            "Namespace": item["metadata"]["namespace"],
            "Name": item["metadata"]["name"],
            "Labels": item["metadata"]["labels"],
            "IP": item["status"]["podIP"],
            "Containers": [container],
        }
        for item in items
        if item["kind"] == "Pod"
    ]
    return {"Resources": {"Namespaces": spaces, "Pods": pods}, "Probes": [{"Protocol": "TCP", "Port": 80}]}


@contextmanager
def peer(given: Path | None) -> Iterator[Path | None]:
    """The peer's program: the one given, or compiled from its module into a folder that goes away; None without."""
    if given is not None:
        yield given
        return
    go = shutil.which("go")
    with tempfile.TemporaryDirectory() as folder:
        why = "there is no Go toolchain"
        if go is not None:
            command = ["env", f"GOBIN={folder}", go, "install", PEER]
            result = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=900, text=True)
            if result.returncode == 0:
                yield Path(folder) / "cyclonus"
                return
            why = re.sub(r"\s+", " ", result.stderr)[-200:]
        print(f"the peer cannot be compiled here: {why}")
        yield None


def main() -> int:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="the largest input only")
    parser.add_argument("--peer", type=Path, help="a cyclonus program (v0.5.6) that is there")
    parser.add_argument("--no-peer", action="store_true", help="leave the peer out")
    options = parser.parse_args()
    if options.large:
        print(measure(LARGE))
    else:
        growth()
        one_change(Size(25, deployments=12))
        one_change(Size(1000))
        if not options.no_peer:
            with peer(options.peer) as program:
                if program is not None:
                    for spaces in (10, 25, 50):
                        against_peer(program, Size(spaces))
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
