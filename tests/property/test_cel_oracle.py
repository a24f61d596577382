"""The evaluator of admission policies against cel-python, and "nobody lands there" against pods that would land."""

from typing import Any

import celpy
import pytest
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.prove.cel.bound import collect
from ringfence.prove.cel.evaluate import Scope, evaluate
from ringfence.prove.cel.parse import parse
from ringfence.prove.cel.policies import PodPolicies
from ringfence.prove.cel.values import Mark, known, truths
from ringfence.prove.scheduling.could import could_land
from ringfence.prove.scheduling.land import land
from ringfence.prove.scheduling.view import build_placement

Json = dict[str, Any]
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
WORDS = ("web", "db", "", "n1")
KEYS = ("pool", "team/role")
ENVIRONMENT = celpy.Environment()

texts = st.sampled_from(WORDS).map(lambda word: f"'{word}'")
keys = st.sampled_from(KEYS)
on_tolerations = st.sampled_from(
    (
        "has(t.key)",
        "!has(t.key)",
        "t.key == 'pool'",
        "has(t.key) && t.key != 'pool'",
        "has(t.operator) && t.operator == 'Exists'",
        "has(t.value) && t.value == 'web'",
        "!has(t.effect) || t.effect == 'NoSchedule'",
        "has(t.key) && t.key.startsWith('po')",
    )
)
atoms = st.one_of(
    st.just("has(object.spec.nodeName)"),
    texts.map(lambda text: f"object.spec.nodeName == {text}"),
    st.just("has(object.spec.nodeSelector)"),
    keys.map(lambda key: f"'{key}' in object.spec.nodeSelector"),
    st.builds(lambda key, text: f"object.spec.nodeSelector['{key}'] == {text}", keys, texts),
    st.builds(lambda key, text: f"object.spec.nodeSelector['{key}'] in [{text}, 'x']", keys, texts),
    st.just("has(object.spec.tolerations)"),
    on_tolerations.map(lambda body: f"object.spec.tolerations.all(t, {body})"),
    on_tolerations.map(lambda body: f"object.spec.tolerations.exists(t, {body})"),
    st.just("has(object.metadata.labels)"),
    st.builds(lambda key, text: f"object.metadata.labels['{key}'] == {text}", keys, texts),
    st.sampled_from(("true", "false", "size(object.metadata.name) < 3")),
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(lambda one, other: f"({one}) && ({other})", inner, inner),
        st.builds(lambda one, other: f"({one}) || ({other})", inner, inner),
        inner.map(lambda one: f"!({one})"),
        st.builds(lambda a, b, c: f"(({a}) ? ({b}) : ({c}))", inner, inner, inner),
    ),
    max_leaves=5,
)
tolerations = st.fixed_dictionaries(
    {},
    optional={
        "key": st.sampled_from(("pool", "other")),
        "operator": st.sampled_from(("Exists", "Equal")),
        "value": st.sampled_from(("db", "web")),
        "effect": st.sampled_from(("NoSchedule", "NoExecute")),
    },
)
selectors = st.fixed_dictionaries({}, optional={"pool": st.sampled_from(("web", "db")), "team/role": st.just("db")})
pods = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries({"name": st.just("p")}, optional={"labels": selectors}),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "nodeName": st.sampled_from(("n1", "n2")),
                "nodeSelector": selectors,
                "tolerations": st.lists(tolerations, min_size=1, max_size=2),
            },
        ),
    }
)


def concrete(expression: str, pod: Json) -> bool | Mark:
    """What cel-python says of one pod."""
    program = ENVIRONMENT.program(ENVIRONMENT.compile(expression))
    try:
        return bool(program.evaluate({"object": json_to_cel(pod)}))
    except CELEvalError:
        return Mark.ERROR


@settings(max_examples=250, deadline=None, suppress_health_check=SLOW)
@given(expression=expressions, pod=pods)
def test_a_known_pod_gets_the_answer_of_another_evaluator(expression: str, pod: Json) -> None:
    found = truths(evaluate(parse(expression), Scope({"object": known(pod)})))
    assert found == {concrete(expression, pod)}


TAINTS = [{"key": "pool", "value": "db", "effect": "NoSchedule"}]


@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
@given(
    checks=st.lists(expressions, min_size=1, max_size=2),
    taints=st.sampled_from(([], TAINTS, [{**TAINTS[0], "effect": "NoExecute"}])),
    tried=st.lists(pods, min_size=20, max_size=30),
    fails=st.booleans(),
)
def test_a_node_that_nobody_can_reach_is_reached_by_none(
    checks: list[str], taints: list[Json], tried: list[Json], fails: bool
) -> None:
    node = {"kind": "Node", "metadata": {"name": "n1", "labels": {"pool": "db"}}, "spec": {"taints": taints}}
    view = build_placement([node], "1.37")
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
    spec = {
        "failurePolicy": "Fail" if fails else "Ignore",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": text} for text in checks],
    }
    binding = {"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}}
    policies = collect([{"metadata": {"name": "p"}, "spec": spec}], [binding], "a", {})
    answer = could_land(view, PodPolicies("a", known({"metadata": {"name": "a"}}), tuple(policies)), "n1")
    if answer.answer != "no":
        return
    for pod in tried:
        if land(pod, "n1", view).answer != "yes":
            continue
        outcomes = [concrete(text, pod) for text in checks]
        refusing = (False, Mark.ERROR) if fails else (False,)
        assert any(outcome in refusing for outcome in outcomes), (pod, checks)


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None, suppress_health_check=SLOW)
@given(expression=expressions, pod=pods)
def test_known_pods_for_long(expression: str, pod: Json) -> None:
    found = truths(evaluate(parse(expression), Scope({"object": known(pod)})))
    assert found == {concrete(expression, pod)}
