"""Clusters that the user brought: what was said on the command line, and what those clusters say of themselves.

Said once, with whichever of ``up``, ``diff`` and ``apply`` comes first, and remembered in the landscape's state folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import InputError, UsageError
from ringfence.base.paths import Paths
from ringfence.decide.topology import Topology
from ringfence.deliver.existing import argocd_namespace, destinations, has_default_storage
from ringfence.engine import Engine
from ringfence.flows.targets import (
    ContextOf,
    Contexts,
    Targets,
    all_clusters,
    parse_contexts,
    read_contexts,
    write_contexts,
)


@dataclass(frozen=True, slots=True)
class Brought:
    """What the user said about clusters that exist; the texts are as typed."""

    contexts: tuple[str, ...] = ()
    kubeconfig: Path | None = None
    argocd: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()

    @property
    def said(self) -> bool:
        """Whether anything was said."""
        return bool(self.contexts or self.argocd or self.repositories)


def take(
    landscape: str, topology: Topology, paths: Paths, clock: Clock, brought: Brought, *, remember: bool = True
) -> Targets:
    """The targets with what was said now, what was said before, and what the clusters say.

    Nothing said: the targets as they were remembered. Raises InputError and UsageError for words that do not fit the
    Topology, and what the clusters answer.
    """
    folder = paths.landscape(landscape)
    kept = read_contexts(folder)
    targets = Targets(landscape, folder, Engine(paths, clock).state(landscape), kept, clock)
    contexts = said_contexts(topology, kept, brought)
    if not brought.said:
        return Targets(landscape, folder, targets.engine, contexts, clock)
    explored = _explored(topology, Targets(landscape, folder, targets.engine, contexts, clock))
    if remember:
        write_contexts(folder, explored)
    return Targets(landscape, folder, targets.engine, explored, clock)


def said_contexts(topology: Topology, kept: Contexts, brought: Brought) -> Contexts:
    """What was said before and what is said now, which wins."""
    known = {cluster.name for _, cluster in all_clusters(topology)}
    clusters = {name: one for name, one in kept.clusters.items() if name in known}
    clusters.update(parse_contexts(brought.contexts, topology, brought.kubeconfig))
    clusters = _whole(topology, clusters)
    environments = [environment.name for environment in topology.environments]
    return Contexts(
        clusters,
        {**kept.argocd, **_pairs("--argocd", brought.argocd, environments)},
        kept.destinations,
        {**kept.repositories, **_pairs("--repository", brought.repositories, environments)},
        kept.claims,
    )


def _pairs(option: str, texts: Sequence[str], environments: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not value or name not in environments:
            raise UsageError(f"{option} {text}: this must be ENVIRONMENT=VALUE, with one of {', '.join(environments)}")
        found[name] = value
    return found


def _explored(topology: Topology, targets: Targets) -> Contexts:
    """The contexts with what the clusters themselves say: their Argo CDs, how those call them, their storage."""
    contexts = targets.contexts
    argocd = dict(contexts.argocd)
    calls = {name: dict(one) for name, one in contexts.destinations.items()}
    claims: list[bool] = []
    for environment in topology.environments:
        if environment.management.name not in contexts.clusters:
            continue
        with targets.open(environment.management.name) as management:
            if environment.name not in argocd:
                argocd[environment.name] = argocd_namespace(management, environment.management.name)
            workloads = {cluster.name: targets.open(cluster.name) for cluster in environment.workloads}
            try:
                calls.update(destinations(management, argocd[environment.name], workloads))
                claims += [has_default_storage(connection) for connection in workloads.values()]
            finally:
                for connection in workloads.values():
                    connection.close()
    return Contexts(contexts.clusters, argocd, calls, contexts.repositories, bool(claims) and all(claims))


def _whole(topology: Topology, clusters: Mapping[str, ContextOf]) -> dict[str, ContextOf]:
    """The contexts with a management cluster for each Environment that has workload clusters.

    One that is not named is the cluster of the first workload cluster: its Argo CD is looked for there. Raises
    InputError when only some workload clusters of an Environment have a context: an Environment is of one kind.
    """
    whole = dict(clusters)
    for environment in topology.environments:
        workloads = [cluster.name for cluster in environment.workloads]
        missing = [name for name in workloads if name not in clusters]
        management = environment.management.name
        if not missing and workloads and management not in clusters:
            whole[management] = clusters[workloads[0]]
        elif missing and (len(missing) < len(workloads) or management in clusters):
            raise InputError(
                f"{environment.name}: some of its clusters have a context, {', '.join(missing)} not",
                reason="BadContext",
                hint="name one for each: " + " ".join(f"--context {name}=CONTEXT" for name in missing),
            )
    return whole
