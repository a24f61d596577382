"""What follows from an attack that an API server admitted in a dry run: its subject can do it, whatever else is known.

The answer of the embedded engine stands for policies and Pod Security only: webhooks and OpenShift's own admission are
not there, so where a cluster has them for these objects the answer stays in doubt.
"""

from collections import defaultdict
from collections.abc import Iterator

from ringfence.prove.admission.guard import Gate, tightest
from ringfence.prove.admission.rootpods import openshift_guards
from ringfence.prove.admission.webhooks import webhook_guards
from ringfence.prove.asking.answers import ENGINE, AdmissionAnswer, Aim, Told
from ringfence.prove.closure.capability import Can, Capability
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.proof import Step
from ringfence.prove.rbac.index import Subject
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import who


@rule(
    "asked/admitted",
    "What the API server admits from somebody in a dry run they can do, whatever the objects seem to say.",
    source="kubernetes.io/docs/reference/using-api/api-concepts#dry-run",
    on=(Can.ACT_AS,),
)
def admitted(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """For the subject that was impersonated and nobody else."""
    facts = world.clusters[capability.cluster]
    subject = Subject(capability.detail, capability.namespace, capability.name)
    for answer in _answers(world, facts).get(subject, ()):
        step = answer_step(answer, who(capability))
        doubt = doubt_of(facts, answer)
        for gives in _gives(answer):
            yield Derivation(gives, "asked/admitted", step, doubt)


def _gives(answer: AdmissionAnswer) -> Iterator[Capability]:
    cluster, namespace = answer.cluster, answer.namespace
    if answer.aim is Aim.ROLE_BINDING:
        yield Capability(Can.NAMESPACE_ADMIN, cluster, namespace)
        return
    yield Capability(Can.CREATE_PODS, cluster, namespace)
    if answer.aim in (Aim.ROOT_POD, Aim.ROOT_ON_NODE):
        yield Capability(Can.CREATE_ROOT_PODS, cluster, namespace)
    if answer.aim is Aim.ROOT_ON_NODE:
        yield Capability(Can.ON_NODE, cluster, "", answer.target)


def _answers(world: RuleWorld, facts: ClusterFacts) -> dict[Subject, list[AdmissionAnswer]]:
    return world.memory.once(("admitted", facts.name), lambda: _admitted(facts))


def _admitted(facts: ClusterFacts) -> dict[Subject, list[AdmissionAnswer]]:
    by_subject: dict[Subject, list[AdmissionAnswer]] = defaultdict(list)
    for answer in facts.snapshot.answers:
        if answer.told is Told.ADMITTED:
            by_subject[answer.subject].append(answer)
    return by_subject


def answer_step(answer: AdmissionAnswer, name: str) -> Step:
    """The step that an answer is: what was admitted, by whom."""
    word = {Aim.ROOT_POD: "a privileged pod", Aim.ROOT_ON_NODE: f"a privileged pod on node {answer.target}"}
    what = f"create {word[answer.aim]} in {answer.namespace}" if answer.aim in word else answer.attack
    place = f"{answer.cluster}:namespace/{answer.namespace}"
    text = f"{name} can {what}: the {answer.by} admitted it in a dry run"
    return Step(text, f"{answer.by} of {answer.cluster}", place, "asked/admitted", answer.by)


def doubt_of(facts: ClusterFacts, answer: AdmissionAnswer) -> str | None:
    """What an answer of the embedded engine leaves open; None for an answer of the cluster's own API server."""
    if answer.by != ENGINE:
        return None
    binding = answer.aim is Aim.ROLE_BINDING
    guards = list(
        webhook_guards(
            facts,
            answer.namespace,
            "rbac.authorization.k8s.io" if binding else "",
            "rolebindings" if binding else "pods",
            mutations=False,
        )
    )
    guards += [] if binding else openshift_guards(facts)
    doubtful = [guard for guard in guards if guard.gate is not Gate.OPEN]
    return tightest(doubtful, doubtful[0]).why if doubtful else None
