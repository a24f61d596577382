"""What differs between the objects that are wanted and those in a cluster, asked of the API server itself.

Every object is applied as a dry run and compared with what is there: defaulting and admission take part, and an object
that would not be admitted is known before anything is written. Comparing texts was rejected: it calls a default that
the server filled in a difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ringfence.base.errors import ConflictError, StateError
from ringfence.deliver.changes import Action, Change, ChangeSet, differing_fields
from ringfence.kube import Cluster, NotFoundError, RefusedError
from ringfence.render import KubernetesObject, ObjectKey, Rendered, key_of
from ringfence.render.names import LANDSCAPE, MANAGED_BY

# The API server's words for fields that are set once: of PriorityClasses, RoleBindings, StatefulSets and others.
_NEVER_CHANGES = (
    "may not be changed in an update",
    "field is immutable",
    "cannot change roleRef",
    "updates to statefulset spec for fields other than",
)
REQUESTS = 8
"""How many requests one cluster gets at once."""


@dataclass(frozen=True, slots=True)
class Live:
    """The objects of a landscape that a cluster has, by key."""

    landscape: str
    objects: Mapping[ObjectKey, KubernetesObject]


def selector(landscape: str) -> str:
    """The label selector of everything that Ringfence applied for a landscape."""
    return f"{MANAGED_BY}=ringfence,{LANDSCAPE}={landscape}"


def read_live(cluster: Cluster, landscape: str, kinds: Iterable[tuple[str, str]]) -> Live:
    """What the cluster has of a landscape, for these kinds (apiVersion, kind); kinds it does not know are empty."""

    def one(kind: tuple[str, str]) -> list[dict[str, Any]]:
        try:
            return cluster.list_raw(cluster.resource_of(*kind), label_selector=selector(landscape)).items
        except NotFoundError:
            return []

    with ThreadPoolExecutor(REQUESTS) as pool:
        found = [item for items in pool.map(one, sorted(set(kinds))) for item in items]
    return Live(landscape, {key_of(item): item for item in found})


def compare(cluster: Cluster, where: str, wanted: Sequence[Rendered], live: Live) -> ChangeSet:
    """What applying ``wanted`` would change, in the order given. Writes nothing.

    Raises StateError when an object is there and belongs to another landscape or to somebody else who insists, and
    whatever the API server answers to an object that it would not take.
    """
    missing = {
        key_of(rendered.document).name
        for rendered in wanted
        if rendered.key.kind == "Namespace" and rendered.key not in live.objects and not _exists(cluster, rendered)
    }

    def one(rendered: Rendered) -> Change | None:
        if rendered.key.namespace in missing or (rendered.key.kind == "Namespace" and rendered.key.name in missing):
            return Change(where, rendered.key, rendered.owner, Action.CREATE)
        return _compare(cluster, where, rendered, live)

    with ThreadPoolExecutor(REQUESTS) as pool:
        found = list(pool.map(one, wanted))
    return ChangeSet(tuple(change for change in found if change is not None))


def _exists(cluster: Cluster, rendered: Rendered) -> bool:
    document = rendered.document
    resource = cluster.resource_of(str(document["apiVersion"]), str(document["kind"]))
    return cluster.get(resource, rendered.key.name, rendered.key.namespace or None) is not None


def _compare(cluster: Cluster, where: str, rendered: Rendered, live: Live) -> Change | None:
    present = live.objects.get(rendered.key)
    if present is None:
        document = rendered.document
        try:
            resource = cluster.resource_of(str(document["apiVersion"]), str(document["kind"]))
        except NotFoundError:
            if rendered.key.group == "argoproj.io":
                raise NotFoundError(
                    f"{where}: there is no Argo CD here: the kind {rendered.key.kind} is not known",
                    reason="NoArgoCD",
                    hint="install Argo CD on the management cluster, or name another one with --context",
                ) from None
            raise
        present = cluster.get(resource, rendered.key.name, rendered.key.namespace or None)
    if present is not None:
        check_owner(where, rendered.key, present, live.landscape)
    owned = present is not None and is_owned(present, live.landscape)
    try:
        after = apply_one(cluster, rendered.document, owned=owned, dry_run=True)
    except RefusedError as error:
        if owned and any(words in error.message for words in _NEVER_CHANGES):
            return Change(where, rendered.key, rendered.owner, Action.REPLACE, because=error.message)
        raise
    if present is None:
        return Change(where, rendered.key, rendered.owner, Action.CREATE)
    fields = differing_fields(present, after)
    return Change(where, rendered.key, rendered.owner, Action.UPDATE, fields) if fields else None


def is_owned(document: Mapping[str, Any], landscape: str) -> bool:
    """Whether Ringfence applied this object for this landscape."""
    labels = document.get("metadata", {}).get("labels") or {}
    return labels.get(MANAGED_BY) == "ringfence" and labels.get(LANDSCAPE) == landscape


def check_owner(where: str, key: ObjectKey, document: Mapping[str, Any], landscape: str) -> None:
    """Raise StateError when the object belongs to another landscape."""
    labels = document.get("metadata", {}).get("labels") or {}
    other = labels.get(LANDSCAPE)
    if labels.get(MANAGED_BY) == "ringfence" and other not in (None, landscape):
        raise StateError(
            f"{where}: {key} belongs to the landscape {other}",
            reason="OtherLandscape",
            hint="give one of the two landscapes other names, or another cluster",
        )


def apply_one(cluster: Cluster, document: KubernetesObject, *, owned: bool, dry_run: bool) -> dict[str, Any]:
    """Apply one object; fields that somebody else set are taken back only on what is Ringfence's own."""
    try:
        return cluster.apply(document, dry_run=dry_run, force=owned)
    except ConflictError as error:
        if owned:
            raise
        raise ConflictError(
            f"{key_of(document)} is there and somebody else's: {error.message}",
            reason="NotOurs",
            hint="remove it, or change the Landscape so that it is not needed; Ringfence takes nothing over by force",
        ) from error
