"""Signatures: Dead Simple Signing Envelopes (DSSE), with keys from a file or from a key management service.

The only module that knows securesystemslib and cryptography. DSSE, since it signs bytes and their type together:
JSON signatures over a canonical form were rejected, because two readers may disagree on what is canonical. The key
itself stays where it is: whoever has a hardware or cloud key gives a command that signs.
"""

import base64
import binascii
import contextlib
import os
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ringfence.base.errors import InputError, RingfenceError, StateError, UnreachableError
from ringfence.base.paths import write_atomically

_SIGN_SECONDS = 60
_ANEW = "move it away: a new one is made on the next use"


class SignatureError(RingfenceError):
    """An envelope that no trusted key signed, or that was changed afterwards. ``unknown_key``: signed by a stranger."""

    def __init__(self, message: str, *, unknown_key: bool = False) -> None:
        super().__init__(message, reason="UnknownKey" if unknown_key else "BadSignature")
        self.unknown_key = unknown_key


@dataclass(frozen=True)
class PublicKey:
    """A key that may be trusted: PEM text, and its identifier (a digest of the key)."""

    pem: str

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
        from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

        try:
            return SSlibKey.from_crypto(load_pem_public_key(self.pem.encode()))
        except Exception as error:  # cryptography raises several kinds for what is no key
            raise InputError(
                "this is not a public key in PEM that can be used here; Ed25519, ECDSA and RSA keys can be",
                reason="BadKey",
            ) from error

    @property
    def key_id(self) -> str:
        """The identifier that envelopes name."""
        return str(self._key.keyid)

    def accepts(self, signature: bytes, data: bytes) -> bool:
        """True when ``signature`` over ``data`` was made with the private half of this key."""
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.signer import Signature  # type: ignore[attr-defined]

        try:
            self._key.verify_signature(Signature(self.key_id, signature.hex()), data)
        except UnverifiedSignatureError:
            return False
        return True


class Signer(Protocol):
    """Signs bytes: the seam behind which a key file or a key management service stands."""

    @property
    def public(self) -> PublicKey:
        """The public half."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The raw signature over ``data``."""
        ...


