"""The flags of an environment's clusters: all have the old ones or all the new, whenever the writer is killed."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ringfence.engine import flags

OLD = {"kube-apiserver": ("--event-ttl=1h",)}
NEW = {"kube-apiserver": ("--event-ttl=2h",), "kube-scheduler": ("--v=1",)}

_CHANGES = ("replace", "rename", "symlink", "fsync", "unlink")
"""Every way in which the writer changes what is on the disk."""


def write_and_die(folder: Path, clusters: list[Path], step: int) -> bool:
    """Write in a process that ends, as kill -9 ends one, just before its change ``step``; whether it came through."""
    child = os.fork()
    if child == 0:
        left = step

        def dying(call: Any) -> Any:
            def changed(*arguments: Any, **named: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    os._exit(9)
                return call(*arguments, **named)

            return changed

        for name in _CHANGES:
            setattr(os, name, dying(getattr(os, name)))
        try:
            flags.write(folder, clusters, NEW)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def environment(folder: Path) -> list[Path]:
    clusters = [folder / "a", folder / "b"]
    for cluster in clusters:
        cluster.mkdir(parents=True)
    return clusters


def seen(cluster: Path) -> object:
    """What the cluster's process would read."""
    try:
        return json.loads((cluster / flags.FLAGS_FILE).read_bytes())
    except FileNotFoundError:
        return None


def as_read(values: Mapping[str, Sequence[str]]) -> object:
    return {program: list(items) for program, items in values.items()}


def test_every_cluster_reads_what_was_written_last(tmp_path: Path) -> None:
    clusters = environment(tmp_path)
    flags.link(tmp_path, clusters)
    assert [seen(cluster) for cluster in clusters] == [None, None]
    nothing: Mapping[str, Sequence[str]] = {}
    for values in (OLD, NEW, nothing):
        flags.write(tmp_path, clusters, values)
        assert [seen(cluster) for cluster in clusters] == [as_read(values)] * 2


def test_a_cluster_that_comes_later_gets_the_flags_of_its_environment(tmp_path: Path) -> None:
    flags.write(tmp_path, environment(tmp_path), OLD)
    (tmp_path / "c").mkdir()
    flags.link(tmp_path, [tmp_path / "c"])
    assert seen(tmp_path / "c") == as_read(OLD)


@pytest.mark.parametrize("earlier", ["never", "linked", "a file each"])
def test_killed_anywhere_no_two_clusters_differ(tmp_path: Path, earlier: str) -> None:
    outcomes = set()
    for step in range(40):
        folder = tmp_path / str(step)
        clusters = environment(folder)
        before: object = None
        if earlier == "linked":
            flags.write(folder, clusters, OLD)
        elif earlier == "a file each":  # as an earlier version left it
            for cluster in clusters:
                (cluster / flags.FLAGS_FILE).write_text(json.dumps(as_read(OLD)))
        before = None if earlier == "never" else as_read(OLD)
        through = write_and_die(folder, clusters, step)
        found = [seen(cluster) for cluster in clusters]
        assert found in ([before] * 2, [as_read(NEW)] * 2), f"killed at change {step}"
        outcomes.add(json.dumps(found[0]))
        flags.write(folder, clusters, NEW)
        assert [seen(cluster) for cluster in clusters] == [as_read(NEW)] * 2
        if through:
            break
    else:
        pytest.fail("it never came to its end")
    assert len(outcomes) == 2
