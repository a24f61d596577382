"""Percentiles, the picture, and loops from a real history."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion_world import make_site
from ringfence.flows.loops import loops
from ringfence.promote.loops import Loop, Part, percentile, summarise
from ringfence.promote.picture import draw, seconds_text


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_is_a_measured_value_with_enough_below_it(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_stages_stand_in_ladder_order_against_their_targets() -> None:
    measured = [
        Loop("staging", 5000.0, {Part.GATES: 1.0, Part.ARGO_CD: 2.0}),
        Loop("development", 30.0, {Part.GIT: 1.0, Part.ARGO_CD: 60.0}),
    ]
    found = summarise(measured, ["local", "development", "staging"], {"development": 30.0, "staging": None})
    assert [(one.stage, one.within) for one in found] == [("development", False), ("staging", None)]
    assert found[0].step.p50 == 61.0


def test_the_picture_is_well_formed_and_says_its_numbers() -> None:
    measured = [Loop("<odd>", 5.0, {Part.GIT: 1.0, Part.ROLLOUT: 4.0})]
    text = draw(summarise(measured, ["<odd>"], {"<odd>": 30.0}), "Loops of a & b")
    root = ElementTree.fromstring(text)
    said = " ".join(root.itertext())
    assert "median 5.0 s" in said
    assert "target 30 s" in said
    ElementTree.fromstring(draw((), "nothing yet"))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (12.0, "12 s"), (90.0, "1.5 min"), (7200.0, "2.0 h"), (129600.0, "1.5 d")]
)
def test_seconds_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_loops_come_from_the_history(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    site.release("1.0.0")
    site.climb("portal/local", "development", "testing")
    found = loops(site.workspace(), "portal")
    assert [stage.stage for stage in found.stages] == ["development", "testing"]
    # A minute passes before each promotion; the stand-in's sync takes 0.5 s of 1.0 s.
    assert found.stages[1].whole.p50 == 120.0
    assert found.stages[1].parts[Part.ARGO_CD].p50 == 0.5
    assert found.stages[1].parts[Part.ROLLOUT].p50 == 0.5
    assert "<svg" in found.to_svg()
