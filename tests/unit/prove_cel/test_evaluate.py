"""What expressions come to by the CEL language definition, and what policies do with pods because of it."""

from typing import Any

import pytest

from ringfence.prove.cel.bound import collect
from ringfence.prove.cel.evaluate import Scope, evaluate
from ringfence.prove.cel.parse import parse
from ringfence.prove.cel.policies import PodPolicies, Says
from ringfence.prove.cel.values import ANYTHING, Mark, Value, known, truths

ERROR = Mark.ERROR
OBJECT = known({"n": 1, "list": ["a", "b"], "text": "abc", "map": {"a": 1}, "yes": True, "no": False})
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


def outcome(text: str, thing: Value = OBJECT) -> set[bool | Mark]:
    return set(truths(evaluate(parse(text), Scope({"object": thing}))))


@pytest.mark.parametrize(
    ("text", "comes_to"),
    [
        ("!object.yes", False),
        ("!object.no", True),
        ("!object.gone", ERROR),
        ("!object.n", ERROR),
        ("object.gone && object.no", False),
        ("object.no && object.gone", False),
        ("object.gone && object.yes", ERROR),
        ("object.gone || object.yes", True),
        ("object.n || object.no", ERROR),
        ("object.gone ? true : true", ERROR),
        ("object.yes ? object.gone : true", ERROR),
        ("object.no ? object.gone : true", True),
        ("has(object.gone)", False),
        ("has(object.text)", True),
        ("has(object.text.gone)", ERROR),
        ("has(object.gone.gone)", ERROR),
        ("object.n == 1", True),
        ("object.n == '1'", False),
        ("object.yes == 1", False),
        ("object.n != '1'", True),
        ("object.gone == null", ERROR),
        ("object.n < 2 && object.n <= 1 && object.n >= 1 && !(object.n > 1)", True),
        ("'a' < 'b' && !('b' <= 'a')", True),
        ("'a' in object.map", True),
        ("'b' in object.map", False),
        ("'b' in object.list", True),
        ("'c' in object.list", False),
        ("'a' in object.text", ERROR),
        ("object.list[1] == 'b'", True),
        ("object.list[2] == 'b'", ERROR),
        ("object.map['a'] == 1", True),
        ("object.map['b'] == 1", ERROR),
        ("object.list == ['a', 'b']", True),
        ("object.list == ['a']", False),
        ("object.list == ['b', 'a']", False),
        ("object.list == object.map", False),
        ("'b' in [object.gone, 'a']", ERROR),
        ("'a' in [object.gone, 'a']", ERROR),
        ("has({'a': object.gone}.a)", ERROR),
        ("size(object.list) == 2 && object.text.size() == 3 && size(object.map) == 1", True),
        ("object.text.startsWith('ab') && object.text.endsWith('bc') && object.text.contains('b')", True),
        ("object.text.startsWith('b') || object.text.endsWith('b') || object.text.contains('ba')", False),
        ("object.text.startsWith(1)", ERROR),
        ("object.n.startsWith('1')", ERROR),
        ("object.list.all(x, x < 'c')", True),
        ("object.list.all(x, x == 'a')", False),
        ("object.list.all(x, x == 'a' && object.gone)", False),
        ("object.list.all(x, x == 'a' || object.gone)", ERROR),
        ("object.list.exists(x, x == 'b')", True),
        ("object.list.exists(x, x == 'c')", False),
        ("object.list.exists(x, x == 'b' || object.gone)", True),
        ("object.list.exists(x, object.gone)", ERROR),
        ("[].all(x, false)", True),
        ("[].exists(x, true)", False),
        ("object.map.all(key, key == 'a')", True),
        ("object.map.exists(key, key == 'b')", False),
        ("object.text.all(x, true)", ERROR),
        ("object.gone.exists(x, true)", ERROR),
    ],
)  # fmt: skip
def test_what_an_expression_comes_to(text: str, comes_to: bool | Mark) -> None:
    assert outcome(text) == {comes_to}


