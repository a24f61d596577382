"""A scenario on a disk of its own that runs full: ``python -m integration.full_disk FOLDER LANDSCAPE``, as JSON lines.

It is to be run in a mount namespace of its own, so that the disk is gone with its last process, however that ends. The
disk is in memory: nothing else is filled with it.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from integration.conftest import home_at
from integration.killing import ringfence
from patience import eventually
from ringfence.base.errors import RingfenceError
from ringfence.kube import CONFIG_MAPS, open_cluster

_SIZE_MB = 700
_NEEDED_MB = 310
_PATIENCE = 120.0
_WRITES = 200
CLUSTER = "non-production-1"


def main() -> None:
    """The whole scenario; what it says is judged by the test that started it."""
    folder, landscape = Path(sys.argv[1]), sys.argv[2]
    disk = folder / "state"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE_MB}m", "tmpfs", str(disk)], check=True)
    home = home_at(folder)
    filler = disk / "filler"

    def up() -> None:
        ended = ringfence(["up", landscape], home.variables)
        say(step="up", code=ended.code, words=ended.output)

    try:
        up()
        say(step="written", names=write_until_refused(disk, filler))
        up()
        for process in engine_processes(disk):
            process.kill()
        # Room enough to begin with, and none any more once a cluster has begun.
        fill(filler, leave=_NEEDED_MB)
        status = next(disk.glob(f"ringfence/*/*/{CLUSTER}/status.json"))
        seen = status.read_bytes()

        def fill_when_it_has_begun() -> None:
            eventually(lambda: status.read_bytes() != seen, "the cluster has begun", _PATIENCE, every=0.005)
            fill(filler, leave=0)

        late = threading.Thread(target=fill_when_it_has_begun)
        late.start()
        up()
        late.join()
        filler.unlink()
        up()
        say(step="read", names=names(disk))
        ended = ringfence(["apply", landscape], home.variables)
        say(step="apply", code=ended.code, words=ended.output)
    finally:
        ringfence(["down", "--all", "--purge"], home.variables)
        say(step="left", names=sorted(str(path) for path in disk.rglob("*") if path.is_file() and path != filler))


def say(**found: object) -> None:
    """One line for the test."""
    sys.stdout.write(json.dumps(found) + "\n")


def fill(filler: Path, *, leave: int) -> None:
    """Make a file that leaves so many megabytes of the disk free."""
    filler.unlink(missing_ok=True)
    free = os.statvfs(filler.parent)
    room = free.f_bavail * free.f_frsize - leave * 1_000_000
    try:
        with filler.open("wb") as stream:
            while room > 0:
                room -= stream.write(bytes(min(room, 1 << 20)))
    except OSError:
        return  # full, as it shall be


def write_until_refused(disk: Path, filler: Path) -> list[str]:
    """Fill the disk and write ConfigMaps until the cluster takes no more: the names of those that it acknowledged."""
    acknowledged: list[str] = []
    value = os.urandom(150_000).hex()
    with open_cluster(kubeconfig(disk)) as cluster:
        for number in range(_WRITES):
            if number == 1:
                fill(filler, leave=0)
            name = f"kept-{number}"
            document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}
            try:
                cluster.create({**document, "data": {"value": value}})
            except RingfenceError:
                return acknowledged
            acknowledged.append(name)
    return acknowledged


def names(disk: Path) -> list[str]:
    """The ConfigMaps that are there."""
    with open_cluster(kubeconfig(disk)) as cluster:
        return [str(item["metadata"]["name"]) for item in cluster.list_raw(CONFIG_MAPS, "default").items]


def kubeconfig(disk: Path) -> Path:
    """The administrator's, of the workload cluster."""
    return next(disk.glob(f"ringfence/*/*/{CLUSTER}/kubeconfig/admin.yaml"))


def engine_processes(disk: Path) -> list[psutil.Process]:
    """The processes that work below the disk's folder."""
    return [
        one
        for one in psutil.process_iter(["cmdline"])
        if (words := one.info["cmdline"]) and "ringfence-" in words[0] and any(str(disk) in word for word in words)
    ]


if __name__ == "__main__":
    main()
