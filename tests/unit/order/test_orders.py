"""Orders: every path through their states, delivered against ordered, tickets and their answers, crashes."""

import base64
import contextlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.base import paths
from ringfence.base.clock import SetClock
from ringfence.base.errors import InputError, StateError, UnreachableError
from ringfence.decide.topology import (
    Cluster,
    ClusterRole,
    Designation,
    Environment,
    Placement,
    Pool,
    Status,
    Topology,
)
from ringfence.evidence import store
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.signing import FileSigner, file_signer, unseal
from ringfence.evidence.store import FileStore
from ringfence.flows.orders import commands
from ringfence.flows.orders.desk import OrderDesk
from ringfence.flows.orders.providers import TicketProvider, post
from ringfence.landscape.load import parse_landscape
from ringfence.order.compare import differences
from ringfence.order.order_file import read_request
from ringfence.order.provider import Report
from ringfence.order.request import Capacity, ClusterSize, Delivered, Difference, PoolSize, Request
from ringfence.order.state import (
    FINAL,
    Accepted,
    Answered,
    Approved,
    Cancelled,
    Order,
    OrderEvent,
    OrderRefusedError,
    Phase,
    Provisioning,
    Rejected,
    Submitted,
    Verified,
    apply,
    begin,
    event_from_json,
    event_to_json,
)
from ringfence.order.ticket import TICKET_TYPE

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GI = Fraction(1024**3)
CLUSTERS = (
    ClusterSize("production-management", ClusterRole.MANAGEMENT),
    ClusterSize("production-1", ClusterRole.WORKLOAD, (PoolSize("apps", 3), PoolSize("postgresql", 1, "postgresql"))),
)
REQUEST = Request(
    environment="production",
    designation=Designation.PRODUCTION,
    purpose="customers",
    by=date(2027, 1, 15),
    paid_by="4711",
    users=("portal-devs", "customers"),
    regulations=("iso-27001",),
    regions=("eu-north-1", "eu-central-1"),
    capacity=Capacity(Fraction(16), 64 * GI),
    clusters=CLUSTERS,
)
DELIVERED = Delivered(
    environment="production",
    designation=Designation.PRODUCTION,
    region="eu-north-1",
    capacity=Capacity(Fraction(16), 64 * GI),
    clusters=CLUSTERS,
    users=("customers", "portal-devs"),
)
LANDSCAPE = parse_landscape("""
apiVersion: ringfence.dev/v1
kind: Landscape
metadata: {name: clinic}
spec:
  regulations: [iso-27001]
  applications:
    - {name: portal, deployments: {testing: {}, production: {}}}
""")
TOPOLOGY = Topology(
    "clinic",
    Status.OPTIMAL,
    Fraction(0),
    Fraction(0),
    (
        Environment(
            "production",
            Designation.PRODUCTION,
            (
                Cluster("production-management", ClusterRole.MANAGEMENT, (), ()),
                Cluster(
                    "production-1",
                    ClusterRole.WORKLOAD,
                    (Pool("apps", 3, None), Pool("postgresql", 1, "postgresql")),
                    ("portal-production",),
                ),
            ),
        ),
    ),
    (Placement("portal/production", "production", "production-1", "apps", "portal-production", {}),),
    (),
    (),
)


def test_what_was_ordered_is_no_difference() -> None:
    assert differences(REQUEST, DELIVERED) == ()


def test_more_than_was_ordered_is_no_difference() -> None:
    more = replace(
        DELIVERED,
        capacity=Capacity(Fraction(99), 640 * GI),
        clusters=(CLUSTERS[0], replace(CLUSTERS[1], pools=(PoolSize("apps", 9), PoolSize("postgresql", 2)))),
    )
    assert differences(REQUEST, more) == ()


