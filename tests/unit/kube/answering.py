"""A real server on this machine that answers as an API server would, one request after the other as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers each request with the next of its answers, the last one for ever, and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                outer.asked.append((self.command, self.path, dict(self.headers.items()), self.rfile.read(length)))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                answer(self)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_one  # noqa: N815 (names of the standard library)

            def log_message(self, *unused: object) -> None:
                """Keep quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()


def says(document: Any, code: int = 200) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        content = json.dumps(document).encode()
        request.send_response(code)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def streams(*events: Any) -> Answer:
    """Events of a watch, then the connection closes."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Connection", "close")
        request.end_headers()
        for event in events:
            request.wfile.write(json.dumps(event).encode() + b"\n")
        request.close_connection = True

    return answer


@contextmanager
def answering() -> Iterator[Server]:
    """A server for as long as a test takes."""
    one = Server()
    try:
        yield one
    finally:
        one.http.shutdown()
        one.http.server_close()


def kubeconfig_of(server: Server, folder: Path) -> Path:
    """A kubeconfig in ``folder`` whose only context leads to the server."""
    path = folder / "config"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": server.url}}],
        "users": [{"name": "me", "user": {"token": "hunter2"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
