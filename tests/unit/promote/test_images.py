"""Images: found where sources name them, pinned by what somebody says or a registry answers."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from promotion_world import Site, make_site
from ringfence.base.errors import InputError, UnreachableError
from ringfence.flows.promotion.registry import resolve
from ringfence.flows.release import Choices, release
from ringfence.landscape.model import SourceKind
from ringfence.promote.images import images_of
from ringfence.promote.pinning import merged, pin

DIGEST = "sha256:" + "a" * 64
MANIFEST = b"""\
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      initContainers:
        - {name: wait, image: r.example/wait@sha256:%s}
      containers:
        - name: web
          image: "r.example/web:1.4"

          ports: [{containerPort: 80}]
""" % (b"b" * 64)
VALUES = b"""\
image: {repository: r.example/portal, tag: "1.4"}
sidecar: {image: r.example/proxy:2}
pinned: {image: {repository: r.example/pinned, tag: "1", digest: ""}}
"""


def test_images_are_found_where_sources_name_them() -> None:
    found = images_of(SourceKind.MANIFESTS, {"web.yaml": MANIFEST, "README.md": b"image: no"})
    assert [(one.image, one.digest) for one in found] == [
        ("r.example/wait", "sha256:" + "b" * 64),
        ("r.example/web:1.4", None),
    ]
    chart = {"values.yaml": VALUES, "templates/a.yaml": b"        image: r.example/fixed:1\n        image: {{ .x }}\n"}
    names = [one.image for one in images_of(SourceKind.HELM, chart)]
    assert names == ["r.example/fixed:1", "r.example/pinned:1", "r.example/portal:1.4", "r.example/proxy:2"]
    assert images_of(SourceKind.HELM, {"values.yaml": b"a: [", "templates/b.yaml": b"\xff"}) == ()


def test_manifests_are_pinned_in_place() -> None:
    done = pin(SourceKind.MANIFESTS, {"web.yaml": MANIFEST}, {"r.example/web:1.4": DIGEST})
    found = images_of(SourceKind.MANIFESTS, done.files)
    assert done.files["web.yaml"] == MANIFEST.replace(b"web:1.4", f"web:1.4@{DIGEST}".encode())
    assert ("r.example/web:1.4", DIGEST) in [(one.image, one.digest) for one in found]


def test_charts_are_pinned_by_values() -> None:
    names = {"r.example/portal:1.4": DIGEST, "r.example/proxy:2": DIGEST, "r.example/pinned:1": DIGEST}
    done = pin(SourceKind.HELM, {"values.yaml": VALUES}, names)
    assert done.files == {"values.yaml": VALUES}
    together = merged(yaml.safe_load(VALUES), done.values)
    assert together["image"] == {"repository": "r.example/portal", "tag": f"1.4@{DIGEST}"}
    assert together["sidecar"] == {"image": f"r.example/proxy:2@{DIGEST}"}
    assert together["pinned"]["image"]["digest"] == DIGEST


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = make_site(tmp_path)
    path = made.folder / "clinic" / "charts" / "portal" / "values.yaml"
    text = path.read_text()
    path.write_text("\n".join('  tag: "1.4"' if "digest:" in line else line for line in text.splitlines()) + "\n")
    return made


def test_a_release_with_a_pin_is_pinned(site: Site) -> None:
    image = "registry.clinic.example/portal:1.4"
    made = release(site.workspace(), "portal", "1.0.0", Choices(pins={image: DIGEST}))
    assert [(one.image, one.digest) for one in made.release.images] == [(image, DIGEST)]
    assert made.release.values == {"image": {"tag": f"1.4@{DIGEST}"}}
    other = release(site.workspace(), "portal", "1.0.1", Choices(pins={image: "sha256:" + "c" * 64}))
    assert other.release.digest != made.release.digest
    with pytest.raises(InputError, match="no such image"):
        release(site.workspace(), "portal", "1.0.2", Choices(pins={"nothing:1": DIGEST}))
    with pytest.raises(InputError, match="not a digest"):
        release(site.workspace(), "portal", "1.0.2", Choices(pins={image: "latest"}))


class _Registry(BaseHTTPRequestHandler):
    """A registry that wants a token, as public ones do."""

    def do_HEAD(self) -> None:
        if self.headers.get("Authorization") != "Bearer good":
            host = self.headers["Host"]
            self.send_response(401)
            self.send_header("WWW-Authenticate", f'Bearer realm="http://{host}/token",service="r",scope="pull"')
        elif self.path == "/v2/team/web/manifests/1.4":
            self.send_response(200)
            self.send_header("Docker-Content-Digest", DIGEST)
        else:
            self.send_response(404)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"token": "good"}')

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_registry_says_what_a_tag_means(registry: str) -> None:
    assert resolve(f"{registry}/team/web:1.4") == DIGEST
    with pytest.raises(UnreachableError, match="answers 404"):
        resolve(f"{registry}/team/web:2")


def test_what_no_registry_can_say_is_said() -> None:
    with pytest.raises(InputError, match="in which registry"):
        resolve("web:1.4")
    with pytest.raises(UnreachableError, match="does not answer"):
        resolve("127.0.0.1:1/web:1.4")
