"""Waiting for what others do: a condition is looked at until it is so, and a test fails when it has not come to be."""

from collections.abc import Callable

from ringfence.base.clock import SystemClock


def eventually(condition: Callable[[], object], what: str, seconds: float = 30.0, *, every: float = 0.1) -> None:
    """Return once ``condition`` is true, looked at ``every`` so many seconds; AssertionError with ``what`` if not."""
    clock = SystemClock()
    deadline = clock.monotonic() + seconds
    while not condition():
        assert clock.monotonic() < deadline, f"{what}: not within {seconds:g} seconds"
        clock.sleep(every)
