"""Asking an image registry which digest a tag means now, by the OCI distribution protocol (``HEAD`` of a manifest).

Only for images that name their registry, and only when somebody asks (``--resolve``): a release must be possible where
there is no network. Credentials are not read: a private registry's digests are given with ``--pin``.
"""

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from ringfence.base.errors import InputError, UnreachableError

_SECONDS = 15
_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class _Reference:
    registry: str
    repository: str
    tag: str


def resolve(image: str) -> str:
    """The digest that ``image`` (``HOST/NAME:TAG``) means now.

    Raises InputError for an image without a registry, UnreachableError when the registry does not answer with one.
    """
    reference = _parse(image)
    host = reference.registry.rpartition(":")[0] or reference.registry
    scheme = "http" if host in _LOOPBACK else "https"
    url = f"{scheme}://{reference.registry}/v2/{reference.repository}/manifests/{reference.tag}"
    try:
        try:
            return _digest(image, url, None)
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or not challenge.lower().startswith("bearer "):
                raise
            return _digest(image, url, _token(challenge))
    except (OSError, ValueError) as error:
        said = f"answers {error.code}" if isinstance(error, urllib.error.HTTPError) else "does not answer"
        raise UnreachableError(
            f"{image}: the registry {reference.registry} {said}",
            reason="NotResolved",
            hint=f"give the digest yourself: --pin {image}=sha256:...",
        ) from error


def _parse(image: str) -> _Reference:
    registry, slash, rest = image.partition("/")
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        raise InputError(f"{image}: it does not say in which registry it is", hint="write it as HOST/NAME:TAG")
    repository, colon, tag = rest.rpartition(":")
    return _Reference(registry, repository if colon else rest, tag if colon else "latest")


def _digest(image: str, url: str, token: str | None) -> str:
    request = urllib.request.Request(url, method="HEAD", headers={"Accept": _ACCEPT})  # noqa: S310
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        found = str(answer.headers.get("Docker-Content-Digest", ""))
    if not _DIGEST.fullmatch(found):
        raise ValueError("the registry named no digest")
    return found


def _token(challenge: str) -> str:
    """An anonymous token from where the registry says; only by HTTP or HTTPS, whatever it says."""
    fields = dict(_CHALLENGE.findall(challenge))
    realm = fields.pop("realm", "")
    if urlsplit(realm).scheme not in ("http", "https"):
        raise ValueError("no realm")
    query = urlencode({key: value for key, value in fields.items() if key in ("service", "scope")})
    with urllib.request.urlopen(f"{realm}?{query}", timeout=_SECONDS) as answer:  # noqa: S310
        found = json.load(answer)
    return str(found.get("token") or found.get("access_token") or "")
