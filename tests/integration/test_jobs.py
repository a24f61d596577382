"""Tests as Jobs on a real API server with its real Job controller and scheduler.

Simulated nodes must never count. For the rest the test adds a node that nobody simulates, and plays its kubelet: it
reports what the pods there came to, as a kubelet does.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from patience import eventually
from ringfence.base.clock import SystemClock
from ringfence.base.errors import RingfenceError
from ringfence.engine import ClusterState
from ringfence.flows.promotion.jobs import JOBS, JobRun, job_of, run_job
from ringfence.kube import NODES, PODS, Cluster, open_cluster
from ringfence.promote.gates.question import JobEnd, JobResult

pytestmark = pytest.mark.engine

REAL = "real-1"
CLOCK = SystemClock()


@pytest.fixture(scope="module")
def cluster(one_cluster: ClusterState) -> Iterator[Cluster]:
    with open_cluster(one_cluster.kubeconfig) as found:
        yield found


@pytest.fixture
def real_node(cluster: Cluster) -> Iterator[None]:
    """A node without kwok's annotation: to the engine it is somebody else's."""
    cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": REAL, "labels": {"kind": "real"}}})
    room = {"cpu": "4", "memory": "8Gi", "pods": "10"}
    ready = [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]
    cluster.patch(
        NODES, REAL, {"status": {"capacity": room, "allocatable": room, "conditions": ready}}, subresource="status"
    )
    yield
    cluster.delete(NODES, REAL)


@contextmanager
def kubelet(cluster: Cluster, phase: str, code: int) -> Iterator[set[tuple[str, str]]]:
    """Report every pod on the real node as ended; the Jobs whose pods these were, by name and uid."""
    owners: set[tuple[str, str]] = set()
    stop = threading.Event()

    def play() -> None:
        while not stop.is_set():
            for pod in cluster.list_raw(PODS, "default", field_selector=f"spec.nodeName={REAL}").items:
                if (pod.get("status") or {}).get("phase") in (None, "Pending"):
                    ended = {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}
                    told = {"name": "test", "ready": False, "restartCount": 0, "image": "test", "imageID": "",
                            "state": {"terminated": ended}}  # fmt: skip
                    owners.update((one["name"], one["uid"]) for one in pod["metadata"].get("ownerReferences") or ())
                    try:
                        cluster.patch(
                            PODS, pod["metadata"]["name"], {"status": {"phase": phase, "containerStatuses": [told]}},
                            "default", subresource="status",
                        )  # fmt: skip
                    except RingfenceError:
                        continue  # it was removed meanwhile
            stop.wait(0.1)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield owners
    finally:
        stop.set()
        thread.join()


def job(question: str, seconds: float = 30.0, **pod: Any) -> JobRun:
    spec = {"containers": [{"name": "test", "image": "test"}], "tolerations": [{"operator": "Exists"}], **pod}
    document = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": spec}}}
    return JobRun(document, "default", question, seconds)


def ask(cluster: Cluster, run: JobRun) -> JobResult:
    result = run_job(cluster, run, {"RINGFENCE_VERSION": "1.0.0"}, CLOCK)
    left = cluster.get(JOBS, str(job_of(run, {})["metadata"]["name"]), "default")
    assert left is None or left["metadata"].get("deletionTimestamp"), "a Job was left behind"
    return result


def test_where_every_node_is_simulated_no_test_runs(cluster: Cluster) -> None:
    result = ask(cluster, job("simulated"))
    assert result.end is JobEnd.NOT_RUN
    assert "all simulated" in result.because
    assert cluster.list_raw(JOBS, "default").items == []


@pytest.mark.usefixtures("real_node")
def test_a_job_that_completes_on_a_simulated_node_beside_a_real_one_is_not_believed(cluster: Cluster) -> None:
    result = ask(cluster, job("beside", nodeSelector={"node-restriction.kubernetes.io/pool": "apps"}))
    assert result.end is JobEnd.NOT_RUN
    assert "apps-" in result.because
    assert "simulated" in result.because


@pytest.mark.usefixtures("real_node")
@pytest.mark.parametrize(("phase", "code", "end"), [("Succeeded", 0, JobEnd.PASSED), ("Failed", 3, JobEnd.FAILED)])
def test_what_the_pods_on_a_real_node_came_to_is_the_answer(
    cluster: Cluster, phase: str, code: int, end: JobEnd
) -> None:
    with kubelet(cluster, phase, code):
        result = ask(cluster, job(f"real {phase}", nodeSelector={"kind": "real"}))
    assert result.end is end, result
    assert end is not JobEnd.PASSED or REAL in result.because


@pytest.mark.usefixtures("real_node")
def test_a_job_whose_pod_never_ends_is_stopped(cluster: Cluster) -> None:
    result = ask(cluster, job("slow", 3.0, nodeSelector={"kind": "real"}))
    assert result.end in (JobEnd.TOO_LATE, JobEnd.FAILED), result


@pytest.mark.usefixtures("real_node")
def test_whoever_comes_after_a_crash_goes_on_with_the_job_that_runs(cluster: Cluster) -> None:
    run = job("after a crash", nodeSelector={"kind": "real"})
    first = cluster.create(job_of(run, {}))
    with kubelet(cluster, "Succeeded", 0) as owners:
        assert ask(cluster, run).end is JobEnd.PASSED
    name = first["metadata"]["name"]
    assert {uid for owner, uid in owners if owner == name} == {first["metadata"]["uid"]}


@pytest.mark.usefixtures("real_node")
def test_a_job_that_had_ended_before_is_run_anew(cluster: Cluster) -> None:
    run = job("yesterday", nodeSelector={"kind": "real"})
    first = cluster.create(job_of(run, {}))
    name = first["metadata"]["name"]
    with kubelet(cluster, "Succeeded", 0) as owners:
        eventually(
            lambda: ((cluster.get(JOBS, name, "default") or {}).get("status") or {}).get("completionTime"),
            f"Job {name} has ended",
        )
        assert ask(cluster, run).end is JobEnd.PASSED
    assert len({uid for owner, uid in owners if owner == name}) == 2
