"""The providers of Environments: the embedded engine, contexts that exist, Cluster API, people with a ticket."""

import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import InputError, UnreachableError
from ringfence.base.paths import Paths, write_atomically
from ringfence.decide.topology import Topology
from ringfence.evidence.signing import Signer
from ringfence.flows.live_proof import present, prove_live, restricted
from ringfence.flows.orders.commands import SharesNothing, groups_of
from ringfence.landscape.model import Landscape
from ringfence.order.clusterapi import API_VERSION, ClassChoice, clusters, read_back
from ringfence.order.provider import Report
from ringfence.order.request import Capacity, ClusterSize, Delivered, Difference, PoolSize
from ringfence.order.state import Order
from ringfence.order.ticket import readable, ticket

_WEBHOOK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Place:
    """A landscape and where this user keeps its state."""

    landscape: Landscape
    topology: Topology
    file: Path
    paths: Paths
    clock: Clock


def observed(place: Place, environment: str, region: str | None) -> Delivered | None:
    """What the clusters of an Environment show; None while one of them does not answer. Only ready nodes count."""
    from ringfence.flows.status import status
    from ringfence.flows.targets import find_targets

    targets = find_targets(place.paths, place.clock, place.landscape.name)
    planned = next((one for one in place.topology.environments if one.name == environment), None)
    if planned is None:
        return None
    only = replace(place.topology, environments=(planned,), placements=(), pairs=())
    found = status(place.landscape, only, targets).environments[0]
    if any(cluster.state != "running" for cluster in found.clusters):
        return None
    roles = {cluster.name: cluster.role for cluster in planned.clusters}
    sizes = []
    for cluster in found.clusters:
        pools = Counter(node.pool for node in cluster.nodes if node.ready and node.pool)
        sizes.append(
            ClusterSize(
                cluster.name,
                roles[cluster.name],
                tuple(PoolSize(name, count) for name, count in sorted(pools.items())),
                cluster.version.removeprefix("v") or None,
            )
        )
    node = place.landscape.costs.node.capacity
    count = sum(pool.nodes for size in sizes for pool in size.pools)
    return Delivered(
        environment=environment,
        designation=planned.designation,
        region=region,
        capacity=Capacity(node.cpu * count, node.memory * count),
        clusters=tuple(sizes),
        users=tuple(sorted(groups_of(place.landscape, place.topology, environment))),
    )


class EngineProvider:
    """Environments on the embedded engine of this machine."""

    name = "engine"

    def __init__(self, place: Place) -> None:
        """``place`` is the landscape here."""
        self._place = place

    def provision(self, order: Order, report: Report) -> None:
        """Bring the Environment up beside those that are up; no other is touched."""
        from ringfence.engine import Engine
        from ringfence.flows.up import up

        place = self._place
        state = Engine(place.paths, place.clock).state(place.landscape.name)
        wanted = frozenset({one.name for one in state.environments} | {order.request.environment})
        if order.request.environment not in {one.name for one in place.topology.environments}:
            raise InputError(
                f"the plan has no Environment {order.request.environment!r} to bring up",
                reason="NoSuchEnvironment",
                hint="ringfence plan FILE names the Environments",
            )
        up(place.landscape, restricted(place.topology, wanted), place.paths, place.clock, report=report)

    def delivered(self, order: Order) -> Delivered | None:
        """What runs now; its region is this machine."""
        return observed(self._place, order.request.environment, "local")


class ExistingProvider:
    """Clusters that somebody made and whose contexts were named with ``ringfence up --context``."""

    name = "existing"

    def __init__(self, place: Place, region: str | None) -> None:
        """``region`` is where they are said to be, None: nobody said."""
        self._place = place
        self._region = region

    def provision(self, order: Order, report: Report) -> None:
        """Nothing is made: the clusters are there or they are not."""
        report(f"{order.request.environment}: looking at clusters that exist")

    def delivered(self, order: Order) -> Delivered | None:
        """What they show."""
        return observed(self._place, order.request.environment, self._region)


