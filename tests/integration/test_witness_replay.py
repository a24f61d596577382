"""Witnesses replayed: every step of a chain that is an API request is made on a real API server, as who would make it.

The golden cases' RBAC is put on one cluster, one case after the other. Before it is there each step must be refused,
afterwards it must be let in, so a step that says nothing cannot pass. What destroys is a dry run; reads are real.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ringfence.base.errors import ForbiddenError, RingfenceError
from ringfence.engine import ClusterState
from ringfence.kube import NAMESPACES, Action, Cluster, NotFoundError, RefusedError, Resource, open_cluster
from ringfence.observe.files import read_snapshot
from ringfence.observe.hashing import new_key
from ringfence.observe.partition import load_partition
from ringfence.prove.proof import Dimension, Step
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove

pytestmark = pytest.mark.engine

CASES = Path(__file__).parents[1] / "golden" / "proof"
SPACES = ("shop", "shop-test", "mid")
RBAC = "rbac.authorization.k8s.io"
KINDS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
CAN = re.compile(
    r"^(?P<who>.+?) can (?P<what>.+?)(?: \(only (?P<only>[^)]*)\))? in (?P<where>every namespace|\S+?)(?::.*)?$"
)
POD = {"name": "c", "image": "registry.example/c:1"}
EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


@dataclass(frozen=True)
class Actor:
    """Somebody, as steps name them, on the cluster."""

    cluster: Cluster
    where: str
    only: str = ""

    @property
    def space(self) -> str:
        return "shop" if self.where == "every namespace" else self.where

    def create(self, api: str, kind: str, name: str, namespace: str = "", **body: Any) -> None:
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        self.cluster.create({"apiVersion": api, "kind": kind, "metadata": metadata, **body}, dry_run=True)

    def may(
        self, verb: str, group: str, resource: str, name: str = "", subresource: str = "", namespace: str = ""
    ) -> None:
        """For what cannot be tried, or needs a kubelet: the API server's own answer about the right."""
        action = Action(verb, group, resource, namespace, name, subresource)
        if not self.cluster.self_access(action).allowed:
            raise ForbiddenError(f"{action}: refused")


def _pod(actor: Actor, **spec: Any) -> None:
    body = {"containers": [{**POD, "securityContext": spec.pop("security", {})}], **spec}
    actor.create("v1", "Pod", "replayed", actor.space, spec=body)


def _some_pod(actor: Actor) -> None:
    """A pod, or a workload that would make one. Pod Security that refuses the pod let the request in."""
    try:
        _pod(actor)
    except RefusedError:
        return
    except ForbiddenError:
        for resource in ("deployments", "cronjobs"):
            with suppress(ForbiddenError):
                _workload(actor, resource)
                return
        raise


def _binding(actor: Actor) -> None:
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}
    subjects = [{"kind": "User", "apiGroup": RBAC, "name": "alice"}]
    actor.create(f"{RBAC}/v1", "ClusterRoleBinding", "replayed", roleRef=reference, subjects=subjects)


def _relabel(actor: Actor) -> None:
    changes = {"metadata": {"labels": {"replayed": "yes"}}}
    name = actor.only or ("shop-test" if actor.where == "every namespace" else actor.where)
    actor.cluster.patch(NAMESPACES, name, changes, dry_run=True)


def _change_pod(actor: Actor) -> None:
    resource = actor.cluster.resource_of("v1", "Pod")
    try:
        _altered(actor, resource, "web", {}, actor.space)
    except ForbiddenError:
        # An added container is a change of a pod too.
        actor.may("patch", "", "pods", "web", "ephemeralcontainers", actor.space)


def _exec(actor: Actor) -> None:
    actor.may("create", "", "pods", "web", "exec", actor.space)


def _signing_request(actor: Actor) -> None:
    actor.may("create", "certificates.k8s.io", "certificatesigningrequests")


