"""The keyed hash under which secret material may be compared: HMAC-SHA-256 with a key that lives as long as a run.

Plain hashes were rejected: whoever sees one can try all likely passwords against it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from ringfence.base.errors import InputError

_LENGTH = 32


@dataclass(frozen=True, slots=True)
class HashingKey:
    """A secret key for digests and its public name, by which digests say that they compare."""

    secret: bytes
    name: str

    def __repr__(self) -> str:
        """The name only."""
        return f"HashingKey({self.name})"

    def digest(self, form: bytes) -> str:
        """The digest of a credential in its canonical form, 128 bits in hexadecimal."""
        return hmac.digest(self.secret, form, "sha256").hex()[:32]


def new_key() -> HashingKey:
    """A key for this run only."""
    return key_from(secrets.token_bytes(_LENGTH))


def key_from(material: bytes) -> HashingKey:
    """The key made of ``material``, so that snapshots taken in different runs compare. At least 16 bytes.

    Raises InputError when there are fewer.
    """
    if len(material) < 16:
        raise InputError(
            "the hashing key is shorter than 16 bytes",
            reason="ShortKey",
            hint="make one: head -c 32 /dev/urandom > KEYFILE; chmod 600 KEYFILE",
        )
    name = hashlib.sha256(b"ringfence snapshot key\0" + material).hexdigest()[:12]
    return HashingKey(hashlib.sha256(b"ringfence digest\0" + material).digest(), name)
