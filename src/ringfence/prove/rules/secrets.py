"""What follows from reading Secrets: tokens, kubeconfigs, the credentials of other clusters."""

from collections.abc import Iterator

from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.credentials.authorities import signed_by
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.kinds import Object, ObjectName
from ringfence.prove.rbac.index import group, user
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.registry import RuleWorld, credited, rule
from ringfence.prove.rules.wording import object_step
from ringfence.prove.snapshot import Material, MaterialKind

_TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - the name of a type
_ACCOUNT = "kubernetes.io/service-account.name"
DEFAULT_ISSUERS = ("https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local")


@rule(
    "secrets/read",
    "get, list and watch each show the content of Secrets.",
    source="kubernetes.io/docs/concepts/security/rbac-good-practices#listing-secrets",
    on=(Can.POWER, Can.CLUSTER_ADMIN),
    powers=(Power.READ_SECRETS,),
)
def read(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The Secrets named, or all in the place."""
    if capability.can is Can.CLUSTER_ADMIN:
        gives = Capability(Can.READ_SECRET, capability.cluster, EVERYWHERE, EVERYWHERE)
        yield Derivation(gives, "secrets/read")
    elif capability.name == Power.READ_SECRETS.value:
        for name in names_of(capability) or (EVERYWHERE,):
            gives = Capability(Can.READ_SECRET, capability.cluster, capability.namespace, name)
            yield Derivation(gives, "secrets/read")


@rule(
    "secrets/tokens",
    "A Secret that holds a token, a kubeconfig or a client certificate with its key makes one whom it speaks for.",
    source="kubernetes.io/docs/concepts/configuration/secret",
    on=(Can.READ_SECRET,),
)
def tokens(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Tokens of ServiceAccounts by type and by their own claims, in the cluster whose issuer they name; certificates
    in the cluster whose authority signed them."""
    facts = world.clusters[capability.cluster]
    for namespace, name, document in _secrets(facts, capability):
        annotations = document["metadata"].get("annotations") or {}
        if document.get("type") == _TOKEN_TYPE and annotations.get(_ACCOUNT):
            account = annotations[_ACCOUNT]
            yield Derivation(
                acts_as(facts.name, "ServiceAccount", namespace, account),
                "secrets/tokens",
                object_step(
                    f"Secret {namespace}/{name} holds a token of ServiceAccount {namespace}/{account}",
                    ObjectName(facts.name, "Secret", namespace, name),
                ),
            )
        yield from _spoken_for(world, facts, ("Secret", namespace, name))


def _spoken_for(world: RuleWorld, facts: ClusterFacts, owner: tuple[str, str, str]) -> Iterator[Derivation]:
    """Whom the tokens, the kubeconfigs and the certificates with their keys in an object speak for."""
    materials = facts.materials_of.get(owner, ())
    keys = {material.digest for material in materials if material.kind is MaterialKind.PRIVATE_KEY}
    for material in materials:
        if "user" in material.about and (material.kind is MaterialKind.KUBECONFIG or material.digest in keys):
            yield from _shows(world, material)
        elif material.kind in (MaterialKind.TOKEN, MaterialKind.KUBECONFIG):
            yield from _speaks_for(world, facts, material)


def _shows(world: RuleWorld, material: Material) -> Iterator[Derivation]:
    """Whom a client certificate makes one, in the clusters whose authority signed it."""
    shown = f"{material.owner.kind} {material.owner.namespace}/{material.owner.name}"
    who = [user(material.about["user"])] if material.about["user"] else []
    who += [group(name) for name in material.about.get("groups", "").split("\n") if name]
    for cluster in world.clusters.values():
        signed = signed_by(cluster, material.about)
        if signed is False:
            continue
        for subject in who:
            yield Derivation(
                acts_as(cluster.name, subject.kind, subject.namespace, subject.name),
                "secrets/tokens",
                object_step(f"{shown} holds a client certificate of {subject}", material.owner),
                None if signed else f"whether {cluster.name} takes the client certificate in {shown}",
            )


@rule(
    "secrets/bootstrap-tokens",
    "Who reads or makes bootstrap tokens in kube-system joins nodes as one of the groups of bootstrappers.",
    source="kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens",
    on=(Can.READ_SECRET, Can.POWER),
    powers=(Power.CREATE_SECRETS,),
)
def bootstrap_tokens(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The groups are a value of the Secret, which nobody reads here: those that are bound, in doubt."""
    facts = world.clusters[capability.cluster]
    if capability.namespace not in (EVERYWHERE, "kube-system"):
        return
    tokens: list[str] = []
    if capability.can is Can.READ_SECRET:
        found = _secrets(facts, capability)
        tokens = [f"Secret kube-system/{name}" for space, name, item in found if _bootstraps(space, item)]
    elif capability.name == Power.CREATE_SECRETS.value and not names_of(capability):
        tokens = ["a bootstrap token of one's own"]
    for shown in tokens[:1]:
        for subject in facts.rbac.grants:
            if subject.kind == "Group" and subject.name.startswith("system:bootstrappers"):
                gives = acts_as(facts.name, "Group", "", subject.name)
                yield Derivation(gives, "secrets/bootstrap-tokens", None, f"whether {shown} is of group {subject.name}")


def _bootstraps(namespace: str, document: Object) -> bool:
    return namespace == "kube-system" and document.get("type") == "bootstrap.kubernetes.io/token"


@rule(
    "secrets/tokens-elsewhere",
    "A token or a kubeconfig in a pod's environment or ConfigMaps makes one whom it speaks for.",
    source="kubernetes.io/docs/concepts/configuration/configmap (not meant for secrets)",
    on=(Can.INSIDE_POD,),
)
def tokens_elsewhere(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Inside the pod, they are read as its Secrets are."""
    facts = world.clusters[capability.cluster]
    pod = facts.pod_named.get((capability.detail, capability.namespace, capability.name))
    if pod is None:
        return
    owners = [(pod.name.kind, pod.namespace, pod.name.name)]
    owners += [("ConfigMap", pod.namespace, name) for name in sorted(pod.contents.config_maps)]
    for owner in owners:
        yield from credited("secrets/tokens-elsewhere", _spoken_for(world, facts, owner))


def _secrets(facts: ClusterFacts, capability: Capability) -> Iterator[tuple[str, str, Object]]:
    places = list(facts.secrets_in) if capability.namespace == EVERYWHERE else [capability.namespace]
    for namespace in places:
        secrets = facts.secrets_in.get(namespace, {})
        if capability.name == EVERYWHERE:
            for name, document in secrets.items():
                yield namespace, name, document
        elif capability.name in secrets:
            yield namespace, capability.name, secrets[capability.name]


def _speaks_for(world: RuleWorld, facts: ClusterFacts, material: Material) -> Iterator[Derivation]:
    issuer, subject = material.about.get("iss"), material.about.get("sub", "")
    shown = f"{material.owner.kind} {material.owner.namespace}/{material.owner.name}"
    who = user(subject)
    if issuer is not None and who.kind == "ServiceAccount":
        for other in world.clusters.values():
            known = issuer_of(world, other)
            if known == issuer and (issuer not in DEFAULT_ISSUERS or other is facts):
                doubt = None
            elif known is None or (known == issuer):
                doubt = f"whether {other.name} accepts tokens of the issuer {issuer}"
            else:
                continue
            yield Derivation(
                acts_as(other.name, who.kind, who.namespace, who.name),
                "secrets/tokens",
                object_step(f"{shown} holds a token of {who}", material.owner),
                doubt,
            )
    elif material.kind is MaterialKind.KUBECONFIG:
        for other in world.clusters.values():
            yield Derivation(
                Capability(Can.CLUSTER_ADMIN, other.name),
                "secrets/tokens",
                object_step(f"{shown} holds a kubeconfig", material.owner),
                f"which cluster and user the kubeconfig in {shown} is for",
            )


def issuer_of(world: RuleWorld, facts: ClusterFacts) -> str | None:
    """The ServiceAccount issuer of a cluster as its flags or the Partition's ``assume.issuers`` say, else None."""
    assumed = world.partition.assume.facts.get("issuers")
    if isinstance(assumed, dict) and isinstance(assumed.get(facts.name), str):
        return str(assumed[facts.name])
    if facts.snapshot.issuer is not None:
        return facts.snapshot.issuer
    if facts.flags.issuer is not None:
        return facts.flags.issuer
    return DEFAULT_ISSUERS[1] if facts.flags.seen else None


@rule(
    "secrets/argocd-cluster",
    "A cluster Secret of Argo CD holds the credentials with which it deploys to that cluster.",
    source="argo-cd.readthedocs.io, declarative setup: clusters",
    on=(Can.READ_SECRET,),
)
def argocd_cluster(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The cluster is found by the name that the Secret gives it; else it is in doubt which one it is."""
    facts = world.clusters[capability.cluster]
    for namespace, name, document in _secrets(facts, capability):
        labels = document["metadata"].get("labels") or {}
        if labels.get("argocd.argoproj.io/secret-type") != "cluster":
            continue
        shown = f"Secret {namespace}/{name}"
        for other in world.clusters.values():
            if other is facts:
                continue
            yield Derivation(
                Capability(Can.CLUSTER_ADMIN, other.name),
                "secrets/argocd-cluster",
                object_step(
                    f"{shown} lets Argo CD deploy to a cluster", ObjectName(facts.name, "Secret", namespace, name)
                ),
                f"which cluster {shown} is for, and what its account may do there",
            )
