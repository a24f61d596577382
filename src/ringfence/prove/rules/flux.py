"""What follows from deciding what Flux applies: its controllers act with rights of their own."""

from collections.abc import Iterator

from ringfence.prove import kinds
from ringfence.prove.closure.capability import Can, Capability, acts_as
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.kinds import object_name
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import object_step, via

_SOURCE = "fluxcd.io/flux/installation/configuration/multitenancy"
_KINDS = (kinds.FLUX_KUSTOMIZATION, kinds.FLUX_HELM_RELEASE)
_CONTROLLERS = ("kustomize-controller", "helm-controller")


@rule(
    "flux/write",
    "Who writes Flux objects has the controller apply them: with its own rights unless an account is named.",
    source=_SOURCE,
    on=(Can.POWER,),
    powers=(Power.WRITE_FLUX,),
)
def flux_write(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Closed where the controllers run with --default-service-account."""
    if capability.name != Power.WRITE_FLUX.value:
        return
    facts = world.clusters[capability.cluster]
    if _locked_down(facts):
        return
    text = "a Kustomization or HelmRelease without an account is applied with the controller's own rights"
    if not _controllers(facts) and not any(facts.snapshot.of(kind) for kind in _KINDS):
        return
    doubt = None if _controllers(facts) else "whether Flux runs with --default-service-account"
    yield Derivation(Capability(Can.CLUSTER_ADMIN, facts.name), "flux/write", via(state, capability, text), doubt)


@rule(
    "flux/owned",
    "What a deployment's own Flux object applies, it applies with the controller's rights unless an account is named.",
    source=_SOURCE,
    on=(Can.DELIVER,),
)
def flux_owned(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The account named, in the object's namespace; none named: the controller's own."""
    facts = world.clusters[capability.cluster]
    for kind in _KINDS:
        if capability.detail != kind.kind:
            continue
        document = facts.document(kind, capability.namespace, capability.name)
        if document is None:
            continue
        account = (document.get("spec") or {}).get("serviceAccountName")
        name = object_name(facts.name, document)
        if account:
            gives = acts_as(facts.name, "ServiceAccount", name.namespace, account)
            yield Derivation(gives, "flux/owned", object_step(f"{kind.kind} {name.name} applies as {account}", name))
        elif not _locked_down(facts):
            text = f"{kind.kind} {name.name} names no account: the controller applies it with its own rights"
            yield Derivation(Capability(Can.CLUSTER_ADMIN, facts.name), "flux/owned", object_step(text, name))


def _controllers(facts: ClusterFacts) -> list[list[str]]:
    """The command lines of Flux's controllers: looked for once, not once a right."""

    def found() -> list[list[str]]:
        return [
            [*(container.get("command") or ()), *(container.get("args") or ())]
            for pod in facts.pods
            for container in pod.spec.get("containers") or ()
            if any(name in pod.name.name for name in _CONTROLLERS)
        ]

    return facts.memory.once(("flux controllers", facts.name), found)


def _locked_down(facts: ClusterFacts) -> bool:
    words = _controllers(facts)
    return bool(words) and all(any(word.startswith("--default-service-account=") for word in line) for line in words)
