"""The roles and bindings that every API server makes at its start, by version.

The tables beside this module state what Kubernetes 1.33 and 1.37 make (facts of its bootstrap policy; aggregated roles
are filled in). For a version between them, or one that is not known, what the two disagree on is uncertain.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

_OLDEST, _NEWEST = 33, 37


def editions_for(minor: int | None) -> tuple[str, ...]:
    """The tables that decide for Kubernetes 1.``minor`` (None: not known); several where they may disagree."""
    if minor is not None and minor <= _OLDEST:
        return ("1.33",)
    if minor is not None and minor >= _NEWEST:
        return ("1.37",)
    return ("1.33", "1.37")


@cache
def bootstrap_objects(edition: str) -> tuple[Mapping[str, Any], ...]:
    """Every bootstrap role and binding of one edition, as Kubernetes objects."""
    text = resources.files(__package__).joinpath(f"bootstrap-{edition}.json").read_text("utf-8")
    objects: list[Mapping[str, Any]] = json.loads(text)
    return tuple(objects)