def _any_change(actor: Actor, plural: str, group: str = "admissionregistration.k8s.io") -> None:
    """Creating, updating or patching: each of them is enough."""
    if not any(
        actor.cluster.self_access(Action(verb, group, plural)).allowed for verb in ("create", "update", "patch")
    ):
        raise ForbiddenError(f"change {plural}: refused")


def _escalate(actor: Actor) -> None:
    """A ClusterRole with rights that its author lacks: a new one, or one that is there, by whichever verb is given."""
    try:
        actor.create(f"{RBAC}/v1", "ClusterRole", "replayed", rules=[EVERYTHING])
    except ForbiddenError:
        resource = actor.cluster.resource_of(f"{RBAC}/v1", "ClusterRole")
        _altered(actor, resource, "system:basic-user", {"rules": [EVERYTHING]})


def _altered(
    actor: Actor, resource: Resource, name: str, changes: dict[str, Any], namespace: str | None = None
) -> None:
    """An object that is there, patched or put back changed: either verb is enough. A dry run."""
    try:
        actor.cluster.patch(resource, name, changes, namespace, dry_run=True)
    except ForbiddenError:
        before = actor.cluster.impersonating("replay", ("system:masters",)).get(resource, name, namespace)
        assert before is not None
        actor.cluster.request(
            "PUT", resource.path(namespace, name), parameters={"dryRun": "All"}, body={**before, **changes}
        )


# Powers of the escalation list, each by the request that uses it.
POWERS: dict[str, Callable[[Actor], None]] = {
    "do anything": _binding,
    "create pods": _some_pod,
    "change pods": _change_pod,
    "run commands in pods": _exec,
    "read Secrets": lambda actor: _read(actor, "list", "secrets"),
    "change namespaces": _relabel,
    "create ClusterRoleBindings": lambda actor: actor.may("create", RBAC, "clusterrolebindings"),
    "bind ClusterRoles": _binding,
    "bind roles": _binding,
    "write ClusterRoles": lambda actor: _any_change(actor, "clusterroles", RBAC),
    "escalate ClusterRoles": lambda actor: _escalate(actor),
    "impersonate users": lambda actor: actor.may("impersonate", "", "users", "alice"),
    "impersonate groups": lambda actor: actor.may("impersonate", "", "groups", "system:masters"),
    "reach kubelets through nodes/proxy": lambda actor: actor.may("get", "", "nodes", "apps-1", "proxy"),
    "create certificate signing requests": _signing_request,
    "approve certificate signing requests": lambda actor: actor.may(
        "update", "certificates.k8s.io", "certificatesigningrequests", "", "approval"
    ),
    "approve for a certificate signer": lambda actor: actor.may(
        "approve", "certificates.k8s.io", "signers", "kubernetes.io/kube-apiserver-client"
    ),
    "write mutating admission": lambda actor: _any_change(actor, "mutatingwebhookconfigurations"),
    "create Secrets": lambda actor: _touch(actor, "create secrets"),
}


def _read(actor: Actor, verb: str, resource: str) -> None:
    plural, _, subresource = resource.partition("/")
    path = f"/api/v1/namespaces/{actor.space}/{plural}"
    if verb == "watch":
        actor.cluster.fetch("GET", path, parameters={"watch": "true", "timeoutSeconds": "1"})
    elif verb == "list":
        actor.cluster.request("GET", path)
    elif subresource:
        actor.may(verb, "", plural, "web", subresource, actor.space)
    else:
        with suppress(NotFoundError):
            actor.cluster.request("GET", f"{path}/web")