@pytest.mark.parametrize(
    ("delivered", "expected"),
    [
        (replace(DELIVERED, environment="prod"), Difference("environment", "production", "prod")),
        (
            replace(DELIVERED, designation=Designation.NON_PRODUCTION),
            Difference("designation", "production", "non-production"),
        ),
        (replace(DELIVERED, designation=None), Difference("designation", "production", "unknown")),
        (replace(DELIVERED, region="us-east-1"), Difference("region", "eu-north-1 or eu-central-1", "us-east-1")),
        (replace(DELIVERED, region=None), Difference("region", "eu-north-1 or eu-central-1", "unknown")),
        (
            replace(DELIVERED, capacity=Capacity(Fraction(12), 64 * GI)),
            Difference("capacity.cpu", "16", "12"),
        ),
        (
            replace(DELIVERED, capacity=Capacity(Fraction(16), 63 * GI)),
            Difference("capacity.memory", "64Gi", "63Gi"),
        ),
        (
            replace(DELIVERED, clusters=CLUSTERS[1:]),
            Difference("clusters.production-management", "a management cluster", "missing"),
        ),
        (
            replace(DELIVERED, clusters=(*CLUSTERS, ClusterSize("mine", ClusterRole.WORKLOAD))),
            Difference("clusters.mine", "not ordered", "a workload cluster"),
        ),
        (
            replace(DELIVERED, clusters=(CLUSTERS[0], replace(CLUSTERS[1], pools=CLUSTERS[1].pools[:1]))),
            Difference("clusters.production-1.pools.postgresql", "1 nodes", "missing"),
        ),
        (
            replace(
                DELIVERED,
                clusters=(CLUSTERS[0], replace(CLUSTERS[1], pools=(PoolSize("apps", 2), CLUSTERS[1].pools[1]))),
            ),
            Difference("clusters.production-1.pools.apps.nodes", "3", "2"),
        ),
        (
            replace(DELIVERED, users=("customers",)),
            Difference("users", "customers and portal-devs", "customers"),
        ),
        (replace(DELIVERED, users=None), Difference("users", "portal-devs and customers", "unknown")),
    ],
)
def test_each_item_that_differs_is_named(delivered: Delivered, expected: Difference) -> None:
    assert differences(REQUEST, delivered) == (expected,)


# Which event may follow which state: a table written from the contract, not from the code.
_ALLOWED = {
    Phase.SUBMITTED: {"approved", "rejected", "cancelled"},
    Phase.APPROVED: {"provisioning", "cancelled"},
    Phase.PROVISIONING: {"provisioning", "answered", "cancelled"},
    Phase.VERIFYING: {"provisioning", "answered", "verified", "cancelled"},
    Phase.DELIVERED: {"accepted", "cancelled"},
    Phase.ACCEPTED: set[str](),
    Phase.REJECTED: set[str](),
    Phase.CANCELLED: set[str](),
}
_EVENTS: dict[str, OrderEvent] = {
    "approved": Approved(NOW, "bob"),
    "rejected": Rejected(NOW, "bob", "no money"),
    "provisioning": Provisioning(NOW, "bob", "engine"),
    "answered": Answered(NOW, "bob", DELIVERED),
    "verified": Verified(NOW, "bob", ()),
    "differs": Verified(NOW, "bob", (Difference("region", "a", "b"),)),
    "accepted": Accepted(NOW, "ada"),
    "cancelled": Cancelled(NOW, "ada", "changed my mind"),
}


@given(st.lists(st.sampled_from(sorted(_EVENTS)), max_size=12))
def test_no_order_of_events_leaves_the_states_of_the_contract(names: list[str]) -> None:
    order = begin("o-1", Submitted(NOW, "ada", REQUEST))
    accepted_as_ordered = False
    for name in names:
        event = event_from_json(json.loads(json.dumps(event_to_json(_EVENTS[name]))))
        word = "verified" if name == "differs" else name
        try:
            following = apply(order, event)
        except OrderRefusedError:
            assert word not in _ALLOWED[order.phase]
            continue
        assert word in _ALLOWED[order.phase]
        assert len(following.history) == len(order.history) + 1
        if name == "verified":
            accepted_as_ordered = True
        elif name in ("provisioning", "answered", "differs"):
            accepted_as_ordered = False
        order = following
        assert order.phase not in (Phase.DELIVERED, Phase.ACCEPTED) or accepted_as_ordered
    assert order.phase not in FINAL or not _ALLOWED[order.phase]


def test_whoever_ordered_may_not_approve_where_four_eyes_are_asked() -> None:
    order = begin("o-1", Submitted(NOW, "ada", replace(REQUEST, four_eyes=True)))
    with pytest.raises(OrderRefusedError, match="somebody else has to approve"):
        apply(order, Approved(NOW, "ada"))
    assert apply(order, Approved(NOW, "bob")).phase is Phase.APPROVED


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> FileSigner:
    return file_signer(tmp_path_factory.mktemp("keys") / "evidence.pem")


