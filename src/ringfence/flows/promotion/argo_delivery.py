"""Bringing a deployment to a release: into its Environment's Git repository, and from there by Argo CD to the cluster.

A commit is made only on top of what the journal expects: whoever lost a race is told, and a command that is run again
finds its own commit instead of making another. Setting ``targetRevision`` in Argo CD was rejected: Git would no longer
say what runs, and self-heal would undo it.
"""

import contextlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import ConflictError, RingfenceError, StateError
from ringfence.decide.topology import Topology
from ringfence.deliver.argocd import await_revisions, observe, refresh, unfinished
from ringfence.deliver.git import Person, Repository
from ringfence.flows.promotion.delivery import Committed, Observed, Order
from ringfence.flows.promotion.release_folder import RELEASE_FILE, deployed, differences, owned, written
from ringfence.flows.promotion.store import Release
from ringfence.flows.targets import Targets
from ringfence.kube import APPLICATIONS, PODS, Resource
from ringfence.landscape.model import Landscape
from ringfence.promote.gates.question import JobResult, Running
from ringfence.render import DeploymentManifests, Sources, render
from ringfence.render.names import INSTANCE, OWNER, SERVICE, owner_label
from ringfence.render.tenancy import tenancies
from ringfence.render.workload import values

_CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", namespaced=True)