def _touch(actor: Actor, what: str) -> None:
    verb, resource = what.split(" ", 1)
    if verb in ("get", "list", "watch"):
        _read(actor, verb, resource)
    elif resource == "pods/exec":
        _exec(actor)
    elif resource in ("pods", "pods/ephemeralcontainers") and verb in ("patch", "update"):
        if resource == "pods":
            _change_pod(actor)
        else:
            path = f"/api/v1/namespaces/{actor.space}/pods/web/ephemeralcontainers"
            changes = {"metadata": {"labels": {"replayed": "yes"}}}
            kind = "application/merge-patch+json"
            with suppress(RefusedError):
                actor.cluster.request("PATCH", path, parameters={"dryRun": "All"}, body=changes, content_type=kind)
    elif resource == "serviceaccounts/token":
        path = f"/api/v1/namespaces/{actor.space}/serviceaccounts/default/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        actor.cluster.request("POST", path, parameters={"dryRun": "All"}, body=body)
    elif verb == "create" and resource in ("cronjobs", "deployments", "secrets"):
        _workload(actor, resource)
    else:
        plural, _, subresource = resource.partition("/")
        groups = ("", "apps", "batch", "networking.k8s.io", RBAC)
        actions = [Action(verb, group, plural, actor.space, "", subresource) for group in groups]
        if not any(actor.cluster.self_access(action).allowed for action in actions):
            raise ForbiddenError(f"{what}: refused")


def _workload(actor: Actor, resource: str) -> None:
    template = {"metadata": {"labels": {"app": "r"}}, "spec": {"containers": [POD], "restartPolicy": "Never"}}
    if resource == "cronjobs":
        spec = {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template}}}
        actor.create("batch/v1", "CronJob", "r", actor.space, spec=spec)
    elif resource == "deployments":
        template["spec"] = {"containers": [POD]}
        selector = {"matchLabels": {"app": "r"}}
        actor.create("apps/v1", "Deployment", "r", actor.space, spec={"selector": selector, "template": template})
    else:
        actor.create("v1", "Secret", "r", actor.space)


def _as(cluster: Cluster, who: str) -> Cluster:
    account = re.fullmatch(r"ServiceAccount (\S+)/(\S+)", who)
    if account is not None:
        return cluster.impersonating(f"system:serviceaccount:{account[1]}:{account[2]}")
    if who.startswith("group "):
        return cluster.impersonating("replay", (who.removeprefix("group "),))
    return cluster.impersonating(who)


