"""What an X.509 certificate says to an API server: for whom it speaks, and enough to tell who signed it.

A certificate is public, and a Secret's value all the same: what leaves is its subject, and the digest and signature by
which a cluster's authority can be recognised, and not the certificate. Its issuer's name alone was rejected: most
clusters call their authority ``kubernetes``.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate that may be shown to an API server. ``key`` is its public key in DER; ``about`` its subject
    (``user``, ``groups`` by lines), and ``digest``, ``hash`` and ``signature`` of what was signed."""

    key: bytes
    about: Mapping[str, str]


def client_certificate(pem: str) -> ClientCertificate | None:
    """The certificate in a PEM block, None for an authority's, for one of other uses, and for what is none."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        if not _for_clients(certificate):
            return None
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return ClientCertificate(key, _about(certificate))
    except Exception:
        # cryptography raises kinds of its own for every kind of broken certificate.
        return None


def _for_clients(certificate: Any) -> bool:
    """Whether an API server would take it from a client: no authority, and no other use alone."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        pass
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    wanted = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return any(use in wanted for use in uses)


def _about(certificate: Any) -> dict[str, str]:
    from cryptography.hazmat.primitives.hashes import Hash
    from cryptography.x509.oid import NameOID

    names = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    found = {"user": names[0] if names else "", "groups": "\n".join(groups)}
    algorithm = certificate.signature_hash_algorithm
    if algorithm is not None:
        digest = Hash(algorithm)
        digest.update(certificate.tbs_certificate_bytes)
        found["hash"] = algorithm.name
        found["digest"] = base64.b64encode(digest.finalize()).decode("ascii")
        found["signature"] = base64.b64encode(certificate.signature).decode("ascii")
    return found
