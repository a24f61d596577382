"""Reading ``spec.applications``: what each is, needs and requests, and its deployments in ladder order."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringfence.base.document import Block, Entry, Node, Scalar
from ringfence.base.errors import InputError, Location
from ringfence.base.text import suggestion
from ringfence.landscape import fields
from ringfence.landscape.fields import LONGEST_NAME, Fields
from ringfence.landscape.ladder import Ladder
from ringfence.landscape.model import Application, Deployment, Resources, Service, Source, SourceKind, Team, Zone

_NONE = Resources()

MOST_COPIES = 1000
"""Copies of a stage; more than that is a slip of the pen."""


@dataclass(slots=True)
class Known:
    """What applications may name."""

    zones: Mapping[str, Zone]
    teams: Mapping[str, Team]
    services: Mapping[str, Service]
    ladder: Ladder
    namespaces: dict[str, str] = field(default_factory=dict)


def read_applications(node: Node, path: str, known: Known) -> tuple[Application, ...]:
    """Every application. Raises InputError for unknown names, duplicates, and names that would not fit Kubernetes."""
    seen: dict[str, Location] = {}

    def read(item: Node, at: str) -> Application:
        application = _application(item, at, known)
        first = seen.get(application.name)
        if first is not None:
            raise InputError(
                f"{at}.name: {application.name!r} is the name of an application already (line {first.line})",
                location=application.location,
                hint="give each application a name of its own",
            )
        assert application.location is not None
        seen[application.name] = application.location
        return application

    found = fields.items(node, path, read)
    if not found:
        raise InputError(f"{path} is empty", location=node.location, hint="name at least one application")
    return found


def read_resources(node: Node, path: str, base: Resources = _NONE) -> Resources:
    """``{cpu: "2", memory: 4Gi}``; what is not written is taken from ``base``."""
    given = Fields(node, path)
    found = Resources(
        cpu=given.read("cpu", fields.quantity, base.cpu),
        memory=given.read("memory", fields.quantity, base.memory),
    )
    given.close()
    return found


def named(node: Node, path: str, what: str, known: Mapping[str, object]) -> str:
    """A word that must be a key of ``known``."""
    value = fields.text(node, path)
    if value not in known:
        hint = suggestion(value, known)
        if not known:
            hint = f"describe it first, under spec.{what}s"
        raise InputError(
            f"{path}: no {what} is called {fields.short(value)}", location=node.location, hint=hint or None
        )
    return value


def _application(node: Node, path: str, known: Known) -> Application:
    given = Fields(node, path)
    name_node = given.need("name", "name: portal")
    name = fields.name(name_node, f"{path}.name")
    requests = given.read("requests", read_resources, _NONE)
    deployments = given.get("deployments")
    application = Application(
        name=name,
        zone=given.read("zone", lambda item, at: named(item, at, "zone", known.zones), None),
        team=given.read("team", lambda item, at: named(item, at, "team", known.teams), None),
        source=given.read("source", _source, None),
        data=given.read("data", fields.name, None),
        needs=given.read("needs", lambda item, at: _needs(item, at, known.services), ()),
        marks=given.read("marks", lambda item, at: fields.items(item, at, fields.name), ()),
        deployments=_deployments(deployments, f"{path}.deployments", name_node, requests, known),
        location=name_node.location,
    )
    given.close()
    return application


def _source(node: Node, path: str) -> Source:
    given = Fields(node, path)
    found = [(kind, value) for kind in SourceKind if (value := given.get(kind.value)) is not None]
    given.close()
    if len(found) != 1:
        raise InputError(f"{path} names one of helm, kustomize, manifests with a path", location=node.location,
                         hint="write source: {helm: charts/portal}")  # fmt: skip
    kind, value = found[0]
    return Source(kind, fields.text(value, f"{path}.{kind.value}"))


def _needs(node: Node, path: str, services: Mapping[str, Service]) -> tuple[str, ...]:
    found: list[str] = []

    def read(item: Node, at: str) -> str:
        service = named(item, at, "service", services)
        if service in found:
            raise InputError(f"{at}: {service!r} is named twice", location=item.location, hint="name it once")
        found.append(service)
        return service

    return fields.items(node, path, read)


def _deployments(
    node: Node | None, path: str, application: Node, requests: Resources, known: Known
) -> tuple[Deployment, ...]:
    assert isinstance(application, Scalar)
    if node is None:
        raise InputError(
            f"{path} is missing", location=application.location, hint="write deployments: {production: {}}"
        )
    entries = node.entries.values() if isinstance(node, Block) else Fields(node, path).rest()
    by_rank: list[tuple[int, list[Deployment]]] = []
    for entry in entries:
        stage = known.ladder.find(entry.key.text)
        if stage is None:
            hint = suggestion(entry.key.text, [each.name for each in known.ladder.stages])
            raise InputError(f"{path}: no stage is called {fields.short(entry.key.text)}", location=entry.key.location,
                             hint=hint or "stages of your own are added under spec.stages")  # fmt: skip
        made = _copies(entry, f"{path}.{stage.name}", application.text, requests)
        if stage.placed:
            for deployment in made:
                _claim_namespace(deployment, entry.key, known)
        by_rank.append((known.ladder.stages.index(stage), made))
    return tuple(deployment for _, made in sorted(by_rank, key=lambda pair: pair[0]) for deployment in made)


def _copies(entry: Entry, path: str, application: str, requests: Resources) -> list[Deployment]:
    given = Fields(entry.value, path)
    copies = given.read("copies", lambda node, at: fields.whole(node, at, least=1, most=MOST_COPIES), 1)
    own = given.read("requests", lambda node, at: read_resources(node, at, requests), requests)
    given.close()
    stage = entry.key.text
    numbers: list[int | None] = [None] if copies == 1 else list(range(1, copies + 1))
    return [
        Deployment(f"{application}/{stage}" + (f"-{number}" if number else ""), application, stage, number, own,
                   entry.key.location)
        for number in numbers
    ]  # fmt: skip


def _claim_namespace(deployment: Deployment, key: Scalar, known: Known) -> None:
    """Refuse deployments whose namespace would be too long or another's."""
    namespace = deployment.name.replace("/", "-")
    if len(namespace) > LONGEST_NAME:
        raise InputError(
            f"{deployment.name} would live in the namespace {namespace}, {len(namespace)} characters long; Kubernetes "
            f"allows {LONGEST_NAME}",
            location=key.location,
            hint=f"make the application's name {len(namespace) - LONGEST_NAME} shorter",
        )
    other = known.namespaces.setdefault(namespace, deployment.name)
    if other != deployment.name:
        raise InputError(
            f"{deployment.name} and {other} would both live in the namespace {namespace}",
            location=key.location,
            hint="rename one of the two applications or stages",
        )
