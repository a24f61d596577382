"""What a promotion, demotion or rollback comes to, with the names of contract section 7."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ringfence.base.errors import ExitCode
from ringfence.promote.verdict import GateState, GateVerdict, overall


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    WAITING = "waiting"
    REFUSED = "refused"
    PLANNED = "planned"
    """A dry run: it would be done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer. ``target`` is the deployment, or the stage where none was taken; ``revision`` the commit and
    ``observed`` the revision that the cluster runs. ``failed``: it waits because something did not answer."""

    kind: str
    release: str | None
    version: str | None
    origin: str
    target: str
    outcome: Outcome
    gates: tuple[GateVerdict, ...] = ()
    revision: str | None = None
    observed: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    because: str | None = None
    hint: str | None = None
    beside: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    failed: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """0 when it is done, 2 when something failed on the way, else 1."""
        if self.outcome in (Outcome.DONE, Outcome.PLANNED):
            return ExitCode.OK
        return ExitCode.FAILED if self.failed else ExitCode.FOUND

    def to_json(self) -> dict[str, Any]:
        """The document; keys beyond the contract's: version, because, hint, beside, notes."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": self.kind,
            "release": self.release,
            "version": self.version,
            "from": self.origin,
            "to": self.target,
            "state": self.outcome.value,
            "gates": [gate_json(gate) for gate in self.gates],
            "revision": self.revision,
            "observed": self.observed,
            "seconds": dict(self.seconds),
            "because": self.because,
            "hint": self.hint,
            "beside": [dict(one) for one in self.beside],
            "notes": list(self.notes),
        }


def gate_json(gate: GateVerdict) -> dict[str, Any]:
    """A gate's verdict as JSON values."""
    found: dict[str, Any] = {"name": gate.name, "state": gate.state.value, "because": gate.because}
    if gate.until is not None:
        found["until"] = gate.until.isoformat()
    if gate.overridden:
        found["overridden"] = True
    return found


def shut(gates: tuple[GateVerdict, ...]) -> Outcome:
    """What gates that do not let a release pass come to: closed ones refuse, others wait."""
    return Outcome.REFUSED if overall(gates) is GateState.CLOSED else Outcome.WAITING


def shut_because(gates: tuple[GateVerdict, ...]) -> str:
    """The gates that are not open, with their reasons."""
    return "; ".join(f"{gate.name} is {gate.state}: {gate.because}" for gate in gates if not gate.passable)
