"""Which cluster takes a client certificate: the one whose authority signed it.

Source: kubernetes.io/docs/reference/access-authn-authz/authentication (X.509 client certificates: the common name is
the user, the organisations are the groups). The authority for clients is in kube-system's ConfigMap
extension-apiserver-authentication; where that is not seen the cluster's own counts, which most use for both.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.facts.cluster import ClusterFacts

_CLIENTS = ("kube-system", "extension-apiserver-authentication", "client-ca-file")
_OWN = ("kube-root-ca.crt", "ca.crt")


def signed_by(facts: ClusterFacts, about: Mapping[str, str]) -> bool | None:
    """Whether a cluster's authority signed the certificate that ``about`` is of; None: its authority is not seen, or
    signs in a way that cannot be checked by a digest."""
    keys = facts.memory.once(("authorities", facts.name), lambda: _authorities(facts))
    if not keys or "signature" not in about:
        return None
    return any(_verifies(key, about) for key in keys)


def _authorities(facts: ClusterFacts) -> tuple[Any, ...]:
    """The public keys of the authorities whose client certificates a cluster takes."""
    place, name, entry = _CLIENTS
    document = facts.document(kinds.CONFIG_MAP, place, name)
    text = ((document or {}).get("data") or {}).get(entry)
    if not text:
        name, entry = _OWN
        text = next((data[entry] for data in _data_of(facts, name) if data.get(entry)), "")
    return tuple(_keys(text)) if isinstance(text, str) else ()


def _data_of(facts: ClusterFacts, name: str) -> Iterator[Mapping[str, Any]]:
    for document in facts.snapshot.of(kinds.CONFIG_MAP):
        if document["metadata"]["name"] == name:
            yield document.get("data") or {}


def _keys(text: str) -> Iterator[Any]:
    from cryptography import x509

    try:
        for certificate in x509.load_pem_x509_certificates(text.encode()):
            yield certificate.public_key()
    except Exception:
        # cryptography raises kinds of its own for every kind of broken certificate.
        return


def _verifies(key: Any, about: Mapping[str, str]) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    known = {item.name: item for item in (hashes.SHA256, hashes.SHA384, hashes.SHA512, hashes.SHA1, hashes.SHA224)}
    algorithm = known.get(about.get("hash", ""))
    if algorithm is None:
        return False
    try:
        signature, digest = (base64.b64decode(about[name], validate=True) for name in ("signature", "digest"))
        how = Prehashed(algorithm())
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, padding.PKCS1v15(), how)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(how))
        else:
            return False
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
