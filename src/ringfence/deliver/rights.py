"""Which rights Ringfence needs on clusters that it did not make, and which of them it lacks.

Asked of the API server before anything is written, so that ``up`` can say all that is missing at once instead of
``apply`` failing at the first of it.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ringfence.deliver.compare import REQUESTS
from ringfence.kube import COMMON, Action, Cluster
from ringfence.render import Manifests

_VERBS = ("get", "list", "create", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Lacking:
    """A right that is missing on a cluster."""

    cluster: str
    action: Action

    def __str__(self) -> str:
        """``production-1: create namespaces``."""
        return f"{self.cluster}: {self.action}"


def needed(manifests: Manifests, cluster: str) -> tuple[Action, ...]:
    """What applying to a cluster asks: each verb on each kind in each namespace that its objects are in."""
    wanted: set[Action] = set()
    for rendered in manifests.cluster(cluster).objects:
        document = rendered.document
        resource = COMMON[str(document["apiVersion"]), str(document["kind"])]
        for verb in _VERBS:
            wanted.add(Action(verb, resource.group, resource.plural, rendered.key.namespace))
    for deployment in manifests.deployments:
        if deployment.cluster == cluster:
            for credential in deployment.credentials:
                wanted.update(Action(verb, "", "secrets", credential.namespace) for verb in ("get", "create"))
    return tuple(sorted(wanted, key=str))


def lacking(cluster: Cluster, name: str, actions: Iterable[Action]) -> tuple[Lacking, ...]:
    """Those of the actions that this connection's user may not do."""
    asked = tuple(actions)
    with ThreadPoolExecutor(REQUESTS) as pool:
        decisions = list(pool.map(cluster.self_access, asked))
    return tuple(
        Lacking(name, action) for action, decision in zip(asked, decisions, strict=True) if not decision.allowed
    )
