"""The door to the API: what its refusals become, what a kubeconfig must be, and watches that break off.

The server here is a real one on this machine that answers as it is told; whole API servers are in tests/integration.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ringfence.base.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    RingfenceError,
    StateError,
    UnreachableError,
)
from ringfence.kube import (
    PODS,
    SECRETS,
    Action,
    Cluster,
    ExpiredError,
    NotFoundError,
    RefusedError,
    Resource,
    contexts,
    open_cluster,
)
from ringfence.kube.errors import refusal
from ringfence.kube.resources import from_aggregated
from unit.kube.answering import Answer, Server, answering, kubeconfig_of, says, streams


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as one:
        yield one


@pytest.fixture
def kubeconfig(server: Server, tmp_path: Path) -> Path:
    return kubeconfig_of(server, tmp_path)


@pytest.fixture
def cluster(kubeconfig: Path) -> Iterator[Cluster]:
    with open_cluster(kubeconfig) as one:
        yield one


def event(kind: str, version: str, name: str = "a") -> dict[str, Any]:
    return {"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}}}


def test_lists_are_paged_and_items_say_what_they_are(server: Server, cluster: Cluster) -> None:
    server.answers = [
        says({"metadata": {"continue": "more", "resourceVersion": "5"}, "items": [{"metadata": {"name": "a"}}]}),
        says({"metadata": {"resourceVersion": "5"}, "items": [{"metadata": {"name": "b"}}]}),
    ]
    listing = cluster.list_raw(PODS, "shop", label_selector="x=y")
    assert [(item["kind"], item["apiVersion"], item["metadata"]["name"]) for item in listing.items] == [
        ("Pod", "v1", "a"),
        ("Pod", "v1", "b"),
    ]
    assert listing.resource_version == "5"
    assert server.asked[0][1].startswith("/api/v1/namespaces/shop/pods?")
    assert "continue=more" in server.asked[1][1]
    assert "labelSelector=x%3Dy" in server.asked[1][1]


def test_apply_uses_one_field_manager_and_forces_only_when_told(server: Server, cluster: Cluster) -> None:
    server.answers = [says({})]
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}
    cluster.apply(document, dry_run=True)
    cluster.apply(document, force=True)
    (method, path, headers, body), (_, second, _, _) = server.asked
    assert method == "PATCH"
    assert path == "/api/v1/namespaces/shop/configmaps/a?fieldManager=ringfence&force=false&dryRun=All"
    assert second == "/api/v1/namespaces/shop/configmaps/a?fieldManager=ringfence&force=true"
    assert headers["Content-Type"] == "application/apply-patch+yaml"
    assert json.loads(body) == document


def test_impersonation_is_on_every_request(server: Server, cluster: Cluster) -> None:
    server.answers = [says({"items": []})]
    cluster.impersonating("alice", ("devs", "qa")).list_raw(PODS)
    headers = server.asked[0][2]
    assert headers["Impersonate-User"] == "alice"
    assert headers["Impersonate-Group"] == "qa"  # the last of the two headers, as a dict keeps them


def test_what_is_not_there_is_none(server: Server, cluster: Cluster) -> None:
    server.answers = [says({"kind": "Status", "message": "not found"}, 404)]
    assert cluster.get(PODS, "a", "shop") is None
    assert cluster.delete(PODS, "a", "shop") is False


@pytest.mark.parametrize(
    ("code", "message", "kind", "reason"),
    [
        (403, 'pods is forbidden: User "x" cannot list resource "pods"', ForbiddenError, "Forbidden"),
        (403, 'pods "a" is forbidden: exceeded quota: capacity', RefusedError, "Refused"),
        (403, 'pods "a" is forbidden: violates PodSecurity "restricted:v1.33"', RefusedError, "Refused"),
        (401, "Unauthorized", ForbiddenError, "Unauthorized"),
        (404, "gone", NotFoundError, "NotFound"),
        (409, "conflict", ConflictError, "Conflict"),
        (410, "too old", ExpiredError, "Expired"),
        (422, "invalid", RefusedError, "Invalid"),
        (400, "bad", InputError, "BadRequest"),
        (503, "starting", UnreachableError, "ServiceUnavailable"),
        (418, "teapot", StateError, "HTTP 418"),
    ],
)  # fmt: skip
def test_refusals_are_told_apart(code: int, message: str, kind: type[RingfenceError], reason: str) -> None:
    reasons = {409: "Conflict", 400: "BadRequest", 503: "ServiceUnavailable"}
    error = refusal("https://x", "GET", "/y", code, {"message": message, "reason": reasons.get(code)})
    assert type(error) is kind
    assert error.reason == reason
    assert message in error.message or code == 401


def test_errors_do_not_repeat_what_was_sent(server: Server, cluster: Cluster) -> None:
    server.answers = [says({"message": "invalid"}, 422)]
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a", "namespace": "b"},
        "stringData": {"p": "hunter3"},
    }
    with pytest.raises(RefusedError) as caught:
        cluster.create(document)
    assert "hunter" not in f"{caught.value} {caught.value.hint}"


def test_nobody_there(kubeconfig: Path, server: Server) -> None:
    server.http.shutdown()
    server.http.server_close()
    with open_cluster(kubeconfig) as cluster, pytest.raises(UnreachableError) as caught:
        cluster.version()
    assert caught.value.reason == "Unreachable"
    assert "hunter2" not in str(caught.value)


def test_an_answer_that_is_not_json(server: Server, cluster: Cluster) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "5")
        request.end_headers()
        request.wfile.write(b"<html")

    server.answers = [answer]
    with pytest.raises(StateError, match="not JSON"):
        cluster.version()


def test_a_watch_goes_on_where_the_connection_broke_off(server: Server, cluster: Cluster) -> None:
    server.answers = [
        streams(event("ADDED", "1"), event("MODIFIED", "2")),
        streams(event("BOOKMARK", "7")),
        streams(event("DELETED", "9", "b")),
        streams({"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}),
    ]
    seen: list[Any] = []
    watching = cluster.watch(PODS, "shop", seconds=30, resource_version="0")
    with pytest.raises(ExpiredError):
        seen.extend((one.type, one.object["metadata"]["resourceVersion"]) for one in iter(watching.__next__, None))
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "9")]
    assert ["resourceVersion=2" in asked[1] for asked in server.asked] == [False, True, False, False]
    assert "resourceVersion=7" in server.asked[2][1]


def test_nothing_is_watched_without_a_version(server: Server, cluster: Cluster) -> None:
    with pytest.raises(StateError, match="from when on"):
        next(cluster.watch(PODS, "shop", seconds=30, resource_version=""))
    assert not server.asked


def test_a_connection_that_is_closed_ends_its_watches(server: Server, cluster: Cluster) -> None:
    never = threading.Event()

    def silent(request: BaseHTTPRequestHandler) -> None:
        streams(event("ADDED", "1"))(request)
        request.wfile.flush()
        never.wait(30)

    server.answers = [silent]
    begun = threading.Event()

    def watch() -> None:
        for _ in cluster.watch(PODS, "shop", seconds=60, resource_version="0"):
            begun.set()

    # More than the client library would keep open by itself.
    threads = [threading.Thread(target=watch, daemon=True) for _ in range(120)]
    for one in threads:
        one.start()
    assert begun.wait(20)
    until = time.monotonic() + 20
    while len(server.asked) < len(threads):
        assert time.monotonic() < until, "some watch waits for another to end"
        time.sleep(0.02)
    cluster.close()
    for one in threads:
        one.join(20)
        assert not one.is_alive()
    never.set()


def test_what_is_served_is_asked_for_by_its_mark(server: Server, cluster: Cluster) -> None:
    def discovery(tag: str, *plurals: str, freshness: str = "Current") -> Answer:
        rows = [{"resource": one, "responseKind": {"kind": one.title()}, "scope": "Cluster"} for one in plurals]
        version = {"version": "v1", "freshness": freshness, "resources": rows}
        content = json.dumps({"items": [{"metadata": {"name": "ex.io"}, "versions": [version]}]}).encode()

        def answer(request: BaseHTTPRequestHandler) -> None:
            same = request.headers.get("If-None-Match") == tag
            request.send_response(304 if same else 200)
            request.send_header("ETag", tag)
            request.send_header("Content-Length", str(0 if same else len(content)))
            request.end_headers()
            request.wfile.write(b"" if same else content)

        return answer

    core, one, two, gone = (
        discovery('"core"', "nodes"),
        discovery('"1"', "foos"),
        discovery('"2"', "foos", "bars"),
        discovery('"3"', freshness="Stale"),
    )
    server.answers = [core, one, core, one, core, two, core, gone]
    assert [resource.plural for resource in cluster.resources()] == ["nodes", "foos"]
    assert not cluster.kinds_changed()
    assert cluster.kinds_changed()
    assert [resource.plural for resource in cluster.resources()] == ["nodes", "foos", "bars"]
    assert cluster.stale_groups() == ()
    assert cluster.kinds_changed()
    assert cluster.stale_groups() == ("ex.io",)


def test_reviews(server: Server, cluster: Cluster) -> None:
    server.answers = [
        says({"status": {"allowed": True, "reason": "RBAC: allowed by RoleBinding"}}),
        says({"status": {}}),
    ]
    right = Action("create", "", "pods", "shop", subresource="exec")
    assert cluster.access_review("alice", ("devs",), right).allowed
    assert not cluster.self_access(right).allowed
    body = json.loads(server.asked[0][3])
    assert body["spec"] == {
        "user": "alice",
        "groups": ["devs"],
        "resourceAttributes": {"verb": "create", "resource": "pods", "namespace": "shop", "subresource": "exec"},
    }
    assert str(right) == "create pods/exec in shop"


def test_discovery_takes_the_preferred_version_and_each_resource_once() -> None:
    def version(name: str, plural: str) -> dict[str, Any]:
        return {
            "version": name,
            "resources": [
                {"resource": plural, "responseKind": {"kind": "Thing"}, "scope": "Namespaced", "verbs": ["list"]}
            ],
        }

    document = {
        "items": [{"metadata": {"name": "x.io"}, "versions": [version("v2", "things"), version("v1", "things")]}]
    }
    assert from_aggregated(document) == (Resource("x.io", "v2", "things", "Thing", True, frozenset({"list"})),)


def test_an_unknown_kind_is_named(server: Server, cluster: Cluster) -> None:
    server.answers = [says({"items": []})]
    with pytest.raises(NotFoundError, match=r"no kind Thing in x\.io/v1"):
        cluster.resource_of("x.io/v1", "Thing")


@pytest.mark.parametrize("text", ["", "{", "[]", "a: b", "\x00\x01", "clusters: 5\ncontexts: []"])
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        open_cluster(path)
    assert caught.value.reason == "BadKubeconfig"


def test_a_kubeconfig_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(InputError) as caught:
        contexts()
    assert caught.value.reason == "NoKubeconfig"


def test_a_context_that_is_not_there_offers_the_nearest(kubeconfig: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'here'"):
        open_cluster(kubeconfig, "heer")
    assert contexts(kubeconfig).names == ("here",)


def test_paths_quote_names() -> None:
    assert SECRETS.path("a/b", "c d") == "/api/v1/namespaces/a%2Fb/secrets/c%20d"


def test_a_connection_for_questions_sends_nothing_but_dry_runs(server: Server, cluster: Cluster) -> None:
    server.answers = [says({})]
    asking = cluster.asking("alice", ("devs",))
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}}
    changes: list[Callable[[], object]] = [
        lambda: asking.create(document),
        lambda: asking.apply(document),
        lambda: asking.patch(PODS, "a", {}, "shop"),
        lambda: asking.delete(PODS, "a", "shop"),
        lambda: asking.request("POST", "/api/v1/namespaces/shop/pods", body=document),
        lambda: asking.request("PUT", "/api/v1/namespaces/shop/pods/a", parameters={"dryRun": ""}, body=document),
    ]
    for change in changes:
        with pytest.raises(StateError, match="no dry run"):
            change()
    assert server.asked == []
    asking.create(document, dry_run=True)
    method, path, headers, _ = server.asked[0]
    assert (method, "dryRun=All" in path, headers["Impersonate-User"]) == ("POST", True, "alice")


def test_whoever_only_asks_goes_on_asking_as_somebody_else(server: Server, cluster: Cluster) -> None:
    server.answers = [says({})]
    somebody = cluster.asking("alice").impersonating("bob", ("qa",))
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}}
    with pytest.raises(StateError, match="no dry run"):
        somebody.create(document)
    somebody.create(document, dry_run=True)
    (asked,) = server.asked
    assert (asked[2]["Impersonate-User"], asked[2]["Impersonate-Group"]) == ("bob", "qa")


@pytest.mark.parametrize(
    ("said", "minor"),
    [({"minor": "37"}, "37"), ({"minor": "37", "emulationMinor": "36"}, "36"), ({"minor": "33+"}, "33+")],
)
def test_the_minor_version_is_the_one_that_is_emulated(
    server: Server, cluster: Cluster, said: dict[str, str], minor: str
) -> None:
    server.answers = [says({"major": "1", **said})]
    assert cluster.minor() == minor
