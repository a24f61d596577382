"""Tests as a Job on real nodes: created, watched, read, removed; and never believed where no code ran.

Simulated nodes (kwok marks them with an annotation) make a Job "complete" without starting anything. So the nodes are
looked at twice: before, whether any real node could run it, and afterwards, whether its pods did run on one. A Job's
own conditions alone were rejected for that reason.

Killed at any point it is run again: the Job has the name of its question, so that a second run finds the first one's,
goes on watching it while it runs, and replaces it when it had ended. One that nobody comes back for is stopped by its
deadline and removed by the cluster.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import ConflictError, InputError
from ringfence.base.text import listed
from ringfence.kube import NODES, PODS, Cluster, ExpiredError, Resource
from ringfence.promote.gates.question import JobEnd, JobResult
from ringfence.render.names import INSTANCE

JOBS = Resource("batch", "v1", "jobs", "Job", namespaced=True)
SIMULATED = "kwok.x-k8s.io/node"
"""The annotation of nodes that kwok, the embedded engine's among them, plays the kubelet of."""
_JOB_NAME = "batch.kubernetes.io/job-name"
_KEPT_SECONDS = 600
_ATTEMPTS = 5
_WATCH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class JobRun:
    """A Job to run: ``document`` as its author wrote it, ``question`` what it answers (its name is made of that)."""

    document: Mapping[str, Any]
    namespace: str
    question: str
    seconds: float


def read_job(path: Path) -> dict[str, Any]:
    """The Job that a file holds. Raises InputError when it cannot be read or holds something else."""
    import yaml

    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: the Job cannot be read: {error.strerror}", reason="NotFound") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: this is not YAML", reason="NotAJob") from error
    if not isinstance(document, dict) or document.get("kind") != "Job":
        raise InputError(f"{path}: this is not a Job", reason="NotAJob", hint="write one document with kind: Job")
    return document


def job_of(run: JobRun, environment: Mapping[str, str]) -> dict[str, Any]:
    """The Job as it is created: named by its question, bounded in time, its containers told what they test.

    Raises InputError when the document is no Job.
    """
    template = (run.document.get("spec") or {}).get("template")
    if (
        run.document.get("kind") != "Job"
        or not isinstance(template, dict)
        or not isinstance(template.get("spec"), dict)
    ):
        raise InputError("the document is not a Job with a pod template", reason="NotAJob")
    pod = template["spec"]
    told = [{"name": name, "value": value} for name, value in sorted(environment.items())]
    containers = [{**one, "env": [*(one.get("env") or ()), *told]} for one in pod.get("containers") or ()]
    metadata = dict(run.document.get("metadata") or {})
    digest = hashlib.sha256(run.question.encode()).hexdigest()[:12]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"ringfence-tests-{digest}",
            "namespace": run.namespace,
            "labels": {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "ringfence"},
        },
        "spec": {
            "backoffLimit": 0,
            **run.document["spec"],
            "activeDeadlineSeconds": max(1, int(run.seconds)),
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "template": {**template, "spec": {"restartPolicy": "Never", **pod, "containers": containers}},
        },
    }


def placed(document: Mapping[str, Any], given: Mapping[str, Any], release: str) -> dict[str, Any]:
    """A Job where its deployment is: ``given`` are the values that the deployment's chart gets. What the document says
    itself stays; admission decides whether it may."""
    spec = dict(document.get("spec") or {})
    template = dict(spec.get("template") or {})
    metadata = dict(template.get("metadata") or {})
    labels = {**given["podLabels"], INSTANCE: release, **(metadata.get("labels") or {})}
    pod = {key: given[key] for key in ("nodeSelector", "tolerations", "priorityClassName", "serviceAccountName")}
    pod["automountServiceAccountToken"] = False
    template |= {"metadata": {**metadata, "labels": labels}, "spec": {**pod, **(template.get("spec") or {})}}
    return {**document, "spec": {**spec, "template": template}}


def run_job(cluster: Cluster, run: JobRun, environment: Mapping[str, str], clock: Clock) -> JobResult:
    """Run a Job to its end, or to the end of its time. Raises what reaching the cluster raises."""
    began = clock.monotonic()
    job = job_of(run, environment)
    nodes = {str(node["metadata"]["name"]): _simulated(node) for node in cluster.list_raw(NODES).items}
    if nodes and all(nodes.values()):
        because = f"{len(nodes)} nodes, all simulated: they run no code, so a Job would end without having tested"
        return JobResult(JobEnd.NOT_RUN, because, 0.0)
    name = str(job["metadata"]["name"])
    try:
        ended = _to_its_end(cluster, job, clock, began + run.seconds)
        where = _places(cluster, run.namespace, name)
    finally:
        cluster.delete(JOBS, name, run.namespace)
    return _judged(ended, where, nodes, clock.monotonic() - began)


