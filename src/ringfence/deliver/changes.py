"""A ChangeSet: what would change, or has changed: the one value of ``diff``, ``apply --dry-run`` and ``apply``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.render import ObjectKey


class Action(StrEnum):
    """What happens to an object."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    """A field differs that the API never changes: the object is deleted and made again."""
    DELETE = "delete"
    KEEP = "keep"
    """It left the Topology and stays, since it holds what Ringfence did not make."""


@dataclass(frozen=True, slots=True)
class Change:
    """One object that differs. ``where`` is a cluster, or ``ENVIRONMENT.git`` for a file of a repository (then the
    key's kind is ``File``); ``fields`` are the paths that differ, ``because`` says why something is kept or replaced.
    """

    where: str
    key: ObjectKey
    owner: str
    action: Action
    fields: tuple[str, ...] = ()
    because: str = ""

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        found: dict[str, Any] = {
            "where": self.where,
            "group": self.key.group,
            "kind": self.key.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "owner": self.owner,
            "action": self.action.value,
        }
        if self.fields:
            found["fields"] = list(self.fields)
        if self.because:
            found["because"] = self.because
        return found


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Everything that differs, in the order of applying; objects that are as they should be are not in it."""

    changes: tuple[Change, ...] = ()

    def __add__(self, other: "ChangeSet") -> "ChangeSet":
        """Both, one after the other."""
        return ChangeSet(self.changes + other.changes)

    @property
    def clean(self) -> bool:
        """Whether nothing differs; what is kept on purpose is no difference."""
        return all(change.action is Action.KEEP for change in self.changes)

    def counts(self) -> Mapping[Action, int]:
        """How many objects of each action."""
        return {action: sum(change.action is action for change in self.changes) for action in Action}


def joined(sets: Iterable[ChangeSet]) -> ChangeSet:
    """All of them, one after the other."""
    return ChangeSet(tuple(change for one in sets for change in one.changes))


_SERVER_FIELDS = frozenset({"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"})


def differing_fields(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths at which two stored objects differ, without what the server keeps for itself and without status."""

    def cleaned(document: Mapping[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in document.items() if key != "status"}
        metadata = document.get("metadata", {})
        rest["metadata"] = {key: value for key, value in metadata.items() if key not in _SERVER_FIELDS}
        return rest

    return tuple(_differences(cleaned(live), cleaned(wanted), ""))


def _differences(one: Any, other: Any, path: str) -> Iterable[str]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            inner = f"{path}.{key}" if path else str(key)
            if key not in one or key not in other:
                yield inner
            else:
                yield from _differences(one[key], other[key], inner)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{path}[{index}]")
    elif one != other:
        yield path