class Replay:
    """One chain: remembers who acts, since later steps do not say it again."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._actor: Actor | None = None

    def request(self, step: Step) -> Callable[[], None] | None:
        """The request that a step is; None when it is none."""
        found = CAN.match(step.step)
        if found is not None and not step.step.startswith("a pod "):
            only = (found["only"] or "").split(", ")[0]
            actor = Actor(_as(self._cluster, found["who"]), found["where"], only)
            self._actor = self._actor or actor
            power = POWERS.get(found["what"])
            return (lambda: power(actor)) if power is not None else (lambda: _touch(actor, found["what"]))
        privileged = re.match(r"a pod in (\S+) may be privileged: (.*)", step.step)
        if privileged is not None and self._actor is not None:
            first = Actor(self._actor.cluster, privileged[1])
            return lambda: self._privileged(first, relabel="can be changed" in privileged[2])
        # What follows from the step before, or happens outside the API: connections, files of a node, equal values.
        return None

    def _privileged(self, actor: Actor, *, relabel: bool) -> None:
        """On every node, named: nothing keeps the pod from any."""
        label = "pod-security.kubernetes.io/enforce"
        level: str | None = None
        if relabel:
            before = self._cluster.get(NAMESPACES, actor.space)
            assert before is not None
            level = before["metadata"].get("labels", {}).get(label)
            actor.cluster.patch(NAMESPACES, actor.space, {"metadata": {"labels": {label: None}}})
        try:
            for node in ("apps-1", "apps-2", "postgresql-1"):
                try:
                    _pod(actor, security={"privileged": True}, nodeName=node)
                except ForbiddenError:
                    # Who may create workloads only has a controller make the pod.
                    _workload(actor, "deployments")
                    controller = _as(self._cluster, "ServiceAccount kube-system/replicaset-controller")
                    _pod(Actor(controller, actor.where), security={"privileged": True}, nodeName=node)
        finally:
            if relabel:
                self._cluster.patch(NAMESPACES, actor.space, {"metadata": {"labels": {label: level}}})


@pytest.fixture(scope="module")
def cluster(one_cluster: ClusterState) -> Iterator[Cluster]:
    with open_cluster(one_cluster.kubeconfig) as connection:
        for name in SPACES:
            connection.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, force=True)
            account = {"name": "default", "namespace": name}
            connection.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}, force=True)
            metadata = {"name": "web", "namespace": name}
            body = {"containers": [POD], "nodeName": "apps-1"}
            connection.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body})
        yield connection
        for name in SPACES:
            connection.delete(NAMESPACES, name)


def _documents(case: Path) -> list[dict[str, Any]]:
    found: list[Any] = []
    for document in yaml.safe_load_all((case / "snapshot.yaml").read_text(encoding="utf-8")):
        if isinstance(document, dict):
            found += document["items"] if isinstance(document.get("items"), list) else [document]
    return [item for item in found if isinstance(item, dict) and isinstance(item.get("metadata"), dict)]


def _cases() -> list[Path]:
    found = []
    for path in sorted(CASES.glob("*/snapshot.yaml")):
        if any(item.get("kind") in KINDS[1:] for item in _documents(path.parent)):
            found.append(path.parent)
    return found


def _soon(request: Callable[[], None], *, refused: bool) -> str | None:
    """What is wrong with the outcome once the authoriser has seen the bindings; None when it is as wanted."""
    until = time.monotonic() + 10
    while True:
        try:
            request()
            outcome = "it was let in" if refused else None
        except ForbiddenError as error:
            outcome = None if refused else str(error)
        except RingfenceError as error:
            return str(error)
        if outcome is None or time.monotonic() > until:
            return outcome
        time.sleep(0.05)


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.name)
def test_every_step_that_is_a_request_is_let_in(cluster: Cluster, case: Path) -> None:
    snapshot = snapshot_of([read_snapshot("prod", case / "snapshot.yaml", new_key())])
    pair = prove(load_partition(case / "partition.yaml"), snapshot).pair("shop/testing", "shop/production")
    chains = [
        verdict.witness
        for dimension, verdict in pair.dimensions.items()
        if verdict.witness and dimension not in (Dimension.PERFORMANCE, Dimension.PLATFORM)
    ]
    documents = _documents(case)
    for item in documents:
        if item["kind"] == "Namespace" and item["metadata"]["name"] in SPACES:
            labels = {
                key: value
                for key, value in (item["metadata"].get("labels") or {}).items()
                if "kubernetes.io/m" not in key
            }
            enforce = "pod-security.kubernetes.io/enforce"
            cluster.patch(NAMESPACES, item["metadata"]["name"], {"metadata": {"labels": {enforce: None, **labels}}})
    made = [item for item in documents if item["kind"] in KINDS and item["metadata"].get("namespace", "shop") in SPACES]
    steps = [(chain, step) for chain in chains for step in chain]
    requests = []
    for chain in chains:
        replay = Replay(cluster)
        requests += [(step, request) for step in chain if (request := replay.request(step)) is not None]
    for step, request in requests:
        if (
            " can " in step.step
            and "system:kube-controller-manager" not in step.step
            and "kube-system" not in step.step
        ):
            assert _soon(request, refused=True) is None, f"{step.step}: let in before there was a binding"
    try:
        for kind in KINDS:
            for item in made:
                if item["kind"] == kind:
                    cluster.apply(json.loads(json.dumps(item)), force=True)
        for step, request in requests:
            error = _soon(request, refused=False)
            assert error is None, f"{step.step} ({step.object}): {error}"
    finally:
        for item in made:
            if item["kind"] != "ServiceAccount":
                resource = cluster.resource_of(item["apiVersion"], item["kind"])
                cluster.delete(resource, item["metadata"]["name"], item["metadata"].get("namespace"))
    assert bool(requests) == any(" can " in step.step for _, step in steps)
