"""What follows from deciding what Flux applies: its controllers act with rights of their own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ringfence.prove import kinds
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.kinds import Object, ObjectName, object_name
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import every_account, names_of
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import in_place, object_step, plain_address, via

_SOURCE = "fluxcd.io/flux/installation/configuration/multitenancy"
_SOURCES = "fluxcd.io/flux/components/source; fluxcd/flux2#2086 (references across namespaces)"
_KINDS = (kinds.FLUX_KUSTOMIZATION, kinds.FLUX_HELM_RELEASE)
_CONTROLLERS = ("kustomize-controller", "helm-controller")
_DEFAULT = "--default-service-account"


@rule(
    "flux/write",
    "Who writes Flux objects has the controller apply them: with its own rights unless an account is named.",
    source=_SOURCE,
    on=(Can.POWER,),
    powers=(Power.WRITE_FLUX,),
)
def flux_write(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Where the controllers run with --default-service-account still with those of any account of the namespace. What
    is applied may hold what Secrets there hold."""
    facts = world.clusters[capability.cluster]
    if not _controllers(facts) and not any(facts.snapshot.of(kind) for kind in _KINDS):
        return
    if _locked_down(facts):
        anyone = capability._replace(detail="")
        yield from every_account(world, anyone, "flux/write", "may be named by a Flux object")
    else:
        text = "a Kustomization or HelmRelease without an account is applied with the controller's own rights"
        doubt = None if _controllers(facts) else "whether Flux runs with --default-service-account"
        yield Derivation(Capability(Can.CLUSTER_ADMIN, facts.name), "flux/write", via(state, capability, text), doubt)
    text = f"a Flux object may be given what the Secrets hold {in_place(capability.namespace)}"
    gives = Capability(Can.READ_SECRET, facts.name, capability.namespace, EVERYWHERE)
    yield Derivation(gives, "flux/write", via(state, capability, text))


