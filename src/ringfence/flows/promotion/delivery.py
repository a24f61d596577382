"""Bringing a deployment to a release: into its Environment's Git repository, and from there by Argo CD to the cluster.

Only what promotion owns is written: the chart or manifests, ``release-values.yaml``, and ``release.json``, which says
what is there and which move put it there. A commit is made only on top of what the journal expects: whoever lost a race
is told, and a command that is run again finds its own commit instead of making another. Setting ``targetRevision`` in
Argo CD was rejected: Git would no longer say what runs, and self-heal would undo it.
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ringfence.base.clock import Clock
from ringfence.base.errors import ConflictError, RingfenceError, StateError
from ringfence.decide.topology import Topology
from ringfence.deliver.argocd import await_revisions, observe, refresh, unfinished
from ringfence.deliver.git import Person, Repository
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
_RELEASE_FILE = "release.json"
_VALUES_FILE = "release-values.yaml"
_OWNED = ("chart", "base", "manifests")
"""Folders of a deployment that promotion owns; the rest is the platform's."""


@dataclass(frozen=True, slots=True)
class Order:
    """Bring ``deployment`` to ``release`` (None: what was there before any), where ``expected`` is there now."""

    deployment: str
    release: Release | None
    expected: str | None
    move: str
    message: str
    by: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """The Git revision at which a deployment is what was ordered."""

    revision: str


@dataclass(frozen=True, slots=True)
class Observed:
    """The revision that the cluster runs, healthy, and the seconds that Argo CD's sync and then the rollout took."""

    revision: str
    sync: float
    healthy: float


class Delivery(Protocol):
    """The seam between promotion and the world."""

    def check(self, deployment: str) -> None:
        """Raise StateError when nothing can be delivered there yet, before anybody promises to."""
        ...

    def commit(self, order: Order) -> Committed:
        """Write an order to Git. Raises ConflictError when somebody else's is there."""
        ...

    def arrive(self, deployment: str, revision: str, timeout: float) -> Observed:
        """Wait until the cluster runs the revision and is healthy at it. Raises StateError when it is not in time."""
        ...

    def nudge(self, deployment: str) -> None:
        """Have a deployment looked at soon, without waiting for it; that it cannot be asked for now is no failure."""
        ...

    def running(self, deployment: str, expected: str | None) -> Running:
        """What runs now."""
        ...

    def platform(self, deployment: str) -> str | None:
        """The platform version of the deployment's Environment; None when it is not known."""
        ...

    def run_job(
        self, deployment: str, document: Mapping[str, Any], seconds: float, told: Mapping[str, str]
    ) -> JobResult:
        """Run a test Job beside a deployment; ``told`` are environment variables for its containers."""
        ...

    def throw_away(self, deployment: str) -> int:
        """Throw the data of a deployment's services and volumes away; how many objects were removed for it."""
        ...


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
            there = _read(present.get(f"{place.path}/{_RELEASE_FILE}"))
            wanted_digest = order.release.digest if order.release else None
            if there.get("move") == order.move or there.get("release") == wanted_digest:
                return {}
            self._check(order, there)
            base = there.get("base") or head
            wanted = dict(_release_files(place, order, base, release_files)) if order.release else {}
            if order.release is None:
                before = repository.files(place.path, str(base))
                wanted = {path: text for path, text in before.items() if _owned(place.path, path)}
            gone = {path: None for path in present if _owned(place.path, path) and path not in wanted}
            return {**gone, **{path: text for path, text in wanted.items() if present.get(path) != text}}

        author = Person(
            order.by.partition("@")[0] or order.by, order.by if "@" in order.by else f"{order.by}@localhost"
        )
        remote = self._targets.contexts.repositories.get(place.environment)
        made = repository.share(remote, edit, order.message, author=author)
        self._report(f"{order.deployment}: committed {made.sha[:12]} to {place.environment}")
        return Committed(made.sha)

    def _check(self, order: Order, there: Mapping[str, Any]) -> None:
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


def _release_files(
    place: DeploymentManifests, order: Order, base: str | None, content: Mapping[str, bytes]
) -> Mapping[str, bytes]:
    release = order.release
    if release is None:
        return {}
    from ringfence.render.layout import yaml_documents

    document = {
        "apiVersion": "ringfence.dev/v1",
        "kind": "DeployedRelease",
        "deployment": order.deployment,
        "release": release.digest,
        "version": release.version,
        "sourceRevision": release.revision,
        "move": order.move,
        "by": order.by,
        "base": base,
    }
    files = {
        **content,
        f"{place.path}/{_RELEASE_FILE}": (json.dumps(document, indent=2) + "\n").encode(),
    }
    if release.values:
        files[f"{place.path}/{_VALUES_FILE}"] = yaml_documents([dict(release.values)])
    return files


def _owned(folder: str, path: str) -> bool:
    inside = path.removeprefix(f"{folder}/")
    return inside in (_RELEASE_FILE, _VALUES_FILE) or inside.partition("/")[0] in _OWNED


def _read(content: bytes | None) -> Mapping[str, Any]:
    """What ``release.json`` says; nothing when it is not there or somebody broke it, which counts as no release."""
    try:
        found = json.loads(content) if content else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _not_applied(deployment: str) -> StateError:
    return StateError(
        f"{deployment}: its Environment's repository does not have it yet",
        reason="NotApplied",
        hint="ringfence up, then ringfence apply, bring the landscape into being",
    )
