"""An API server that is busy, silent, slow or forbids to ask, and what a proof does then; a real one is in
tests/integration."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ringfence.flows import asking
from ringfence.flows.asking import Asked, prove_asking, summary
from ringfence.kube import Cluster, open_cluster
from ringfence.prove.asking.answers import Told
from ringfence.prove.snapshot import snapshot_of
from unit.kube.answering import Answer, Server, answering, kubeconfig_of, says
from unit.prove.proof_worlds import HERE, Object, cluster, grant, partition, rule
from unit.prove.test_asking import loose, webhook

CREATE = grant("user:alice", [rule("create", "pods")], HERE)
DENIED = says({"reason": "Forbidden", "message": 'admission webhook "guard.example" denied the request: no'}, 403)
BUSY = says({"reason": "TooManyRequests", "message": "too many requests, please try again later"}, 429)


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as one:
        yield one


@pytest.fixture
def opened(server: Server, tmp_path: Path) -> Callable[[], Cluster]:
    path = kubeconfig_of(server, tmp_path)
    return lambda: open_cluster(path, timeout=0.5)


def asked(opened: Callable[[], Cluster]) -> Asked:
    objects: list[Object] = [*loose(), *CREATE, webhook()]
    return prove_asking(partition(), snapshot_of([cluster(objects)]), {"prod": opened})


def test_every_request_is_a_dry_run_as_somebody_else(server: Server, opened: Callable[[], Cluster]) -> None:
    server.answers = [DENIED]
    found = asked(opened)
    assert {one.told for one in found.proof.asked} == {Told.REFUSED}
    assert all("dryRun=All" in path and "Impersonate-User" in headers for _, path, headers, _ in server.asked)


def test_a_busy_api_server_is_given_time(
    server: Server, opened: Callable[[], Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_BUSY_SECONDS", 0.01)
    server.answers = [BUSY, BUSY, DENIED]
    found = asked(opened)
    assert {one.told for one in found.proof.asked} == {Told.REFUSED}
    assert found.gaps == ()


def test_a_silent_api_server_is_given_up(server: Server, opened: Callable[[], Cluster]) -> None:
    never = threading.Event()

    def silent(request: BaseHTTPRequestHandler) -> None:
        never.wait(20)
        request.close_connection = True

    server.answers = [silent]
    found = asked(opened)
    never.set()
    assert {one.told for one in found.proof.asked} == {Told.UNKNOWN}
    assert any("does not answer" in line for line in summary(found))
    assert len(server.asked) < 20


def test_asking_ends_when_its_time_is_over(
    server: Server, opened: Callable[[], Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_SECONDS", 0.0)
    server.answers = [DENIED]
    found = asked(opened)
    assert {one.told for one in found.proof.asked} == {Told.UNKNOWN}
    assert all("took longer than" in one.because for one in found.proof.asked)
    assert not server.asked


def failing(reason: str) -> Answer:
    return says({"reason": "InternalError", "message": f'failed calling webhook "guard.example": {reason}'}, 500)


def test_a_webhook_that_fails_is_no_api_server_that_is_gone(server: Server, opened: Callable[[], Cluster]) -> None:
    server.answers = [failing("no endpoints")]
    found = asked(opened)
    assert {one.told for one in found.proof.asked} == {Told.UNKNOWN}
    assert all("no endpoints" in one.because for one in found.proof.asked)
    assert found.gaps == ()


def test_who_may_not_impersonate_is_told_the_right_that_is_missing(
    server: Server, opened: Callable[[], Cluster]
) -> None:
    message = 'users "alice" is forbidden: User "me" cannot impersonate resource "users" in API group ""'
    server.answers = [says({"reason": "Forbidden", "message": message}, 403)]
    found = asked(opened)
    assert {one.told for one in found.proof.asked} == {Told.UNKNOWN}
    assert any('cannot impersonate resource "users"' in line for line in summary(found))
    assert len(server.asked) <= 6
