"""What answers of an API server change in a proof, and what they never change."""

from dataclasses import replace
from typing import Any

import pytest

from ringfence.prove.asking.answers import API_SERVER, ENGINE, AdmissionAnswer, Aim, Told
from ringfence.prove.asking.questions import questions
from ringfence.prove.asking.shapes import achieved, binding_attack, workload_of
from ringfence.prove.proof import Answer, Dimension, PairProof
from ringfence.prove.rbac.index import Subject
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove, prove_in
from ringfence.prove.verdicts.world import ProofWorld, proof_world
from unit.prove.proof_worlds import HERE, THERE, A, B, Object, base, cluster, grant, partition, pod, rule, space, thing

ALICE = Subject("User", "", "alice")
CREATE = grant("user:alice", [rule("create", "pods")], HERE)


def webhook(**more: Any) -> Object:
    hook = {
        "name": "guard.example",
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": "https://guard.example"},
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
        **more,
    }
    return thing("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "guard", webhooks=[hook])


def loose() -> list[Object]:
    return [space(HERE, None) if item["metadata"]["name"] == HERE else item for item in base()]


def world(objects: list[Object], *answers: AdmissionAnswer, level: str = "namespace") -> ProofWorld:
    snapshot = snapshot_of([replace(cluster(objects), answers=answers)])
    return proof_world(partition(level), snapshot)


def attack(objects: list[Object], *answers: AdmissionAnswer, level: str = "namespace") -> PairProof:
    return prove_in(world(objects, *answers, level=level)).pair(A, B)


def answer(aim: Aim, told: Told, **more: Any) -> AdmissionAnswer:
    facts = {"expected": Told.UNKNOWN, "because": "so it says", "target": "", "subject": ALICE, **more}
    return AdmissionAnswer("prod", HERE, aim, told=told, **facts)


def test_a_webhook_that_admits_the_attack_turns_unknown_into_broken() -> None:
    objects = [*loose(), *CREATE, webhook()]
    assert attack(objects).dimensions[Dimension.ACCESS].answer is Answer.UNKNOWN
    found = attack(objects, answer(Aim.ROOT_POD, Told.ADMITTED)).dimensions[Dimension.ACCESS]
    assert found.answer is Answer.BROKEN
    assert any(step.answered == API_SERVER for step in found.witness)
    assert "asked/admitted" in found.rules


def test_a_refusal_settles_nothing() -> None:
    objects = [*loose(), *CREATE, webhook()]
    for aim in Aim:
        found = attack(objects, answer(aim, Told.REFUSED, target="node-1"), answer(aim, Told.UNKNOWN, target="node-1"))
        assert found.dimensions == attack(objects).dimensions


def test_the_answer_counts_for_its_subject_only() -> None:
    objects = [*loose(), *CREATE, webhook()]
    for stranger in (
        Subject("User", "", "bob"),
        Subject("Group", "", "alice"),
        Subject("ServiceAccount", THERE, "web"),
    ):
        found = attack(objects, answer(Aim.ROOT_POD, Told.ADMITTED, subject=stranger))
        assert found.dimensions[Dimension.ACCESS].answer is Answer.UNKNOWN


def test_the_server_is_believed_where_the_rules_see_a_refusal() -> None:
    objects = [*base(), *CREATE]
    assert attack(objects).dimensions[Dimension.ACCESS].answer is Answer.HOLDS
    told = answer(Aim.ROOT_ON_NODE, Told.ADMITTED, target="node-1", expected=Told.REFUSED)
    assert told.disagrees
    found = attack(objects, told).dimensions[Dimension.ACCESS]
    assert found.answer is Answer.BROKEN
    assert found.witness[0].step.startswith("alice can create a privileged pod on node node-1")


def test_the_engine_is_no_judge_of_webhooks() -> None:
    told = answer(Aim.ROOT_POD, Told.ADMITTED, by=ENGINE)
    hooked = attack([*loose(), *CREATE, webhook()], told).dimensions[Dimension.ACCESS]
    assert hooked.answer is Answer.UNKNOWN
    parameters = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConstraints": {
            "resourceRules": [
                {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
            ]
        },
        "validations": [{"expression": "params.data.open == 'true'"}],
    }
    api = "admissionregistration.k8s.io/v1"
    policy = [
        thing(api, "ValidatingAdmissionPolicy", "by-param", spec=parameters),
        thing(
            api,
            "ValidatingAdmissionPolicyBinding",
            "by-param",
            spec={
                "policyName": "by-param",
                "validationActions": ["Deny"],
                "paramRef": {"name": "p", "namespace": HERE},
            },
        ),
    ]
    assert attack([*loose(), *CREATE, *policy]).dimensions[Dimension.ACCESS].answer is Answer.UNKNOWN
    on_node = answer(Aim.ROOT_ON_NODE, Told.ADMITTED, by=ENGINE, target="node-1")
    # That one owns its node does not say that it may be on a node of the other.
    assert attack([*loose(), *CREATE, *policy], told).dimensions[Dimension.ACCESS].answer is Answer.UNKNOWN
    assert attack([*loose(), *CREATE, *policy], on_node).dimensions[Dimension.ACCESS].answer is Answer.BROKEN


