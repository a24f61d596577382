"""What people do with orders: submit, approve, reject, deliver, accept, cancel."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ringfence.base.errors import InputError, RingfenceError
from ringfence.decide.topology import Topology
from ringfence.flows.orders.desk import OrderDesk, on_order
from ringfence.flows.partition import topology_partition
from ringfence.landscape.model import Landscape
from ringfence.order.compare import Finding, differences, findings, needed_capacity, ordered_clusters
from ringfence.order.order_file import read_answer
from ringfence.order.provider import Provider, Report
from ringfence.order.request import Delivered, Difference, Request
from ringfence.order.state import (
    Answered,
    Decided,
    Order,
    OrderRefusedError,
    Phase,
    Provisioning,
    Submitted,
    Verified,
)

SharesNothing = Callable[[str], tuple[Difference, ...]]
"""Says of an Environment what it may share with others: a difference each; none when the proof holds."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What came of an order: itself, or what spoke against it (then ``order`` is None)."""

    order: Order | None
    findings: tuple[Finding, ...]


def submit(
    desk: OrderDesk,
    landscape: Landscape,
    topology: Topology,
    request: Request,
    present: frozenset[str],
    *,
    anyway: str | None = None,
    dry_run: bool = False,
) -> Submission:
    """Check an order against the Landscape and the plan, and write it down when nothing speaks against it.

    ``anyway`` is a reason to order all the same. What the order leaves open (clusters, capacity) is what the plan asks.
    """
    full = _filled(request, landscape, topology)
    there = present | on_order(desk)
    users = groups_of(landscape, topology, full.environment)
    found = findings(full, landscape, topology, there, users, desk.clock.now().date())
    if (found and anyway is None) or dry_run:
        return Submission(None, found)
    event = Submitted(desk.clock.now(), desk.actor, full, anyway or "", tuple(str(one) for one in found))
    return Submission(desk.submit(event), found)


def _filled(request: Request, landscape: Landscape, topology: Topology) -> Request:
    planned = next((one for one in topology.environments if one.name == request.environment), None)
    if planned is None:
        return request
    return replace(
        request,
        clusters=request.clusters or ordered_clusters(planned),
        capacity=request.capacity or needed_capacity(landscape, planned),
    )


def groups_of(landscape: Landscape, topology: Topology, environment: str) -> frozenset[str]:
    """The groups that the plan lets into the deployments of an Environment."""
    here = {one.deployment for one in topology.placements if one.environment == environment}
    partition = topology_partition(landscape, topology)
    return frozenset(group for one in partition.deployments if one.name in here for group in one.people.groups)


def decide(
    desk: OrderDesk, identifier: str, decision: type[Decided], because: str = "", *, dry_run: bool = False
) -> Order:
    """Approve, reject, accept or cancel an order. Raises OrderRefusedError when that does not follow."""
    return desk.record(desk.order(identifier), decision(desk.clock.now(), desk.actor, because), dry_run=dry_run)


def deliver(
    desk: OrderDesk,
    identifier: str,
    provider: Provider,
    shares_nothing: SharesNothing,
    *,
    answer: Path | None = None,
    because: str = "",
    report: Report = lambda _: None,
) -> Order:
    """Have an order delivered, and hold what came against what was ordered.

    Run again it goes on where it was: building is idempotent, and what was verified with differences is looked at anew.
    The order stays ``provisioning`` while it is not there yet, and ``verifying`` while something differs.
    """
    order = desk.order(identifier)
    if order.phase is not Phase.PROVISIONING or order.provider != provider.name:
        order = desk.record(order, Provisioning(desk.clock.now(), desk.actor, provider.name, because))
    if answer is None:
        provider.provision(order, report)
        delivered = provider.delivered(order)
    else:
        delivered = _answered(order, answer)
    if delivered is None:
        return order
    order = desk.record(order, Answered(desk.clock.now(), desk.actor, delivered))
    found = (*differences(order.request, delivered), *_shared(order, shares_nothing))
    return desk.record(order, Verified(desk.clock.now(), desk.actor, found, because))


def _answered(order: Order, path: Path) -> Delivered:
    answer = read_answer(path)
    if answer.order != order.identifier:
        raise InputError(
            f"{path}: this answers order {answer.order}, not {order.identifier}",
            reason="OtherOrder",
            hint=f"ringfence order deliver {answer.order} --answer {path} takes it",
        )
    if answer.request != order.request.digest:
        raise OrderRefusedError(
            f"{path}: this answers another request than the one that was approved ({answer.request[:19]}...)",
            reason="OtherRequest",
            hint=f"ringfence order show {order.identifier} -o json names the digest of the request",
        )
    return answer.delivered


def _shared(order: Order, shares_nothing: SharesNothing) -> tuple[Difference, ...]:
    try:
        return shares_nothing(order.request.environment)
    except RingfenceError as error:
        return (Difference("shares nothing", "proved", f"unknown: {error.message}"),)
