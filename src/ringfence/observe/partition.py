"""Reads a Partition from its file, with the place of every mistake."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ringfence.base.document import Block, Entry, Node, Scalar, Sequence, read_document
from ringfence.base.errors import InputError, Location
from ringfence.base.text import suggestion
from ringfence.landscape.model import Level
from ringfence.prove.partition import (
    Assumptions,
    Declared,
    Partition,
    PartitionDeployment,
    PartitionEnvironment,
    People,
    PortRange,
    Promise,
    Where,
)

_LEVELS = tuple(level.value for level in Level)
_PROTOCOLS = ("TCP", "UDP", "SCTP")


def load_assumptions(path: Path) -> Assumptions:
    """What the Partition in ``path`` assumes; it need name no deployment. Raises InputError as load_partition does."""
    spec = _spec(path)
    if _find(spec, "deployments") is not None:
        return load_partition(path).assume
    return Assumptions(_assume(_find(spec, "assume")))


def load_partition(path: Path) -> Partition:
    """The Partition in ``path``. Raises InputError with line and column for everything that makes no sense."""
    spec = _spec(path)
    deployments = tuple(_deployment(node) for node in _items(_required(spec, "deployments")))
    names = [deployment.name for deployment in deployments]
    _unique(names, _required(spec, "deployments"))
    if not deployments:
        raise InputError("a Partition needs at least one deployment", location=spec.location)
    return Partition(
        deployments=deployments,
        promises=tuple(
            promise for node in _items(_find(spec, "promises")) for promise in _promises(node, names, deployments)
        ),
        declared=tuple(_declared(node, names) for node in _items(_find(spec, "declared"))),
        assume=Assumptions(_assume(_find(spec, "assume"))),
        environments=tuple(_environment(node) for node in _items(_find(spec, "environments"))),
        trusted=_people(_find(spec, "trusted")),
        common=_people(_find(spec, "common")),
    )


def _spec(path: Path) -> Block:
    document = _block(read_document(path), "a Partition")
    kind = _find(document, "kind")
    if not isinstance(kind, Scalar) or kind.text != "Partition":
        place = kind.location if kind is not None else document.location
        raise InputError(
            "this is no Partition: it needs kind: Partition and apiVersion: ringfence.dev/v1",
            location=place,
            hint="ringfence prove --init writes a first one from what it sees",
        )
    spec = _block(_required(document, "spec"), "spec")
    _only(spec, ("deployments", "promises", "declared", "assume", "environments", "trusted", "common"))
    return spec


def _deployment(node: Node) -> PartitionDeployment:
    block = _block(node, "a deployment")
    _only(block, ("name", "stage", "where", "people"))
    stage = _find(block, "stage")
    return PartitionDeployment(
        name=_text(_required(block, "name")),
        stage=None if stage is None else _text(stage),
        where=tuple(_where(item) for item in _items(_required(block, "where"))),
        people=_people(_find(block, "people")),
    )


def _where(node: Node) -> Where:
    block = _block(node, "a place")
    _only(block, ("cluster", "namespaces", "namespace", "labels", "pool"))
    namespaces = _texts(_find(block, "namespaces")) + _texts(_find(block, "namespace"))
    pool = _find(block, "pool")
    labels = _find(block, "labels")
    if not namespaces and pool is None and labels is None:
        raise InputError("a place needs namespaces, labels or a pool", location=block.location)
    return Where(
        cluster=_text(_required(block, "cluster")),
        namespaces=namespaces,
        labels={} if labels is None else _string_map(labels),
        pool=None if pool is None else _text(pool),
    )


def _people(node: Node | None) -> People:
    users: list[str] = []
    groups: list[str] = []
    for item in [node] if isinstance(node, Block) else _items(node):
        block = _block(item, "people")
        _only(block, ("users", "groups", "user", "group"))
        users += [*_texts(_find(block, "users")), *_texts(_find(block, "user"))]
        groups += [*_texts(_find(block, "groups")), *_texts(_find(block, "group"))]
    return People(tuple(dict.fromkeys(users)), tuple(dict.fromkeys(groups)))


def _promises(node: Node, names: list[str], deployments: tuple[PartitionDeployment, ...]) -> Iterator[Promise]:
    block = _block(node, "a promise")
    _only(block, ("between", "and", "level", "because"))
    between = _required(block, "between")
    level_node = _required(block, "level")
    level = _text(level_node)
    if level not in _LEVELS:
        raise InputError(
            f"{level!r} is no level; levels are {', '.join(_LEVELS)}",
            location=level_node.location,
            hint=suggestion(level, _LEVELS) or None,
        )
    other = _find(block, "and")
    if other is not None:
        sides = [_side(between, names, deployments), _side(other, names, deployments)]
    else:
        items = _items(between)
        if len(items) != 2:
            raise InputError("between names two deployments", location=between.location)
        sides = [_side(item, names, deployments) for item in items]
    for one in sides[0]:
        for two in sides[1]:
            if one != two:
                yield Promise((one, two), Level(level))


def _side(node: Node, names: list[str], deployments: tuple[PartitionDeployment, ...]) -> list[str]:
    """The deployments that one side of a promise names: a name, or all of a stage."""
    if isinstance(node, Block):
        _only(node, ("stage",))
        stages = _texts(_required(node, "stage"))
        return [deployment.name for deployment in deployments if deployment.stage in stages]
    name = _text(node)
    _known(name, names, node.location)
    return [name]


def _declared(node: Node, names: list[str]) -> Declared:
    block = _block(node, "a declared connection")
    _only(block, ("from", "to", "ports", "because"))
    ends = [_required(block, key) for key in ("from", "to")]
    for end in ends:
        _known(_text(end), names, end.location)
    because = _find(block, "because")
    return Declared(
        source=_text(ends[0]),
        destination=_text(ends[1]),
        ports=tuple(_port(item) for item in _items(_find(block, "ports"))),
        because="" if because is None else _text(because),
    )


def _port(node: Node) -> PortRange:
    """``443/TCP``, ``443``, ``8000-8080/TCP``, ``*/UDP``."""
    text = _text(node)
    numbers, _, protocol = text.partition("/")
    protocol = (protocol or "TCP").upper()
    first, dash, last = numbers.partition("-")
    if protocol in _PROTOCOLS and numbers == "*":
        return PortRange(protocol, 1, 65535)
    if protocol in _PROTOCOLS and first.isdigit() and (last.isdigit() or not dash):
        low, high = int(first), int(last or first)
        if 1 <= low <= high <= 65535:
            return PortRange(protocol, low, high)
    raise InputError(f"{text!r} is no port such as 443/TCP or 8000-8080/TCP", location=node.location)


def _environment(node: Node) -> PartitionEnvironment:
    block = _block(node, "an environment")
    _only(block, ("name", "management", "clusters", "designation"))
    management = _find(block, "management")
    manager = None if management is None else _text(management)
    clusters = _texts(_find(block, "clusters"))
    return PartitionEnvironment(_text(_required(block, "name")), manager, clusters)


def _assume(node: Node | None) -> dict[str, Any]:
    value = None if node is None else _plain(node)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError("assume is a block such as {cni: {name: calico}}", location=node.location if node else None)
    return value


def _plain(node: Node) -> Any:
    if isinstance(node, Block):
        return {key: _plain(entry.value) for key, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    if not node.plain:
        return node.text
    words = {"true": True, "false": False, "null": None, "~": None, "": None}
    if node.text in words:
        return words[node.text]
    return int(node.text) if node.text.lstrip("-").isdecimal() and node.text.isascii() else node.text


def _block(node: Node, what: str) -> Block:
    if not isinstance(node, Block):
        raise InputError(f"{what} is a block of keys", location=node.location)
    return node


def _items(node: Node | None) -> tuple[Node, ...]:
    if node is None or (isinstance(node, Scalar) and node.plain and node.text in ("", "~", "null")):
        return ()
    return node.items if isinstance(node, Sequence) else (node,)


def _find(block: Block, key: str) -> Node | None:
    entry = block.entries.get(key)
    return entry.value if entry is not None else None


def _required(block: Block, key: str) -> Node:
    node = _find(block, key)
    if node is None:
        raise InputError(f"{key} is missing", location=block.location)
    return node


def _text(node: Node) -> str:
    if not isinstance(node, Scalar) or not node.text:
        raise InputError("a word is wanted here", location=node.location)
    return node.text


def _texts(node: Node | None) -> tuple[str, ...]:
    return tuple(_text(item) for item in _items(node))


def _string_map(node: Node) -> dict[str, str]:
    return {key: _text(entry.value) for key, entry in _block(node, "labels").entries.items()}


def _only(block: Block, known: Iterable[str]) -> None:
    allowed = tuple(known)
    for key, entry in block.entries.items():
        if key not in allowed:
            raise InputError(
                f"{key!r} is not known here; {suggestion(key, allowed)}".rstrip("; "), location=_place(entry)
            )


def _place(entry: Entry) -> Location:
    return entry.key.location


def _known(name: str, names: list[str], place: Location) -> None:
    if name not in names:
        raise InputError(f"there is no deployment {name!r}; {suggestion(name, names)}".rstrip("; "), location=place)


def _unique(names: list[str], node: Node) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InputError(f"the deployment {name!r} is there twice", location=_items(node)[index].location)
