"""Secret material in a value: what it is, in the one form in which equal credentials are equal bytes.

A login is the same login in a Secret, base64 inside base64, in a URL, an env literal or a kubeconfig, so each value is
taken apart and every credential in it is brought to a canonical form. Forms live in memory for as long as it takes to
hash them. Comparing whole fields was rejected: nobody copies a whole Secret, people copy the password.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ringfence.observe.certificates import client_certificate
from ringfence.observe.entropy import ENOUGH_BITS, strength
from ringfence.prove.snapshot import MaterialKind

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")
_LOGIN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/:@\"']*):([^\s@\"']+)@")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(r"([0-9a-fA-F]{2}){12,}")
_ASSIGNMENT = re.compile(
    r"^\s*[-\"']?([A-Za-z0-9_.\-]{1,80})[\"']?\s*[=:]\s*[\"']?(.*?)[\"']?\s*[,;]?\s*$", re.MULTILINE
)
_TOKEN = re.compile(r"[^\s\"'=;,&?<>(){}\[\]|]{11,512}")
_AWS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_DEPTH = 4
_LONGEST = 1 << 20
_MOST = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """Material before it is hashed. ``form`` is the credential itself: never kept, printed or compared but by hash."""

    kind: MaterialKind
    form: bytes
    bits: int
    about: Mapping[str, str] = field(default_factory=dict)


def find_material(value: str, place: str, secret: bool) -> tuple[Found, ...]:
    """Every credential in ``value``. ``place`` names the field, ``secret`` says whether a Secret holds it.

    Values over a mebibyte are looked at as a whole only. Raises nothing for any text.
    """
    found: dict[tuple[MaterialKind, bytes], Found] = {}
    for item in _walk(value, place, secret, _DEPTH):
        found.setdefault((item.kind, item.form), item)
        if len(found) >= _MOST:
            break
    return tuple(found.values())


def _walk(value: str, place: str, secret: bool, depth: int) -> Iterator[Found]:
    text = value.strip()
    if len(text) < 4 or depth == 0:
        return
    if len(text) > _LONGEST:
        yield _opaque(text, place, secret)
        return
    structured = list(_structured(text, place, secret, depth))
    if structured:
        yield from structured
        return
    if "\n" not in text:
        yield _opaque(text, place, secret)
    yield from _logins(text, place, secret)
    yield from _decoded(text, place, secret, depth)
    if "\n" in text or "=" in text or ";" in text:
        yield from _parts(text, place, secret)


def _opaque(text: str, place: str, secret: bool) -> Found:
    if _AWS_KEY.fullmatch(text):
        return Found(MaterialKind.PUBLIC, text.encode(), 0)
    measure = strength(text, place, secret)
    about = {} if measure.telling else {"shape": "plain"}
    return Found(MaterialKind.OPAQUE, text.encode("utf-8", "surrogatepass"), measure.bits, about)


def _structured(text: str, place: str, secret: bool, depth: int) -> Iterator[Found]:
    if "-----BEGIN " in text:
        yield from _pem(text)
    for match in _JWT.finditer(text) if "eyJ" in text else ():
        token = _token(match.group())
        if token is not None:
            yield token
    if text[0] in "{[":
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return
        yield from _json(document, place, secret, depth)
    elif "apiVersion" in text and "clusters" in text and "users" in text:
        yield from _kubeconfig(text)


def _pem(text: str) -> Iterator[Found]:
    for match in _PEM.finditer(text):
        label, body = match.group(1), match.group(2)
        if "PRIVATE KEY" in label:
            yield Found(MaterialKind.PRIVATE_KEY, _private_form(match.group(), body), 256)
        else:
            certificate = client_certificate(match.group()) if label == "CERTIFICATE" else None
            if certificate is not None:
                yield Found(MaterialKind.CERTIFICATE, certificate.key, 0, certificate.about)
            yield Found(MaterialKind.PUBLIC, "".join(body.split()).encode(), 0)


def _private_form(pem: str, body: str) -> bytes:
    """The key's own public half where it can be read, so that PKCS#1 and PKCS#8 of one key are equal."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "".join(body.split()).encode()
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _token(text: str) -> Found | None:
    parts = text.split(".")
    header, claims = _json_part(parts[0]), _json_part(parts[1])
    if header is None or claims is None or "alg" not in header:
        return None
    about = {key: str(claims[key]) for key in ("iss", "sub") if isinstance(claims.get(key), str)}
    return Found(MaterialKind.TOKEN, text.encode(), 256, about)


