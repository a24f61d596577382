"""The orders of a landscape as they are kept: one stream of events an order, in the signed ledger."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import InputError, StateError
from ringfence.base.paths import Paths
from ringfence.base.text import suggestion
from ringfence.evidence.event import Event
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.place import open_ledger
from ringfence.order.state import (
    FINAL,
    Order,
    OrderEvent,
    Phase,
    Submitted,
    apply,
    begin,
    event_from_json,
    event_to_json,
)

_PREFIX = "order/"


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """The orders of one landscape. ``actor`` is who acts."""

    landscape: str
    ledger: Ledger
    clock: Clock
    actor: str

    def orders(self) -> Mapping[str, Order]:
        """Every order by its identifier, oldest first."""
        found: dict[str, Order] = {}
        for event in self.ledger.believed(_PREFIX):
            identifier = _identifier(event.once)
            if identifier is None:
                continue
            decoded = _decoded(event)
            if isinstance(decoded, Submitted):
                found[identifier] = begin(identifier, decoded)
            else:
                found[identifier] = apply(found[identifier], decoded)
        return found

    def order(self, identifier: str) -> Order:
        """The order of that identifier, or the only open one for an Environment of that name.

        Raises InputError with the nearest one when there is none.
        """
        orders = self.orders()
        if identifier in orders:
            return orders[identifier]
        meant = [one for one in orders.values() if one.request.environment == identifier and one.phase not in FINAL]
        if len(meant) == 1:
            return meant[0]
        raise InputError(
            f"{self.landscape} has no order {identifier!r}; {suggestion(identifier, orders)}".rstrip("; "),
            reason="NoSuchOrder",
            hint="ringfence order list",
        )

    def submit(self, event: Submitted) -> Order:
        """Write a new order down."""
        identifier = f"o-{secrets.token_hex(4)}"
        self._write(identifier, 0, event, event.request.environment)
        return begin(identifier, event)

    def record(self, order: Order, event: OrderEvent, *, dry_run: bool = False) -> Order:
        """Write down what happened to ``order``; the order after it. Raises what ``state.apply`` raises."""
        following = apply(order, event)
        if not dry_run:
            self._write(order.identifier, len(order.history), event, order.request.environment)
        return following

    def _write(self, identifier: str, place: int, event: OrderEvent, environment: str) -> None:
        name = type(event).__name__.lower()
        evidence = Event(
            kind=f"order.{name}",
            actor=event.by,
            subject=f"{self.landscape}/{environment} ({identifier})",
            because=event.because,
            at=event.at,
            facts=event_to_json(event),
        )
        self.ledger.follow(f"{_PREFIX}{identifier}/", place, evidence)


def open_orders(paths: Paths, landscape: str, clock: Clock, actor: str | None) -> OrderDesk:
    """The orders of the landscape of that name."""
    from ringfence.flows.promotion.workspace import acting

    return OrderDesk(landscape, open_ledger(paths, landscape, clock), clock, acting(actor, Path.cwd()))


def find_desk(paths: Paths, file: Path | None, identifier: str | None, clock: Clock, actor: str | None) -> OrderDesk:
    """The desk that ``file`` means; without one, that of the only landscape that has the order ``identifier``."""
    from ringfence.flows.evidence import landscape_name

    if file is None and identifier is not None and not Path("ringfence.yaml").exists():
        for folder in sorted((paths.data / "evidence").glob("*")):
            desk = open_orders(paths, folder.name, clock, actor)
            if identifier in desk.orders():
                return desk
    return open_orders(paths, landscape_name(paths, file), clock, actor)


def on_order(desk: OrderDesk) -> frozenset[str]:
    """The Environments that were accepted or are on order."""
    gone = (Phase.REJECTED, Phase.CANCELLED)
    return frozenset(order.request.environment for order in desk.orders().values() if order.phase not in gone)


def _identifier(once: str | None) -> str | None:
    parts = (once or "").split("/")
    return parts[1] if len(parts) == 3 and parts[0] == "order" else None


def _decoded(event: Event) -> OrderEvent:
    try:
        return event_from_json(event.facts)
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"the ledger's {event.kind} of {event.at.isoformat()} was not written by this version",
            reason="LedgerUnreadable",
            hint="ringfence evidence list shows it",
        ) from error
