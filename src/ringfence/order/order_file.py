"""Reading a ``kind: EnvironmentOrder`` file, and a ``kind: OrderAnswer`` that somebody who delivered wrote."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ringfence.base.calendar import parse_date
from ringfence.base.document import Node, read_document
from ringfence.base.errors import InputError
from ringfence.decide.topology import ClusterRole, Designation
from ringfence.landscape.fields import Fields, boolean, choice, expect, items, name, quantity, text, whole
from ringfence.order.request import Capacity, ClusterSize, Delivered, PoolSize, Request


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says that they delivered, and to which request (its digest) that is the answer."""

    order: str
    request: str
    delivered: Delivered


def read_request(path: Path) -> Request:
    """The order in a file. Raises InputError with file, line and column for anything that is none."""
    document = Fields(read_document(path), "")
    expect(document, "EnvironmentOrder")
    document.get("metadata")
    spec = Fields(document.need("spec", "spec: {environment: production, ...}"), "spec")
    document.close()
    request = Request(
        environment=name(spec.need("environment", "environment: production"), "spec.environment"),
        designation=choice(spec.need("designation", "designation: production"), "spec.designation", Designation),
        purpose=text(spec.need("purpose", "purpose: what it is for"), "spec.purpose"),
        by=_day(spec.need("by", "by: 2027-01-15"), "spec.by"),
        paid_by=text(spec.need("paidBy", "paidBy: a cost centre"), "spec.paidBy"),
        users=items(spec.need("users", "users: [portal-devs]"), "spec.users", text),
        regulations=spec.read("regulations", _texts, ()),
        regions=spec.read("regions", _texts, ()),
        capacity=spec.read("capacity", _capacity, None),
        clusters=spec.read("clusters", _clusters, ()),
        four_eyes=spec.read("fourEyes", boolean, False),
    )
    spec.close()
    if not request.users:
        raise InputError("spec.users names nobody; an Environment that nobody may use is not needed")
    return request


def read_answer(path: Path) -> Answer:
    """The answer in a file. Raises InputError with file, line and column for anything that is none."""
    document = Fields(read_document(path), "")
    expect(document, "OrderAnswer")
    spec = Fields(document.need("spec", "spec: {order: ID, request: sha256:..., delivered: {...}}"), "spec")
    document.close()
    answer = Answer(
        order=text(spec.need("order", "order: the order's identifier"), "spec.order"),
        request=text(spec.need("request", "request: the digest of the request"), "spec.request"),
        delivered=_delivered(spec.need("delivered", "delivered: {environment: production, ...}"), "spec.delivered"),
    )
    spec.close()
    return answer


def _delivered(node: Node, path: str) -> Delivered:
    fields = Fields(node, path)
    delivered = Delivered(
        environment=name(fields.need("environment", "environment: production"), f"{path}.environment"),
        designation=fields.read("designation", lambda one, at: choice(one, at, Designation), None),
        region=fields.read("region", text, None),
        capacity=fields.read("capacity", _capacity, None),
        clusters=fields.read("clusters", _clusters, ()),
        users=fields.read("users", _texts, None),
    )
    fields.close()
    return delivered


def _texts(node: Node, path: str) -> tuple[str, ...]:
    return items(node, path, text)


def _capacity(node: Node, path: str) -> Capacity:
    fields = Fields(node, path)
    capacity = Capacity(
        quantity(fields.need("cpu", 'cpu: "8"'), f"{path}.cpu"),
        quantity(fields.need("memory", "memory: 32Gi"), f"{path}.memory"),
    )
    fields.close()
    return capacity


def _clusters(node: Node, path: str) -> tuple[ClusterSize, ...]:
    found = items(node, path, _cluster)
    seen: set[str] = set()
    for one in found:
        if one.name in seen:
            raise InputError(f"{path} names {one.name} twice", location=node.location)
        seen.add(one.name)
    return found


def _cluster(node: Node, path: str) -> ClusterSize:
    fields = Fields(node, path)
    cluster = ClusterSize(
        name=name(fields.need("name", "name: production-1"), f"{path}.name"),
        role=choice(fields.need("role", "role: workload"), f"{path}.role", ClusterRole),
        pools=fields.read("pools", lambda one, at: items(one, at, _pool), ()),
        kubernetes=fields.read("kubernetes", text, None),
    )
    fields.close()
    return cluster


def _pool(node: Node, path: str) -> PoolSize:
    fields = Fields(node, path)
    pool = PoolSize(
        name=name(fields.need("name", "name: apps"), f"{path}.name"),
        nodes=whole(fields.need("nodes", "nodes: 3"), f"{path}.nodes", least=0, most=100_000),
        dedicated_to=fields.read("dedicatedTo", _nothing_or_text, None),
    )
    fields.close()
    return pool


def _nothing_or_text(node: Node, path: str) -> str | None:
    return None if getattr(node, "null", False) else text(node, path)


def _day(node: Node, path: str) -> date:
    try:
        return parse_date(text(node, path))
    except InputError as error:
        raise InputError(f"{path}: {error.message}", location=node.location, reason=error.reason) from error
