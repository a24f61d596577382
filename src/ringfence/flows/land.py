"""Reads the pod that a placement question is about."""

from pathlib import Path
from typing import Any

from ringfence.base.errors import InputError, Location
from ringfence.observe.decode import decode_file
from ringfence.prove.scheduling.land import POD_KINDS


def read_pod(path: Path) -> dict[str, Any]:
    """The pod in a file, or the workload in it whose pods are meant. Raises InputError when there is none."""
    if not path.is_file():
        raise InputError("there is no such file", location=Location(str(path)), reason="NotFound")
    for document in decode_file(path, str(path)):
        if not isinstance(document, dict):
            continue
        if document.get("kind") in POD_KINDS:
            return document
    raise InputError("no pod is in this file", location=Location(str(path)), hint="write kind: Pod with a spec")
