"""A cluster that is followed over HTTP: current until something breaks, and never again before it was read again.

The server here is a real one that knows one Pod and one Secret; whole API servers are in tests/integration.
"""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from patience import eventually
from ringfence.base.clock import SystemClock
from ringfence.kube import open_cluster
from ringfence.observe.follow import UNREAD, Following
from ringfence.prove import kinds
from unit.prove.proof_worlds import KEY, pod, secret

RESOURCES = {"pods": "Pod", "secrets": "Secret"}


class Api:
    """A small API server. ``refused`` are (verb, resource) pairs that are forbidden; ``down`` ends every connection."""

    def __init__(self, port: int = 0) -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {"pods": {}, "secrets": {}}
        self.kinds = dict(RESOURCES)
        self.refused: set[tuple[str, str]] = set()
        self.expired = False
        self.watches = 0
        self.listed = dict.fromkeys(RESOURCES, 0)
        self.version = 1
        self.history: list[tuple[int, str, str, dict[str, Any]]] = []
        self.changed = threading.Condition()
        self.stopping = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *unused: object) -> None:
                """Keep quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def put(self, resource: str, document: dict[str, Any], word: str = "ADDED") -> None:
        with self.changed:
            self.version += 1
            document["metadata"]["resourceVersion"] = str(self.version)
            if word == "DELETED":
                self.objects[resource].pop(document["metadata"]["name"], None)
            else:
                self.objects[resource][document["metadata"]["name"]] = document
            self.history.append((self.version, resource, word, document))
            self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        self.http.shutdown()
        self.http.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        url = urlsplit(request.path)
        query = parse_qs(url.query)
        resource = url.path.rsplit("/", 1)[-1]
        if self.stopping:
            request.close_connection = True
        elif url.path == "/api":
            self.say(request, self.discovery())
        elif url.path in ("/apis", "/version", "/readyz"):
            self.say(request, {"items": [], "gitVersion": "v1.36.0"})
        elif resource not in self.kinds:
            self.say(request, {"reason": "NotFound"}, 404)
        elif "watch" in query:
            self.watch(request, resource, int(query["resourceVersion"][0]))
        elif ("list", resource) in self.refused:
            self.listed[resource] += 1
            self.forbid(request, "list", resource)
        else:
            with self.changed:
                found = json.loads(json.dumps(list(self.objects[resource].values())))
                self.say(request, {"metadata": {"resourceVersion": str(self.version)}, "items": found})

    def discovery(self) -> dict[str, Any]:
        verbs = ["get", "list", "watch"]
        rows = [
            {"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": verbs}
            for plural, kind in self.kinds.items()
        ]
        return {"items": [{"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": rows}]}]}

    def watch(self, request: BaseHTTPRequestHandler, resource: str, version: int) -> None:
        if ("watch", resource) in self.refused:
            self.forbid(request, "watch", resource)
            return
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.close_connection = True
        self.watches += 1
        while not self.stopping and resource in self.kinds:
            if self.expired:
                gone = {"code": 410, "reason": "Expired", "message": "too old resource version"}
                request.wfile.write(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")
                return
            with self.changed:
                news = [one for one in self.history if one[0] > version and one[1] == resource]
                if not news:
                    self.changed.wait(0.2)
            for number, _, word, document in news:
                version = number
                request.wfile.write(json.dumps({"type": word, "object": document}).encode() + b"\n")
            request.wfile.flush()

    def forbid(self, request: BaseHTTPRequestHandler, verb: str, resource: str) -> None:
        message = f'{resource} is forbidden: User "me" cannot {verb} resource "{resource}"'
        self.say(request, {"reason": "Forbidden", "message": message}, 403)

    def say(self, request: BaseHTTPRequestHandler, document: dict[str, Any], code: int = 200) -> None:
        content = json.dumps(document).encode()
        request.send_response(code)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


def until(wanted: Callable[[], bool], seconds: float = 20.0) -> None:
    eventually(wanted, "the follower says so", seconds, every=0.02)


@pytest.fixture
def api() -> Iterator[Api]:
    one = Api()
    one.put("pods", pod("web", "shop"))
    one.put("secrets", secret("db", "shop", password="Zr8-kPq3vTx71LmWn05q"))
    yield one
    one.stop()


def follow(port: int, folder: Path) -> Following:
    path = folder / "config"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "me", "user": {"token": "hunter2"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    found = Following("prod", lambda: open_cluster(path, timeout=5), KEY, (), SystemClock(), lambda: None)
    assert not found.standing().current
    assert found.standing().because == UNREAD
    found.start()
    return found


def names(found: Following) -> set[str]:
    return {item["metadata"]["name"] for item in found.snapshot().of(kinds.POD)}


def test_changes_come_by_watches(api: Api, tmp_path: Path) -> None:
    found = follow(api.port, tmp_path)
    until(lambda: found.standing().current)
    assert names(found) == {"web"}
    assert found.snapshot().version == "v1.36.0"
    before = found.snapshot()
    api.put("pods", pod("db", "shop"))
    until(lambda: names(found) == {"web", "db"})
    assert found.snapshot().of(kinds.SECRET) is before.of(kinds.SECRET)
    api.put("pods", pod("web", "shop"), "DELETED")
    until(lambda: names(found) == {"db"})
    assert found.standing().current
    found.stop()


def test_a_server_that_goes_is_not_current_until_it_was_read_again(api: Api, tmp_path: Path) -> None:
    found = follow(api.port, tmp_path)
    until(lambda: found.standing().current)
    api.stop()
    until(lambda: not found.standing().current)
    since = found.standing().since
    again = Api(api.port)
    try:
        again.version = 50
        again.put("pods", pod("other", "shop"))
        until(lambda: found.standing().current)
        assert names(found) == {"other"}
        assert found.standing().since > since
    finally:
        found.stop()
        again.stop()


def test_what_may_not_be_listed_is_a_gap_until_it_may(api: Api, tmp_path: Path) -> None:
    api.refused.add(("list", "secrets"))
    found = follow(api.port, tmp_path)
    until(lambda: found.standing().current)
    assert [str(marker) for marker in found.snapshot().not_listed] == ["list secrets: Forbidden"]
    api.refused.clear()
    until(lambda: not found.snapshot().not_listed)
    assert found.standing().current
    assert len(found.snapshot().of(kinds.SECRET)) == 1
    found.stop()


def test_what_may_not_be_watched_is_listed_again_and_again(api: Api, tmp_path: Path) -> None:
    api.refused.add(("watch", "pods"))
    found = follow(api.port, tmp_path)
    until(lambda: found.standing().current)
    api.put("pods", pod("db", "shop"))
    until(lambda: names(found) == {"web", "db"})
    assert found.standing().current
    found.stop()


def test_what_may_not_be_listed_is_tried_without_a_new_watch(api: Api, tmp_path: Path) -> None:
    api.refused.add(("list", "secrets"))
    found = follow(api.port, tmp_path)
    until(lambda: found.standing().current)
    count = found.standing().count
    until(lambda: api.listed["secrets"] > 1)
    assert (api.watches, found.standing().count) == (1, count)
    found.stop()


def test_a_version_that_is_gone_is_not_current(api: Api, tmp_path: Path) -> None:
    found = follow(api.port, tmp_path)
    until(lambda: found.standing().current)
    api.expired = True
    api.put("pods", pod("late", "shop"))
    until(lambda: not found.standing().current)
    assert "too old" in found.standing().because
    api.expired = False
    until(lambda: found.standing().current and names(found) == {"web", "late"})
    found.stop()


def test_a_kind_that_comes_is_followed_and_one_that_goes_is_dropped(api: Api, tmp_path: Path) -> None:
    found = follow(api.port, tmp_path)
    until(lambda: found.standing().current)
    api.objects["services"] = {}
    api.kinds["services"] = "Service"
    until(lambda: api.watches == 3)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {}}
    api.put("services", service)
    until(lambda: len(found.snapshot().of(kinds.SERVICE)) == 1)
    del api.kinds["services"]
    until(lambda: not found.snapshot().of(kinds.SERVICE))
    api.put("pods", pod("db", "shop"))
    until(lambda: names(found) == {"web", "db"})
    assert found.standing().current
    found.stop()


def test_whoever_stops_leaves_no_thread(api: Api, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    found = follow(api.port, tmp_path)
    until(lambda: found.standing().current)
    found.stop()
    until(lambda: not [one for one in set(threading.enumerate()) - before if "_watch" in one.name or "run" in one.name])
