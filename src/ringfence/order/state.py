"""An order's life: submitted, approved or rejected, provisioning, verifying, delivered, accepted; or cancelled.

Pure: State -> event -> State, or a refusal. Every state says who brought it about and when.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, cast, get_args

from ringfence.base.errors import ExitCode, RingfenceError
from ringfence.evidence.codec import decode, encode
from ringfence.order.request import Delivered, Difference, Request


class Phase(StrEnum):
    """Where an order is (contract, section 8)."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    PROVISIONING = "provisioning"
    VERIFYING = "verifying"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"


FINAL = frozenset({Phase.REJECTED, Phase.ACCEPTED, Phase.CANCELLED})


class OrderRefusedError(RingfenceError):
    """What was asked does not follow from where the order is; nothing changed. Exit code 1."""

    exit_code = ExitCode.FOUND


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an order's history."""

    at: datetime
    by: str
    event: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """An order: its request, where it is, what was delivered, and in what that differs."""

    identifier: str
    request: Request
    phase: Phase
    provider: str | None = None
    delivered: Delivered | None = None
    differences: tuple[Difference, ...] = ()
    history: tuple[Step, ...] = ()

    @property
    def submitted_by(self) -> str:
        """Who ordered."""
        return self.history[0].by

    def to_json(self) -> dict[str, Any]:
        """The value as the contract's ``Order``."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Order",
            "id": self.identifier,
            "state": self.phase.value,
            "environment": self.request.environment,
            "digest": self.request.digest,
            "request": _camel(encode(self.request)),
            "provider": self.provider,
            "delivered": _camel(encode(self.delivered)),
            "differences": [encode(one) for one in self.differences],
            "history": [
                {"at": one.at.isoformat(), "by": one.by, "event": one.event, "because": one.because}
                for one in self.history
            ],
        }


def _camel(value: Any) -> Any:
    """JSON with keys as Kubernetes writes them: ``paidBy``."""
    if isinstance(value, dict):
        return {_camel_word(key): _camel(one) for key, one in value.items()}
    return [_camel(one) for one in value] if isinstance(value, list) else value


def _camel_word(word: str) -> str:
    first, *rest = word.split("_")
    return first + "".join(part.capitalize() for part in rest)


@dataclass(frozen=True, slots=True)
class Submitted:
    """Somebody ordered. ``findings`` is what spoke against it and was taken on."""

    at: datetime
    by: str
    request: Request
    because: str = ""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides about an order, with a reason."""

    at: datetime
    by: str
    because: str = ""


class Approved(Decision):
    """Somebody who may, agreed."""

    __slots__ = ()


class Rejected(Decision):
    """Somebody who may, did not agree."""

    __slots__ = ()


class Accepted(Decision):
    """Whoever ordered took it over."""

    __slots__ = ()


class Cancelled(Decision):
    """It is not wanted any more; what was built is not removed by that."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Provisioning:
    """A provider was told to deliver; from here on parts of it may be there."""

    at: datetime
    by: str
    provider: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The provider says what is there now."""

    at: datetime
    by: str
    delivered: Delivered
    because: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """Delivered was held against ordered, and against its neighbours: these are the differences."""

    at: datetime
    by: str
    differences: tuple[Difference, ...]
    because: str = ""


Decided = Approved | Rejected | Accepted | Cancelled
OrderEvent = Submitted | Provisioning | Answered | Verified | Decided
_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(OrderEvent)}

_FROM: Mapping[type, frozenset[Phase]] = {
    Approved: frozenset({Phase.SUBMITTED}),
    Rejected: frozenset({Phase.SUBMITTED}),
    Provisioning: frozenset({Phase.APPROVED, Phase.PROVISIONING, Phase.VERIFYING}),
    Answered: frozenset({Phase.PROVISIONING, Phase.VERIFYING}),
    Verified: frozenset({Phase.VERIFYING}),
    Accepted: frozenset({Phase.DELIVERED}),
    Cancelled: frozenset(Phase) - FINAL,
}


def begin(identifier: str, event: Submitted) -> Order:
    """The order that a submission makes."""
    return Order(identifier, event.request, Phase.SUBMITTED, history=(_step(event),))


def apply(order: Order, event: OrderEvent) -> Order:
    """The order after ``event``. Raises OrderRefusedError when it does not follow from where the order is."""
    if isinstance(event, Submitted) or order.phase not in _FROM[type(event)]:
        raise OrderRefusedError(
            f"order {order.identifier} is {order.phase}, so it cannot be {_participle(event)}",
            reason="OrderRefused",
            hint=f"ringfence order show {order.identifier}",
        )
    following = _RULES[type(event)](order, event)
    return replace(following, history=(*order.history, _step(event)))


def event_to_json(event: OrderEvent) -> dict[str, Any]:
    """The event with its name, as JSON values."""
    return {"event": type(event).__name__, **encode(event)}


def event_from_json(value: Mapping[str, Any]) -> OrderEvent:
    """The event that ``event_to_json`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    rest = dict(value)
    return cast(OrderEvent, decode(_KINDS[rest.pop("event")], rest))


def _approved(order: Order, event: Approved) -> Order:
    if order.request.four_eyes and event.by == order.submitted_by:
        raise OrderRefusedError(
            f"order {order.identifier} was submitted by {event.by}; somebody else has to approve it",
            reason="FourEyes",
        )
    return replace(order, phase=Phase.APPROVED)


def _verified(order: Order, event: Verified) -> Order:
    phase = Phase.VERIFYING if event.differences else Phase.DELIVERED
    return replace(order, phase=phase, differences=event.differences)


def _provisioning(order: Order, event: Provisioning) -> Order:
    return replace(order, phase=Phase.PROVISIONING, provider=event.provider, differences=())


def _answered(order: Order, event: Answered) -> Order:
    return replace(order, phase=Phase.VERIFYING, delivered=event.delivered, differences=())


def _ends(phase: Phase) -> Callable[[Order, Any], Order]:
    return lambda order, _: replace(order, phase=phase)


def _step(event: OrderEvent) -> Step:
    return Step(event.at, event.by, type(event).__name__.lower(), event.because)


def _participle(event: OrderEvent) -> str:
    name = type(event).__name__.lower()
    return {"provisioning": "delivered"}.get(name, name)


_RULES: Mapping[type, Callable[[Order, Any], Order]] = {
    Approved: _approved,
    Rejected: _ends(Phase.REJECTED),
    Provisioning: _provisioning,
    Answered: _answered,
    Verified: _verified,
    Accepted: _ends(Phase.ACCEPTED),
    Cancelled: _ends(Phase.CANCELLED),
}
