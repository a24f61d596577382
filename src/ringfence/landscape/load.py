"""From ``ringfence.yaml`` to a Landscape that makes sense, or an error that says where and what would be right.

Everything is checked here, so that no later step meets a name that does not exist. Regulation packs that are files are
read with the Landscape, so that a slip in one is found as early.
"""

from pathlib import Path

from ringfence.base.document import Node, parse_document, read_document
from ringfence.base.errors import InputError, Location
from ringfence.base.text import suggestion
from ringfence.landscape import fields, rules
from ringfence.landscape.applications import Known, read_applications
from ringfence.landscape.fields import Fields
from ringfence.landscape.ladder import Ladder, read_ladder
from ringfence.landscape.model import Audience, Landscape, Posture, Team, Zone
from ringfence.landscape.packs import is_file, load_pack, pack_names
from ringfence.landscape.prices import read_calendar, read_costs, read_services

DEFAULT_FILE = "ringfence.yaml"

_AUDIENCES = (Audience.QA, Audience.PRODUCT_MANAGEMENT, Audience.CUSTOMERS)


def load_landscape(path: Path) -> Landscape:
    """The Landscape in a file, or in the ``ringfence.yaml`` of a folder.

    Raises InputError with file, line and column for anything that cannot be read or does not make sense.
    """
    if path.is_dir():
        path = path / DEFAULT_FILE
    hint = "name a Landscape that exists, or run `ringfence init` to write one"
    return read_landscape(read_document(path, hint=hint), path)


def parse_landscape(text: str, path: Path = Path(DEFAULT_FILE)) -> Landscape:
    """The Landscape in ``text``; ``path`` is the name that errors show and where relative paths start."""
    return read_landscape(parse_document(text, str(path)), path)


def read_landscape(root: Node, path: Path) -> Landscape:
    """The Landscape that a document's nodes say."""
    document = Fields(root, "")
    fields.expect(document, "Landscape")
    metadata = Fields(document.need("metadata", "metadata: {name: clinic}"), "metadata")
    name = fields.name(metadata.need("name", "name: clinic"), "metadata.name")
    metadata.close()
    spec = Fields(document.need("spec", "spec: {applications: [...]}"), "spec")
    document.close()
    landscape = _spec(spec, name, path)
    spec.close()
    return landscape


def _spec(spec: Fields, name: str, path: Path) -> Landscape:
    zones = spec.read("zones", _zones, {})
    teams = spec.read("teams", _teams, {})
    ladder = read_ladder(spec.get("stages"), spec.at("stages"))
    services = read_services(spec.get("services"), spec.at("services"))
    posture = spec.read("posture", lambda node, at: fields.choice(node, at, Posture), Posture.RECOMMENDED)
    places: dict[str, Location] = {}
    regulations = spec.read("regulations", lambda node, at: _regulations(node, at, path.parent, places), ())
    applications = read_applications(
        spec.need("applications", "applications: [{name: portal, deployments: {production: {}}}]"),
        spec.at("applications"),
        Known(zones, teams, services, ladder),
    )
    known = rules.vocabulary(applications, _stage_names(ladder), zones, teams,
                             frozenset(stage.name for stage in ladder.stages if not stage.placed))  # fmt: skip
    separate = spec.read("separate", lambda node, at: rules.read_separate(node, at, known), ())
    # Gates and seed data: read by promote.policy, which knows their kinds and stands above this package.
    spec.get("promotion")
    return Landscape(
        name=name,
        folder=str(path.parent),
        posture=posture,
        regulations=regulations,
        zones=zones,
        teams=teams,
        audiences=spec.read("people", _people, {each: (each.value,) for each in _AUDIENCES}),
        applications=applications,
        stages=ladder.finished(),
        separate=separate,
        together=spec.read("together", lambda node, at: rules.read_together(node, at, known), ()),
        declared=spec.read("declared", lambda node, at: rules.read_declared(node, at, known), ()),
        transformations=spec.read("transformations", rules.read_transformations, ()),
        services=services,
        costs=read_costs(spec.get("costs"), spec.at("costs")),
        calendar=read_calendar(spec.get("holidays"), spec.at("holidays")),
        file=str(path),
        regulation_places=places,
    )


def _stage_names(ladder: Ladder) -> list[str]:
    return [stage.name for stage in ladder.stages]


def _zones(node: Node, path: str) -> dict[str, Zone]:
    found = {}
    for entry in Fields(node, path).rest():
        name = fields.name(entry.key, f"{path} (a zone's name)")
        given = Fields(entry.value, f"{path}.{name}")
        protection = given.read("protection", fields.name, "normal")
        given.close()
        found[name] = Zone(name, protection)
    return found


def _teams(node: Node, path: str) -> dict[str, Team]:
    found = {}
    for entry in Fields(node, path).rest():
        name = fields.name(entry.key, f"{path} (a team's name)")
        given = Fields(entry.value, f"{path}.{name}")
        groups = given.read("groups", lambda item, at: fields.items(item, at, fields.text), (name,))
        given.close()
        found[name] = Team(name, groups)
    return found


def _people(node: Node, path: str) -> dict[Audience, tuple[str, ...]]:
    given = Fields(node, path)
    found: dict[Audience, tuple[str, ...]] = {
        each: given.read(each.value, lambda item, at: fields.one_or_more(item, at, fields.text), (each.value,))
        for each in _AUDIENCES
    }
    given.close()
    return found


def _regulations(node: Node, path: str, folder: Path, found: dict[str, Location]) -> tuple[str, ...]:
    known = pack_names()

    def read(item: Node, at: str) -> str:
        value = fields.text(item, at)
        if value in found:
            raise InputError(f"{at}: {value!r} is named twice", location=item.location, hint="name it once")
        found[value] = item.location
        if is_file(value):
            try:
                load_pack(value, folder)
            except InputError as error:
                if error.reason == "CannotRead":
                    raise InputError(f"{at}: {error}", location=item.location, hint=error.hint) from error
                raise
        elif value not in known:
            hint = suggestion(value, known)
            raise InputError(
                f"{at}: no regulation pack is called {fields.short(value)}", location=item.location,
                hint=f"{hint + ' ' if hint else ''}`ringfence regulations` lists them; a pack of your own is named by "
                "its file, ./packs/ours.yaml",
            )  # fmt: skip
        return value

    return fields.items(node, path, read)
