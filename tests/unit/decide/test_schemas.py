"""The JSON Schemas of the documentation against the golden Landscapes and what the planner prints for them."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from ringfence.decide.topology_json import to_json, to_text
from ringfence.flows.plan import plan
from ringfence.landscape.load import load_landscape

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "docs/reference/schemas"
CASES = sorted((ROOT / "tests/golden/plan").glob("*/ringfence.yaml"))


@pytest.mark.parametrize("path", [*CASES, ROOT / "examples/clinic/ringfence.yaml"], ids=lambda path: path.parent.name)
def test_landscapes_and_topologies_fit_their_schemas(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), json.loads((SCHEMAS / "landscape.schema.json").read_text()))
    topology = plan(load_landscape(path), fresh=True)
    value = json.loads(to_text(topology))
    assert value == to_json(topology)
    jsonschema.validate(value, json.loads((SCHEMAS / "topology.schema.json").read_text()))


def test_a_conflict_names_rules_and_where_they_are_written() -> None:
    """As the contract fixes it; ``at`` leads to the line, so that an editor can."""
    path = ROOT / "tests/golden/plan/impossible-clause/ringfence.yaml"
    found = to_json(plan(load_landscape(path), fresh=True))["conflict"]
    assert [each["rule"] for each in found] == ["iso-27001 A.8.31", "together[0]"]
    assert [each["at"].rsplit("/", 1)[-1] for each in found] == ["ringfence.yaml:6:17", "ringfence.yaml:11:7"]
    assert found[1]["because"] == "we have only one"