class ClusterApiProvider:
    """Clusters that a Cluster API management cluster makes from a ClusterClass."""

    name = "cluster-api"

    def __init__(self, place: Place, context: str, choice: ClassChoice) -> None:
        """``context`` reaches the management cluster."""
        self._place = place
        self._context = context
        self._choice = choice

    def provision(self, order: Order, report: Report) -> None:
        """Apply the Cluster objects."""
        from ringfence.kube import open_cluster

        capacity = self._place.landscape.costs.node.capacity
        node = Capacity(capacity.cpu, capacity.memory)
        with open_cluster(None, self._context) as management:
            for one in clusters(self._place.landscape.name, order.identifier, order.request, self._choice, node):
                management.apply(one)
                report(f"{one['metadata']['name']}: asked of Cluster API")

    def delivered(self, order: Order) -> Delivered | None:
        """What its Clusters say, None while they are not available. Who may use them is what the plan lets in."""
        from ringfence.kube import open_cluster

        with open_cluster(None, self._context) as management:
            resource = management.resource_of(API_VERSION, "Cluster")
            found = read_back(order.request, management.list_raw(resource, namespace=self._choice.namespace).items)
        if found is None:
            return None
        users = groups_of(self._place.landscape, self._place.topology, order.request.environment)
        return replace(found, users=tuple(sorted(users)))


class TicketProvider:
    """People: the order as a signed file and as text, posted to a webhook when there is one."""

    name = "ticket"

    def __init__(self, landscape: str, folder: Path, signer: Signer, webhook: str | None = None) -> None:
        """``folder`` is where the ticket is written. Raises InputError for a webhook that is no address."""
        if webhook is not None:
            _host(webhook)
        self._landscape = landscape
        self._folder = folder
        self._signer = signer
        self._webhook = webhook

    def provision(self, order: Order, report: Report) -> None:
        """Write the ticket; post it once (a crash in between may post it twice, under one idempotency key)."""
        signed = self._folder / f"{order.identifier}.json"
        if not signed.exists():
            write_atomically(signed, ticket(self._landscape, order, self._signer), mode=0o644)
            write_atomically(signed.with_suffix(".txt"), readable(self._landscape, order).encode(), mode=0o644)
        report(f"ticket: {signed} and {signed.with_suffix('.txt')}")
        posted = signed.with_suffix(".posted")
        if self._webhook is not None and not posted.exists():
            host = post(self._webhook, signed.read_bytes(), order.request.digest)
            write_atomically(posted, b"posted\n")
            report(f"ticket: posted to {host}")

    def delivered(self, order: Order) -> Delivered | None:
        """Nothing until somebody answers: ``ringfence order deliver ID --answer FILE``."""
        return None


def post(url: str, content: bytes, key: str) -> str:
    """Post a ticket; the host's name. Raises UnreachableError without the URL: it may hold a token."""
    host = _host(url)
    request = urllib.request.Request(  # noqa: S310 - its scheme was checked
        url, data=content, method="POST", headers={"Content-Type": "application/json", "Idempotency-Key": key}
    )
    try:
        with urllib.request.urlopen(request, timeout=_WEBHOOK_SECONDS):  # noqa: S310
            return host
    except urllib.error.HTTPError as error:
        error.close()
        raise UnreachableError(f"{host}: the webhook answered {error.code}", reason="Webhook") from None
    except OSError:
        raise UnreachableError(f"{host}: the webhook did not answer", reason="Webhook") from None


def _host(webhook: str) -> str:
    """The host of a webhook. Raises InputError, without the address, for one that is no place for an order."""
    parts = urllib.parse.urlsplit(webhook)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise InputError("--webhook is not an http or https address")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise InputError(f"--webhook {parts.hostname}: an order goes over https, unless to this machine")
    return parts.hostname


def look_shares_nothing(place: Place, accept_unknown: str | None = None) -> SharesNothing:
    """The proof of every pair between this Environment and others that are there; unknown is a difference too."""

    def look(environment: str) -> tuple[Difference, ...]:
        there = present(place.landscape, place.topology, place.paths, place.clock)
        where = {one.deployment: one.environment for one in place.topology.placements}
        topology = restricted(place.topology, there | {environment})
        proof = prove_live(place.landscape, topology, place.paths, place.clock)
        found = []
        for pair in proof.pairs:
            ends = {where.get(pair.source), where.get(pair.destination)}
            if environment not in ends or len(ends) == 1 or pair.answer.value == "holds":
                continue
            if pair.answer.value == "unknown" and accept_unknown is not None:
                continue
            found.append(
                Difference(f"shares nothing: {pair.source} to {pair.destination}", "proved", pair.answer.value)
            )
        return tuple(found)

    return look
