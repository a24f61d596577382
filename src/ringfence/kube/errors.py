"""What a Kubernetes API server refuses, as Ringfence's errors: each names the request and the way out.

The body of a request is never quoted: it may be a Secret.
"""

from typing import Any

from ringfence.base.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    RingfenceError,
    StateError,
    UnreachableError,
)
from ringfence.base.text import printable

_LONGEST = 800


class NotFoundError(StateError):
    """The object, or the kind, is not there."""


class RefusedError(StateError):
    """The API server understood the object and will not have it: validation, admission or quota."""


class ExpiredError(StateError):
    """A watch or a paged list was resumed too late; list again."""


def unreachable(server: str, error: Exception) -> UnreachableError:
    """No answer at all."""
    return UnreachableError(
        f"{server}: the Kubernetes API does not answer: {printable(str(error)) or type(error).__name__}",
        reason="Unreachable",
        hint="`ringfence up FILE` starts embedded clusters again; `kubectl cluster-info` checks any other context",
    )


def refusal(server: str, method: str, path: str, code: int, status: dict[str, Any]) -> RingfenceError:
    """The error for an answer of 400 and more; ``status`` is the API's Status object, or empty."""
    reason = str(status.get("reason") or f"HTTP {code}")
    message = printable(str(status.get("message") or "no reason given"))[:_LONGEST]
    what = f"{server}: {method} {path}"
    if code == 401:
        return ForbiddenError(
            f"{what}: the credentials are not accepted",
            reason="Unauthorized",
            hint="log in to the cluster again, or name another context",
        )
    if code == 403:
        # Admission plugins (quota, PodSecurity, ValidatingAdmissionPolicy) answer 403 as well: those are refusals.
        if " is forbidden: User " in message and " cannot " in message:
            return ForbiddenError(
                f"{server}: {message}", reason="Forbidden", hint="ask the cluster's administrator for this right"
            )
        return RefusedError(f"{what}: {message}", reason="Refused")
    if code == 404:
        return NotFoundError(f"{what}: {message}", reason="NotFound")
    if code == 409:
        return ConflictError(
            f"{what}: {message}", reason=reason, hint="somebody else changed it first; run the same command again"
        )
    if code == 410:
        return ExpiredError(f"{what}: {message}", reason="Expired")
    if code in (400, 405, 415):
        return InputError(f"{what}: {message}", reason=reason)
    if code == 422:
        return RefusedError(f"{what}: {message}", reason="Invalid")
    if code in (429, 500, 502, 503, 504):
        return UnreachableError(
            f"{what}: the API server is not able to answer now: {message}", reason=reason, hint="try again in a moment"
        )
    return StateError(f"{what}: {message}", reason=reason)
