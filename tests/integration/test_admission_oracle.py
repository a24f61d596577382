"""What the rules say of admission against dry runs of a real API server: random policies and levels, random pods.

Each namespace has a level of Pod Security and a policy of its own, or none. A pod is sent to a namespace that refuses
nothing first: what comes back is the pod as policies see it, defaults filled in.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from patience import eventually
from ringfence.base.errors import ForbiddenError, InputError
from ringfence.engine import ClusterState
from ringfence.kube import Cluster, RefusedError, open_cluster
from ringfence.observe.hashing import new_key
from ringfence.observe.live import read_cluster
from ringfence.prove.admission.attacks import policies_of
from ringfence.prove.admission.guard import Gate
from ringfence.prove.admission.placement import nodes_open_to, placement_view
from ringfence.prove.admission.rootpods import root_pod_guard
from ringfence.prove.cel.policies import Says
from ringfence.prove.cel.values import known
from ringfence.prove.facts.cluster import ClusterFacts, cluster_facts
from ringfence.prove.facts.pods import escape_of
from ringfence.prove.partition import Assumptions
from ringfence.prove.scheduling.land import land

pytestmark = pytest.mark.engine

Json = dict[str, Any]
FREE, SENTINEL = "admission-free", "admission-sentinel"
ADMISSION = "admissionregistration.k8s.io/v1"
ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = (None, None, "privileged", "baseline", "restricted")
CAPABILITIES = ("SYS_ADMIN", "NET_BIND_SERVICE", "SYS_PTRACE", "NET_RAW", "SYS_MODULE", "CHOWN")
EXPRESSIONS = (
    "!object.spec.containers.exists(c, c.?securityContext.?privileged.orValue(false))",
    ("object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || "
    "!c.securityContext.privileged)"),
    ("!has(object.spec.initContainers) || object.spec.initContainers.all(c, !has(c.securityContext) || "
    "!has(c.securityContext.privileged) || c.securityContext.privileged == false)"),
    "!has(object.spec.hostPID) || !object.spec.hostPID",
    "!object.spec.?hostNetwork.orValue(false)",
    "!has(object.spec.volumes) || !object.spec.volumes.exists(v, has(v.hostPath))",
    "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath) || v.hostPath.path.startsWith('/var/'))",
    "has(object.spec.nodeSelector) && object.spec.nodeSelector['pool'] == 'a'",
    "'pool' in object.spec.?nodeSelector.orValue({}) && object.spec.nodeSelector['pool'] in ['a', 'b']",
    "!has(object.spec.nodeName)",
    "!has(object.spec.nodeName) || object.spec.nodeName == 'pinned'",
    "!has(object.spec.tolerations) || object.spec.tolerations.all(t, has(t.key) && t.key != 'dedicated')",
    "!has(object.spec.tolerations) || !object.spec.tolerations.exists(t, !has(t.key))",
    "has(object.metadata.labels) && 'tier' in object.metadata.labels && object.metadata.labels['tier'] == 'web'",
    ("object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.capabilities) || "
    "!has(c.securityContext.capabilities.add) || !('SYS_ADMIN' in c.securityContext.capabilities.add))"),
    "object.spec.?securityContext.?runAsNonRoot.orValue(false) == true",
    "object.spec.serviceAccountName == 'default'",
    "size(object.spec.containers) < 2",
    "object.spec.containers.all(c, c.image.startsWith('registry.example/'))",
    "request.operation != 'CREATE' || object.spec.priority < 1000",
    "namespaceObject.metadata.labels['tier'] == 'web' || !has(object.spec.hostIPC)",
)  # fmt: skip
CONDITIONS = (
    "!has(object.metadata.labels) || !('skip' in object.metadata.labels)",
    "has(object.spec.hostNetwork) || has(object.spec.hostPID)",
    "request.namespace.startsWith('admission-')",
)


@dataclass(frozen=True)
class World:
    """The namespaces with their guards, as the rules know them."""

    cluster: Cluster
    facts: ClusterFacts
    spaces: tuple[str, ...]


def _bound(random: Random, name: str, namespace: str, expressions: list[str]) -> Iterator[Json]:
    constraints: Json = {
        "resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"],
             "operations": random.choice((["CREATE"], ["CREATE", "UPDATE"], ["*"], ["UPDATE"]))}
        ]
    }  # fmt: skip
    if random.random() < 0.2:
        constraints["objectSelector"] = random.choice(
            ({"matchLabels": {"tier": "web"}}, {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
             {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}]})
        )  # fmt: skip
    spec: Json = {
        "failurePolicy": random.choice(("Fail", "Fail", "Ignore")),
        "matchConstraints": constraints,
        "validations": [{"expression": one} for one in expressions],
    }
    if random.random() < 0.3:
        spec["matchConditions"] = [{"name": "when", "expression": random.choice(CONDITIONS)}]
    yield {"apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec}
    binding = {
        "policyName": name,
        "validationActions": random.choice((["Deny"], ["Deny"], ["Deny", "Audit"], ["Warn"])),
        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}},
    }
    kind = "ValidatingAdmissionPolicyBinding"
    yield {"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": name}, "spec": binding}


class Always(Random):
    """Chooses what comes first: a policy that denies."""

    def random(self) -> float:
        return 0.99

    def choice(self, seq: Any) -> Any:
        return seq[0]


def _space(name: str, labels: Json) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _guarded(random: Random, seed: int, count: int) -> Iterator[Json]:
    yield _space(f"{FREE}-{seed}", {})
    yield _space(f"{SENTINEL}-{seed}", {})
    for number in range(count):
        name = f"admission-{seed}-{number}"
        level = random.choice(LEVELS)
        tier = {"tier": random.choice(("web", "db"))}
        yield _space(name, {**tier, **({ENFORCE: level} if level else {})})
        for place in range(random.choice((0, 1, 1, 2))):
            chosen = random.sample(EXPRESSIONS, random.choice((1, 1, 2, 3)))
            yield from _bound(random, f"{name}-{place}", name, chosen)
    yield from _bound(Always(), f"{SENTINEL}-{seed}", f"{SENTINEL}-{seed}", ["false"])


@pytest.fixture(scope="module")
def cluster(one_cluster: ClusterState) -> Iterator[Cluster]:
    with open_cluster(one_cluster.kubeconfig) as found:
        yield found


def _refused(cluster: Cluster, namespace: str, pod: Json) -> str | None:
    """In which words a pod is refused; None when it is let in."""
    try:
        cluster.create({**pod, "metadata": {**pod["metadata"], "namespace": namespace}}, dry_run=True)
    except (RefusedError, ForbiddenError) as error:
        return str(error)
    return None


def _container(random: Random, name: str, *, calm: bool) -> Json:
    security: Json = {}
    if calm:
        security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    if random.random() < 0.25:
        security["privileged"] = random.choice((True, False))
        security.pop("allowPrivilegeEscalation", None)
    if random.random() < 0.2:
        security["capabilities"] = {"add": random.sample(CAPABILITIES, random.choice((1, 2)))}
    image = random.choice(("registry.example/web:1", "registry.example/web:1", "elsewhere.example/web"))
    return {"name": name, "image": image, **({"securityContext": security} if security else {})}


def random_pod(random: Random, nodes: list[str]) -> Json:
    calm = random.random() < 0.5
    spec: Json = {"containers": [_container(random, "main", calm=calm)]}
    if calm:
        spec["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if random.random() < 0.15:
        spec["containers"].append(_container(random, "more", calm=calm))
    if random.random() < 0.2:
        spec["initContainers"] = [_container(random, "early", calm=calm)]
    for key in ("hostPID", "hostIPC", "hostNetwork"):
        if random.random() < 0.1:
            spec[key] = random.choice((True, False))
    if random.random() < 0.25:
        path = random.choice(("/", "/var/log", "/var/log/../..", "/etc/kubernetes", "/var/lib/kubelet"))
        spec["volumes"] = [{"name": "host", "hostPath": {"path": path}}]
    if random.random() < 0.3:
        spec["nodeName"] = random.choice([*nodes, "pinned"])
    if random.random() < 0.4:
        spec["nodeSelector"] = random.choice(({"pool": "a"}, {"pool": "b"}, {"pool": "c"}, {"zone": "a"}))
    if random.random() < 0.3:
        spec["tolerations"] = random.choice(
            ([{"operator": "Exists"}], [{"key": "dedicated", "operator": "Exists"}], [{"key": "other", "value": "x"}])
        )
    labels = {"tier": random.choice(("web", "db"))} if random.random() < 0.6 else {}
    if random.random() < 0.15:
        labels["skip"] = "yes"
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asked", "labels": labels}, "spec": spec}


def _stored(cluster: Cluster, free: str, pod: Json) -> Json | None:
    """The pod as policies see it, None when it is none that the API takes."""
    try:
        return cluster.create({**pod, "metadata": {**pod["metadata"], "namespace": free}}, dry_run=True)
    except (RefusedError, InputError):
        return None


def _check(world: World, namespace: str, pod: Json, stored: Json) -> str:
    """Whether the rules and the API server are of one mind; how the rules put it."""
    facts = world.facts
    refused = _refused(world.cluster, namespace, pod)
    seen = deepcopy(stored)
    seen["metadata"]["namespace"] = namespace
    says = policies_of(facts, namespace).verdict(known(seen)).says
    shown = (namespace, pod, facts.namespaces[namespace], policies_of(facts, namespace).policies, refused)
    if says is Says.REFUSES:
        assert refused is not None, shown
    level = facts.namespaces[namespace].get(ENFORCE)
    if says is Says.PASSES and level in (None, "privileged"):
        assert refused is None, shown
    if root_pod_guard(facts, namespace, relabelled=False).gate is Gate.CLOSED and escape_of(stored["spec"]):
        assert refused is not None, shown
    open_nodes = nodes_open_to(facts, namespace)
    if open_nodes.nodes is not None and not open_nodes.doubt:
        view = placement_view(facts)
        for node in set(facts.nodes) - set(open_nodes.nodes):
            if land({"apiVersion": "v1", "kind": "Pod", **seen}, node, view).answer == "yes":
                assert refused is not None, (node, shown)
    return says.value


def _agree(cluster: Cluster, seed: int, spaces: int, pods: int) -> None:
    random = Random(seed)
    made = list(_guarded(random, seed, spaces))
    try:
        for document in made:
            cluster.create(document)
        probe = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
                 "spec": {"containers": [{"name": "c", "image": "i"}]}}  # fmt: skip
        eventually(lambda: _refused(cluster, f"{SENTINEL}-{seed}", probe) is not None, "the last policy is in force")
        eventually(lambda: _refused(cluster, f"{FREE}-{seed}", probe) is None, "the free namespace takes pods")
        facts = cluster_facts(read_cluster("one-1", cluster, new_key()), Assumptions())
        names = tuple(item["metadata"]["name"] for item in made if item["kind"] == "Namespace")[2:]
        world = World(cluster, facts, names)
        said = {one.value: 0 for one in Says}
        for _ in range(pods):
            pod = random_pod(random, sorted(facts.nodes))
            stored = _stored(cluster, f"{FREE}-{seed}", pod)
            if stored is None:
                continue
            for namespace in random.sample(names, 4):
                said[_check(world, namespace, pod, stored)] += 1
        # What is never sure is never wrong.
        assert said["refuses"] > sum(said.values()) / 20, said
        assert said["passes"] > sum(said.values()) / 20, said
        assert said["maybe"] < sum(said.values()) / 4, said
    finally:
        for document in reversed(made):
            resource = cluster.resource_of(document["apiVersion"], document["kind"])
            cluster.delete(resource, document["metadata"]["name"])


def test_admission_is_what_the_api_server_does(cluster: Cluster) -> None:
    _agree(cluster, 1, 24, 60)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 12))
def test_admission_is_what_the_api_server_does_for_long(cluster: Cluster, seed: int) -> None:
    _agree(cluster, seed, 40, 500)
