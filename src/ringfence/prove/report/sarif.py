"""A proof as SARIF 2.1.0: each broken promise a result, with the file and line of the object that allows it.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0. Objects of live clusters have logical locations only.
"""

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from ringfence.base.errors import Location
from ringfence.base.text import printable
from ringfence.prove.proof import Answer, Dimension, PairProof, Proof, Step, Verdict
from ringfence.prove.rules.registry import RULES

Locate = Callable[[str], Location | None]
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(proof: Proof, locate: Locate, version: str) -> dict[str, Any]:
    """The SARIF log. ``locate`` finds the file and line of an object by its name in the proof, None: it has none."""
    results = [
        _result(pair, dimension, verdict, locate)
        for pair in proof.pairs
        for dimension, verdict in pair.dimensions.items()
        if dimension in pair.counted and verdict.answer is not Answer.HOLDS
    ]
    rules = [
        {"id": f"ringfence/{dimension.value}", "shortDescription": {"text": f"separation in {dimension.value}"}}
        for dimension in Dimension
    ]
    driver = {
        "name": "ringfence",
        "version": version,
        "informationUri": "https://ringfence.dev",
        "rules": rules,
        "properties": {"closure": sorted(RULES)},
    }
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}],
    }


def _result(pair: PairProof, dimension: Dimension, verdict: Verdict, locate: Locate) -> dict[str, Any]:
    broken = verdict.answer is Answer.BROKEN
    last = verdict.witness[-1] if verdict.witness else None
    said = last.step if last is not None else "; ".join(verdict.missing[:3]) or "not known"
    result: dict[str, Any] = {
        "ruleId": f"ringfence/{dimension.value}",
        "level": "error" if broken else "warning",
        "kind": "fail" if broken else "review",
        "message": {
            "text": printable(f"{pair.source} -> {pair.destination}: {dimension.value} {verdict.answer.value}: {said}")
        },
        "locations": [_location(last, locate)] if last is not None else [],
    }
    if len(verdict.witness) > 1:
        steps = [
            {"location": {**_location(step, locate), "message": {"text": printable(step.step)}}}
            for step in verdict.witness
        ]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return result


def _location(step: Step, locate: Locate) -> dict[str, Any]:
    found: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": printable(step.object), "kind": "resource"}]}
    place = locate(step.object)
    if place is not None:
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.file)}}
        if place.line is not None:
            physical["region"] = {"startLine": place.line}
        found["physicalLocation"] = physical
    return found


def _uri(file: str) -> str:
    """Relative as it was given, or absolute as a URI; other characters than a URI's are escaped."""
    path = PurePosixPath(file)
    return path.as_uri() if path.is_absolute() else quote(file, safe="/")
