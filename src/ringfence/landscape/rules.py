"""Reading the user's own rules: ``separate``, ``together``, ``declared`` and ``transformations``."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from ringfence.base.document import Node
from ringfence.base.errors import InputError
from ringfence.base.text import listed, nearest, suggestion
from ringfence.landscape import fields
from ringfence.landscape.fields import Fields
from ringfence.landscape.model import (
    Application,
    DataClass,
    DeclaredConnection,
    Deployment,
    Level,
    Selector,
    Separate,
    Shared,
    Together,
    Transformation,
)

_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._@-]{0,200}")
_PORT = re.compile(r"([0-9]{1,5})/(TCP|UDP|SCTP)")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that selectors and rules may use, by the key that they stand under."""

    words: Mapping[str, frozenset[str]]
    deployments: Mapping[str, Deployment]
    unplaced: frozenset[str]


def vocabulary(
    applications: Iterable[Application],
    stages: Iterable[str],
    zones: Iterable[str],
    teams: Iterable[str],
    unplaced: frozenset[str],
) -> Vocabulary:
    """Collect what rules may name. A sole copy of a stage may be called by its number as well."""
    found = list(applications)
    deployments = {deployment.name: deployment for each in found for deployment in each.deployments}
    for deployment in list(deployments.values()):
        if deployment.copy is None:
            deployments.setdefault(f"{deployment.name}-1", deployment)
    words = {
        "stage": frozenset(stages),
        "application": frozenset(each.name for each in found),
        "zone": frozenset(zones),
        "team": frozenset(teams),
        "data": frozenset(each.data for each in found if each.data is not None),
    }
    return Vocabulary(words, deployments, unplaced)


def read_separate(node: Node, path: str, known: Vocabulary) -> tuple[Separate, ...]:
    """``[{between: SELECTOR, and: SELECTOR, level: LEVEL, because: TEXT}]``."""

    def read(item: Node, at: str) -> Separate:
        given = Fields(item, at)
        between = _selector(given.need("between", "between: {stage: testing}"), f"{at}.between", known)
        others = _selector(given.need("and", "and: {stage: production}"), f"{at}.and", known)
        level = given.need("level", "level: namespace")
        rule = Separate(
            identifier=at.removeprefix("spec."),
            between=between,
            others=others,
            level=fields.choice(level, f"{at}.level", Level),
            because=given.read("because", fields.text, ""),
            location=item.location,
        )
        given.close()
        return rule

    return fields.items(node, path, read)


def _selector(node: Node, path: str, known: Vocabulary) -> Selector:
    given = Fields(node, path)
    found: dict[str, tuple[str, ...]] = {}
    for key, words in known.words.items():
        value = given.get(key)
        if value is not None:
            read = partial(_word, words=words, key=key)
            found[key] = fields.one_or_more(value, f"{path}.{key}", read)
    given.close()
    return Selector(**found)


def _word(node: Node, path: str, words: frozenset[str], key: str) -> str:
    value = fields.text(node, path)
    if key == "data" and nearest(value, words) is None:
        # A class of data that no application has yet: the rule is for the day when one has.
        return fields.name(node, path)
    if value not in words:
        what = "application has the data" if key == "data" else f"{key} is called"
        raise InputError(f"{path}: no {what} {fields.short(value)}", location=node.location,
                         hint=suggestion(value, words) or None)  # fmt: skip
    return value


def read_together(node: Node, path: str, known: Vocabulary) -> tuple[Together, ...]:
    """``[{deployments: [NAME, ...], in: namespace|pool|cluster|environment, because: TEXT}]``."""

    def read(item: Node, at: str) -> Together:
        given = Fields(item, at)
        names = given.need("deployments", "deployments: [portal/testing-1, portal/testing-2]")
        shared = given.need("in", "in: namespace")
        deployments = fields.items(names, f"{at}.deployments", lambda each, where: _placed(each, where, known))
        if not deployments:
            raise fields.wrong(names, f"{at}.deployments", "a list of deployments")
        rule = Together(
            identifier=at.removeprefix("spec."),
            deployments=tuple(dict.fromkeys(deployments)),
            shared=fields.choice(shared, f"{at}.in", Shared),
            because=given.read("because", fields.text, ""),
            location=item.location,
        )
        given.close()
        return rule

    return fields.items(node, path, read)


def _deployment(node: Node, path: str, known: Vocabulary) -> str:
    value = fields.text(node, path)
    found = known.deployments.get(value)
    if found is None:
        copies = [name for name in known.deployments if name.startswith(f"{value}-")]
        hint = f"its copies are {', '.join(copies[:6])}" if copies else suggestion(value, known.deployments)
        raise InputError(f"{path}: no deployment is called {fields.short(value)}", location=node.location,
                         hint=hint or "deployments are called APPLICATION/STAGE, or APPLICATION/STAGE-N")  # fmt: skip
    return found.name


def _placed(node: Node, path: str, known: Vocabulary) -> str:
    value = _deployment(node, path, known)
    if known.deployments[value].stage in known.unplaced:
        raise InputError(
            f"{path}: {value} runs on the developer's machine and shares no place", location=node.location,
            hint="leave it out of the rule",
        )  # fmt: skip
    return value


def read_declared(node: Node, path: str, known: Vocabulary) -> tuple[DeclaredConnection, ...]:
    """``[{from: NAME, to: NAME, ports: [443/TCP], because: TEXT}]``."""

    def read(item: Node, at: str) -> DeclaredConnection:
        given = Fields(item, at)
        rule = DeclaredConnection(
            source=_deployment(given.need("from", "from: portal/testing-1"), f"{at}.from", known),
            destination=_deployment(given.need("to", "to: backoffice/testing-1"), f"{at}.to", known),
            ports=given.read("ports", lambda each, where: fields.one_or_more(each, where, _port), ()),
            because=given.read("because", fields.text, ""),
            location=item.location,
        )
        given.close()
        return rule

    return fields.items(node, path, read)


def read_transformations(node: Node, path: str) -> tuple[Transformation, ...]:
    """``[{name: NAME, from: CLASS, to: CLASS, by: USER}]``, from a higher class of data to a lower one."""

    def read(item: Node, at: str) -> Transformation:
        given = Fields(item, at)
        made = Transformation(
            name=fields.name(given.need("name", "name: anonymise"), f"{at}.name"),
            source=fields.choice(given.need("from", "from: customer"), f"{at}.from", DataClass),
            target=fields.choice(given.need("to", "to: realistic"), f"{at}.to", DataClass),
            by=_user(given.need("by", "by: system:serviceaccount:jobs:anonymise"), f"{at}.by"),
            location=item.location,
        )
        given.close()
        order = list(DataClass)
        if order.index(made.target) >= order.index(made.source):
            raise InputError(
                f"{at}: {made.target} is not a lower class of data than {made.source}",
                location=item.location,
                hint=f"the classes are, lowest first, {listed([one.value for one in order])}",
            )
        return made

    return fields.items(node, path, read)


def _user(node: Node, path: str) -> str:
    value = fields.text(node, path)
    if not _USER.fullmatch(value):
        raise fields.wrong(node, path, "a user or service account such as system:serviceaccount:jobs:anonymise")
    return value


def _port(node: Node, path: str) -> str:
    value = fields.text(node, path)
    match = _PORT.fullmatch(value if "/" in value else f"{value}/TCP")
    if match is None or not 1 <= int(match[1]) <= 65535:
        raise fields.wrong(node, path, "a port and protocol such as 443/TCP")
    return f"{int(match[1])}/{match[2]}"
