"""``ringfence order``: order an Environment and follow the order."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.base.clock import SystemClock
from ringfence.base.errors import ExitCode, UsageError
from ringfence.base.paths import Paths
from ringfence.cli.arguments import Actor, DryRun, Output, Reason
from ringfence.cli.output import Format, Table, print_data, print_table, say

if TYPE_CHECKING:
    from ringfence.flows.orders.desk import OrderDesk
    from ringfence.flows.orders.providers import Place
    from ringfence.order.clusterapi import ClassChoice
    from ringfence.order.provider import Provider
    from ringfence.order.state import Order

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

Identifier = Annotated[str, typer.Argument(metavar="ID", help="The order, or the Environment of the only open one.")]
File = Annotated[Path | None, typer.Option("-f", "--file", help="The Landscape; default: ringfence.yaml here.")]


@app.callback()
def order() -> None:
    """Order an Environment: request, approval, delivery, comparison with what was ordered, acceptance."""


@app.command()
def environment(
    request: Annotated[Path, typer.Argument(help="The order's file (kind: EnvironmentOrder).")],
    file: File = None,
    anyway: Annotated[
        str | None, typer.Option(metavar="REASON", help="Order although something speaks against it, with a reason.")
    ] = None,
    actor: Actor = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Submit an order; it is checked against the Landscape and the plan. Exit 1 when something speaks against it."""
    from ringfence.flows.live_proof import present
    from ringfence.flows.orders import commands
    from ringfence.flows.orders.desk import open_orders
    from ringfence.order.order_file import read_request

    asked = read_request(request)
    place = _place(file)
    there = present(place.landscape, place.topology, place.paths, place.clock)
    desk = open_orders(place.paths, place.landscape.name, place.clock, actor)
    made = commands.submit(desk, place.landscape, place.topology, asked, there, anyway=anyway, dry_run=dry_run)
    for finding in made.findings:
        say(str(finding))
    if made.order is not None:
        _show(made.order, output)
        return
    if made.findings and (anyway is None or not dry_run):
        say("nothing was ordered; --anyway REASON orders all the same")
        raise typer.Exit(ExitCode.FOUND)
    say("this order would be submitted")


@app.command("list")
def list_orders(file: File = None, output: Output = Format.TABLE) -> None:
    """Show every order."""
    desk = _desk(file, None, None)
    found = tuple(desk.orders().values())
    value = {"apiVersion": "ringfence.dev/v1", "kind": "OrderList", "orders": [one.to_json() for one in found]}
    if print_data(value, output):
        return
    if not found:
        say("nothing is ordered; `ringfence order environment FILE` submits an order")
        return
    rows = [
        (
            one.identifier,
            one.request.environment,
            one.phase.value,
            one.submitted_by,
            one.request.by.isoformat(),
            str(len(one.differences)),
        )
        for one in found
    ]
    print_table(Table(("order", "environment", "state", "by", "wanted", "differences"), tuple(rows)))


@app.command()
def show(identifier: Identifier, file: File = None, output: Output = Format.TABLE) -> None:
    """Show one order: where it is, who did what when, and what differs from what was ordered."""
    _show(_desk(file, identifier, None).order(identifier), output)


