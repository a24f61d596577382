"""Pods that somebody could create: which sets of labels are worth trying.

Only labels that some selector mentions can matter, each of them absent, with a value that a selector names, or with
a value that none names. All combinations of these are every case there is. Where there are too many, the most
promising are tried and the rest is owned up to: then a failure to get through is no proof.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, product

from ringfence.prove.network.selectors import Requirement, Selector

MOST_COMBINATIONS = 1024
OTHER = "ringfence-other"


@dataclass(frozen=True, slots=True)
class LabelChoices:
    """Sets of labels to try. ``complete``: there are no others that could behave differently."""

    tried: tuple[Mapping[str, str], ...]
    complete: bool


def label_choices(selectors: Iterable[Selector]) -> LabelChoices:
    """The sets of labels that these selectors can tell apart, fewest labels first."""
    requirements = [requirement for selector in set(selectors) for requirement in selector.requirements]
    options = {key: _values(key, requirements) for key in sorted({requirement.key for requirement in requirements})}
    count = 1
    for values in options.values():
        count *= len(values)
    if count <= MOST_COMBINATIONS:
        return LabelChoices(tuple(_combinations(options)), True)
    return LabelChoices(tuple(_promising(list(dict.fromkeys(selectors)))), False)


def _values(key: str, requirements: list[Requirement]) -> list[str | None]:
    named = {value for requirement in requirements if requirement.key == key for value in requirement.values}
    other = OTHER
    while other in named:
        other += "-"
    return [None, *sorted(named), other]


def _combinations(options: Mapping[str, list[str | None]]) -> Iterable[Mapping[str, str]]:
    found = [
        {key: value for key, value in zip(options, values, strict=True) if value is not None}
        for values in product(*options.values())
    ]
    return sorted(found, key=lambda labels: (len(labels), sorted(labels.items())))


def _promising(selectors: list[Selector]) -> Iterable[Mapping[str, str]]:
    """No labels, labels that meet one selector, and labels that meet two."""
    yield {}
    models = [model for model in map(model_of, islice(selectors, 512)) if model is not None]
    yield from models
    for first, second in islice(product(models[:32], models[:32]), MOST_COMBINATIONS):
        yield {**first, **second}


def model_of(selector: Selector) -> Mapping[str, str] | None:
    """A small set of labels that a selector matches, or None when there is none."""
    labels: dict[str, str] = {}
    by_key: dict[str, list[Requirement]] = {}
    for requirement in selector.requirements:
        by_key.setdefault(requirement.key, []).append(requirement)
    for key, requirements in sorted(by_key.items()):
        for value in _values(key, requirements):
            candidate = {} if value is None else {key: value}
            if all(requirement.matches(candidate) for requirement in requirements):
                labels.update(candidate)
                break
        else:
            return None
    return labels
