"""``ringfence prove --watch``: the proof once as a whole, then a line for every change, with its time."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from ringfence.base.clock import SystemClock
from ringfence.base.errors import ExitCode, UsageError
from ringfence.base.paths import Paths
from ringfence.base.text import printable
from ringfence.cli.output import say
from ringfence.cli.proof_output import ProofFormat, code_of, print_proof_table

if TYPE_CHECKING:
    from ringfence.flows.prove import ProveRequest
    from ringfence.flows.watching import Change, Current, NotCurrent


def watch_proof(request: "ProveRequest", output: ProofFormat, explain: object) -> ExitCode:
    """Tell what happens until Ctrl-C; the exit code is that of the verdict that counts then, unknown when none does."""
    from ringfence.flows.watching import NotCurrent, Watch, followed

    if output not in (ProofFormat.TABLE, ProofFormat.WIDE, ProofFormat.JSON) or explain is not None:
        raise UsageError(
            "--watch prints -o table, wide or json, and explains nothing",
            hint="leave --explain out; ringfence prove without --watch knows it and every format",
        )
    if request.ask_engine:
        raise UsageError("--watch does not start API servers to ask", hint="leave --ask-engine out")
    clock = SystemClock()
    watch = Watch(followed(request, Paths.from_environment(), clock), clock)
    begun = False
    try:
        for update in watch.updates():
            if output is ProofFormat.JSON:
                sys.stdout.write(json.dumps(update.to_json(), ensure_ascii=False) + "\n")
            elif isinstance(update, NotCurrent):
                _write(not_current_lines(update))
            else:
                if update.first:
                    print_proof_table(update.proof, every=output is ProofFormat.WIDE)
                _write(current_lines(update))
            sys.stdout.flush()
            begun = True
    except KeyboardInterrupt:
        if not begun:
            return ExitCode.INTERRUPTED
    if watch.last is None:
        say("stopped while not current: no verdict counts")
        return ExitCode.UNKNOWN
    return code_of(watch.last.answer)


def _write(lines: Iterator[str]) -> None:
    from ringfence.cli.proof_output import folded

    sys.stdout.write("".join(f"{line}\n" for line in folded(lines)))


def current_lines(update: "Current") -> Iterator[str]:
    """What is new, as lines for people."""
    time = _time(update.at)
    if update.first:
        yield f"{time} current: {update.proof.answer.value}; watching, Ctrl-C ends"
    elif update.again:
        yield f"{time} current again: {update.proof.answer.value}"
    if update.first:
        yield from _first_asking(time, update)
    yield from (f"{time} {printable(line)}" for line in update.said)
    for change in update.changes:
        yield from _change(time, change)
    if update.changes and not update.again:
        yield f"{time} verdict: {update.proof.answer.value}"


def _first_asking(time: str, update: "Current") -> Iterator[str]:
    if update.asking.state == "pending":
        yield f"{time} API servers are asked in dry runs meanwhile; what they answer is told"
    elif update.asking.state == "off":
        yield f"{time} no API server is asked: what only its answer settles stays unknown"


def _change(time: str, change: "Change") -> Iterator[str]:
    from ringfence.prove.report.rows import verdict_lines

    what = change.dimension.value if change.dimension else "the pair"
    before = change.before.value if change.before else "new"
    pair = f"{printable(change.source)} -> {printable(change.destination)}"
    yield f"{time} {pair}: {what} {before} -> {change.after.value}"
    if change.verdict is not None and change.after.value != "holds":
        yield from (f"  {line}" for line in verdict_lines(change.verdict))


def not_current_lines(update: "NotCurrent") -> Iterator[str]:
    """Since when nothing counts, and why."""
    yield f"{_time(update.at)} NOT CURRENT since {_time(update.since)}: no verdict counts until all is read again"
    for name, because in update.because.items():
        yield f"  {printable(name)}: {printable(because)}"


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")
