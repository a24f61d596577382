"""Client certificates in Secrets: whom they make one, where, and that nothing of them leaves but that."""

import base64
import datetime
import json
from collections.abc import Iterable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ringfence.observe.write import snapshot_bytes
from ringfence.prove.proof import Dimension
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove
from unit.prove.proof_worlds import HERE, THERE, A, B, Object, base, cluster, grant, partition, rule, thing, verdict

FROM = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
UNTIL = datetime.datetime(2046, 1, 1, tzinfo=datetime.UTC)
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


class Authority:
    """A certificate authority of a cluster."""

    def __init__(self, key: Any = None) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
        self.pem = pem_of(self._sign(self.key.public_key(), self.name, authority=True))

    def _sign(self, key: Any, name: x509.Name, uses: Iterable[Any] = (), *, authority: bool = False) -> Any:
        made = x509.CertificateBuilder(self.name, name, key, x509.random_serial_number(), FROM, UNTIL)
        made = made.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if uses:
            made = made.add_extension(x509.ExtendedKeyUsage(list(uses)), critical=False)
        return made.sign(self.key, None if isinstance(self.key, ed25519.Ed25519PrivateKey) else hashes.SHA256())

    def issue(self, user: str, *groups: str, uses: Iterable[Any] = (CLIENT,), key: Any = None) -> tuple[str, str]:
        key = key or ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in groups]
        name = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return pem_of(self._sign(key.public_key(), name, uses)), private.decode()


def pem_of(certificate: Any) -> str:
    return str(certificate.public_bytes(serialization.Encoding.PEM).decode())


MINE, OTHER = Authority(), Authority()
ROOT = thing("v1", "ConfigMap", "kube-root-ca.crt", "kube-system", data={"ca.crt": MINE.pem})


def tls(pair: tuple[str, str], place: str = HERE) -> Object:
    return thing("v1", "Secret", "client", place, type="kubernetes.io/tls", stringData={
        "tls.crt": pair[0], "tls.key": pair[1]
    })  # fmt: skip


def access(*objects: Object) -> str:
    return verdict("access", [*base(), *objects]).answer.value


def test_a_certificate_of_the_masters_owns_the_cluster() -> None:
    assert access(ROOT, tls(MINE.issue("admin", "system:masters"))) == "broken"
    assert access(ROOT, tls(OTHER.issue("admin", "system:masters"))) == "holds"
    assert access(tls(MINE.issue("admin", "system:masters"))) == "unknown"
    assert access(ROOT, tls(MINE.issue("admin", "devs"))) == "holds"


def test_its_name_is_a_user_and_its_organisations_are_groups() -> None:
    lists = [rule("list", "pods")]
    assert access(ROOT, *grant("user:bob", lists, THERE), tls(MINE.issue("bob"))) == "broken"
    assert access(ROOT, *grant("group:devs", lists, THERE), tls(MINE.issue("bob", "x", "devs"))) == "broken"
    assert access(ROOT, *grant("user:eve", lists, THERE), tls(MINE.issue("bob", "devs"))) == "holds"


def test_a_certificate_needs_its_key_and_the_right_use() -> None:
    certificate, _ = MINE.issue("admin", "system:masters")
    _, another = MINE.issue("admin", "system:masters")
    assert access(ROOT, tls((certificate, another))) == "holds"
    assert access(ROOT, tls(MINE.issue("admin", "system:masters", uses=(SERVER,)))) == "holds"
    assert access(ROOT, tls(MINE.issue("admin", "system:masters", uses=()))) == "broken"


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())])
def test_authorities_of_every_kind_of_key(key: Any) -> None:
    authority = Authority(key)
    root = thing("v1", "ConfigMap", "kube-root-ca.crt", THERE, data={"ca.crt": authority.pem})
    assert access(root, tls(authority.issue("admin", "system:masters"))) == "broken"


def test_what_cannot_be_checked_by_a_digest_stays_open() -> None:
    authority = Authority(ed25519.Ed25519PrivateKey.generate())
    root = thing("v1", "ConfigMap", "kube-root-ca.crt", THERE, data={"ca.crt": authority.pem})
    assert access(root, tls(authority.issue("admin", "system:masters"))) == "unknown"


def test_the_authority_for_clients_goes_before_the_clusters_own() -> None:
    named = thing("v1", "ConfigMap", "extension-apiserver-authentication", "kube-system", data={
        "client-ca-file": OTHER.pem
    })  # fmt: skip
    assert access(ROOT, named, tls(OTHER.issue("admin", "system:masters"))) == "broken"
    assert access(ROOT, named, tls(MINE.issue("admin", "system:masters"))) == "holds"


def kubeconfig(pair: tuple[str, str]) -> Object:
    certificate, key = (base64.b64encode(text.encode()).decode() for text in pair)
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://c"}}],
        "users": [{"name": "u", "user": {"client-certificate-data": certificate, "client-key-data": key}}],
    }
    return thing("v1", "Secret", "config", HERE, type="Opaque", stringData={"value": json.dumps(body)})


def test_a_kubeconfig_speaks_for_its_certificate() -> None:
    assert access(ROOT, kubeconfig(MINE.issue("admin", "system:masters"))) == "broken"
    assert access(ROOT, kubeconfig(OTHER.issue("admin", "system:masters"))) == "holds"
    assert access(kubeconfig(MINE.issue("admin", "system:masters"))) == "unknown"


def test_a_certificate_of_another_cluster_counts_there() -> None:
    here = [item for item in base() if item["metadata"].get("namespace") != THERE]
    there = [item for item in base() if item["metadata"].get("namespace") != HERE]
    root = thing("v1", "ConfigMap", "kube-root-ca.crt", THERE, data={"ca.crt": OTHER.pem})
    held = tls(OTHER.issue("admin", "system:masters"))
    snapshot = snapshot_of([cluster([*here, ROOT, held], "one"), cluster([*there, root], "other")])
    found = prove(partition("cluster", ("one", "other")), snapshot).pair(A, B)
    assert found.dimensions[Dimension.ACCESS].answer.value == "broken"


def test_no_certificate_and_no_key_leaves_the_process() -> None:
    pair = MINE.issue("admin", "system:masters")
    written = snapshot_bytes(cluster([*base(), ROOT, tls(pair), kubeconfig(pair)])).decode()
    for text in pair:
        body = "".join(text.splitlines()[1:-1])
        assert body[40:104] not in written
    assert "system:masters" in written
