"""Could any pod of a namespace reach a node: guards that hold, and each hole that opens them."""

from typing import Any

import pytest

from ringfence.prove.answer import Truth
from ringfence.prove.cel.bound import collect
from ringfence.prove.cel.policies import PodPolicies
from ringfence.prove.cel.values import known
from ringfence.prove.scheduling.could import could_land
from ringfence.prove.scheduling.view import build_placement

Json = dict[str, Any]
SPACE: dict[str, Any] = {"metadata": {"name": "a", "labels": {"kubernetes.io/metadata.name": "a"}}}
NODE = {
    "kind": "Node",
    "metadata": {"name": "n1", "labels": {"pool": "db"}},
    "spec": {"taints": [{"key": "pool", "value": "db", "effect": "NoSchedule"}]},
}
BARE = {"kind": "Node", "metadata": {"name": "n1", "labels": {"pool": "db"}}}
PINNED = (
    "has(object.spec.nodeSelector) && 'pool' in object.spec.nodeSelector && object.spec.nodeSelector['pool'] == 'web'"
)
NO_NAME = "!has(object.spec.nodeName) || object.spec.nodeName == ''"
NO_TOLERATION = "!has(object.spec.tolerations) || object.spec.tolerations.all(t, has(t.key) && t.key != 'pool')"


def rules(**changes: Any) -> Json:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
    return {"resourceRules": [{**rule, **changes}]}


def could(
    *expressions: str, target: Json = NODE, match: Json | None = None, bound: Json | None = None, **spec: Any
) -> Truth:
    body = {
        "matchConstraints": match or rules(),
        "validations": [{"expression": text} for text in expressions],
        **spec,
    }
    policy = {"metadata": {"name": "p"}, "spec": body}
    binding = {"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"], **(bound or {})}}
    found = collect([policy], [binding], "a", SPACE["metadata"]["labels"])
    return could_land(build_placement([target]), PodPolicies("a", known(SPACE), tuple(found)), "n1").truth


def test_without_policies_every_node_is_open() -> None:
    assert could_land(build_placement([NODE]), PodPolicies("a", known(SPACE), ()), "n1").truth is Truth.YES


def test_what_could_not_be_listed_is_unknown() -> None:
    doubtful = PodPolicies("a", known(SPACE), (), ("list validatingadmissionpolicies: Forbidden",))
    assert could_land(build_placement([NODE]), doubtful, "n1").truth is Truth.UNKNOWN


def test_a_node_selector_that_is_forced_elsewhere_holds() -> None:
    assert could(PINNED) is Truth.NO
    assert could(PINNED, target=BARE) is Truth.NO


def test_tolerations_and_node_name_refused_together_hold() -> None:
    assert could(NO_NAME, NO_TOLERATION) is Truth.NO


def test_each_half_alone_leaves_the_other_way_open() -> None:
    assert could(NO_NAME) is Truth.YES
    assert could(NO_TOLERATION) is Truth.YES


def test_tolerations_keep_nobody_off_a_node_without_taints() -> None:
    assert could(NO_NAME, NO_TOLERATION, target=BARE) is Truth.YES


@pytest.mark.parametrize(
    "hole",
    [
        "!has(object.spec.tolerations) || object.spec.tolerations.all(t, !has(t.key) || t.key != 'pool')",
        "!has(object.spec.tolerations) || object.spec.tolerations.all(t, !has(t.value) || t.value != 'db')",
        "!has(object.spec.tolerations) || !object.spec.tolerations.exists(t, t.operator == 'Exists')",
    ],
)
def test_holes_in_checks_of_tolerations_are_found(hole: str) -> None:
    assert could(NO_NAME, hole) is Truth.YES


def test_what_refuses_the_defaults_of_the_api_server_is_not_surely_open() -> None:
    only = "!has(object.spec.tolerations) || object.spec.tolerations.all(t, has(t.effect) && t.effect == 'NoSchedule')"
    assert could(NO_NAME, only) is Truth.UNKNOWN