def _to_its_end(cluster: Cluster, job: Mapping[str, Any], clock: Clock, until: float) -> Mapping[str, Any] | None:
    """The Job when it has ended, None when its time was over first."""
    name, namespace = str(job["metadata"]["name"]), str(job["metadata"]["namespace"])
    for _ in range(_ATTEMPTS):
        if not _ours(cluster, job, clock, until):
            return None
        for found in _changes(cluster, name, namespace, clock, until):
            if found is None:
                break  # somebody removed it: it is made again
            if _condition(found, "Complete", "Failed", "FailureTarget") is not None:
                return found
        if clock.monotonic() >= until:
            return None
    return None


def _ours(cluster: Cluster, job: Mapping[str, Any], clock: Clock, until: float) -> bool:
    """Create the Job, or find the one that somebody who asked the same has running."""
    name, namespace = str(job["metadata"]["name"]), str(job["metadata"]["namespace"])
    while clock.monotonic() < until:
        there = cluster.get(JOBS, name, namespace)
        if there is None:
            with contextlib.suppress(ConflictError):  # somebody asked the same at this moment
                cluster.create(job)
            continue
        gone = there["metadata"].get("deletionTimestamp") is not None
        if not gone and _condition(there, "Complete", "Failed") is None:
            return True
        # What ended before was about the cluster as it was then.
        cluster.delete(JOBS, name, namespace, uid=str(there["metadata"]["uid"]))
        clock.sleep(0.1)
    return False


def _changes(
    cluster: Cluster, name: str, namespace: str, clock: Clock, until: float
) -> Iterator[Mapping[str, Any] | None]:
    """The Job as it is and as it becomes, None when it is gone; looked at anew between watches, so that a change that a
    broken connection lost is seen all the same."""
    while (left := until - clock.monotonic()) > 0:
        found = cluster.get(JOBS, name, namespace)
        yield found
        if found is None:
            return
        version = str(found["metadata"]["resourceVersion"])
        with contextlib.suppress(ExpiredError):
            for event in cluster.watch(
                JOBS,
                namespace,
                seconds=min(left, _WATCH_SECONDS),
                resource_version=version,
                field_selector=f"metadata.name={name}",
            ):
                yield None if event.type == "DELETED" else event.object


def _condition(job: Mapping[str, Any], *wanted: str) -> Mapping[str, Any] | None:
    conditions: list[Mapping[str, Any]] = (job.get("status") or {}).get("conditions") or []
    true = [one for one in conditions if one.get("status") == "True"]
    return next((one for one in true if one.get("type") in wanted), None)


def _simulated(node: Mapping[str, Any]) -> bool:
    return SIMULATED in (node["metadata"].get("annotations") or {})


def _places(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    """The node of each of its pods, empty where it has none."""
    pods = cluster.list_raw(PODS, namespace, label_selector=f"{_JOB_NAME}={name}").items
    return {str(pod["metadata"]["name"]): str(pod["spec"].get("nodeName") or "") for pod in pods}


def _judged(
    job: Mapping[str, Any] | None, where: Mapping[str, str], nodes: Mapping[str, bool], seconds: float
) -> JobResult:
    if job is None:
        return JobResult(JobEnd.TOO_LATE, "it did not end in time and was stopped", seconds)
    failed = _condition(job, "Failed", "FailureTarget")
    if failed is not None:
        said = str(failed.get("message") or failed.get("reason") or "it gives no reason")
        return JobResult(JobEnd.FAILED, said[:200], seconds)
    unreal = sorted({node for node in where.values() if nodes.get(node, False)})
    if unreal:
        because = f"it ran on {listed(unreal)}, which is simulated and runs no code"
        return JobResult(JobEnd.NOT_RUN, because, seconds)
    real = sorted({node for node in where.values() if node in nodes})
    if not real:
        return JobResult(JobEnd.NOT_RUN, "it says that it is complete, and no pod of it was seen on a node", seconds)
    return JobResult(JobEnd.PASSED, f"on {listed(real)}", seconds)