class FileSigner:
    """Signs with an Ed25519 key in a file that only its owner may read."""

    def __init__(self, path: Path) -> None:
        """Read the key. Raises StateError when it is missing, readable by others, or no key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            text = path.read_bytes()
        except OSError as error:
            raise StateError(
                f"{path}: the signing key cannot be read: {error.strerror}",
                reason="NoKey",
                hint="whoever owns the file may read it",
            ) from error
        if mode & 0o077:
            raise StateError(
                f"{path}: the signing key may be read by others (mode {mode:o})",
                reason="KeyExposed",
                hint=f"chmod 600 {path}; if somebody may have read it, move it away: a new one is made on the next use",
            )
        try:
            key = load_pem_private_key(text, password=None)
        except (ValueError, TypeError) as error:
            raise StateError(
                f"{path}: this is not a private key in PEM without a password", reason="BadKey", hint=_ANEW
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise StateError(f"{path}: this is not an Ed25519 key", reason="BadKey", hint=_ANEW)
        self._key = key
        self.public = _public_of(key)

    def sign(self, data: bytes) -> bytes:
        """The Ed25519 signature over ``data``."""
        return self._key.sign(data)


class CommandSigner:
    """Signs by a command: it reads the bytes on its standard input and prints the signature in base64.

    This is how a key in a key management service or a hardware token is used without Ringfence knowing either.
    """

    def __init__(self, command: Sequence[str], public: PublicKey) -> None:
        """``command`` is an argument list, never a shell line."""
        self._command = tuple(command)
        self.public = public

    def sign(self, data: bytes) -> bytes:
        """What the command answered. Raises UnreachableError when it fails or signs with another key."""
        name = self._command[0]
        try:
            done = subprocess.run(self._command, input=data, capture_output=True, check=False, timeout=_SIGN_SECONDS)
            signature = base64.b64decode(done.stdout.strip(), validate=True)
        except (OSError, subprocess.TimeoutExpired, binascii.Error) as error:
            raise UnreachableError(f"{name}: the signing command did not sign", reason="CannotSign") from error
        if done.returncode or not self.public.accepts(signature, data):
            raise UnreachableError(
                f"{name}: the signing command answered {done.returncode} and no signature of key {self.public.key_id}",
                reason="CannotSign",
            )
        return signature


def file_signer(path: Path) -> FileSigner:
    """The signer of the key at ``path``; made on first use, together with ``path`` + ``.pub`` for those who verify."""
    if not path.exists():
        _make_key(path)
    signer = FileSigner(path)
    public = path.with_name(path.name + ".pub")
    if not public.exists():
        write_atomically(public, signer.public.pem.encode(), mode=0o644)
    return signer


def _make_key(path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    write_atomically(draft, pem, mode=0o600)
    try:
        # A link never replaces: of two processes that come first together, one wins and both use its key.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _public_of(key: Any) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return PublicKey(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def read_public_key(path: Path) -> PublicKey:
    """The public key in a PEM file. Raises InputError when there is none."""
    try:
        key = PublicKey(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the public key cannot be read", reason="NoKey") from error
    try:
        _ = key.key_id
    except InputError as error:
        raise InputError(f"{path}: {error.message}", reason=error.reason) from error
    return key


def seal(payload: bytes, payload_type: str, signer: Signer) -> dict[str, Any]:
    """``payload`` in a signed envelope, as JSON values (DSSE v1)."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature  # type: ignore[attr-defined]

    envelope = Envelope(payload, payload_type, {})
    key_id = signer.public.key_id
    envelope.signatures[key_id] = Signature(key_id, signer.sign(envelope.pae()).hex())
    return dict(envelope.to_dict())


def unseal(envelope: Mapping[str, Any], payload_type: str, trusted: Sequence[PublicKey]) -> bytes:
    """The payload of an envelope that at least one ``trusted`` key signed.

    Raises SignatureError when none did, when it was changed, or when it is an envelope of another type.
    """
    opened = open_envelope(envelope, payload_type)
    opened.check(trusted)
    return opened.payload


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that was read but not verified: its payload, the bytes that are signed, signatures by key."""

    payload: bytes
    signed: bytes
    signatures: Mapping[str, bytes]

    def check(self, trusted: Sequence[PublicKey]) -> None:
        """Raises SignatureError unless at least one ``trusted`` key signed these bytes."""
        known = {key.key_id: key for key in trusted}
        named = [(known[key_id], signature) for key_id, signature in self.signatures.items() if key_id in known]
        if not named:
            strangers = ", ".join(sorted(key_id[:12] for key_id in self.signatures)) or "nobody"
            raise SignatureError(f"signed by {strangers}, whom nobody here trusts", unknown_key=True)
        if not any(key.accepts(signature, self.signed) for key, signature in named):
            raise SignatureError("the signature does not fit what was signed")


def open_envelope(envelope: Mapping[str, Any], payload_type: str) -> Opened:
    """Read an envelope without believing it. Raises SignatureError when it is none, or one of another type."""
    from securesystemslib.dsse import Envelope

    try:
        # The library changes what it is given, so it gets a copy.
        read = Envelope.from_dict({**envelope, "signatures": [dict(one) for one in envelope["signatures"]]})
        signatures = {key_id: bytes.fromhex(one.signature) for key_id, one in read.signatures.items()}
    except Exception as error:  # whatever a stranger may have written: never a traceback
        raise SignatureError("this is not a DSSE envelope") from error
    if read.payload_type != payload_type:
        raise SignatureError(f"this envelope holds {str(read.payload_type)[:80]!r}, not {payload_type}")
    return Opened(read.payload, read.pae(), signatures)
