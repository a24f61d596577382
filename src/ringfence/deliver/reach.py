"""Which namespaces an embedded Argo CD is told to look into: the list in its Secret of each cluster.

Told of none, Argo CD wants to see the whole cluster. Told of one that it may not see, it stops seeing that kind of
object in all of them. So the list grows once the namespaces have their Roles, and shrinks before they lose them.
Source: Argo CD documentation, "Declarative Setup", clusters (``namespaces``). Argo CDs that the user brought are left
as they are: what they look into is for whoever runs them.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ringfence.deliver.changes import Action, Change, ChangeSet
from ringfence.kube import SECRETS, Cluster
from ringfence.render import DeploymentManifests, ObjectKey

_FIELD = "namespaces"
_OWNER = "platform"


@dataclass(frozen=True, slots=True)
class Reach:
    """What one cluster's Secret says, and what it shall say; both sorted."""

    secret: str
    namespace: str
    present: tuple[str, ...]
    wanted: tuple[str, ...]

    @property
    def both(self) -> tuple[str, ...]:
        """While deployments come and go: what is there and what will be."""
        return tuple(sorted({*self.present, *self.wanted}))


def find(
    management: Cluster, namespace: str, workloads: Iterable[str], deployments: Sequence[DeploymentManifests]
) -> tuple[Reach, ...]:
    """The reach of the Argo CD in that namespace on each of its workload clusters. Writes nothing."""
    found: list[Reach] = []
    for cluster in sorted(workloads):
        name = f"cluster-{cluster}"
        secret = management.get(SECRETS, name, namespace)
        if secret is None:
            continue
        text = base64.b64decode((secret.get("data") or {}).get(_FIELD, "")).decode("utf-8", "replace")
        present = tuple(sorted(part.strip() for part in text.split(",") if part.strip()))
        wanted = tuple(sorted({one.namespace for one in deployments if one.cluster == cluster}))
        found.append(Reach(name, namespace, present, wanted))
    return tuple(found)


def changes(where: str, reaches: Iterable[Reach]) -> ChangeSet:
    """The Secrets whose list differs."""
    return ChangeSet(
        tuple(
            Change(
                where, ObjectKey("", "Secret", one.namespace, one.secret), _OWNER, Action.UPDATE, (f"data.{_FIELD}",)
            )
            for one in reaches
            if one.present != one.wanted
        )
    )


def widen(management: Cluster, reaches: Iterable[Reach]) -> None:
    """Let Argo CD look into the namespaces that are new as well; they have their Roles."""
    for one in reaches:
        if one.both != one.present:
            _write(management, one, one.both)


def narrow(management: Cluster, reaches: Iterable[Reach]) -> None:
    """Let it look into what is wanted only; the rest is about to go."""
    for one in reaches:
        if one.both != one.wanted:
            _write(management, one, one.wanted)


def _write(management: Cluster, one: Reach, namespaces: Sequence[str]) -> None:
    value = base64.b64encode(",".join(namespaces).encode()).decode()
    management.patch(SECRETS, one.secret, {"data": {_FIELD: value}}, one.namespace)