@pytest.mark.parametrize(
    "text",
    ["object.a == 1", "!object.a", "object.a in [1]", "1 in object.a", "object.a.startsWith('x')", "object.a < 1",
     "object.a.all(x, x)", "object.a.map(x, x) == [1]", "object.a.matches('x')", "object.a + 1 == 2", "params.a",
     "authorizer.group('').resource('pods').check('create').allowed()", "object.a[0]", "size(object.a) == 1",
     "has(object.a)", "object.a ? true : false"],
)  # fmt: skip
def test_what_is_not_known_may_come_to_either(text: str) -> None:
    assert {True, False} <= outcome(text, ANYTHING)


@pytest.mark.parametrize(
    ("text", "comes_to"),
    [
        ("object.a || true", {True}),
        ("object.a && false", {False}),
        ("object.a || false", {True, False, ERROR}),
        ("!object.a", {True, False, ERROR}),
        ("object.a ? false : false", {False, ERROR}),
        ("'x' in [object.a, 'x']", {True, ERROR}),
    ],
)
def test_what_is_not_known_may_fail(text: str, comes_to: set[bool | Mark]) -> None:
    assert outcome(text, ANYTHING) == comes_to


def says(expression: str, pod: dict[str, Any], **spec: Any) -> Says:
    """What a policy that is bound for the namespace ``team`` says to a pod of it."""
    bound = {"policyName": "p", "validationActions": ["Deny"], **spec.pop("bound", {})}
    policy = {"matchConstraints": {"resourceRules": [PODS]}, "validations": [{"expression": expression}], **spec}
    made = collect(
        [{"metadata": {"name": "p"}, "spec": policy}], [{"metadata": {"name": "b"}, "spec": bound}], "team", {}
    )
    space = known({"metadata": {"name": "team", "labels": {"tier": "gold"}}})
    return PodPolicies("team", space, tuple(made)).verdict(known(pod)).says


POD = {"metadata": {"name": "p", "labels": {"c": "d"}}, "spec": {"hostNetwork": True, "nodeName": "n1"}}


def test_a_policy_refuses_what_fails_unless_it_ignores_failures() -> None:
    for expression in ("object.spec.gone", "!object.spec.gone", "object.spec.gone == 1"):
        assert says(expression, POD) is Says.REFUSES
        assert says(expression, POD, failurePolicy="Fail") is Says.REFUSES
        assert says(expression, POD, failurePolicy="Ignore") is Says.PASSES


@pytest.mark.parametrize("refusing", ["!params.forbidden", "params.forbidden", "authorizer.allowed()"])
def test_nobody_knows_what_parameters_and_authorizers_say(refusing: str) -> None:
    assert says(refusing, POD) is Says.MAYBE
    assert says(f"{refusing} || !object.spec.hostNetwork", POD) is Says.MAYBE
    assert says(f"{refusing} && !object.spec.hostNetwork", POD) is Says.REFUSES
    assert says(f"{refusing} || object.spec.hostNetwork", POD) is Says.PASSES


def test_one_validation_that_comes_to_false_is_enough() -> None:
    both = [{"expression": "true"}, {"expression": "!object.spec.hostNetwork"}]
    assert says("", POD, validations=both) is Says.REFUSES
    assert says("", POD, validations=both[:1]) is Says.PASSES
    assert says("", POD, validations=[]) is Says.PASSES


def test_conditions_must_all_be_met_for_a_policy_to_look() -> None:
    def met(*expressions: str) -> Says:
        return says("false", POD, matchConditions=[{"name": "c", "expression": text} for text in expressions])

    assert met("true") is Says.REFUSES
    assert met("true", "object.spec.nodeName != 'n1'") is Says.PASSES
    assert met("params.here") is Says.MAYBE
    assert met("params.here", "false") is Says.PASSES


