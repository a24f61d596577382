"""Single questions about clusters: may this connect, may that user do this, may this pod land there."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from ringfence.base.errors import InputError, Location, UsageError
from ringfence.base.text import suggestion
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import new_key
from ringfence.observe.partition import load_assumptions
from ringfence.prove.answer import Answer, unknown
from ringfence.prove.partition import Assumptions
from ringfence.prove.platform.apiserver import api_server_flags, minor_versions
from ringfence.prove.probes import (
    ProbeError,
    access_probe,
    answer_line,
    connect_probe,
)
from ringfence.prove.rbac.access import AccessWorld, can_access
from ringfence.prove.rbac.index import build_index
from ringfence.prove.snapshot import ClusterSnapshot

Line = Mapping[str, Any]
Ask = Callable[[Line], Answer]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a question looks: snapshots by cluster name, live contexts, and the Partition for its ``assume``."""

    snapshots: Mapping[str, Path]
    contexts: Mapping[str, str]
    partition: Path | None = None
    cluster: str | None = None
    kubeconfig: Path | None = None


def read_cluster(sources: Sources) -> ClusterSnapshot:
    """The one cluster that is asked about. Raises UsageError when it is not clear which."""
    names = [*sources.snapshots, *sources.contexts]
    if not names:
        raise UsageError("no cluster is given", hint="add --snapshot NAME=PATH or --context NAME=CONTEXT")
    name = sources.cluster or names[0]
    if len(names) > 1 and sources.cluster is None:
        raise UsageError(f"there are {len(names)} clusters", hint=f"say which: --cluster {names[0]}")
    if name not in names:
        raise UsageError(f"there is no cluster {name!r}", hint=suggestion(name, names) or None)
    if name in sources.snapshots:
        return read_snapshot(name, sources.snapshots[name], new_key())
    from ringfence.observe.live import read_live

    return read_live(name, sources.contexts[name], new_key(), kubeconfig=sources.kubeconfig)


def assumptions(sources: Sources) -> Assumptions:
    """The facts that the Partition assumes, none when no Partition is given."""
    return Assumptions() if sources.partition is None else load_assumptions(sources.partition)


def access_question(cluster: ClusterSnapshot, assume: Assumptions) -> Ask:
    """A function that answers access probes over one cluster."""
    minors = minor_versions(cluster, assume.facts.get("version"))
    minor = minors[0] if len(set(minors)) == 1 else None
    world = AccessWorld(cluster, build_index(cluster, minor), api_server_flags(cluster))

    def ask(line: Line) -> Answer:
        probe = access_probe(line)
        return can_access(world, probe.username, probe.groups, probe.request)

    return ask


def connect_question(cluster: ClusterSnapshot, assume: Assumptions) -> Ask:
    """A function that answers connection probes over one cluster."""
    from ringfence.prove.network.build import world_of
    from ringfence.prove.network.cni import assumed
    from ringfence.prove.network.connect import connect

    facts = assumed(assume.facts, default_enforced=True)
    world = world_of(cluster, facts)
    strange = tuple(f"what is assumed is not understood and does not count: {text}" for text in facts.strange)

    def ask(line: Line) -> Answer:
        probe = connect_probe(line)
        answer = connect(world, probe.source, probe.destination, probe.protocol, probe.port)
        return replace(answer, because=(*answer.because, *strange)) if strange else answer

    return ask


def land_question(cluster: ClusterSnapshot, assume: Assumptions) -> Ask:
    """A function that answers placement probes over one cluster."""
    from ringfence.prove.scheduling.probe import land_probe

    def ask(line: Line) -> Answer:
        return land_probe(cluster, line, assume.facts)

    return ask


QUESTIONS: Mapping[str, Callable[[ClusterSnapshot, Assumptions], Ask]] = {
    "access": access_question,
    "connect": connect_question,
    "land": land_question,
}


def one(question: str, sources: Sources, line: Line) -> Answer:
    """The answer to one question. Raises InputError when the question makes no sense."""
    ask = QUESTIONS[question](read_cluster(sources), assumptions(sources))
    try:
        return ask(line)
    except ProbeError as error:
        raise InputError(
            f"the question is not complete: {error}", hint=f"ringfence can {question} --help shows how it is asked"
        ) from None


_PIPE = "--probes takes a file with one JSON object a line, or - for standard input"


def many(question: str, sources: Sources, probes: Path) -> Iterator[dict[str, Any]]:
    """The answer lines of a file of probes, in its order.

    Raises InputError, before any answer, when the file is not there; with its line, when a line is no probe.
    """
    piped = str(probes) == "-"
    if not piped and (not probes.exists() or probes.is_dir()):
        raise InputError("there is no such file", location=Location(str(probes)), reason="NotFound", hint=_PIPE)
    ask = QUESTIONS[question](read_cluster(sources), assumptions(sources))
    if piped:
        yield from _answers(ask, sys.stdin.buffer, "standard input")
        return
    with probes.open("rb") as lines:
        yield from _answers(ask, lines, str(probes))


def _answers(ask: Ask, lines: Iterable[bytes], shown: str) -> Iterator[dict[str, Any]]:
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise InputError("this line is no JSON", location=Location(shown, number), hint=_PIPE) from None
        if not isinstance(line, dict):
            raise InputError("a probe is a JSON object", location=Location(shown, number), hint=_PIPE)
        try:
            yield answer_line(line, ask(line))
        except ProbeError as error:
            yield answer_line(line, unknown(f"not a question: {error}"))
