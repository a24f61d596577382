"""Cases whose answers were worked out from the text before anything was run: a name, the answers, the objects."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ringfence.prove.proof import Dimension
from unit.prove.proof_worlds import HERE, Object, attack, base, grant, rule, thing

ADMIT = "admissionregistration.k8s.io"


@dataclass(frozen=True, slots=True)
class Case:
    """What testing can do to production in a world. ``expected``: by dimension, several answers apart by ``|``."""

    name: str
    expected: dict[str, str]
    objects: tuple[Object, ...]
    more: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        found = attack(self.objects, **self.more).dimensions
        for dimension, answers in self.expected.items():
            verdict = found[Dimension(dimension)]
            assert verdict.answer.value in answers.split("|"), (dimension, verdict)


@dataclass(slots=True)
class Cases:
    """A table of cases, filled line by line. ``dimension``: the one that a plain answer is about."""

    dimension: str = "access"
    listed: list[Case] = field(default_factory=list)

    def add(self, name: str, expected: str | dict[str, str], objects: Iterable[Object], **more: Any) -> None:
        answers = {self.dimension: expected} if isinstance(expected, str) else expected
        self.listed.append(Case(name, answers, tuple(objects), more))


def alice(*rules: Object, place: str = "") -> list[Object]:
    """The base world with rights for alice, in one namespace or everywhere."""
    return [*base(), *grant("user:alice", list(rules), place)]


def replaced(new: Object, objects: Iterable[Object] = ()) -> list[Object]:
    """A world with one object instead of another of its kind, name and namespace."""

    def key(item: Object) -> tuple[Any, ...]:
        return (item["kind"], item["metadata"]["name"], item["metadata"].get("namespace"))

    return [new if key(item) == key(new) else item for item in list(objects) or base()]


def without(kind: str, name: str, place: str = HERE) -> list[Object]:
    """The base world without one object."""
    return [
        item
        for item in base()
        if (item["kind"], item["metadata"]["name"], item["metadata"].get("namespace")) != (kind, name, place)
    ]


MAKES_PODS = grant("user:alice", [rule("create", "pods")], HERE, "makes")
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}


def policy(
    name: str = "p",
    says: str = "false",
    actions: tuple[str, ...] = ("Deny",),
    match: Object | None = None,
    spec: Object | None = None,
    **binding: Any,
) -> list[Object]:
    """A ValidatingAdmissionPolicy over pods and its binding."""
    body: dict[str, Any] = {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [PODS], **(match or {})}}
    body["validations"] = [{"expression": says}]
    bound = {"policyName": name, "validationActions": list(actions), **binding}
    return [
        thing(f"{ADMIT}/v1", "ValidatingAdmissionPolicy", name, spec={**body, **(spec or {})}),
        thing(f"{ADMIT}/v1", "ValidatingAdmissionPolicyBinding", name, spec=bound),
    ]


def mutation(*, bound: bool = True, resources: str = "pods") -> list[Object]:
    """A MutatingAdmissionPolicy that does something to what is made."""
    rules = [{**PODS, "operations": ["CREATE"], "resources": [resources]}]
    spec = {
        "matchConstraints": {"resourceRules": rules},
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [
            {
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {"expression": 'Object{spec: Object.spec{nodeSelector: {"pool": "test"}}}'},
            }
        ],
    }
    found = [thing(f"{ADMIT}/v1", "MutatingAdmissionPolicy", "m", spec=spec)]
    binding = thing(f"{ADMIT}/v1", "MutatingAdmissionPolicyBinding", "m", spec={"policyName": "m"})
    return [*found, binding] if bound else found


def webhook(kind: str = "Validating", fails: str = "Fail", **more: Any) -> list[Object]:
    """A webhook over pods that somebody else serves."""
    hook = {
        "name": "w.example",
        "failurePolicy": fails,
        "clientConfig": {"url": "https://x"},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "rules": [{**PODS, "operations": ["CREATE"]}],
        **more,
    }
    return [thing(f"{ADMIT}/v1", f"{kind}WebhookConfiguration", "w", webhooks=[hook])]
