"""The smallest change found that closes a chain: as a sentence with its command, and as a manifest where it can be.

The last binding of a chain is taken away from the subject that used it: what the deployment needs for itself comes
earlier in a chain, what reaches over comes last. Where no binding is in the chain, the guard that is missing is named.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.kinds import Kind
from ringfence.prove.proof import Mend, Step
from ringfence.prove.verdicts.world import ProofWorld

_BINDINGS = {"rolebinding": kinds.ROLE_BINDING, "clusterrolebinding": kinds.CLUSTER_ROLE_BINDING}


def mend(world: ProofWorld, steps: tuple[Step, ...]) -> Mend | None:
    """What would close the chain, None when no small change is known."""
    for step in reversed(steps):
        cluster, _, rest = step.object.partition(":")
        kind, _, name = rest.partition("/")
        if kind in _BINDINGS and cluster in world.clusters:
            return _unbind(world, cluster, _BINDINGS[kind], name, step)
    for step in reversed(steps):
        cluster, _, rest = step.object.partition(":")
        kind, _, name = rest.partition("/")
        if kind == "namespace" and "privileged" in step.step:
            return _enforce(cluster, name)
    if steps and steps[-1].object.startswith("partition:people/"):
        return Mend(f"take {steps[-1].object.rsplit('/', 1)[-1]} out of one of the two, or promise less between them")
    return None


def _enforce(cluster: str, namespace: str) -> Mend:
    command = f"kubectl label namespace {namespace} pod-security.kubernetes.io/enforce=restricted"
    patch = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    document = {"apiVersion": "v1", "kind": "Namespace", **patch}
    document["metadata"] = {"name": namespace, **patch["metadata"]}
    return Mend(f"in {cluster}, let Namespace {namespace} enforce Pod Security: {command}", _yaml(document))


def _unbind(world: ProofWorld, cluster: str, kind: Kind, name: str, step: Step) -> Mend | None:
    namespace, slash, short = name.partition("/")
    place, short = (namespace, short) if slash else ("", name)
    document = world.clusters[cluster].document(kind, place, short)
    flag = f" -n {place}" if place else ""
    shown = f"{kind.kind} {place + '/' if place else ''}{short}"
    if document is None:
        return Mend(f"in {cluster}, remove the subject from {shown}")
    subjects = document.get("subjects") or []
    kept = [subject for subject in subjects if not _used(subject, place, step.step)]
    if not kept or len(kept) == len(subjects):
        return Mend(f"in {cluster}, delete {shown}: kubectl delete {kind.kind.lower()} {short}{flag}")
    metadata: dict[str, Any] = {"name": short, **({"namespace": place} if place else {})}
    changed = {
        "apiVersion": document["apiVersion"],
        "kind": kind.kind,
        "metadata": metadata,
        "roleRef": document["roleRef"],
        "subjects": kept,
    }
    who = ", ".join(_shown(subject) for subject in subjects if subject not in kept)
    return Mend(f"in {cluster}, remove {who} from {shown}: kubectl apply -f the patch", _yaml(changed))


def _used(subject: Mapping[str, Any], place: str, text: str) -> bool:
    """Whether the step speaks of this subject: steps begin with the name of who can do something."""
    name = subject["name"]
    if subject["kind"] == "ServiceAccount":
        return text.startswith(f"ServiceAccount {subject.get('namespace') or place}/{name} can ")
    if subject["kind"] == "Group":
        return text.startswith(f"group {name} can ")
    return text.startswith(f"{name} can ")


def _shown(subject: Mapping[str, Any]) -> str:
    if subject["kind"] == "ServiceAccount":
        return f"ServiceAccount {subject.get('namespace', '')}/{subject['name']}"
    return f"{subject['kind'].lower()} {subject['name']}"


def _yaml(document: Mapping[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
