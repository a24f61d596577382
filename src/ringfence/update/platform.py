"""What updates the platform of an Environment: the seam between the state machine and what really runs."""

from collections.abc import Callable
from typing import Protocol

from ringfence.update.record import Check
from ringfence.update.version import Bundle

Report = Callable[[str], None]
Look = Callable[[str], Check]
"""Looks at one Environment (by name) and says whether something holds there."""


class Platform(Protocol):
    """Brings bundles to Environments. Each call may be killed at any moment and made again."""

    def deliver(self, environment: str, bundle: Bundle, report: Report) -> Check:
        """Make ``environment`` run ``bundle`` and wait until it does: the check ``ran``.

        Raises RingfenceError when that is impossible; the update then stops, it is not tried again by itself.
        """
        ...

    def healthy(self, environment: str) -> Check:
        """Whether its clusters are healthy now: the check ``healthy``."""
        ...
