"""How the network part of a proof grows: in pods, in policies, in classes.

    .venv/bin/python benchmarks/prove.py                 growth, a few sizes each
    .venv/bin/python benchmarks/prove.py --large         25,000 namespaces, 100,000 pods, 75,000 policies
    .venv/bin/python benchmarks/prove.py --peer PATH     every pair of pods, by cyclonus v0.5.6 and by connect

Times are of this machine; the proportion to decoding the same JSON is what to compare.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ringfence.prove.network.build import build_world
from ringfence.prove.network.cni import assumed
from ringfence.prove.network.connect import connect
from ringfence.prove.network.cross import cross_connections
from ringfence.prove.network.groups import GroupPlace, group_of

Json = dict[str, Any]
CALICO = assumed({"cni": {"name": "calico"}}, default_enforced=False)


@dataclass(frozen=True)
class Measured:
    """Seconds of each step over one input, and how many objects it had."""

    name: str
    objects: int
    decode: float
    build: float
    cross: float
    truth: str

    def __str__(self) -> str:
        ratio = (self.build + self.cross) / self.decode
        return (
            f"{self.name:44} {self.objects:8,} objects  decode {self.decode:6.2f} s  index {self.build:6.2f} s"
            f"  pairs {self.cross:6.2f} s  {ratio:5.1f} x decoding  {self.truth}"
        )


def namespace(number: int) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": f"ns{number}", "labels": {"side": "ab"[number % 2]}},
    }


def pod(space: int, number: int, labels: dict[str, str]) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"p{number}", "namespace": f"ns{space}", "labels": labels},
        "spec": {
            "nodeName": f"n{number % 50}",
            "containers": [{"name": "c", "ports": [{"containerPort": 80, "name": "http"}]}],
        },
        "status": {"podIP": f"10.{space // 250 % 250}.{space % 250}.{number % 250}"},
    }


def policy(space: int, name: str, spec: Json) -> Json:
    meta = {"name": name, "namespace": f"ns{space}"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


BOTH = ["Ingress", "Egress"]
OWN: list[Json] = [{"podSelector": {}}]


def wide(spaces: int, pods: int = 4) -> Iterable[Json]:
    """Many namespaces with a few pods and three policies each; neighbours of one side may talk."""
    for space in range(spaces):
        yield namespace(space)
        for number in range(pods):
            yield pod(space, number, {"app": f"app{number}", "pod-template-hash": f"h{space}-{number}"})
        yield policy(space, "deny", {"podSelector": {}, "policyTypes": BOTH})
        allow_own = {"podSelector": {}, "policyTypes": BOTH, "ingress": [{"from": OWN}], "egress": [{"to": OWN}]}
        yield policy(space, "own", allow_own)
        peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": f"ns{(space + 2) % spaces}"}}}
        web = {
            "podSelector": {"matchLabels": {"app": "app0"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [peer], "ports": [{"port": "http"}]}],
        }
        yield policy(space, "web", web)


def deep(pods: int, policies: int) -> Iterable[Json]:
    """Two namespaces; in one many pods, each its own class, and many policies, each for one of them."""
    for space in (0, 1):
        yield namespace(space)
        yield policy(space, "deny", {"podSelector": {}, "policyTypes": BOTH})
    yield pod(1, 0, {"app": "client"})
    for number in range(pods):
        yield pod(0, number, {"app": f"app{number}"})
    for number in range(policies):
        one = {"matchLabels": {"app": f"app{number}"}}
        peers = [{"podSelector": {"matchLabels": {"app": f"app{(number + 1) % policies}"}}}]
        yield policy(0, f"p{number}", {"podSelector": one, "ingress": [{"from": peers, "ports": [{"port": 80}]}]})


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def measure(name: str, objects: list[Json]) -> Measured:
    text = orjson.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    gc.collect()
    gc.disable()
    decode, document = timed(lambda: json.loads(text))
    build, world = timed(lambda: build_world(document["items"], CALICO))
    sides = [
        frozenset(
            item["metadata"]["name"]
            for item in objects
            if item["kind"] == "Namespace" and item["metadata"]["labels"]["side"] == side
        )
        for side in "ab"
    ]
    a, b = (group_of(world, name, [GroupPlace(spaces)]) for name, spaces in zip("ab", sides, strict=True))
    cross, crossing = timed(lambda: cross_connections(world, a, b))
    gc.enable()
    return Measured(name, len(objects), decode, build, cross, crossing.truth.value)


def growth() -> None:
    for spaces in (500, 1000, 2000, 4000):
        print(measure(f"{spaces} namespaces, {spaces * 4} pods, {spaces * 3} policies", list(wide(spaces))))
    for pods in (1000, 2000, 4000, 8000):
        print(measure(f"one namespace, {pods} classes, 1,000 policies", list(deep(pods, 1000))))
    for policies in (1000, 2000, 4000, 8000):
        print(measure(f"one namespace, 1,000 classes, {policies} policies", list(deep(1000, policies))))
    print(measure("one namespace, 10,000 classes, 10,000 policies", list(deep(10_000, 10_000))))


def single_probes() -> None:
    world = build_world(deep(2000, 2000), CALICO)
    count = 2000
    seconds, _ = timed(
        lambda: [connect(world, f"ns0/p{number}", f"ns0/p{(number * 7) % 2000}", "TCP", 80) for number in range(count)]
    )
    print(f"{count} single questions over 2,000 pods and 2,000 policies: {seconds:.2f} s")


def against_peer(program: Path, spaces: int = 25) -> None:
    """Every pair of pods on one port, by cyclonus' synthetic probe and by connect, over the same policies."""
    objects = list(wide(spaces))
    with tempfile.TemporaryDirectory() as folder:
        policies = Path(folder) / "policies"
        policies.mkdir()
        for number, item in enumerate(objects):
            if item["kind"] == "NetworkPolicy":
                (policies / f"{number}.yaml").write_text(json.dumps(item), encoding="utf-8")
        model = Path(folder) / "model.json"
        model.write_text(json.dumps(peer_model(objects)), encoding="utf-8")
        command = [str(program), "analyze", "--mode", "probe", "--policy-path", str(policies)]
        start = time.perf_counter()
        result = subprocess.run(
            [*command, "--probe-path", str(model), "-v", "error"], capture_output=True, check=False, timeout=600
        )
        seconds = time.perf_counter() - start
    state = "" if result.returncode == 0 else f" (exit {result.returncode}: {result.stderr[:300]!r})"
    names = [f"{i['metadata']['namespace']}/{i['metadata']['name']}" for i in objects if i["kind"] == "Pod"]
    start = time.perf_counter()
    world = build_world(objects, CALICO)
    for source in names:
        for destination in names:
            connect(world, source, destination, "TCP", 80)
    ours = time.perf_counter() - start
    print(
        f"all {len(names) ** 2:,} pairs of {len(names)} pods: cyclonus {seconds:.2f} s{state}, ringfence {ours:.2f} s"
    )


def peer_model(objects: list[Json]) -> Json:
    """The pods and namespaces in the form that cyclonus reads."""
    spaces = {
        item["metadata"]["name"]: {
            **item["metadata"]["labels"],
            "kubernetes.io/metadata.name": item["metadata"]["name"],
        }
        for item in objects
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
        for item in objects
        if item["kind"] == "Pod"
    ]
    return {"Resources": {"Namespaces": spaces, "Pods": pods}, "Probes": [{"Protocol": "TCP", "Port": 80}]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="the largest input only")
    parser.add_argument("--peer", type=Path, help="the cyclonus program (v0.5.6)")
    options = parser.parse_args()
    if options.peer:
        against_peer(options.peer)
    elif options.large:
        print(measure("25,000 namespaces, 100,000 pods, 75,000 policies", list(wide(25_000))))
    else:
        growth()
        single_probes()
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