class ArgoDelivery:
    """Delivery through the Environments' repositories and Argo CDs."""

    def __init__(
        self,
        landscape: Landscape,
        topology: Topology,
        targets: Targets,
        clock: Clock,
        report: Callable[[str], None] = lambda _: None,
        bundle: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """``bundle`` says which version of the platform an Environment is on, None where no update brought one."""
        self._bundle = bundle
        self._landscape = landscape
        self._topology = topology
        self._targets = targets
        self._clock = clock
        self._report = report
        self._places: dict[str, DeploymentManifests] = {}

    def _place(self, deployment: str) -> DeploymentManifests:
        """Where a deployment lives: the same for every release, rendered once, and without its neighbours."""
        if deployment not in self._places:
            if all(one.deployment != deployment for one in self._topology.placements):
                raise StateError(f"{deployment}: the Topology has no place for it", reason="NotPlaced")
            options = self._targets.options(self._topology)
            self._places[deployment] = render(self._landscape, self._only(deployment), None, options).deployment(
                deployment
            )
        return self._places[deployment]

    def _followed(self, environment: str) -> Repository:
        """The repository of an Environment as everybody has it: colleagues may have written to it."""
        repository = self._targets.repository(environment)
        remote = self._targets.contexts.repositories.get(environment)
        if remote is not None:
            repository.follow(remote)
        return repository

    def _only(self, deployment: str) -> Topology:
        return replace(self._topology, placements=(self._topology.placement(deployment),))

    def _files(self, deployment: str, release: Release) -> Mapping[str, bytes]:
        """The chart or manifests of a release as they are in the deployment's folder."""
        sources = {release.application: Sources(release.files)}
        return render(self._landscape, self._only(deployment), sources).deployment(deployment).initial_files

    def check(self, deployment: str) -> None:
        """See ``Delivery``."""
        place = self._place(deployment)
        if not (self._targets.repository_path(place.environment) / "HEAD").is_file():
            raise _not_applied(deployment)
        if not self._followed(place.environment).files(place.path):
            raise _not_applied(deployment)

    def commit(self, order: Order) -> Committed:
        """Write an order to Git; see ``Delivery``."""
        place = self._place(order.deployment)
        if not (self._targets.repository_path(place.environment) / "HEAD").is_file():
            raise _not_applied(order.deployment)
        release_files = self._files(order.deployment, order.release) if order.release else {}
        repository = self._targets.repository(place.environment)

        def edit(head: str | None) -> Mapping[str, bytes | None]:
            present = repository.files(place.path, head)
            if not present:
                raise _not_applied(order.deployment)
            there = deployed(present.get(f"{place.path}/{RELEASE_FILE}"))
            if there.get("move") == order.move or there.get("release") == order.digest:
                return {}
            _expect(order, there)
            base = there.get("base") or head
            if order.release is None:
                before = repository.files(place.path, str(base))
                wanted = {path: text for path, text in before.items() if owned(place.path, path)}
            else:
                wanted = {**release_files, **written(place.path, order, order.release, base)}
            return differences(place.path, present, wanted)

        author = Person(
            order.by.partition("@")[0] or order.by, order.by if "@" in order.by else f"{order.by}@localhost"
        )
        remote = self._targets.contexts.repositories.get(place.environment)
        made = repository.share(remote, edit, order.message, author=author)
        self._report(f"{order.deployment}: committed {made.sha[:12]} to {place.environment}")
        return Committed(made.sha)

    def arrive(self, deployment: str, revision: str, timeout: float) -> Observed:
        """Wait for the cluster; see ``Delivery``."""
        place = self._place(deployment)
        environment = self._topology.environment(place.environment)
        repository = self._followed(place.environment)
        namespace = self._targets.argocd_namespace(place.environment)
        until = self._clock.monotonic() + timeout
        with ExitStack() as stack:
            management = stack.enter_context(self._targets.open(environment.management.name))
            refresh(management, namespace, place.application)
            arrived = await_revisions(
                management,
                namespace,
                {place.application: revision},
                repository.contains,
                self._clock,
                timeout=timeout,
                fail_fast=True,
            )[place.application]
            started = self._clock.monotonic()
            workload = stack.enter_context(self._targets.open(place.cluster))
            while unready := unfinished(workload, place.namespace, place.release):
                if self._clock.monotonic() > until:
                    raise StateError(
                        f"{deployment}: {unready} still has pods of an older version, or too few",
                        reason="NotHealthy",
                        hint=f"kubectl -n {place.namespace} get pods,events shows why",
                    )
                self._clock.sleep(0.1)
        rollout = self._clock.monotonic() - started
        self._report(f"{deployment}: runs {arrived.revision[:12]} and is healthy")
        return Observed(arrived.revision, arrived.synced, arrived.healthy + rollout)

    def nudge(self, deployment: str) -> None:
        """Argo CD finds a commit by itself within minutes; asked, it does so now."""
        place = self._place(deployment)
        environment = self._topology.environment(place.environment)
        with contextlib.suppress(RingfenceError), self._targets.open(environment.management.name) as management:
            refresh(management, self._targets.argocd_namespace(place.environment), place.application)

    def running(self, deployment: str, expected: str | None) -> Running:
        """What Argo CD says that the cluster runs, judged by whether it comes from ``expected``."""
        place = self._place(deployment)
        environment = self._topology.environment(place.environment)
        with self._targets.open(environment.management.name) as management:
            found = management.get(APPLICATIONS, place.application, self._targets.argocd_namespace(place.environment))
        if found is None:
            return Running(expected, None, False, f"Argo CD has no Application {place.application}")
        seen = observe(found)
        if seen.revision is None or expected is None:
            return Running(expected, seen.revision, False, seen.message or f"{seen.sync}, {seen.health}")
        follows = self._followed(place.environment).contains(expected, seen.revision)
        observed = expected if follows else seen.revision
        because = f"{deployment} is {seen.health} at {seen.revision[:12]}"
        return Running(expected, observed, seen.health == "Healthy", because)

    def platform(self, deployment: str) -> str | None:
        """What the workload cluster says of its version, with the bundle that updates brought to its Environment."""
        placement = self._topology.placement(deployment)
        with self._targets.open(placement.cluster) as workload:
            kubernetes = f"Kubernetes {workload.version()}"
        bundle = self._bundle(placement.environment)
        return kubernetes if bundle is None else f"{bundle} on {kubernetes}"

    def run_job(
        self, deployment: str, document: Mapping[str, Any], seconds: float, told: Mapping[str, str]
    ) -> JobResult:
        """Run a Job in the deployment's namespace, on its pool, as its ServiceAccount; see ``Delivery``."""
        from ringfence.flows.promotion.jobs import JobRun, placed, run_job

        place = self._place(deployment)
        tenant = next(
            tenant for tenancy in tenancies(self._landscape, self._only(deployment)) for tenant in tenancy.tenants
        )
        given = values(self._landscape, tenant)
        question = " ".join((self._landscape.name, deployment, *(f"{key}={told[key]}" for key in sorted(told))))
        run = JobRun(placed(document, given, place.release), place.namespace, question, seconds)
        with self._targets.open(place.cluster) as workload:
            return run_job(workload, run, told, self._clock)

    def throw_away(self, deployment: str) -> int:
        """Delete the deployment's volume claims, and the pods of its services: they start with nothing."""
        place = self._place(deployment)
        owned = f"{OWNER}={owner_label(deployment)}"
        gone = 0
        with self._targets.open(place.cluster) as workload:
            for selector in (owned, f"{INSTANCE}={place.release}"):
                for claim in workload.list_raw(_CLAIMS, place.namespace, label_selector=selector).items:
                    gone += workload.delete(_CLAIMS, claim["metadata"]["name"], place.namespace)
            for pod in workload.list_raw(PODS, place.namespace, label_selector=f"{owned},{SERVICE}").items:
                gone += workload.delete(PODS, pod["metadata"]["name"], place.namespace)
        return gone


def _expect(order: Order, there: Mapping[str, Any]) -> None:
    found = there.get("release")
    if found == order.expected or order.force:
        return
    raise ConflictError(
        f"{order.deployment}: Git holds {there.get('version') or 'no release'} there, put by"
        f" {there.get('by') or 'nobody'}; this machine's journal expects something else",
        reason="GitDiffers",
        hint="machines that promote the same landscape share the ladder: ringfence evidence init --git --remote;"
        " `--force` takes the place over all the same",
    )


def _not_applied(deployment: str) -> StateError:
    return StateError(
        f"{deployment}: its Environment's repository does not have it yet",
        reason="NotApplied",
        hint="ringfence up, then ringfence apply, bring the landscape into being",
    )
