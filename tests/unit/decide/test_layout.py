"""Names and places: what a plan calls things, and what stays where it stands."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ringfence.decide import topology_file
from ringfence.decide.topology import Designation
from ringfence.flows.plan import decide, plan, standing, write
from ringfence.landscape.load import load_landscape, parse_landscape
from ringfence.landscape.model import Landscape

ROOT = Path(__file__).parents[3]


def clinic() -> Landscape:
    return replace(load_landscape(ROOT / "examples/clinic"), folder="/nowhere")


def test_the_clinic_is_named_as_the_contract_names_it() -> None:
    topology = plan(clinic())
    assert [each.name for each in topology.environments] == ["production", "non-production"]
    assert [each.designation for each in topology.environments] == [Designation.PRODUCTION, Designation.NON_PRODUCTION]
    assert [each.name for each in topology.environments[0].clusters] == [
        "production-management", "production-1", "production-2",
    ]  # fmt: skip
    place = topology.placement("portal/production")
    assert (place.pool, place.namespace) == ("apps", "portal-production")
    assert place.services == {"postgresql": "postgresql", "rabbitmq": "rabbitmq"}
    assert topology.price == 5190


def test_what_stands_keeps_its_names_and_dear_moves_wait_for_savings(tmp_path: Path) -> None:
    landscape = replace(clinic(), folder=str(tmp_path))
    first = plan(landscape)
    write(landscape, first)
    assert standing(landscape) == replace(first, pairs=(), alternatives=(), moves=())
    relaxed = replace(landscape, regulations=("welkin",))
    cheap = decide(relaxed, standing=first)
    assert cheap.topology.price == 4180
    assert {each.cluster for each in cheap.topology.placements} <= {each.cluster for each in first.placements}
    dear = replace(relaxed.costs.move, by_data=dict.fromkeys(relaxed.costs.move.by_data, Fraction(10**6)))
    kept = decide(replace(relaxed, costs=replace(relaxed.costs, move=dear)), standing=first)
    assert kept.topology.moves == ()
    assert kept.topology.price == 5190
    assert kept.fresh_price == 4180


def test_the_file_reads_back_the_same(tmp_path: Path) -> None:
    topology = plan(clinic())
    path = tmp_path / topology_file.FILE
    path.write_text(topology_file.to_text(topology))
    assert topology_file.read(path) == replace(topology, pairs=(), alternatives=())
    assert topology_file.read(tmp_path / "none.yaml") is None


def test_several_environments_of_one_designation_have_letters() -> None:
    topology = plan(
        parse_landscape(
            "apiVersion: ringfence.dev/v1\nkind: Landscape\nmetadata: {name: x}\nspec:\n"
            "  applications: [{name: a, deployments: {testing: {copies: 3}}}]\n"
            "  separate: [{between: {stage: testing}, and: {stage: testing}, level: environment}]\n",
            Path("/nowhere/ringfence.yaml"),
        )
    )
    assert [each.name for each in topology.environments] == [f"non-production-{letter}" for letter in "abc"]
    assert [each.clusters[1].name for each in topology.environments] == [f"non-production-{c}-1" for c in "abc"]