@rule(
    "flux/owned",
    "What a deployment's own Flux object applies, it applies with the controller's rights unless an account is named.",
    source=_SOURCE,
    on=(Can.DELIVER,),
)
def flux_owned(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The account named, in the object's namespace, or the controllers' default; none: the controller's own rights.
    With a kubeconfig those that it gives, in the cluster that it is for."""
    facts = world.clusters[capability.cluster]
    document = _object_of(facts, capability)
    if document is None:
        return
    name = object_name(facts.name, document)
    spec = document.get("spec") or {}
    if spec.get("kubeConfig"):
        for other in world.clusters:
            doubt = f"which cluster the kubeconfig of {name.kind} {name.namespace}/{name.name} is for, and as whom"
            text = f"{name.kind} {name.name} is applied to a cluster by a kubeconfig"
            yield Derivation(Capability(Can.CLUSTER_ADMIN, other), "flux/owned", object_step(text, name), doubt)
        return
    account = spec.get("serviceAccountName")
    if not account and not _locked_down(facts):
        text = f"{name.kind} {name.name} names no account: the controller applies it with its own rights"
        yield Derivation(Capability(Can.CLUSTER_ADMIN, facts.name), "flux/owned", object_step(text, name))
        return
    for each in (account,) if account else _defaults(facts):
        gives = acts_as(facts.name, "ServiceAccount", name.namespace, each)
        yield Derivation(gives, "flux/owned", object_step(f"{name.kind} {name.name} applies as {each}", name))


@rule(
    "flux/source",
    "Who writes a source of Flux decides what every Kustomization and HelmRelease applies that reads from it.",
    source=_SOURCES,
    on=(Can.POWER, Can.DELIVER),
    powers=(Power.WRITE_FLUX_SOURCES,),
)
def flux_source(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Sources in the namespace of the right, and those of the deployment's own. Those of another namespace are read
    unless the controllers run with --no-cross-namespace-refs."""
    facts = world.clusters[capability.cluster]
    if capability.can is Can.DELIVER and not any(kind.kind == capability.detail for kind in kinds.FLUX_SOURCES):
        return
    only = set(names_of(capability)) if capability.can is Can.POWER else {capability.name}
    for reader in _readers(facts):
        source = reader.source
        there = capability.namespace in (EVERYWHERE, source.namespace) and (not only or source.name in only)
        if not there or (capability.can is Can.DELIVER and source.kind != capability.detail):
            continue
        if source.namespace != reader.name.namespace and _apart(facts):
            continue
        text = f"{reader.name.kind} {reader.name.name} is read from {source.kind} {source.namespace}/{source.name}"
        yield Derivation(_delivers(reader.name), "flux/source", object_step(text, reader.name))


@rule(
    "flux/shared-repository",
    "Whoever writes the repository of one Flux object writes that of every other which is read from there.",
    source=_SOURCES,
    on=(Can.DELIVER,),
)
def flux_repository(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """As for Argo CD: in doubt, unless the Partition assumes that the platform alone writes."""
    if world.partition.assume.facts.get("repositories") == "platform":
        return
    facts = world.clusters[capability.cluster]
    if _object_of(facts, capability) is None:
        return
    mine = {reader.address for reader in _readers(facts) if _delivers(reader.name) == capability} - {""}
    for cluster in world.clusters.values() if mine else ():
        for reader in _readers(cluster):
            if reader.address in mine and _delivers(reader.name) != capability:
                text = f"{reader.name.kind} {reader.name.name} is read from {reader.address} too"
                doubt = f"whether all who write {reader.address} are meant to write what {reader.name.name} applies"
                gives = _delivers(reader.name)
                yield Derivation(gives, "flux/shared-repository", object_step(text, reader.name), doubt)


@dataclass(frozen=True, slots=True)
class _Reader:
    """A Flux object, the source that it is read from, and what repository that is (empty: not known)."""

    name: ObjectName
    source: ObjectName
    address: str


def _readers(facts: ClusterFacts) -> list[_Reader]:
    """The Flux objects of a cluster with their sources."""

    def found() -> Iterator[_Reader]:
        for kind in _KINDS:
            for document in facts.snapshot.of(kind):
                name, reference = object_name(facts.name, document), _reference(document.get("spec") or {})
                if reference.get("name"):
                    place = str(reference.get("namespace") or name.namespace)
                    source = ObjectName(facts.name, str(reference.get("kind")), place, str(reference["name"]))
                    yield _Reader(name, source, _address(facts, source))

    return facts.memory.once(("flux readers", facts.name), lambda: list(found()))


def _reference(spec: Object) -> Mapping[str, object]:
    chart = ((spec.get("chart") or {}).get("spec") or {}).get("sourceRef")
    for found in (spec.get("sourceRef"), spec.get("chartRef"), chart):
        if isinstance(found, Mapping):
            return found
    return {}


def _address(facts: ClusterFacts, source: ObjectName) -> str:
    """The Git repository or bucket behind a source; registries of charts are left out: they are many's by design."""
    for kind in kinds.FLUX_SOURCES:
        if kind.kind == source.kind and source.kind in ("GitRepository", "OCIRepository", "Bucket"):
            spec = (facts.document(kind, source.namespace, source.name) or {}).get("spec") or {}
            if source.kind == "Bucket":
                return f"{spec.get('endpoint')}/{spec.get('bucketName')}" if spec.get("bucketName") else ""
            return plain_address(str(spec.get("url") or ""))
    return ""


def _delivers(name: ObjectName) -> Capability:
    return Capability(Can.DELIVER, name.cluster, name.namespace, name.name, name.kind)


def _object_of(facts: ClusterFacts, capability: Capability) -> Object | None:
    for kind in _KINDS:
        if capability.detail == kind.kind:
            return facts.document(kind, capability.namespace, capability.name)
    return None


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
    return bool(words) and all(any(word.startswith(f"{_DEFAULT}=") for word in line) for line in words)


def _defaults(facts: ClusterFacts) -> list[str]:
    """The accounts that the controllers act as where an object names none."""
    flags = (word for line in _controllers(facts) for word in line if word.startswith(f"{_DEFAULT}="))
    return sorted({word.partition("=")[2] for word in flags} - {""})


def _apart(facts: ClusterFacts) -> bool:
    """Whether the controllers refuse references to other namespaces."""
    words = _controllers(facts)
    closed = ("--no-cross-namespace-refs", "--no-cross-namespace-refs=true")
    return bool(words) and all(any(word in closed for word in line) for line in words)