@pytest.fixture
def desk(tmp_path: Path, signer: FileSigner) -> OrderDesk:
    return new_desk(tmp_path, signer)


def new_desk(folder: Path, signer: FileSigner) -> OrderDesk:
    clock = SetClock(NOW)
    return OrderDesk("clinic", Ledger("clinic", FileStore(folder / "ledger.jsonl"), signer, clock), clock, "ada")


class Builder:
    """Delivers what it is told to."""

    name = "builder"

    def __init__(self, delivered: Delivered | None = DELIVERED) -> None:
        self.result = delivered
        self.provisioned = 0

    def provision(self, order: Order, report: Report) -> None:
        self.provisioned += 1

    def delivered(self, order: Order) -> Delivered | None:
        return self.result


def nothing_shared(_: str) -> tuple[Difference, ...]:
    return ()


def submitted(desk: OrderDesk, request: Request = REQUEST) -> Order:
    return desk.submit(Submitted(NOW, desk.actor, request))


def test_an_order_from_submission_to_acceptance(desk: OrderDesk) -> None:
    order = submitted(desk)
    with pytest.raises(OrderRefusedError, match="is submitted"):
        commands.deliver(desk, order.identifier, Builder(), nothing_shared)
    commands.decide(desk, order.identifier, Approved)
    done = commands.deliver(desk, order.identifier, Builder(), nothing_shared)
    assert (done.phase, done.differences) == (Phase.DELIVERED, ())
    commands.decide(desk, order.identifier, Accepted)
    value = desk.order(order.identifier).to_json()
    assert (value["kind"], value["state"], value["differences"]) == ("Order", "accepted", [])
    assert [step["event"] for step in value["history"]] == [
        "submitted", "approved", "provisioning", "answered", "verified", "accepted"
    ]  # fmt: skip
    assert desk.ledger.verify().intact


def test_what_differs_is_named_and_may_be_delivered_again(desk: OrderDesk) -> None:
    order = submitted(desk)
    commands.decide(desk, order.identifier, Approved)
    wrong = commands.deliver(desk, order.identifier, Builder(replace(DELIVERED, region="us-east-1")), nothing_shared)
    assert (wrong.phase, wrong.differences[0].item) == (Phase.VERIFYING, "region")
    with pytest.raises(OrderRefusedError):
        commands.decide(desk, order.identifier, Accepted)
    assert commands.deliver(desk, order.identifier, Builder(), nothing_shared).phase is Phase.DELIVERED


def test_what_is_shared_or_cannot_be_proved_is_a_difference(desk: OrderDesk) -> None:
    order = submitted(desk)
    commands.decide(desk, order.identifier, Approved)
    shared = Difference("shares nothing: a to b", "proved", "broken")
    assert commands.deliver(desk, order.identifier, Builder(), lambda _: (shared,)).differences == (shared,)

    def fails(_: str) -> tuple[Difference, ...]:
        raise StateError("production-1: this cluster is not there")

    (found,) = commands.deliver(desk, order.identifier, Builder(), fails).differences
    assert found.delivered.startswith("unknown")


def test_an_order_that_is_not_there_yet_stays_in_provisioning(desk: OrderDesk) -> None:
    order = submitted(desk)
    commands.decide(desk, order.identifier, Approved)
    builder = Builder(None)
    assert commands.deliver(desk, order.identifier, builder, nothing_shared).phase is Phase.PROVISIONING
    builder.result = DELIVERED
    assert commands.deliver(desk, order.identifier, builder, nothing_shared).phase is Phase.DELIVERED


def test_an_order_is_checked_against_the_plan(desk: OrderDesk) -> None:
    wrong = replace(
        REQUEST, designation=Designation.NON_PRODUCTION, regulations=(), by=date(2026, 1, 1),
        capacity=Capacity(Fraction(1), GI),
    )  # fmt: skip
    made = commands.submit(desk, LANDSCAPE, TOPOLOGY, wrong, frozenset())
    assert made.order is None
    said = "\n".join(str(finding) for finding in made.findings)
    for wanted in (
        "this order does not cover: it is wanted by 2026-01-01, which has passed",
        "this order does not cover: iso-27001, which clinic is under",
        "designated production, ordered is non-production; it hosts portal/production",
        "cpu: the plan needs 16, ordered are 1",
        "memory: the plan needs 64Gi, ordered are 1Gi",
    ):
        assert wanted in said
    assert desk.orders() == {}


