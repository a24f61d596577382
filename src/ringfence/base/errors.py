"""The one hierarchy of errors that users may meet.

Every error names its subject first, then what is wrong, then what would be right, and where there is one the next
command. The command line prints these and nothing else; an exception outside this hierarchy is a defect and is
reported as such without a traceback. Error codes instead of classes were rejected: callers catch by meaning.
"""

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code says (contract, section 6)."""

    OK = 0
    FOUND = 1
    FAILED = 2
    UNKNOWN = 3
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file that a person can open: lines and columns count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """``FILE:LINE:COLUMN``, as compilers write it, as far as it is known."""
        parts = [self.file, *(str(part) for part in (self.line, self.column) if part is not None)]
        return ":".join(parts)


class RingfenceError(Exception):
    """A failure with a subject, a cause and a way out.

    ``reason`` is a stable word for machines (``PortTaken``), ``message`` a sentence for people that must hold no
    secret, ``hint`` what to do about it.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(
        self,
        message: str,
        *,
        reason: str = "Failed",
        hint: str | None = None,
        location: Location | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.hint = hint
        self.location = location

    def __str__(self) -> str:
        """The message with its place in front, when it has one."""
        return f"{self.location}: {self.message}" if self.location else self.message


class InputError(RingfenceError):
    """What the user wrote cannot be read or does not make sense; nothing was done."""

    def __init__(
        self,
        message: str,
        *,
        location: Location | None = None,
        reason: str = "BadInput",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, reason=reason, hint=hint, location=location)


class UsageError(RingfenceError):
    """A command was called with words that do not fit together."""


class StateError(RingfenceError):
    """Something on disk or in a cluster is not in the state that the command needs."""


class UnreachableError(RingfenceError):
    """A process, cluster or repository did not answer."""


class ForbiddenError(RingfenceError):
    """The caller lacks a right; the message names which."""


class ConflictError(RingfenceError):
    """Somebody else changed the same thing first; nothing was lost, try again."""
