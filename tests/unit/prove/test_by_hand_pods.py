"""Admission of pods, and what pods that are there or can be made give of their node."""

from typing import Any

import pytest

from unit.prove.by_hand import MAKES_PODS, PODS, Case, Cases, alice, mutation, policy, replaced, webhook
from unit.prove.proof_worlds import HERE, Object, base, grant, node, pod, rule, space, thing

CASES = Cases()
add = CASES.add
LOOSE = [*replaced(space(HERE, None)), *MAKES_PODS]
WRITES = "admissionregistration.k8s.io"

add("no guard", "broken", LOOSE)
add("a policy that refuses all", "holds", [*LOOSE, *policy()])
add("one that only tells", "broken", [*LOOSE, *policy(actions=("Warn", "Audit"))])
add("one without a binding", "broken", [*LOOSE, policy()[0]])
guarded: Object = {"objectSelector": {"matchLabels": {"guard": "on"}}}
add("labels lead round a policy", "broken", [*LOOSE, *policy(match=guarded)])
add("labels lead round a binding", "broken", [*LOOSE, *policy(matchResources=guarded)])
bare: Object = {"objectSelector": {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}}
add("a label leads round a policy", "broken", [*LOOSE, *policy(match=bare)])
elsewhere: Object = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}
add("a policy of other namespaces", "broken", [*LOOSE, *policy(match=elsewhere)])
left_out: Object = {"excludeResourceRules": [{**PODS, "operations": ["*"]}]}
add("a binding that leaves pods out", "broken", [*LOOSE, *policy(matchResources=left_out)])
add("failures that are ignored", "holds", [*LOOSE, *policy(spec={"failurePolicy": "Ignore"})])
param: dict[str, Any] = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
there = {"name": "x", "namespace": "default", "parameterNotFoundAction": "Deny"}
add("parameters", "unknown", [*LOOSE, *policy(says="params.data.x == 'y'", spec=param, paramRef=there)])
named = [rule("delete", "validatingadmissionpolicybindings", WRITES, "q")]
both = [*policy(), *policy("q", "true")]
add("another policy may be taken away", "holds", [*LOOSE, *both, *grant("user:alice", named, name="takes")])
add("every policy may be changed", "broken", [
    *LOOSE, *policy(), *grant("user:alice", [rule("patch", "validatingadmissionpolicies", WRITES)], name="takes")
])  # fmt: skip
add("a webhook", "unknown", [*LOOSE, *webhook()])
add("a webhook whose failures are ignored", "broken", [*LOOSE, *webhook(fails="Ignore")])
add("a mutating webhook", "unknown", [*LOOSE, *webhook("Mutating")])
add("a webhook of labels", "broken", [*LOOSE, *webhook(**guarded)])
add("a webhook of the cluster's objects", "broken", [*LOOSE, *webhook(rules=[{**PODS, "scope": "Cluster"}])])
add("a webhook of updates", "broken", [*LOOSE, *webhook(rules=[{**PODS, "operations": ["UPDATE"]}])])
add("a mutating policy", "unknown", [*LOOSE, *mutation()])
add("a mutating policy without a binding", "broken", [*LOOSE, *mutation(bound=False)])
add("a mutating policy of other objects", "broken", [*LOOSE, *mutation(resources="configmaps")])
add("who writes mutating policies", "broken", alice(
    rule("create", "mutatingadmissionpolicies mutatingadmissionpolicybindings", WRITES)
))  # fmt: skip


def mine(**spec: Any) -> list[Object]:
    return replaced(pod("ci", HERE, "ci", **spec))


def able(*names: str) -> Object:
    return {"securityContext": {"capabilities": {"add": list(names)}}}


PRIVILEGED: Object = {"securityContext": {"privileged": True}}
OLD = {"v1.32.1": "broken", "v1.33.0": "holds"}
add("privileged", "broken", mine(container=PRIVILEGED))
for version, answer in OLD.items():
    apart = mine(container=PRIVILEGED, hostUsers=False)
    add(f"privileged in a user namespace of {version}", answer, replaced(node("node-1", version), apart))
nowhere: Object = {**node("node-1"), "status": {}}
add(
    "privileged in a user namespace, perhaps", "unknown", replaced(nowhere, mine(container=PRIVILEGED, hostUsers=False))
)
mounted = [{"name": "h", "hostPath": {"path": "/"}}]
add("files of the node in a user namespace", "broken", mine(hostUsers=False, volumes=mounted))
add("what every container may", "holds", mine(container=able("MKNOD", "SYS_CHROOT", "NET_BIND_SERVICE")))
add("SYS_ADMIN", "broken", mine(container=able("SYS_ADMIN")))
add("CAP_SYS_MODULE", "broken", mine(container=able("CAP_SYS_MODULE")))
add("BPF", "unknown", mine(container=able("BPF")))
add("SYS_PTRACE alone", "holds", mine(container=able("SYS_PTRACE")))
add("SYS_PTRACE among the node's processes", "broken", mine(container=able("SYS_PTRACE"), hostPID=True))
add("the node's processes", "unknown", mine(hostPID=True))
host: Object = {"windowsOptions": {"hostProcess": True}}
add("a host process pod", "broken", mine(securityContext=host, hostNetwork=True))
for path, answer in (
    ("/run/containerd/containerd.sock", "broken"),
    ("//var/lib/kubelet/", "broken"),
    ("/mnt/../", "broken"),
    ("/data/ci", "holds"),
):
    add(f"the path {path}", answer, mine(volumes=[{"name": "h", "hostPath": {"path": path}}]))
debugger: Object = {"name": "d", "image": "i", **PRIVILEGED}
add("a container added for debugging", "broken", mine(ephemeralContainers=[debugger]))
root = thing(
    "v1", "PersistentVolume", "p", spec={"hostPath": {"path": "/"}, "claimRef": {"namespace": HERE, "name": "c"}}
)
claim = thing("v1", "PersistentVolumeClaim", "c", HERE, spec={"volumeName": "p"})
claimed = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
add("the node's files behind a claim", "broken", [*mine(volumes=claimed), root, claim])
add("the node's files behind a claim for new pods", "broken", [*base(), *MAKES_PODS, root, claim])
free = thing("v1", "PersistentVolume", "p", spec={"hostPath": {"path": "/"}})
add("the node's files behind a free volume", "broken", [*base(), *MAKES_PODS, free])
harmless = thing("v1", "PersistentVolume", "p", spec={"hostPath": {"path": "/data/x"}})
add("a directory of no use", "holds", [*base(), *MAKES_PODS, harmless])
add("volumes without pods", "holds", alice(rule("create", "persistentvolumes")))


@pytest.mark.parametrize("case", CASES.listed, ids=lambda case: case.name)
def test_pods_as_worked_out_by_hand(case: Case) -> None:
    case.check()