def test_an_order_that_is_not_needed_is_said_to_be(desk: OrderDesk) -> None:
    unplanned = commands.submit(desk, LANDSCAPE, TOPOLOGY, replace(REQUEST, environment="produktion"), frozenset())
    assert "this order is not needed: the plan of clinic has production" in str(unplanned.findings[0])
    assert "did you mean 'production'" in str(unplanned.findings[0])
    there = commands.submit(desk, LANDSCAPE, TOPOLOGY, REQUEST, frozenset({"production"}))
    assert "is there or on order already" in str(there.findings[0])
    first = commands.submit(desk, LANDSCAPE, TOPOLOGY, REQUEST, frozenset(), anyway="test")
    assert first.order is not None
    again = commands.submit(desk, LANDSCAPE, TOPOLOGY, REQUEST, frozenset())
    assert "on order already" in "".join(map(str, again.findings))
    commands.decide(desk, first.order.identifier, Cancelled, "not now")
    assert "on order already" not in "".join(
        map(str, commands.submit(desk, LANDSCAPE, TOPOLOGY, REQUEST, frozenset()).findings)
    )


def test_what_an_order_leaves_open_is_what_the_plan_asks(desk: OrderDesk) -> None:
    short = replace(REQUEST, clusters=(), capacity=None)
    made = commands.submit(desk, LANDSCAPE, TOPOLOGY, short, frozenset(), anyway="groups differ")
    assert made.order is not None
    assert made.order.request.clusters == CLUSTERS
    assert made.order.request.capacity == Capacity(Fraction(16), 64 * GI)


def test_an_unknown_order_is_refused_with_the_nearest(desk: OrderDesk) -> None:
    order = submitted(desk)
    with pytest.raises(InputError, match=order.identifier):
        desk.order(order.identifier[:-1])


# Tickets


def answer_file(folder: Path, to: Order, **changes: object) -> Path:
    spec: dict[str, object] = {
        "order": to.identifier,
        "request": to.request.digest,
        "delivered": {
            "environment": "production",
            "designation": "production",
            "region": "eu-north-1",
            "capacity": {"cpu": "16", "memory": "64Gi"},
            "users": ["portal-devs", "customers"],
            "clusters": [
                {"name": "production-management", "role": "management"},
                {
                    "name": "production-1",
                    "role": "workload",
                    "pools": [{"name": "apps", "nodes": 3}, {"name": "postgresql", "nodes": 1}],
                },
            ],
        },
        **changes,
    }
    path = folder / "answer.json"
    path.write_text(json.dumps({"apiVersion": "ringfence.dev/v1", "kind": "OrderAnswer", "spec": spec}))
    return path


def test_a_ticket_is_written_signed_and_answered(desk: OrderDesk, tmp_path: Path, signer: FileSigner) -> None:
    order = submitted(desk)
    commands.decide(desk, order.identifier, Approved)
    provider = TicketProvider("clinic", tmp_path / "tickets", signer)
    assert commands.deliver(desk, order.identifier, provider, nothing_shared).phase is Phase.PROVISIONING
    envelope = json.loads((tmp_path / "tickets" / f"{order.identifier}.json").read_bytes())
    payload = json.loads(unseal(envelope, TICKET_TYPE, [signer.public]))
    assert (payload["kind"], payload["request"]) == ("OrderTicket", order.request.digest)
    assert "postgresql with 1 nodes" in (tmp_path / "tickets" / f"{order.identifier}.txt").read_text()
    done = commands.deliver(
        desk, order.identifier, provider, nothing_shared, answer=answer_file(tmp_path, desk.order(order.identifier))
    )
    assert (done.phase, done.differences) == (Phase.DELIVERED, ())


