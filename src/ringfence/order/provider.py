"""Whoever delivers an Environment: the seam between an order and what builds it."""

from collections.abc import Callable
from typing import Protocol

from ringfence.order.request import Delivered
from ringfence.order.state import Order

Report = Callable[[str], None]


class Provider(Protocol):
    """Builds what an order asks. Each call may be killed at any moment and made again."""

    @property
    def name(self) -> str:
        """What the history calls it."""
        ...

    def provision(self, order: Order, report: Report) -> None:
        """Begin, or go on; need not wait. Raises RingfenceError when that is impossible."""
        ...

    def delivered(self, order: Order) -> Delivered | None:
        """What there is by now, None while it is not yet there. Says only what it knows."""
        ...
