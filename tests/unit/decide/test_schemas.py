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
