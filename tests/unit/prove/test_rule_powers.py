"""A rule is asked about the powers that it names alone: one that it forgot to name would be a chain nobody sees."""

import ast
import inspect
import textwrap

import pytest

from ringfence.prove.closure.capability import Can
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules import load_rules
from ringfence.prove.rules.registry import RULES, RuleEntry

load_rules()
_ABOUT_POWERS = [entry for entry in RULES.values() if Can.POWER in entry.on]


@pytest.mark.parametrize("entry", _ABOUT_POWERS, ids=lambda entry: entry.name)
def test_a_rule_names_every_power_that_it_asks_about(entry: RuleEntry) -> None:
    """Every power in its body is named, but those that it only gives."""
    assert entry.body is not None
    tree = ast.parse(textwrap.dedent(inspect.getsource(entry.body)))
    given = {id(part) for call in ast.walk(tree) if _gives(call) for part in ast.walk(call)}
    asked = {
        Power[node.attr].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and _is_power(node) and id(node) not in given
    }
    listed = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        for name in _powers_in(vars(inspect.getmodule(entry.body)).get(node.id))
    }
    assert entry.powers is not None
    assert asked | listed <= entry.powers


def _powers_in(value: object) -> set[str]:
    """The powers that a table of the module lists."""
    known = {power.value for power in Power}
    return {item for item in value if isinstance(item, str)} & known if isinstance(value, dict | tuple) else set()


def _is_power(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "Power" and node.attr in Power.__members__


def _gives(node: ast.AST) -> bool:
    """Whether this makes a capability."""
    if not isinstance(node, ast.Call):
        return False
    made = node.func
    return (made.id if isinstance(made, ast.Name) else getattr(made, "attr", "")) in ("Capability", "_replace")