def _json_part(part: str) -> dict[str, Any] | None:
    try:
        document = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _json(document: Any, place: str, secret: bool, depth: int) -> Iterator[Found]:
    if isinstance(document, dict):
        auths = document.get("auths")
        if isinstance(auths, dict):
            yield from _registry(auths)
            return
        if "dockercfg" in place:
            yield from _registry(document)
            return
        if isinstance(document.get("clusters"), list) and isinstance(document.get("users"), list):
            yield from _kubeconfig_users(document)
            return
        for key, value in document.items():
            yield from _json_value(value, str(key), secret, depth)
    elif isinstance(document, list):
        for value in document:
            yield from _json_value(value, place, secret, depth)


def _json_value(value: Any, place: str, secret: bool, depth: int) -> Iterator[Found]:
    if isinstance(value, str):
        yield from _walk(value, place, secret, depth - 1)
    elif isinstance(value, dict | list) and depth > 1:
        yield from _json(value, place, secret, depth - 1)


def _registry(auths: Mapping[str, Any]) -> Iterator[Found]:
    for host, entry in auths.items():
        if not isinstance(entry, dict):
            continue
        user, password = entry.get("username"), entry.get("password")
        if not isinstance(password, str) and isinstance(entry.get("auth"), str):
            user, _, password = _text_of(entry["auth"]).partition(":")
        if isinstance(entry.get("identitytoken"), str) and entry["identitytoken"]:
            password = entry["identitytoken"]
        if isinstance(password, str) and password:
            where = _registry_host(str(host))
            form = f"{where}\0{user or ''}\0{password}".encode("utf-8", "surrogatepass")
            yield Found(MaterialKind.REGISTRY_LOGIN, form, 128, {"registry": where})
            yield _opaque(password, "password", secret=True)


def _registry_host(host: str) -> str:
    return host.split("://", 1)[-1].split("/", 1)[0].lower()


def _text_of(encoded: str) -> str:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return ""


def _kubeconfig(text: str) -> Iterator[Found]:
    import yaml

    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    if isinstance(document, dict):
        yield from _kubeconfig_users(document)


def _named(items: Any, inner: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(item.get(inner), dict):
            yield str(item.get("name")), item[inner]


def _kubeconfig_users(document: Mapping[str, Any]) -> Iterator[Found]:
    servers = [str(cluster.get("server", "")) for _, cluster in _named(document.get("clusters"), "cluster")]
    about = {"server": servers[0]} if servers else {}
    for _, user in _named(document.get("users"), "user"):
        for key in ("token", "password"):
            if isinstance(user.get(key), str) and user[key]:
                token = _token(user[key]) if _JWT.fullmatch(user[key]) else None
                claims = dict(token.about) if token else {}
                yield Found(MaterialKind.KUBECONFIG, user[key].strip().encode(), 256, {**about, **claims})
        data = user.get("client-key-data")
        if isinstance(data, str) and data:
            pem = _text_of(data)
            match = _PEM.search(pem)
            form = _private_form(match.group(), match.group(2)) if match else data.encode()
            shown = user.get("client-certificate-data")
            certificate = client_certificate(_text_of(shown)) if isinstance(shown, str) else None
            yield Found(MaterialKind.KUBECONFIG, form, 256, {**about, **(certificate.about if certificate else {})})


def _logins(text: str, place: str, secret: bool) -> Iterator[Found]:
    for match in _LOGIN_URL.finditer(text):
        yield _opaque(unquote(match.group(2)), "password", secret)


def _decoded(text: str, place: str, secret: bool, depth: int) -> Iterator[Found]:
    """What the text hides when it is base64 or hexadecimal of another text."""
    candidates: Iterable[bytes | None] = ()
    if _HEX.fullmatch(text):
        candidates = (bytes.fromhex(text),)
    elif _BASE64.fullmatch(text):
        candidates = (_unbase64(text),)
    for raw in candidates:
        if raw is None or len(raw) < 8:
            continue
        try:
            inner = raw.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if all(character.isprintable() or character in "\r\n\t" for character in inner):
            yield from _walk(inner, place, secret, depth - 1)


def _unbase64(text: str) -> bytes | None:
    normal = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(normal + "=" * (-len(normal) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None


def _parts(text: str, place: str, secret: bool) -> Iterator[Found]:
    """Values of assignments, and single words that could be a credential, in configuration text."""
    for match in _ASSIGNMENT.finditer(text):
        if 8 <= len(match.group(2)) <= 4096:
            yield _opaque(match.group(2), match.group(1), secret)
            yield from _decoded(match.group(2), match.group(1), secret, 2)
    for match in _TOKEN.finditer(text):
        item = _opaque(match.group(), place, secret=False)
        if item.bits >= ENOUGH_BITS:
            yield item
