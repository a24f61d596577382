"""The labels that a pod could be given: every case that selectors can tell apart, or as good as there is time for."""

from itertools import product

import pytest

from ringfence.prove.network.selectors import Selector, parse_selector
from ringfence.prove.network.wild import MOST_COMBINATIONS, label_choices, model_of


def selector(*expressions: tuple[str, str, list[str]], **labels: str) -> Selector:
    listed = [
        {"key": key, "operator": operator, **({"values": values} if values else {})}
        for key, operator, values in expressions
    ]
    return parse_selector({"matchLabels": labels, "matchExpressions": listed})


FEW = [
    selector(app="web"),
    selector(("app", "NotIn", ["web"])),
    selector(("app", "In", ["web", "db"]), tier="front"),
    selector(("tier", "Exists", []), ("app", "DoesNotExist", [])),
]


def test_every_case_that_selectors_can_tell_apart_is_tried() -> None:
    """Whatever labels a pod has, one that is tried is matched by the same selectors."""
    choices = label_choices(FEW)
    assert choices.complete
    met = {tuple(item.matches(labels) for item in FEW) for labels in choices.tried}
    values = (None, "web", "db", "front", "odd")
    for app, tier, other in product(values, values, (None, "x")):
        labels = {key: value for key, value in (("app", app), ("tier", tier), ("other", other)) if value is not None}
        assert tuple(item.matches(labels) for item in FEW) in met, labels


def test_fewest_labels_first() -> None:
    tried = label_choices(FEW).tried
    assert tried[0] == {}
    assert [len(labels) for labels in tried] == sorted(len(labels) for labels in tried)


def test_a_value_that_no_selector_names_is_among_them_whatever_they_name() -> None:
    named = [selector(("app", "NotIn", ["ringfence-other"]), ("app", "Exists", []))]
    assert any(named[0].matches(labels) for labels in label_choices(named).tried)


def test_nobody_asking_leaves_one_case() -> None:
    assert label_choices([]).tried == ({},)
    assert label_choices([selector()]).tried == ({},)


MANY = [selector(**{f"key-{number}": "yes"}) for number in range(11)]


def test_of_too_many_cases_each_selector_and_each_two_are_met_and_no_more_is_claimed() -> None:
    choices = label_choices(MANY)
    assert not choices.complete
    assert choices.tried[0] == {}
    assert len(choices.tried) <= 1 + len(MANY) + MOST_COMBINATIONS
    for one, other in product(MANY, MANY):
        assert any(one.matches(labels) and other.matches(labels) for labels in choices.tried)


def test_as_many_cases_as_there_is_time_for_are_all_there_are() -> None:
    choices = label_choices(MANY[:6])
    assert choices.complete
    assert len(choices.tried) == 3**6


@pytest.mark.parametrize(
    "met",
    [
        selector(),
        selector(app="web", tier="front"),
        selector(("app", "In", ["web", "db"]), ("app", "NotIn", ["db"])),
        selector(("app", "Exists", []), ("app", "NotIn", ["db"])),
        selector(("app", "DoesNotExist", []), ("app", "NotIn", ["db"])),
        selector(("app", "DoesNotExist", []), tier="front"),
    ],
)
def test_a_model_meets_its_selector(met: Selector) -> None:
    found = model_of(met)
    assert found is not None
    assert met.matches(found)
    assert set(found) <= met.keys


@pytest.mark.parametrize(
    "unmet",
    [
        selector(("app", "DoesNotExist", []), ("app", "Exists", [])),
        selector(("app", "NotIn", ["web"]), tier="front", app="web"),
        selector(("app", "In", ["web"]), app="db"),
    ],
)
def test_a_selector_that_nothing_meets_has_no_model(unmet: Selector) -> None:
    assert model_of(unmet) is None
    assert not any(unmet.matches(labels) for labels in label_choices([unmet, *MANY]).tried)
