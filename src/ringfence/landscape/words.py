"""Selectors and asks in words, for explanations and lists."""

from ringfence.base.text import listed
from ringfence.landscape.model import Selector
from ringfence.landscape.packs import Ask


def describe_selector(selector: Selector, unmarked: tuple[str, ...] = ()) -> str:
    """``production``; ``portal in testing or staging``; ``everything``."""
    parts = []
    if selector.application:
        parts.append(listed(selector.application, "or"))
    if selector.stage:
        parts.append(("in " if parts else "") + listed(selector.stage, "or"))
    if selector.zone:
        parts.append(f"of zone {listed(selector.zone, 'or')}")
    if selector.team:
        parts.append(f"of team {listed(selector.team, 'or')}")
    if selector.data:
        parts.append(f"with {listed(selector.data, 'or')} data")
    if selector.protection:
        parts.append(f"of {listed(selector.protection, 'or')} protection")
    if selector.marks:
        parts.append(f"marked {listed(selector.marks, 'or')}")
    if unmarked:
        parts.append(f"not marked {listed(unmarked, 'or')}")
    words = " ".join(parts) or "everything"
    return f"applications {words}" if words.startswith(("of ", "with ", "marked ", "not ")) else words


def describe_pairs(between: Selector, others: Selector) -> str:
    """Both groups of a rule."""
    return f"{describe_selector(between)} and {_one_of(describe_selector(others))}"


def _one_of(words: str) -> str:
    """A list after "and" would read as if it went on with what stands before it."""
    return f"any of {words}" if " or " in words and not words.startswith("applications ") else words


def describe_ask(ask: Ask) -> str:
    """The pairs that an ask speaks of."""
    one, other = describe_selector(ask.between), describe_selector(ask.others, ask.unmarked)
    differing = listed([each.value for each in ask.differ])
    if one == other == "everything":
        return f"deployments of different {differing}" if ask.differ else "every two deployments"
    return f"{one} and {_one_of(other)}" + (f" of another {differing}" if ask.differ else "")