def test_variables_are_what_their_expressions_come_to() -> None:
    host = {"name": "host", "expression": "object.spec.hostNetwork"}
    both = {"name": "both", "expression": "variables.host && object.spec.nodeName == 'n1'"}
    assert says("!variables.host", POD, variables=[host]) is Says.REFUSES
    assert says("!variables.both", POD, variables=[host, both]) is Says.REFUSES
    assert says("variables.both", POD, variables=[host, both]) is Says.PASSES
    assert says("variables.gone", POD, variables=[host]) is Says.MAYBE


def test_what_policies_are_told_beside_the_pod() -> None:
    for told in (
        "request.operation == 'CREATE'",
        "request.namespace == 'team'",
        "request.kind.kind == 'Pod' && request.resource.resource == 'pods'",
        "request.subResource == ''",
        "oldObject == null",
        "namespaceObject.metadata.labels.tier == 'gold'",
    ):
        assert says(f"!({told})", POD) is Says.REFUSES, told
        assert says(told, POD) is Says.PASSES, told
    assert says("request.userInfo.username == 'alice'", POD) is Says.MAYBE


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, Says.REFUSES),
        ({"bound": {"validationActions": ["Audit", "Warn"]}}, Says.PASSES),
        ({"bound": {"validationActions": ["Audit", "Deny"]}}, Says.REFUSES),
        ({"bound": {"policyName": "other"}}, Says.PASSES),
        ({"paramKind": {"kind": "ConfigMap"}}, Says.MAYBE),
        ({"bound": {"paramRef": {"name": "p"}}}, Says.MAYBE),
        ({"matchConstraints": {}}, Says.PASSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "operations": ["*"]}]}}, Says.REFUSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "operations": ["UPDATE", "DELETE"]}]}}, Says.PASSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "apiGroups": ["*"]}]}}, Says.REFUSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "apiGroups": ["apps"]}]}}, Says.PASSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "apiVersions": ["*"]}]}}, Says.REFUSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "apiVersions": ["v2"]}]}}, Says.PASSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "resources": ["*"]}]}}, Says.REFUSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "resources": ["*/*"]}]}}, Says.REFUSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "resources": ["pods/exec", "services"]}]}}, Says.PASSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "scope": "*"}]}}, Says.REFUSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "scope": "Namespaced"}]}}, Says.REFUSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "scope": "Cluster"}]}}, Says.PASSES),
        ({"matchConstraints": {"resourceRules": [{**PODS, "resourceNames": ["p"]}]}}, Says.MAYBE),
        ({"matchConstraints": {"resourceRules": [PODS], "excludeResourceRules": [PODS]}}, Says.PASSES),
        ({"matchConstraints": {"resourceRules": [PODS], "excludeResourceRules": [{**PODS, "resourceNames": ["p"]}]}},
         Says.MAYBE),
        ({"matchConstraints": {"resourceRules": [PODS], "objectSelector": {"matchLabels": {"a": "b"}}}}, Says.PASSES),
        ({"matchConstraints": {"resourceRules": [PODS], "objectSelector": {"matchLabels": {"c": "d"}}}}, Says.REFUSES),
        ({"matchConstraints": {"resourceRules": [PODS], "objectSelector": {}}}, Says.REFUSES),
        ({"matchConstraints": {"resourceRules": [PODS], "namespaceSelector": {"matchLabels": {"a": "b"}}}},
         Says.PASSES),
        ({"bound": {"matchResources": {"resourceRules": [PODS]}}}, Says.REFUSES),
        ({"bound": {"matchResources": {"resourceRules": [{**PODS, "resources": ["services"]}]}}}, Says.PASSES),
        ({"bound": {"matchResources": {"excludeResourceRules": [PODS]}}}, Says.PASSES),
        ({"bound": {"matchResources": {"objectSelector": {"matchLabels": {"a": "b"}}}}}, Says.PASSES),
        ({"bound": {"matchResources": {"objectSelector": {"matchLabels": {"c": "d"}}}}}, Says.REFUSES),
    ],
)  # fmt: skip
def test_which_policies_see_a_pod_that_its_author_writes(changed: dict[str, Any], found: Says) -> None:
    """Names are the author's to choose, and this one has chosen its labels."""
    assert says("false", POD, **changed) is found