def test_an_answer_to_something_else_is_refused(desk: OrderDesk, tmp_path: Path, signer: FileSigner) -> None:
    order = submitted(desk)
    commands.decide(desk, order.identifier, Approved)
    provider = TicketProvider("clinic", tmp_path / "tickets", signer)
    with pytest.raises(InputError, match="answers order o-other"):
        commands.deliver(
            desk, order.identifier, provider, nothing_shared, answer=answer_file(tmp_path, order, order="o-other")
        )
    with pytest.raises(OrderRefusedError, match="another request"):
        commands.deliver(
            desk, order.identifier, provider, nothing_shared, answer=answer_file(tmp_path, order, request="sha256:0")
        )


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[Any]]]:
    received: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["Idempotency-Key"], json.loads(body)))
            self.send_response(500 if "fail" in self.path else 201)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


def test_a_ticket_is_posted_once(
    desk: OrderDesk, tmp_path: Path, signer: FileSigner, webhook: tuple[str, list[Any]]
) -> None:
    address, received = webhook
    order = submitted(desk)
    commands.decide(desk, order.identifier, Approved)
    for _ in range(3):
        provider = TicketProvider("clinic", tmp_path / "tickets", signer, f"{address}/hook")
        commands.deliver(desk, order.identifier, provider, nothing_shared)
    ((key, body),) = received
    assert key == order.request.digest
    assert json.loads(base64.b64decode(body["payload"]))["order"] == order.identifier


def test_a_webhook_that_fails_is_said_without_its_address(webhook: tuple[str, list[Any]]) -> None:
    with pytest.raises(UnreachableError) as raised:
        post(f"{webhook[0]}/fail?token=hunter2", b"{}", "key")
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None
    with pytest.raises(InputError, match="over https"):
        post("http://desk.example/hook?token=hunter2", b"{}", "key")
    with pytest.raises(InputError):
        post("file:///etc/passwd", b"{}", "key")


# Files


def test_an_order_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    path.write_text("""
apiVersion: ringfence.dev/v1
kind: EnvironmentOrder
metadata: {name: production}
spec:
  environment: production
  designation: production
  purpose: customers
  by: 2027-01-15
  paidBy: "4711"
  users: [portal-devs, customers]
  regulations: [iso-27001]
  regions: [eu-north-1, eu-central-1]
  capacity: {cpu: "16", memory: 64Gi}
  clusters:
    - {name: production-management, role: management}
    - name: production-1
      role: workload
      pools: [{name: apps, nodes: 3}, {name: postgresql, nodes: 1, dedicatedTo: postgresql}]
""")
    assert read_request(path) == REQUEST


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("designation: production", "designation: prod", "order.yaml:4"),
        ("by: 2027-01-15", "by: 15/01/2027", "not a date"),
        ("by: 2027-01-15", "due: 2027-01-15", "spec.by is missing"),
        ("users: [a]", "users: []", "names nobody"),
        ("purpose: x", "purpose: x\n  colour: red", "no key 'colour'"),
    ],
)
def test_a_wrong_order_file_is_refused_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "order.yaml"
    text = (
        "apiVersion: ringfence.dev/v1\nkind: EnvironmentOrder\nspec:\n  designation: production\n"
        '  environment: production\n  purpose: x\n  by: 2027-01-15\n  paidBy: "1"\n  users: [a]\n'
    )
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_request(path)


# Crashes


class _CrashError(BaseException):
    """The process dies here."""


def dying(real: Callable[..., None], clock: list[int], at: int) -> Callable[..., None]:
    def call(*arguments: object, **named: object) -> None:
        clock[0] += 1
        if clock[0] == at:
            raise _CrashError
        real(*arguments, **named)

    return call


def test_a_crash_at_any_write_is_made_good_by_running_it_again(
    tmp_path: Path, signer: FileSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 0
    while True:
        number += 1
        folder = tmp_path / str(number)
        order = submitted(new_desk(folder, signer))
        commands.decide(new_desk(folder, signer), order.identifier, Approved)
        writes = [0]
        with monkeypatch.context() as patch:
            patch.setattr(store, "append_line", dying(store.append_line, writes, number))
            patch.setattr(store, "write_atomically", dying(paths.write_atomically, writes, number))
            with contextlib.suppress(_CrashError):
                commands.deliver(new_desk(folder, signer), order.identifier, Builder(), nothing_shared)
        if writes[0] < number:
            break
        desk = new_desk(folder, signer)
        if desk.order(order.identifier).phase is not Phase.DELIVERED:
            commands.deliver(desk, order.identifier, Builder(), nothing_shared)
        assert desk.order(order.identifier).phase is Phase.DELIVERED
        assert desk.ledger.verify().intact
    assert number > 5
