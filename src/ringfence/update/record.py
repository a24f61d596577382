"""The record that an update ran, which travels from one Environment to another that shares nothing with it.

A signed file (DSSE). What keeps it honest: it is believed only from the key that was pinned for that Environment, it
speaks of one bundle's digest, it says when it was issued and is believed for a while only, and it carries a number that
grows: once a later one was seen, an earlier one is a replay. A shared secret was rejected, since Environments share
nothing; trust on first use, since the first one is the one that matters.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ringfence.base.errors import ExitCode, RingfenceError
from ringfence.evidence.codec import decode, encode
from ringfence.evidence.event import canonical
from ringfence.evidence.signing import PublicKey, SignatureError, Signer, seal, unseal

RECORD_TYPE = "application/vnd.ringfence.update-record+json"
SKEW = timedelta(minutes=5)
"""How far two machines' clocks may be apart."""


class RefusedError(RingfenceError):
    """What was asked is not allowed now; nothing changed. The gate is closed, exit code 1."""

    exit_code = ExitCode.FOUND


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to hold on the new platform: its name, whether it did, and what was seen."""

    name: str
    passed: bool
    because: str


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """That ``environment`` of ``landscape`` runs a bundle since ``finished``.

    ``sequence`` grows with every record of an Environment; ``issued`` is when this one was signed.
    """

    landscape: str
    environment: str
    designation: str
    version: str
    bundle: str
    finished: datetime
    issued: datetime
    sequence: int
    checks: tuple[Check, ...]


def seal_record(record: UpdateRecord, signer: Signer) -> bytes:
    """The record as a signed file."""
    value = {"apiVersion": "ringfence.dev/v1", "kind": "UpdateRecord", **encode(record)}
    return canonical(seal(canonical(value), RECORD_TYPE, signer)) + b"\n"


def read_record(text: bytes, trusted: Mapping[str, Sequence[PublicKey]], landscape: str) -> UpdateRecord:
    """The record in a file, if the key pinned for its Environment signed it.

    ``trusted`` maps an Environment's name to its keys. Raises RefusedError for a forged or foreign one.
    """
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused("this is not a signed record of an update") from error
    if not isinstance(envelope, dict):
        raise _refused("this is not a signed record of an update")
    everybody = list({key.pem: key for keys in trusted.values() for key in keys}.values())
    record = _decoded(_believed(envelope, everybody))
    if record.landscape != landscape:
        raise _refused(f"the record is of the landscape {record.landscape!r}, not of {landscape!r}")
    _believed(envelope, trusted.get(record.environment, ()), record.environment)
    return record


def check_fresh(record: UpdateRecord, now: datetime, lifetime: timedelta) -> None:
    """Raise RefusedError for a record from the future, or one that was issued too long ago."""
    if record.issued > now + SKEW or record.finished > record.issued + SKEW:
        raise _refused(f"the record of {record.environment} is from the future ({record.issued.isoformat()})")
    if now - record.issued > lifetime:
        raise _refused(
            f"the record of {record.environment} was issued on {record.issued.isoformat()} and is stale: "
            f"records are believed for {lifetime.days} days",
            hint=f"ask {record.environment} for a new one: ringfence update record",
        )


def _believed(envelope: Mapping[str, Any], keys: Sequence[PublicKey], environment: str | None = None) -> bytes:
    of = f" of {environment}" if environment else ""
    try:
        return unseal(envelope, RECORD_TYPE, keys)
    except SignatureError as error:
        raise _refused(
            f"the record{of} cannot be believed: {error.message}",
            hint="ringfence update trust ENVIRONMENT KEY pins the key of an Environment",
        ) from error


def _decoded(payload: bytes) -> UpdateRecord:
    try:
        value = json.loads(payload)
        if value.pop("kind") != "UpdateRecord" or value.pop("apiVersion") != "ringfence.dev/v1":
            raise _refused("the signed file is not a record of an update")
        return decode(UpdateRecord, value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refused("the signed file is not a record of an update") from error


def _refused(message: str, hint: str | None = None) -> RefusedError:
    return RefusedError(message, reason="RecordRefused", hint=hint)
