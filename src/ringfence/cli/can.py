"""``ringfence can``: one question with its reasons, or a file of them."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.base.errors import ExitCode, UsageError
from ringfence.base.text import printable, visible_json
from ringfence.cli.arguments import ContextsToRead, Kubeconfig, Output, SnapshotsToRead, context_names, snapshot_paths
from ringfence.cli.output import Format, print_data

app = typer.Typer(
    help="Answer one question: can connect, can access, can land.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

PartitionFile = Annotated[Path | None, typer.Option("--partition", help="A Partition, for what it assumes.")]
ClusterName = Annotated[str | None, typer.Option("--cluster", help="Which cluster, when several are given.")]
Probes = Annotated[
    Path | None,
    typer.Option("--probes", metavar="FILE.jsonl", help="Many questions, one a line; - reads standard input."),
]
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_CODES = {"yes": ExitCode.OK, "no": ExitCode.FOUND, "unknown": ExitCode.UNKNOWN}


def _sources(
    snapshots: list[str] | None,
    contexts: list[str] | None,
    kubeconfig: Path | None,
    partition: Path | None,
    cluster: str | None,
) -> Any:
    from ringfence.flows.can import Sources

    return Sources(snapshot_paths(snapshots), context_names(contexts), partition, cluster, kubeconfig)


@app.command("access")
def access(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VERB RESOURCE[/NAME]",
            help="What is done to what: get secrets/db, create pods, get /metrics.",
        ),
    ] = None,
    as_user: Annotated[str, typer.Option("--as", help="The user, or system:serviceaccount:NAMESPACE:NAME.")] = "",
    as_group: Annotated[list[str] | None, typer.Option("--as-group", help="A group of the user.")] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where; without it: in every namespace.")] = "",
    subresource: Annotated[str, typer.Option("--subresource", help="Such as log, exec or token.")] = "",
    snapshot: SnapshotsToRead = None,
    context: ContextsToRead = None,
    kubeconfig: Kubeconfig = None,
    partition: PartitionFile = None,
    cluster: ClusterName = None,
    probes: Probes = None,
    output: Output = Format.TABLE,
) -> None:
    """May this user do that? For instance: can access get secrets/db -n shop --as alice."""
    sources = _sources(snapshot, context, kubeconfig, partition, cluster)
    if probes is not None:
        _many("access", sources, probes)
    if words is None or len(words) != 2:
        raise UsageError(
            "can access takes a verb and a resource", hint="ringfence can access get secrets/db -n shop --as alice"
        )
    if not as_user and not as_group:
        raise UsageError(
            "can access: who is it that asks?",
            hint="--as USER, --as-group GROUP, or --as system:serviceaccount:NAMESPACE:NAME",
        )
    line: dict[str, Any] = {"user": as_user, "groups": as_group or [], "verb": words[0]}
    if words[1].startswith("/"):
        line["nonResourceURL"] = words[1]
    else:
        from ringfence.prove.spellings import written_resource

        kind, _, name = words[1].partition("/")
        asked = written_resource(kind)
        line |= {"group": asked.group, "resource": asked.plural}
        line |= {"subresource": subresource, "namespace": namespace, "name": name}
    _one("access", sources, line, output)


@app.command("connect")
def connect(
    parties: Annotated[list[str] | None, typer.Argument(metavar="FROM TO", help="Two pods, or IP addresses.")] = None,
    port: Annotated[str, typer.Option("--port", help="PORT/PROTOCOL, for instance 5432/TCP.")] = "",
    snapshot: SnapshotsToRead = None,
    context: ContextsToRead = None,
    kubeconfig: Kubeconfig = None,
    partition: PartitionFile = None,
    cluster: ClusterName = None,
    probes: Probes = None,
    output: Output = Format.TABLE,
) -> None:
    """May this pod connect to that one? FROM and TO are NAMESPACE/POD or an IP address."""
    sources = _sources(snapshot, context, kubeconfig, partition, cluster)
    if probes is not None:
        _many("connect", sources, probes)
    number, _, protocol = port.upper().partition("/")
    if parties is None or len(parties) != 2 or not number.isdigit():
        raise UsageError(
            "can connect takes two parties and a port", hint="ringfence can connect shop/web shop/db --port 5432/TCP"
        )
    if not 1 <= int(number) <= 65535 or (protocol or "TCP") not in _PROTOCOLS:
        raise UsageError(
            f"--port {port}: no such port", hint="a number from 1 to 65535 with TCP, UDP or SCTP, such as 5432/TCP"
        )
    line = {"from": parties[0], "to": parties[1], "protocol": protocol or "TCP", "port": int(number)}
    _one("connect", sources, line, output)


@app.command("land")
def land(
    words: Annotated[list[str] | None, typer.Argument(metavar="POD.yaml NODE", help="A pod and a node.")] = None,
    snapshot: SnapshotsToRead = None,
    context: ContextsToRead = None,
    kubeconfig: Kubeconfig = None,
    partition: PartitionFile = None,
    cluster: ClusterName = None,
    probes: Probes = None,
    output: Output = Format.TABLE,
) -> None:
    """May this pod run on that node?"""
    sources = _sources(snapshot, context, kubeconfig, partition, cluster)
    if probes is not None:
        _many("land", sources, probes)
    if words is None or len(words) != 2:
        raise UsageError(
            "can land takes a file with a pod and a node", hint="ringfence can land POD.yaml NODE --snapshot c=DIR"
        )
    from ringfence.flows.land import read_pod

    _one("land", sources, {"pod": read_pod(Path(words[0])), "node": words[1]}, output)


def _one(question: str, sources: Any, line: Mapping[str, Any], output: Format) -> None:
    from ringfence.flows.can import one
    from ringfence.prove.probes import answer_line

    answer = one(question, sources, line)
    if not print_data({"apiVersion": "ringfence.dev/v1", "kind": "Answer", **answer_line(line, answer)}, output):
        sys.stdout.write(answer.answer + "\n")
        sys.stdout.writelines(f"  {printable(reason)}\n" for reason in answer.because)
    raise typer.Exit(int(_CODES[answer.answer]))


def _many(question: str, sources: Any, probes: Path) -> None:
    from ringfence.flows.can import many

    raise typer.Exit(int(_write(many(question, sources, probes))))


def _write(lines: Iterable[Mapping[str, Any]]) -> ExitCode:
    """Print the answers as JSON lines. The code: 3 when something is unknown, else 1 when something is no, else 0."""
    import orjson

    seen: set[str] = set()
    stream = sys.stdout
    for line in lines:
        seen.add(line["answer"])
        stream.write(visible_json(orjson.dumps(line).decode("utf-8")) + "\n")
    if "no" in seen:
        return ExitCode.FOUND
    return ExitCode.UNKNOWN if "unknown" in seen else ExitCode.OK
