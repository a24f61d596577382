"""Writing what differs: in the order of the Manifests, kind by kind, only drift.

Each object is written by one request, so a crash between two leaves a smaller difference, and the same command again
finds and closes it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from ringfence.deliver.changes import Action, ChangeSet
from ringfence.deliver.compare import REQUESTS, Live, apply_one, is_owned
from ringfence.kube import Cluster
from ringfence.render import Rendered

Report = Callable[[str], None]


def apply(cluster: Cluster, wanted: Sequence[Rendered], changes: ChangeSet, live: Live) -> None:
    """Write the objects that ``changes`` says differ. Objects of one kind go at once, kinds one after the other."""
    differing = {
        change.key: change.action
        for change in changes.changes
        if change.action in (Action.CREATE, Action.UPDATE, Action.REPLACE)
    }

    def one(rendered: Rendered) -> None:
        present = live.objects.get(rendered.key)
        owned = present is not None and is_owned(present, live.landscape)
        if present is not None and differing[rendered.key] is Action.REPLACE:
            _delete(cluster, rendered, str(present["metadata"].get("uid", "")))
        apply_one(cluster, rendered.document, owned=owned, dry_run=False)

    chosen = [rendered for rendered in wanted if rendered.key in differing]
    with ThreadPoolExecutor(REQUESTS) as pool:
        for _, group in groupby(chosen, key=lambda rendered: rendered.key.kind):
            list(pool.map(one, group))


def _delete(cluster: Cluster, rendered: Rendered, uid: str) -> None:
    """Delete the object that is to be made again; one that a run before this had deleted is gone already."""
    document = rendered.document
    resource = cluster.resource_of(str(document["apiVersion"]), str(document["kind"]))
    cluster.delete(resource, rendered.key.name, rendered.key.namespace or None, uid=uid)
