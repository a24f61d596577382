"""Random Landscapes as plain mappings, small enough for the oracles."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ringfence.landscape.load import parse_landscape
from ringfence.landscape.model import Landscape

STAGES = ["development", "testing", "staging", "production"]
CPU = st.sampled_from(["0", "100m", "500m", "1", "1500m", "2", "3", "5"])
MEMORY = st.sampled_from(["0", "256Mi", "1Gi", "2Gi", "6Gi", "9Gi"])
REQUESTS = st.fixed_dictionaries({"cpu": CPU, "memory": MEMORY})
LEVELS = ["labels", "namespace", "node", "node+namespace", "cluster", "environment"]


@st.composite
def applications(draw: st.DrawFn, most: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    count = 0
    for name in ["a", "b", "c", "d", "e", "f"][: draw(st.integers(1, 4))]:
        deployments: dict[str, Any] = {}
        for stage in STAGES:
            copies = draw(st.sampled_from([0, 0, 1, 1, 2]))
            if not copies or count + copies > most:
                continue
            count += copies
            deployments[stage] = {"copies": copies} if copies > 1 else {}
            if draw(st.booleans()):
                deployments[stage]["requests"] = draw(REQUESTS)
        application: dict[str, Any] = {"name": name, "deployments": deployments or {"local": {}}}
        zone = draw(st.sampled_from([None, "low", "high", "top"]))
        if zone:
            application["zone"] = zone
        if draw(st.booleans()):
            application["requests"] = draw(REQUESTS)
        needs = draw(st.lists(st.sampled_from(["postgresql", "rabbitmq"]), unique=True, max_size=2))
        if needs:
            application["needs"] = needs
        found.append(application)
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    every = []
    for application in found:
        for stage, own in application["deployments"].items():
            copies = own.get("copies", 1)
            every += [
                f"{application['name']}/{stage}" + (f"-{number + 1}" if copies > 1 else "")
                for number in range(copies)
                if stage != "local"
            ]
    return every


@st.composite
def selector(draw: st.DrawFn, found: list[dict[str, Any]]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    if draw(st.booleans()):
        chosen["stage"] = draw(st.sampled_from(STAGES))
    if draw(st.booleans()):
        chosen["application"] = draw(
            st.lists(st.sampled_from([each["name"] for each in found]), min_size=1, unique=True)
        )
    if draw(st.integers(0, 4)) == 0:
        chosen["zone"] = draw(st.sampled_from(["low", "high", "top"]))
    return chosen


@st.composite
def specs(draw: st.DrawFn, most: int = 6, regulations: bool = True) -> dict[str, Any]:
    found = draw(applications(most))
    every = names(found)
    separate = [
        {"between": draw(selector(found)), "and": draw(selector(found)), "level": draw(st.sampled_from(LEVELS))}
        for _ in range(draw(st.integers(0, 3)))
    ]
    together = []
    if len(every) > 1:
        for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
            members = draw(st.lists(st.sampled_from(every), min_size=2, max_size=3, unique=True))
            kind = draw(st.sampled_from(["namespace", "pool", "cluster", "environment"]))
            together.append({"deployments": members, "in": kind})
    packs = st.lists(st.sampled_from(["iso-27001", "nis2", "bsi", "welkin", "mdr"]), unique=True, max_size=2)
    return {
        "posture": draw(st.sampled_from(["recommended", "minimum"])),
        "regulations": draw(packs) if regulations else [],
        "zones": {"low": {"protection": "normal"}, "high": {"protection": "high"}, "top": {"protection": "very-high"}},
        "applications": found,
        "separate": separate,
        "together": together,
        "services": {
            "postgresql": {"requests": {"cpu": "1", "memory": "2Gi"}},
            "rabbitmq": {"requests": {"cpu": "500m", "memory": "1Gi"}},
        },
        "costs": {
            "environment": draw(st.sampled_from([0, 100, 1200])),
            "cluster": draw(st.sampled_from([0, 50, 450])),
            "node": {
                "cpu": "4",
                "memory": "16Gi",
                "price": draw(st.sampled_from([0, 110, 99.5, 900])),
                "fill": draw(st.sampled_from([0.8, 1, 0.7])),
                "minPerPool": draw(st.sampled_from([1, 1, 2, 3])),
            },
        },
    }


def document(spec: dict[str, Any]) -> str:
    return json.dumps(
        {"apiVersion": "ringfence.dev/v1", "kind": "Landscape", "metadata": {"name": "random"}, "spec": spec}
    )


def landscape(spec: dict[str, Any]) -> Landscape:
    return parse_landscape(document(spec), Path("random.yaml"))
