"""How steps name people, objects and places."""

from ringfence.prove.closure.capability import EVERYWHERE, Capability
from ringfence.prove.closure.engine import State
from ringfence.prove.kinds import ObjectName
from ringfence.prove.proof import Step
from ringfence.prove.rbac.powers import Touch


def who(capability: Capability) -> str:
    """The subject of an ``act as`` capability: ``alice``, ``group devs``, ``ServiceAccount shop-test/ci``."""
    if capability.detail == "ServiceAccount":
        return f"ServiceAccount {capability.namespace}/{capability.name}"
    return capability.name if capability.detail == "User" else f"group {capability.name}"


def in_place(namespace: str) -> str:
    """``in shop``, ``in every namespace``."""
    return "in every namespace" if namespace == EVERYWHERE else f"in {namespace}"


def step(text: str, by: str, name: ObjectName | str, rule: str = "") -> Step:
    """A step that an object allows."""
    return Step(text, by, str(name), rule)


def object_step(text: str, name: ObjectName, rule: str = "") -> Step:
    """A step allowed by an object, named as people write it: ``Secret shop/db``."""
    place = f"{name.namespace}/" if name.namespace else ""
    return Step(text, f"{name.kind} {place}{name.name}", str(name), rule)


def via(state: State, capability: Capability, text: str, rule: str = "") -> Step:
    """A step that the same object allows as the step before: the binding that gave the power."""
    current: Capability | None = capability
    while current is not None:
        reached = state.reached[current]
        if reached.derivation is not None and reached.derivation.step is not None:
            before = reached.derivation.step
            return Step(text, before.by, before.object, rule)
        current = reached.premise
    return Step(text, f"cluster {capability.cluster}", f"{capability.cluster}:namespace/kube-system", rule)


def unplaced(touch: Touch, place: str) -> str | None:
    """What is not known of a right that is held everywhere: whether what it names lives in namespaces at all."""
    if touch.placed or place != EVERYWHERE:
        return None
    return f"whether {touch.resource}.{touch.group} live in namespaces (its CustomResourceDefinition says so)"


def plain_address(url: str) -> str:
    """A repository's address without its scheme, its user and its ending, so that two ways to write it are equal."""
    plain = url.lower().removesuffix("/").removesuffix(".git")
    return plain.partition("://")[2].rpartition("@")[2] or plain.rpartition("@")[2].replace(":", "/", 1)
