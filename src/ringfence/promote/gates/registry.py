"""The kinds of gates by name, each with how it is read from a Landscape. One table and one caller (``ask_all``).

A plug-in loader was rejected until somebody needs one: a gate is a class with ``ask`` and a line in this table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ringfence.base.calendar import find_zone
from ringfence.base.document import Node
from ringfence.base.errors import InputError, RingfenceError
from ringfence.landscape import fields
from ringfence.landscape.fields import Fields
from ringfence.promote.gates.facts import CommandGate, Health, Impact, JobGate, Neighbours, Separation, Verification
from ringfence.promote.gates.people import ApprovalOf
from ringfence.promote.gates.question import Facts, Gate, Question
from ringfence.promote.gates.times import Freeze, Soak, Window
from ringfence.promote.verdict import GateState, GateVerdict
from ringfence.prove.proof import Dimension

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class GateKind:
    """A kind of gate: ``summary`` for the documentation, ``read`` its keys from a Landscape."""

    name: str
    summary: str
    read: Callable[[Fields], Gate]


def duration(node: Node, path: str) -> timedelta:
    """A length of time such as ``90s``, ``30m``, ``8h`` or ``2d``. Raises InputError."""
    text = fields.text(node, path)
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isdigit() or len(number) > 6:
        raise InputError(f"{path} is {fields.short(text)}; write it as 90s, 30m, 8h or 2d", location=node.location)
    return timedelta(seconds=int(number) * _UNITS[unit])


def moment(node: Node, path: str) -> datetime:
    """A date or a moment in ISO 8601; without an offset it is UTC. Raises InputError."""
    text = fields.text(node, path)
    try:
        if len(text) == len("2026-12-24"):
            return datetime.combine(date.fromisoformat(text), time(), ZoneInfo("UTC"))
        value = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{path} is {fields.short(text)}; write it as 2026-12-24 or 2026-12-24T18:00:00+01:00"
        raise InputError(message, location=node.location) from error
    return value if value.tzinfo else value.replace(tzinfo=ZoneInfo("UTC"))


def timezone(node: Node, path: str) -> str:
    """The name of a time zone. Raises InputError when nobody knows it."""
    text = fields.text(node, path)
    try:
        find_zone(text)
    except InputError as error:
        raise InputError(f"{path}: {error.message}", location=node.location) from error
    return text


def _cron(node: Node, path: str) -> str:
    from cronsim import CronSim, CronSimError

    text = fields.text(node, path)
    try:
        CronSim(text, datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
    except CronSimError as error:
        message = f'{path} is {fields.short(text)}, which is no cron expression: {error}; write it as "0 8 * * 1-5"'
        raise InputError(message, location=node.location) from error
    return text


def _separation(given: Fields) -> Gate:
    node = given.get("accept")
    accepted = (
        ()
        if node is None
        else fields.items(node, given.at("accept"), lambda item, at: fields.choice(item, at, Dimension))
    )
    why = given.read("because", fields.text, "")
    if accepted and not why:
        raise InputError(
            f"{given.path}: an accepted risk needs a reason", location=given.location, hint="add because: TEXT"
        )
    return Separation(given.read("acceptUnknown", fields.boolean, False), frozenset(one.value for one in accepted), why)


def _soak(given: Fields) -> Gate:
    length = duration(given.need("for", "for: 2h"), given.at("for"))
    return Soak(length, given.read("in", lambda node, at: fields.name(node, at), None))


def _window(given: Fields) -> Gate:
    opens = _cron(given.need("opens", 'opens: "0 8 * * 1-5"'), given.at("opens"))
    length = duration(given.need("for", "for: 8h"), given.at("for"))
    zone: str | None = given.read("timezone", timezone, None)
    return Window(opens, length, zone, given.read("workingDays", fields.boolean, False))


def _freeze(given: Fields) -> Gate:
    off = given.read("daysOff", fields.boolean, False)
    because = given.read("because", fields.text, "")
    if off:
        return Freeze(days_off=True, because=because)
    begins = moment(given.need("from", "from: 2026-12-20"), given.at("from"))
    until = given.need("until", "until: 2027-01-07")
    ends = moment(until, given.at("until"))
    if ends <= begins:
        raise InputError(f"{given.at('until')} is not after {given.at('from')}", location=until.location)
    return Freeze(begins, ends, because=because)


def _approval(given: Fields) -> Gate:
    people = given.read("people", lambda node, at: fields.whole(node, at, least=1, most=20), 1)
    return ApprovalOf(people, given.read("group", lambda node, at: fields.text(node, at), None))


def _tests(given: Fields) -> Gate:
    limit = given.read("timeout", duration, timedelta(minutes=10)).total_seconds()
    job = given.read("job", fields.text, None)
    if job is not None:
        return JobGate(job, limit)
    command = fields.items(
        given.need("command", "command: [make, smoke], or job: FILE"), given.at("command"), fields.text
    )
    if not command:
        raise InputError(
            f"{given.at('command')} is empty", location=given.location, hint="write command: [make, smoke]"
        )
    return CommandGate(command, limit)


KINDS: Mapping[str, GateKind] = {
    kind.name: kind
    for kind in (
        GateKind("separation", "the proof holds now, where the release goes", _separation),
        GateKind("health", "the place it comes from runs it, at its revision, and is healthy", lambda given: Health()),
        GateKind("verification", "it ran in non-production on the same platform version", lambda given: Verification()),
        GateKind("impact", "somebody else signed an analysis of its impact on security", lambda given: Impact()),
        GateKind("neighbours", "everything else runs at the stage what it should", lambda given: Neighbours()),
        GateKind("tests", "a command of the application's passes, or a Job on real nodes", _tests),
        GateKind("soak", "it has been in a stage for a time", _soak),
        GateKind("window", "cron says that changes may be made now", _window),
        GateKind("freeze", "no freeze, and no day off, forbids changes now", _freeze),
        GateKind("approval", "enough other people approved it", _approval),
    )
}  # fmt: skip


def named(gate: Gate, name: str) -> Gate:
    """The same gate under another name, where a stage has two of a kind."""
    value: Any = gate
    renamed: Gate = replace(value, name=name)
    return renamed


def ask_all(gates: Sequence[Gate], question: Question, facts: Facts) -> tuple[GateVerdict, ...]:
    """Every gate's verdict, in order. Dear gates are asked only when all others are open.

    A gate whose facts cannot be had is closed with the reason: not knowing never opens a gate.
    """
    verdicts = {gate.name: _ask(gate, question, facts) for gate in gates if not gate.dear}
    shut = [verdict.name for verdict in verdicts.values() if verdict.state is not GateState.OPEN]
    for gate in gates:
        if gate.dear and shut:
            because = f"not asked while {', '.join(shut)} is not open"
            verdicts[gate.name] = GateVerdict(gate.name, GateState.WAITING, because)
        elif gate.dear:
            verdicts[gate.name] = _ask(gate, question, facts)
    return tuple(verdicts[gate.name] for gate in gates)


def _ask(gate: Gate, question: Question, facts: Facts) -> GateVerdict:
    try:
        return gate.ask(question, facts)
    except RingfenceError as error:
        return GateVerdict(gate.name, GateState.CLOSED, f"cannot be judged: {error}", facts={"reason": error.reason})