def test_an_exception_by_label_is_found() -> None:
    marked = "has(object.metadata.labels) && 'team/role' in object.metadata.labels"
    exempt = f"({marked} && object.metadata.labels['team/role'] == 'admin') || ({PINNED})"
    assert could(exempt) is Truth.YES


@pytest.mark.parametrize(
    "clever",
    [
        "object.spec.nodeSelector.pool.matches('^web$')",
        "authorizer.group('').resource('pods').check('create').allowed()",
        "params.pools.exists(p, p == object.spec.nodeSelector['pool'])",
        "object.spec.nodeSelector.?pool.orValue('') == 'web'",
        "this is no CEL (",
    ],
)
def test_what_is_not_understood_is_no_guard(clever: str) -> None:
    assert could(clever) is not Truth.NO


@pytest.mark.parametrize(
    "weaker",
    [
        {"match": {**rules(), "objectSelector": {"matchLabels": {"guarded": "yes"}}}},
        {"match": {**rules(), "excludeResourceRules": rules(resourceNames=["free"])["resourceRules"]}},
        {"match": rules(resourceNames=["one"])},
        {"bound": {"paramRef": {"name": "x"}}},
        {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}},
        {"matchConditions": [{"name": "m", "expression": "request.userInfo.username != 'boss'"}]},
    ],
)
def test_a_guard_that_the_creator_may_escape_is_not_certain(weaker: Json) -> None:
    assert could(PINNED, **weaker) is not Truth.NO


@pytest.mark.parametrize(
    "absent",
    [
        {"match": rules(resources=["deployments"])},
        {"match": rules(operations=["UPDATE"])},
        {"match": {**rules(), "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}},
        {"bound": {"validationActions": ["Audit", "Warn"]}},
        {"bound": {"policyName": "other"}},
        {"match": {**rules(), "excludeResourceRules": rules()["resourceRules"]}},
    ],
)
def test_a_guard_that_does_not_apply_guards_nothing(absent: Json) -> None:
    assert could(PINNED, **absent) is Truth.YES


def test_errors_refuse_or_pass_as_the_failure_policy_says() -> None:
    blunt = "object.spec.nodeSelector['pool'] == 'web'"
    assert could(blunt) is Truth.NO
    assert could(blunt, failurePolicy="Ignore") is not Truth.NO


def test_tolerations_can_be_added_later_where_updates_are_not_seen() -> None:
    assert could(NO_NAME, NO_TOLERATION, match=rules(operations=["CREATE"])) is not Truth.NO
    assert could(PINNED, match=rules(operations=["CREATE"])) is Truth.NO


def test_conditions_that_always_match_take_nothing_from_a_guard() -> None:
    def conditions(*texts: str) -> list[Json]:
        return [{"name": f"m{number}", "expression": text} for number, text in enumerate(texts)]

    assert could(PINNED, matchConditions=conditions("true")) is Truth.NO
    assert could(PINNED, matchConditions=conditions("request.namespace == 'a'", "true")) is Truth.NO
    assert could(PINNED, matchConditions=conditions("true", "false")) is Truth.YES
    assert could(PINNED, matchConditions=conditions("request.namespace == 'b'")) is Truth.YES


def test_variables_are_followed() -> None:
    variables = [{"name": "pool", "expression": "request.namespace == 'a' ? 'web' : 'db'"}]
    pinned = PINNED.replace("'web'", "variables.pool")
    assert could(pinned, variables=variables) is Truth.NO
    own = [{"name": "pool", "expression": "request.namespace == 'a' ? 'db' : 'web'"}]
    assert could(pinned, variables=own) is Truth.YES


def test_no_execute_must_be_tolerated_even_by_name() -> None:
    hard = {**NODE, "spec": {"taints": [{"key": "pool", "value": "db", "effect": "NoExecute"}]}}
    assert could(NO_TOLERATION, target=hard) is Truth.NO
    assert could(NO_TOLERATION, target=NODE) is Truth.YES