def test_an_admitted_role_binding_is_everything_in_the_namespace() -> None:
    objects = [*base(), *grant("user:alice", [rule("create", "rolebindings", "rbac.authorization.k8s.io")], THERE)]
    told = AdmissionAnswer(
        "prod", THERE, Aim.ROLE_BINDING, "cluster-admin", ALICE, Told.REFUSED, Told.ADMITTED, "so it says"
    )
    found = attack(objects, told).dimensions[Dimension.ACCESS]
    assert found.answer is Answer.BROKEN


def test_a_node_that_admits_a_pod_is_shared() -> None:
    pinned = {"nodeSelector": {"kubernetes.io/hostname": "node-1"}}
    objects = [
        *(item for item in base() if item["kind"] not in ("Pod",)),
        pod("web", THERE, "web", on="node-1", **pinned),
        *CREATE,
        webhook(),
    ]
    told = answer(Aim.POD_ON_NODE, Told.ADMITTED, target="node-1")
    assert attack(objects, told, level="node").dimensions[Dimension.PERFORMANCE].answer is Answer.BROKEN


def test_a_priority_class_that_is_admitted_is_usable() -> None:
    plain = [item for item in loose() if item["metadata"]["name"] != "no-priorities"]
    objects = [*plain, *CREATE, webhook()]
    assert attack(objects).dimensions[Dimension.PERFORMANCE].answer is Answer.UNKNOWN
    told = answer(Aim.PRIORITY, Told.ADMITTED, target="system-node-critical")
    assert attack(objects, told).dimensions[Dimension.PERFORMANCE].answer is Answer.BROKEN


def test_a_default_level_that_refuses_leaves_it_unknown() -> None:
    objects = [*loose(), *CREATE]
    assert attack(objects).dimensions[Dimension.ACCESS].answer is Answer.BROKEN
    words = 'pods "x" is forbidden: violates PodSecurity "baseline:latest": privileged'
    told = answer(Aim.ROOT_POD, Told.REFUSED, expected=Told.ADMITTED, because=words)
    assert told.disagrees
    assert told.decides
    assert attack(objects, told).dimensions[Dimension.ACCESS].answer is Answer.UNKNOWN
    other = replace(told, because="admission webhook denied the request")
    assert attack(objects, other).dimensions[Dimension.ACCESS].answer is Answer.BROKEN


def test_the_attacks_that_are_asked() -> None:
    objects = [*loose(), *CREATE, webhook()]
    seen = world(objects)
    prove_in(seen)
    asked = {question.aim: question for question in questions(seen)}
    assert asked[Aim.ROOT_POD].expected is Told.UNKNOWN
    attempts = asked[Aim.ROOT_POD].attempts
    assert len(attempts) == 12
    assert all(achieved(seen.clusters["prod"], Aim.ROOT_POD, "", one) for one in attempts)
    assert {actor.subject for actor in asked[Aim.ROOT_POD].actors} == {ALICE}
    assert asked[Aim.ROOT_ON_NODE].target == "node-1"
    assert Aim.ROLE_BINDING not in asked


def test_workloads_are_asked_where_pods_may_not_be_created() -> None:
    seen = world([*loose(), *grant("user:alice", [rule("create", "jobs", "batch")], HERE)])
    prove_in(seen)
    actors = {actor for question in questions(seen) for actor in question.actors}
    assert {(actor.subject, actor.workload) for actor in actors} == {(ALICE, "jobs")}
    job = workload_of("jobs", pod("x", HERE))
    assert job["kind"] == "Job"
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_nobody_who_can_do_nothing_is_asked_about() -> None:
    seen = world(base())
    prove_in(seen)
    assert questions(seen) == []


@pytest.mark.parametrize(
    ("change", "counts"),
    [({}, True), ({"securityContext": {"privileged": False}}, False)],
    ids=["as sent", "privilege taken away"],
)
def test_what_admission_changed_does_not_count(change: dict[str, Any], counts: bool) -> None:
    seen = world([*loose(), *CREATE])
    facts = seen.clusters["prod"]
    stored = pod("x", HERE, container={"securityContext": {"privileged": True}, **change})
    assert achieved(facts, Aim.ROOT_POD, "", stored) is counts
    assert achieved(facts, Aim.ROOT_ON_NODE, "node-1", stored) is counts
    moved = pod("x", HERE, on="elsewhere", container={"securityContext": {"privileged": True}})
    assert not achieved(facts, Aim.ROOT_ON_NODE, "node-1", moved)
    assert not achieved(facts, Aim.ROLE_BINDING, "cluster-admin", {**binding_attack(ALICE), "subjects": []})


def test_the_proof_says_what_was_asked() -> None:
    told = answer(Aim.ROOT_POD, Told.REFUSED)
    document = prove(partition(), snapshot_of([replace(cluster(base()), answers=(told,))])).to_json()
    assert document["asked"] == [
        {
            "cluster": "prod",
            "as": "user alice",
            "attack": f"create a pod that owns its node in {HERE}",
            "expected": "unknown",
            "answer": "refused",
            "because": "so it says",
            "by": "API server",
            "tries": 1,
        }
    ]
    assert "asked" not in prove(partition(), snapshot_of([cluster(base())])).to_json()
