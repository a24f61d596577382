"""Reading ``spec.costs``, ``spec.services`` and ``spec.holidays``, with defaults that make a short file work.

The defaults are the figures of the contract's example: they make a first plan possible and are meant to be replaced.
"""

import re
from collections.abc import Mapping
from fractions import Fraction

from ringfence.base.document import Node, Scalar
from ringfence.base.errors import InputError
from ringfence.landscape import fields
from ringfence.landscape.applications import read_resources
from ringfence.landscape.fields import Fields
from ringfence.landscape.model import Calendar, Costs, DataClass, Freeze, MoveCosts, NodePrice, Resources, Service

_GIB = Fraction(1024**3)

DEFAULT_NODE = NodePrice(Resources(Fraction(4), 16 * _GIB), Fraction(110), Fraction(8, 10), 1)
DEFAULT_MOVE = MoveCosts(
    {
        DataClass.THROW_AWAY: Fraction(50),
        DataClass.SEED: Fraction(100),
        DataClass.REALISTIC: Fraction(400),
        DataClass.CUSTOMER: Fraction(4000),
    }
)
"""Once, per deployment: an hour, two hours, a day, and for production data a planned night with its rehearsal."""

DEFAULT_COSTS = Costs(Fraction(1200), Fraction(450), DEFAULT_NODE, DEFAULT_MOVE)

DEFAULT_SERVICES: Mapping[str, Service] = {
    "postgresql": Service("postgresql", Resources(Fraction(1), 2 * _GIB)),
    "rabbitmq": Service("rabbitmq", Resources(Fraction(1), 1 * _GIB)),
}

_DATE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?")
_COUNTRY = re.compile(r"[A-Z]{2}")


def read_costs(node: Node | None, path: str) -> Costs:
    """Prices a month; what is not written is the default."""
    if node is None:
        return DEFAULT_COSTS
    given = Fields(node, path)
    costs = Costs(
        environment=given.read("environment", fields.number, DEFAULT_COSTS.environment),
        cluster=given.read("cluster", fields.number, DEFAULT_COSTS.cluster),
        node=given.read("node", _node_price, DEFAULT_NODE),
        move=given.read("move", _move, DEFAULT_MOVE),
    )
    given.close()
    return costs


def _node_price(node: Node, path: str) -> NodePrice:
    given = Fields(node, path)

    def positive(item: Node, at: str) -> Fraction:
        return fields.quantity(item, at, positive=True)

    price = NodePrice(
        capacity=Resources(
            given.read("cpu", positive, DEFAULT_NODE.capacity.cpu),
            given.read("memory", positive, DEFAULT_NODE.capacity.memory),
        ),
        price=given.read("price", fields.number, DEFAULT_NODE.price),
        fill=given.read("fill", _fill, DEFAULT_NODE.fill),
        minimum_per_pool=given.read(
            "minPerPool", lambda item, at: fields.whole(item, at, least=0, most=1000), DEFAULT_NODE.minimum_per_pool
        ),
    )
    given.close()
    return price


def _fill(node: Node, path: str) -> Fraction:
    value = fields.number(node, path, what="more than 0 and at most 1, such as 0.8")
    if not 0 < value <= 1:
        raise fields.wrong(node, path, "more than 0 and at most 1, such as 0.8")
    return value


def _move(node: Node, path: str) -> MoveCosts:
    if isinstance(node, Scalar) and not node.null:
        price = fields.number(node, path)
        return MoveCosts(dict.fromkeys(DataClass, price))
    given = Fields(node, path)
    found = MoveCosts(
        {each: given.read(each.value, fields.number, DEFAULT_MOVE.by_data[each]) for each in DataClass},
        given.read("months", lambda item, at: fields.whole(item, at, least=1, most=120), DEFAULT_MOVE.months),
    )
    given.close()
    return found


def read_services(node: Node | None, path: str) -> Mapping[str, Service]:
    """The kinds of service: PostgreSQL and RabbitMQ are known, others and other figures are added."""
    found = dict(DEFAULT_SERVICES)
    if node is None:
        return found
    for entry in Fields(node, path).rest():
        name = fields.name(entry.key, f"{path} (a service's name)")
        if name == "apps" or len(name) > 50:
            raise InputError(
                f"{path}: a service cannot be called {fields.short(name)}", location=entry.key.location,
                hint="`apps` is the pool of applications; service names have 50 characters at most",
            )  # fmt: skip
        given = Fields(entry.value, f"{path}.{name}")
        found[name] = Service(
            name,
            given.read("requests", read_resources, found[name].requests if name in found else Resources()),
            given.read("image", _image, None),
        )
        given.close()
    return found


def _image(node: Node, path: str) -> str:
    value = fields.text(node, path)
    if not _IMAGE.fullmatch(value):
        raise fields.wrong(node, path, "an image, best by its digest: registry.example.org/postgres:18.1@sha256:...")
    return value


def read_calendar(node: Node | None, path: str) -> Calendar:
    """Working days: ``{country: SE, timezone: Europe/Stockholm, alsoOff: [2026-12-24], freezes: [...]}``."""
    if node is None:
        return Calendar()
    given = Fields(node, path)
    calendar = Calendar(
        country=given.read("country", _country, None),
        subdivision=given.read("subdivision", fields.text, None),
        timezone=given.read("timezone", _timezone, "UTC"),
        also_off=given.read("alsoOff", lambda item, at: fields.items(item, at, _date), ()),
        freezes=given.read("freezes", lambda item, at: fields.items(item, at, _freeze), ()),
    )
    given.close()
    return calendar


def _country(node: Node, path: str) -> str:
    value = fields.text(node, path)
    if not _COUNTRY.fullmatch(value):
        raise fields.wrong(node, path, "a country's two letters (ISO 3166), such as SE")
    return value


def _timezone(node: Node, path: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    value = fields.text(node, path)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise fields.wrong(node, path, "an IANA time zone, such as Europe/Stockholm") from error
    return value


def _date(node: Node, path: str) -> str:
    from datetime import date

    value = fields.text(node, path)
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise fields.wrong(node, path, "a date such as 2026-12-24")


def _freeze(node: Node, path: str) -> Freeze:
    given = Fields(node, path)
    first = _date(given.need("from", "from: 2026-12-20"), f"{path}.from")
    last = _date(given.need("to", "to: 2027-01-06"), f"{path}.to")
    freeze = Freeze(first, last, given.read("because", fields.text, ""))
    given.close()
    if last < first:
        raise InputError(f"{path} ends before it begins", location=node.location, hint="exchange `from` and `to`")
    return freeze
