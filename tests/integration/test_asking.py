"""Attacks tried as dry runs on a real API server: what is admitted breaks a promise, and nothing is ever changed."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.conftest import EngineHome
from integration.killing import Ended, ringfence
from ringfence.engine import ClusterState
from ringfence.kube import NAMESPACES, PODS, Cluster, open_cluster

pytestmark = pytest.mark.engine

HERE, THERE = "ask-test", "ask-prod"
RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io/v1"
CREATES_PODS = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}


@dataclass(frozen=True)
class World:
    """Two deployments in a cluster, alice who makes pods in one of them, and a Partition."""

    state: ClusterState
    cluster: Cluster
    partition: Path
    context: str
    home: EngineHome

    def prove(self, *options: str) -> Ended:
        arguments = ["prove", "--partition", str(self.partition), "--kubeconfig", str(self.state.kubeconfig)]
        where = f"one={self.context}"
        return ringfence([*arguments, "--context", where, "-o", "json", *options], self.home.variables)

    def proof(self, *options: str) -> dict[str, Any]:
        ended = self.prove(*options)
        assert ended.code in (0, 1, 3), ended.output
        found: dict[str, Any] = json.loads(ended.output[ended.output.index("{\n") : ended.output.rindex("}") + 1])
        return found

    def access(self, *options: str) -> dict[str, Any]:
        pair = next(one for one in self.proof(*options)["pairs"] if one["from"] == "shop/testing")
        found: dict[str, Any] = pair["dimensions"]["access"]
        return found


def _thing(api: str, kind: str, name: str, namespace: str = "", **body: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


@pytest.fixture(scope="module")
def world(
    one_cluster: ClusterState, engine_home: EngineHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    partition = tmp_path_factory.mktemp("asking") / "partition.yaml"
    document = {
        "apiVersion": "ringfence.dev/v1",
        "kind": "Partition",
        "spec": {
            "deployments": [
                {
                    "name": "shop/production",
                    "stage": "production",
                    "where": [{"cluster": "one", "namespaces": [THERE]}],
                    "people": [{"groups": ["shop-admins"]}],
                },
                {
                    "name": "shop/testing",
                    "where": [{"cluster": "one", "namespaces": [HERE]}],
                    "people": [{"users": ["alice"]}],
                },
            ],
            "promises": [{"between": ["shop/testing", "shop/production"], "level": "namespace"}],
            "assume": {"cni": {"enforces": ["NetworkPolicy"]}},
        },
    }
    partition.write_text(yaml.safe_dump(document), encoding="utf-8")
    context = yaml.safe_load(one_cluster.kubeconfig.read_text(encoding="utf-8"))["current-context"]
    container = {"name": "web", "image": "registry.example/web:1"}
    with open_cluster(one_cluster.kubeconfig) as cluster:
        for name in (HERE, THERE):
            cluster.create(_thing("v1", "Namespace", name))
        for document in (
            _thing(f"{RBAC}/v1", "Role", "maker", HERE,
                   rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}]),
            _thing(f"{RBAC}/v1", "RoleBinding", "maker", HERE,
                   subjects=[{"kind": "User", "apiGroup": RBAC, "name": "alice"}],
                   roleRef={"apiGroup": RBAC, "kind": "Role", "name": "maker"}),
            _thing("v1", "Pod", "web", THERE, spec={"containers": [container], "nodeName": "apps-1"}),
        ):  # fmt: skip
            cluster.create(document)
        yield World(one_cluster, cluster, partition, context, engine_home)
        for name in (HERE, THERE):
            cluster.delete(NAMESPACES, name)


@pytest.fixture
def removed(world: World) -> Iterator[list[dict[str, Any]]]:
    """Cluster-wide objects that a test makes, deleted after it."""
    made: list[dict[str, Any]] = []
    yield made
    for document in reversed(made):
        resource = world.cluster.resource_of(document["apiVersion"], document["kind"])
        world.cluster.delete(resource, document["metadata"]["name"])


def _policy(world: World, removed: list[dict[str, Any]], parameter: str) -> None:
    """A policy that the rules cannot decide: what it refuses stands in a parameter."""
    rule = (
        "params.data.open == 'true' || !object.spec.containers.exists(c, c.?securityContext.?privileged.orValue(false))"
    )
    spec = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConstraints": {"resourceRules": [CREATES_PODS]},
        "validations": [{"expression": rule}],
    }
    bound = {
        "policyName": "by-parameter",
        "validationActions": ["Deny"],
        "paramRef": {"name": "guard", "namespace": HERE, "parameterNotFoundAction": "Deny"},
        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": HERE}}},
    }
    world.cluster.apply(_thing("v1", "ConfigMap", "guard", HERE, data={"open": parameter}), force=True)
    for kind, body in (("ValidatingAdmissionPolicy", spec), ("ValidatingAdmissionPolicyBinding", bound)):
        document = _thing(ADMISSION, kind, "by-parameter", spec=body)
        world.cluster.apply(document, force=True)
        removed.append(document)
    _wait_for(world, refused=parameter != "true")


def _wait_for(world: World, *, refused: bool) -> None:
    """Policies work a moment after they are stored."""
    container = {"name": "c", "image": "i", "securityContext": {"privileged": True}}
    probe = _thing("v1", "Pod", "probe", HERE, spec={"containers": [container]})
    until = datetime.now(UTC) + timedelta(seconds=30)
    while datetime.now(UTC) < until:
        try:
            world.cluster.create(probe, dry_run=True)
        except Exception as error:
            if refused and "denied" in str(error):
                return
        else:
            if not refused:
                return
    raise AssertionError("the policy never came into force")


def test_an_admitted_attack_is_a_witness(world: World, removed: list[dict[str, Any]]) -> None:
    _policy(world, removed, "true")
    assert world.access("--no-dry-run")["verdict"] == "unknown"
    found = world.access()
    assert found["verdict"] == "broken"
    assert any(step.get("answeredBy") == "API server" for step in found["witness"])
    assert "apps-1" in json.dumps(found["witness"])


def test_what_a_policy_forgets_is_tried(world: World, removed: list[dict[str, Any]]) -> None:
    _policy(world, removed, "false")
    document = world.proof()
    told = [one for one in document["asked"] if one["as"] == "user alice" and "owns its node" in one["attack"]]
    # It looks at containers only; a volume of the node's files is another way, and is tried too.
    assert [one["answer"] for one in told] == ["admitted"]
    assert world.access()["verdict"] == "broken"


def test_nothing_is_changed_and_every_request_was_a_dry_run(world: World) -> None:
    before = {item["metadata"]["name"] for item in world.cluster.list_raw(PODS).items}
    ended = world.prove()
    assert "nothing was changed" in ended.output
    assert {item["metadata"]["name"] for item in world.cluster.list_raw(PODS).items} == before
    asked = 0
    for line in world.state.audit_log.read_bytes().splitlines():
        event = json.loads(line)
        if event.get("impersonatedUser", {}).get("username") == "alice" and event["verb"] == "create":
            assert "dryRun=All" in event["requestURI"]
            asked += 1
    assert asked


def test_without_the_right_to_impersonate_it_says_so(
    world: World, removed: list[dict[str, Any]], tmp_path: Path
) -> None:
    rules = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]},
        {"nonResourceURLs": ["*"], "verbs": ["get"]},
    ]
    subjects = [{"kind": "ServiceAccount", "name": "watcher", "namespace": "kube-public"}]
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "ask-reader"}
    for document in (
        _thing(f"{RBAC}/v1", "ClusterRole", "ask-reader", rules=rules),
        _thing(f"{RBAC}/v1", "ClusterRoleBinding", "ask-reader", subjects=subjects, roleRef=reference),
        _thing("v1", "ServiceAccount", "watcher", "kube-public"),
    ):
        world.cluster.create(document)
        if "namespace" not in document["metadata"]:
            removed.append(document)
    path = "/api/v1/namespaces/kube-public/serviceaccounts/watcher/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = world.cluster.request("POST", path, body=request)["status"]["token"]
    document = yaml.safe_load(world.state.kubeconfig.read_text(encoding="utf-8"))
    document["users"][0]["user"] = {"token": token}
    poor = tmp_path / "config"
    poor.write_text(yaml.safe_dump(document), encoding="utf-8")
    ended = world.prove("--kubeconfig", str(poor))
    assert ended.code in (1, 3), ended.output
    assert "cannot impersonate" in ended.output
    assert token not in ended.output
    assert "Traceback" not in ended.output


class _Guard(BaseHTTPRequestHandler):
    """A webhook that refuses privileged containers and forgets init containers."""

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        spec = review["request"]["object"].get("spec") or {}
        shut = any((one.get("securityContext") or {}).get("privileged") for one in spec.get("containers") or ())
        shut = shut or any("hostPath" in volume for volume in spec.get("volumes") or ())
        answer = {"uid": review["request"]["uid"], "allowed": not shut}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Guard:
    """A webhook that runs: where, and whom to trust."""

    url: str
    bundle: str


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    import base64

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "guard")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    pem = tmp_path / "guard.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + public
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Guard)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Guard(f"https://127.0.0.1:{server.server_address[1]}/", base64.b64encode(public).decode())
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_that_forgets_something_is_found_out(
    world: World, removed: list[dict[str, Any]], guard: Guard
) -> None:
    hook = {
        "name": "guard.example.org",
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": guard.url, "caBundle": guard.bundle},
        "rules": [CREATES_PODS],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": HERE}},
    }
    document = _thing(ADMISSION, "ValidatingWebhookConfiguration", "ask-guard", webhooks=[hook])
    world.cluster.create(document)
    removed.append(document)
    _wait_for(world, refused=True)
    without = world.access("--no-dry-run")
    assert without["verdict"] == "unknown"
    assert "guard.example.org" in json.dumps(without["missing"])
    found = world.access()
    assert found["verdict"] == "broken"
    assert any(step.get("answeredBy") == "API server" for step in found["witness"])


def _files(world: World, folder: Path) -> Path:
    """What decides in the cluster, as kubectl would write it."""
    kinds = [("v1", "Namespace"), ("v1", "Node"), ("v1", "Pod"), ("v1", "ConfigMap"), ("v1", "ServiceAccount")]
    kinds += [(f"{RBAC}/v1", kind) for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")]
    kinds += [(ADMISSION, f"ValidatingAdmissionPolicy{end}") for end in ("", "Binding")]
    items = [
        item
        for api, kind in kinds
        for item in world.cluster.list_raw(world.cluster.resource_of(api, kind)).items
        if item["metadata"].get("namespace") in (None, HERE, THERE)
    ]
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}), encoding="utf-8")
    return path


def _guarded_by_custom_parameter() -> list[dict[str, Any]]:
    """A policy that takes its parameter from an object of a kind of its own, and lets everything in as it stands."""
    group, kind = "guards.example.org", "Guard"
    properties = {"spec": {"type": "object", "properties": {"open": {"type": "boolean"}}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "guards", "singular": "guard", "kind": kind, "listKind": "GuardList"}
    spec = {
        "failurePolicy": "Ignore",
        "paramKind": {"apiVersion": f"{group}/v1", "kind": kind},
        "matchConstraints": {"resourceRules": [CREATES_PODS]},
        "validations": [{"expression": "params.spec.open == true"}],
    }
    reference = {"name": "all", "namespace": HERE, "parameterNotFoundAction": "Deny"}
    bound = {"policyName": "by-guard", "validationActions": ["Deny"], "paramRef": reference}
    definition = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return [
        _thing("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"guards.{group}", spec=definition),
        _thing(f"{group}/v1", kind, "all", HERE, spec={"open": True}),
        _thing(ADMISSION, "ValidatingAdmissionPolicy", "by-guard", spec=spec),
        _thing(ADMISSION, "ValidatingAdmissionPolicyBinding", "by-guard", spec=bound),
    ]


def test_the_embedded_engine_answers_for_files(world: World, removed: list[dict[str, Any]], tmp_path: Path) -> None:
    """With parameters in ConfigMaps and in objects of kinds that the files define."""
    _policy(world, removed, "true")
    files = _files(world, tmp_path)
    with files.open("a", encoding="utf-8") as file:
        file.write("---\n" + yaml.safe_dump_all(_guarded_by_custom_parameter()))
    arguments = ["prove", "--partition", str(world.partition), "--snapshot", f"one={files}", "-o", "json"]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    variables = {**world.home.variables, "TMPDIR": str(temporary)}

    def access(*more: str) -> dict[str, Any]:
        ended = ringfence([*arguments, *more], variables)
        document = json.loads(ended.output[ended.output.index("{\n") : ended.output.rindex("}") + 1])
        pair = next(one for one in document["pairs"] if one["from"] == "shop/testing")
        return {**pair["dimensions"]["access"], "code": ended.code, "assumptions": document["assumptions"]}

    assert access()["verdict"] == "unknown"
    found = access("--ask-engine")
    assert found["verdict"] == "broken"
    assert any(step.get("answeredBy") == "embedded engine" for step in found["witness"])
    assert any("the embedded one (v1." in text for text in found["assumptions"])
    assert list(temporary.iterdir()) == []
