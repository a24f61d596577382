"""A proof as SARIF 2.1.0: each broken promise a result, with the file and line of the object that allows it.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0. Code hosts show no result without a file: where an
object has none, as those of live clusters, the result stands in the file that makes the promise. What is unknown is of
kind ``fail`` too: the format lets no other kind have a level, and code hosts hide results that have none.
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


def sarif(proof: Proof, locate: Locate, version: str, promised_in: Location | None = None) -> dict[str, Any]:
    """The SARIF log. ``locate`` finds the file and line of an object by its name in the proof, None: it has none.
    ``promised_in`` is the file of the Partition or Landscape."""
    results = [
        _result(pair, dimension, verdict, locate, promised_in)
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


def _result(
    pair: PairProof, dimension: Dimension, verdict: Verdict, locate: Locate, promised_in: Location | None
) -> dict[str, Any]:
    broken = verdict.answer is Answer.BROKEN
    last = verdict.witness[-1] if verdict.witness else None
    said = last.step if last is not None else "; ".join(verdict.missing[:3]) or "not known"
    where = _location(last, locate) if last is not None else {}
    if promised_in is not None:
        where.setdefault("physicalLocation", _physical(promised_in))
    result: dict[str, Any] = {
        "ruleId": f"ringfence/{dimension.value}",
        "ruleIndex": list(Dimension).index(dimension),
        "level": "error" if broken else "warning",
        "message": {
            "text": printable(f"{pair.source} -> {pair.destination}: {dimension.value} {verdict.answer.value}: {said}")
        },
        "locations": [where] if where else [],
        # The same finding in the next run, whatever chain shows it then.
        "partialFingerprints": {
            "pairAndDimension/v1": printable(f"{pair.source}/{pair.destination}/{dimension.value}")
        },
        "properties": {"verdict": verdict.answer.value},
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
        found["physicalLocation"] = _physical(place)
    return found


def _physical(place: Location) -> dict[str, Any]:
    return {"artifactLocation": {"uri": _uri(place.file)}, "region": {"startLine": place.line or 1}}


def _uri(file: str) -> str:
    """Relative as it was given, or absolute as a URI; other characters than a URI's are escaped."""
    path = PurePosixPath(file)
    return path.as_uri() if path.is_absolute() else quote(file, safe="/")