@app.command()
def deliver(
    identifier: Identifier,
    provider: Annotated[
        str, typer.Option(help="Who delivers: engine, existing (contexts), cluster-api or ticket.")
    ] = "engine",
    answer: Annotated[Path | None, typer.Option(help="What people say they delivered (kind: OrderAnswer).")] = None,
    region: Annotated[str | None, typer.Option(help="existing: where the clusters are.")] = None,
    context: Annotated[str | None, typer.Option(help="cluster-api: the management cluster's context.")] = None,
    cluster_class: Annotated[str | None, typer.Option("--class", help="cluster-api: the ClusterClass.")] = None,
    worker_class: Annotated[str, typer.Option(help="cluster-api: its class of workers.")] = "default-worker",
    kubernetes: Annotated[str, typer.Option(help="cluster-api: the version of Kubernetes.")] = "1.37.2",
    namespace: Annotated[str, typer.Option(help="cluster-api: where the Clusters go.")] = "default",
    to: Annotated[Path | None, typer.Option(help="ticket: the folder for it; default: the data folder.")] = None,
    webhook: Annotated[str | None, typer.Option(help="ticket: where it is posted as well (https).")] = None,
    accept_unknown: Annotated[
        str | None, typer.Option(metavar="REASON", help="Take on what the proof leaves unknown, with a reason.")
    ] = None,
    file: File = None,
    actor: Actor = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Have an order delivered and compare what came with what was ordered; exit 1 when something differs."""
    from ringfence.flows.orders import commands
    from ringfence.flows.orders.providers import look_shares_nothing
    from ringfence.order.clusterapi import ClassChoice

    desk = _desk(file, identifier, actor)
    place = _place(file)
    choice = ClassChoice(cluster_class or "", worker_class, kubernetes, namespace)
    chosen = _provider(provider, place, desk, region, context, choice, to, webhook)
    if dry_run:
        say(f"{desk.order(identifier).request.environment} would be delivered by {chosen.name}")
        return
    done = commands.deliver(
        desk,
        identifier,
        chosen,
        look_shares_nothing(place, accept_unknown),
        answer=answer,
        because=accept_unknown or "",
        report=say,
    )
    _show(done, output)
    if done.differences:
        raise typer.Exit(ExitCode.FOUND)


def _decision(verb: str, *, reason: bool) -> Callable[..., None]:
    """The command that writes down what a person decides; ``reason`` says that it needs one."""

    def decide(
        identifier: str, because: str, file: Path | None, actor: str | None, dry_run: bool, output: Format
    ) -> None:
        from ringfence.flows.orders import commands
        from ringfence.order.state import Accepted, Approved, Cancelled, Rejected

        kinds: dict[str, type[Approved | Rejected | Accepted | Cancelled]] = {
            "approve": Approved,
            "reject": Rejected,
            "accept": Accepted,
            "cancel": Cancelled,
        }
        desk = _desk(file, identifier, actor)
        _show(commands.decide(desk, identifier, kinds[verb], because, dry_run=dry_run), output)

    def needing(
        identifier: Identifier, because: Reason, file: File = None, actor: Actor = None, dry_run: DryRun = False,
        output: Output = Format.TABLE,
    ) -> None:  # fmt: skip
        decide(identifier, because, file, actor, dry_run, output)

    def explaining(
        identifier: Identifier, because: Reason = "", file: File = None, actor: Actor = None,
        dry_run: DryRun = False, output: Output = Format.TABLE,
    ) -> None:  # fmt: skip
        decide(identifier, because, file, actor, dry_run, output)

    return needing if reason else explaining


app.command("approve", help="Agree to an order; with `fourEyes` somebody other than who submitted it.")(
    _decision("approve", reason=False)
)
app.command("reject", help="Refuse an order for good.")(_decision("reject", reason=True))
app.command("accept", help="Take over what was delivered as it was ordered.")(_decision("accept", reason=False))
app.command("cancel", help="Take an order back; what was built is not removed by that.")(
    _decision("cancel", reason=True)
)


def _place(file: Path | None) -> "Place":
    from ringfence.flows.orders.providers import Place
    from ringfence.flows.plan import decide
    from ringfence.landscape.load import load_landscape

    path = file if file is not None else Path("ringfence.yaml")
    landscape = load_landscape(path)
    topology = decide(landscape, price_requirements=False).topology
    return Place(landscape, topology, path, Paths.from_environment(), SystemClock())


def _desk(file: Path | None, identifier: str | None, actor: str | None) -> "OrderDesk":
    from ringfence.flows.orders.desk import find_desk

    return find_desk(Paths.from_environment(), file, identifier, SystemClock(), actor)


def _provider(
    name: str,
    place: "Place",
    desk: "OrderDesk",
    region: str | None,
    context: str | None,
    choice: "ClassChoice",
    to: Path | None,
    webhook: str | None,
) -> "Provider":
    from ringfence.base.text import suggestion
    from ringfence.evidence.place import open_signer, read_settings
    from ringfence.flows.orders import providers

    if name == "engine":
        return providers.EngineProvider(place)
    if name == "existing":
        return providers.ExistingProvider(place, region)
    if name == "ticket":
        folder = to if to is not None else place.paths.data / "tickets" / place.landscape.name
        signer = open_signer(place.paths, read_settings(place.paths, place.landscape.name))
        return providers.TicketProvider(place.landscape.name, folder, signer, webhook)
    if name == "cluster-api":
        if context is None or not choice.cluster_class:
            raise UsageError("Cluster API needs the management cluster and a class: give --context and --class")
        return providers.ClusterApiProvider(place, context, choice)
    known = ("engine", "existing", "cluster-api", "ticket")
    raise UsageError(f"{name!r} is not a provider; {suggestion(name, known)}".rstrip("; "))


def _show(order: "Order", output: Format) -> None:
    if print_data(order.to_json(), output):
        return
    sys.stdout.write(f"{order.identifier}: {order.request.environment}, {order.phase}\n")
    for one in order.differences:
        sys.stdout.write(f"  differs: {one}\n")
    rows = tuple((step.at.isoformat(timespec="seconds"), step.by, step.event, step.because) for step in order.history)
    print_table(Table(("when", "who", "what", "why"), rows))
