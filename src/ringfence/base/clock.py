"""Time as a value that is handed in, so that five working days are tested in microseconds.

Reading the system clock anywhere else was rejected: it hides an input.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """The present moment, with a time zone."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(tz=UTC)

    def monotonic(self) -> float:
        """Seconds of the system's monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        time.sleep(seconds)


@dataclass
class SetClock:
    """A clock that stands still until it is set or slept on; for tests and for asking "what if"."""

    moment: datetime
    _elapsed: float = field(default=0.0)

    def now(self) -> datetime:
        """The moment that was set."""
        return self.moment

    def monotonic(self) -> float:
        """Seconds slept so far."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Move the moment on instead of waiting."""
        self.moment += timedelta(seconds=seconds)
        self._elapsed += seconds
