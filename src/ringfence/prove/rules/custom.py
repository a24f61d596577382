"""What follows from writing what programs of the platform act on: custom resources, their definitions, their settings.

What an operator makes of a custom resource is in its code. It can do no more than its ServiceAccount, so whoever writes
the resource counts, in doubt, as whoever watches it.
"""

from collections.abc import Iterator

from ringfence.prove import kinds
from ringfence.prove.catalogue import ENTRIES, NETWORK_GROUPS
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as, inside
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.rbac.index import RoleRules, Subject
from ringfence.prove.rbac.powers import CHANGE, VIRTUAL, Power
from ringfence.prove.rbac.rules import Request, Rule
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.identity import subject_of
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import in_place, step, via, who

_OPERATORS = "kubernetes.io/docs/concepts/extend-kubernetes/operator"
_BUILT_IN = frozenset(
    {"", "apps", "batch", "autoscaling", "policy", "extensions", "events.k8s.io", "authentication.k8s.io",
     "authorization.k8s.io", "metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io",
     "rbac.authorization.k8s.io", "networking.k8s.io", "storage.k8s.io", "node.k8s.io", "scheduling.k8s.io",
     "coordination.k8s.io", "certificates.k8s.io", "discovery.k8s.io", "admissionregistration.k8s.io",
     "apiextensions.k8s.io", "apiregistration.k8s.io", "flowcontrol.apiserver.k8s.io", "resource.k8s.io",
     "storagemigration.k8s.io", "internal.apiserver.k8s.io", "authorization.openshift.io"}
)  # fmt: skip
# Groups whose rights have rules of their own, or whose objects have: Argo CD, Flux, external secrets, gateways.
_MODELLED = frozenset(
    {("argoproj.io", "applications"), ("argoproj.io", "applicationsets"), ("argoproj.io", "appprojects"),
     ("argoproj.io", "rollouts"), ("argoproj.io", "workflows"), ("argoproj.io", "cronworkflows"),
     ("kustomize.toolkit.fluxcd.io", "kustomizations"), ("helm.toolkit.fluxcd.io", "helmreleases"),
     ("external-secrets.io", "externalsecrets"), ("external-secrets.io", "secretstores"),
     ("external-secrets.io", "pushsecrets"), ("external-secrets.io", "clustersecretstores"),
     ("external-secrets.io", "clusterexternalsecrets"), ("apps.openshift.io", "deploymentconfigs"),
     ("security.openshift.io", "securitycontextconstraints"), ("project.openshift.io", "projectrequests"),
     ("route.openshift.io", "routes")}
)  # fmt: skip
_MODELLED_GROUPS = frozenset(
    {"gateway.networking.k8s.io", "policy.networking.k8s.io", "snapshot.storage.k8s.io", "source.toolkit.fluxcd.io"}
)
_ACTED_ON = frozenset(
    {("monitoring.coreos.com", "servicemonitors"), ("monitoring.coreos.com", "podmonitors"),
     ("monitoring.coreos.com", "probes"), ("monitoring.coreos.com", "prometheuses"),
     ("monitoring.googleapis.com", "podmonitorings"), ("monitoring.googleapis.com", "clusterpodmonitorings"),
     ("monitoring.googleapis.com", "clusternodemonitorings"), ("auto.gke.io", "allowlistsynchronizers"),
     ("auto.gke.io", "allowlistedworkloads"), ("auto.gke.io", "allowlistedv2workloads"),
     ("auto.gke.io", "workloadallowlists"), ("hnc.x-k8s.io", "subnamespaceanchors"),
     ("hnc.x-k8s.io", "hierarchyconfigurations"), ("monitoring.googleapis.com", "operatorconfigs"),
     ("networking.gke.io", "networks"), ("networking.gke.io", "gkenetworkparamsets")}
)  # fmt: skip
"""Kinds whose objects weaken nothing, but whose controllers act for whoever writes them."""
_ACTED_ON_GROUPS = frozenset(
    {"cilium.io", "crd.projectcalico.org", "projectcalico.org", "operator.tigera.io", "metallb.io", "helm.cattle.io",
     "k3s.cattle.io", "config.openshift.io", "operator.openshift.io", "machineconfiguration.openshift.io",
     "machine.openshift.io", "build.openshift.io", "oauth.openshift.io", "imageregistry.operator.openshift.io",
     "helm.openshift.io", "console.openshift.io", "migration.k8s.io"}
)  # fmt: skip
"""Groups of which that is so of every kind."""
_BY_PLURAL = {(entry.kind.group, entry.plural): entry for entry in ENTRIES.values()}


@rule(
    "custom/write",
    "Who writes custom resources has whoever watches them act on what they say.",
    source=_OPERATORS,
    on=(Can.ACT_AS,),
)
def write(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Resources that are named, or that exist where a rule names all. Known ones that weaken nothing are left out."""
    facts = world.clusters[capability.cluster]
    for grant in facts.rbac.of(subject_of(capability)):
        place = grant.scope or EVERYWHERE
        for resource in _custom(facts, grant.rules):
            text = f"{who(capability)} can write {resource} {in_place(place)}"
            gives = Capability(Can.WRITE_CUSTOM, facts.name, place, resource)
            yield Derivation(gives, "custom/write", step(text, grant.by, grant.binding))


def _custom(facts: ClusterFacts, rules: RoleRules) -> tuple[str, ...]:
    def named() -> tuple[RoleRules, tuple[str, ...]]:
        # The rules are part of the value: as long as it is kept, nothing else can have their identity.
        writing = (item for item in rules.possible if item.verbs & {"*", *CHANGE})
        return rules, tuple(dict.fromkeys(name for item in writing for name in _named(facts, item)))

    return facts.memory.once(("custom", facts.name, id(rules)), named)[1]


def _named(facts: ClusterFacts, item: Rule) -> Iterator[str]:
    plurals = {resource.partition("/")[0] for resource in item.resources - VIRTUAL}
    for group in sorted(item.groups - {"*"}):
        for plural in sorted(plurals):
            if (
                any(_acted_on(group, known) for _, known in _of_group(facts, group))
                if plural == "*"
                else _acted_on(group, plural)
            ):
                yield f"{plural}.{group}"
    if "*" in item.groups:
        for group, plural in sorted(_present(facts)):
            if plurals & {"*", plural} and _acted_on(group, plural):
                yield f"{plural}.{group}"


def _of_group(facts: ClusterFacts, group: str) -> set[tuple[str, str]]:
    found = {key for key in (*_BY_PLURAL, *_present(facts)) if key[0] == group}
    return found or {(group, "*")}


def _acted_on(group: str, plural: str) -> bool:
    """Whether some controller may act on objects of this resource in a way that no rule here speaks of."""
    if group in _BUILT_IN or group in _MODELLED_GROUPS or (group, plural) in _MODELLED:
        return False
    if (group, plural) in _ACTED_ON or group in _ACTED_ON_GROUPS:
        return True
    entry = _BY_PLURAL.get((group, plural))
    return entry is None or bool(entry.touches)


def _present(facts: ClusterFacts) -> set[tuple[str, str]]:
    """The custom resources that there are: by their definitions, by objects of known kinds, by objects of others."""
    found: set[tuple[str, str]] = set()
    for document in facts.snapshot.of(kinds.CUSTOM_RESOURCE_DEFINITION):
        plural, _, group = document["metadata"]["name"].partition(".")
        found.add((group, plural))
    found |= {(kind.group, ENTRIES[kind].plural) for kind in facts.snapshot.objects if kind.group not in _BUILT_IN}
    found |= {
        (defect.kind.group, defect.kind.kind.lower() + "s")
        for defect in facts.snapshot.defects
        if defect.kind.group not in _BUILT_IN and defect.kind not in ENTRIES
    }
    return found


@rule(
    "custom/namespace-admin",
    "Who may do anything in a namespace writes its custom resources.",
    source=_OPERATORS,
    on=(Can.NAMESPACE_ADMIN,),
)
def admin_writes(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Those that there are."""
    facts = world.clusters[capability.cluster]
    for group, plural in sorted(_present(facts)):
        if _acted_on(group, plural):
            gives = Capability(Can.WRITE_CUSTOM, facts.name, capability.namespace, f"{plural}.{group}")
            yield Derivation(gives, "custom/namespace-admin")


@rule(
    "custom/controllers",
    "A controller acts on custom resources with its own rights, for whoever writes them.",
    source=_OPERATORS,
    on=(Can.WRITE_CUSTOM,),
)
def controllers(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The ServiceAccounts that may watch the resource; where none may, nobody knows who does. Vendors' network
    policies change the network alone: the verdict on it says so."""
    facts = world.clusters[capability.cluster]
    plural, _, group = capability.name.partition(".")
    if group in NETWORK_GROUPS:
        return
    doubt = f"what the controllers of {capability.name} do for those who write them"
    watching = _watching(facts, group, plural)
    for subject in watching:
        gives = acts_as(facts.name, "ServiceAccount", subject.namespace, subject.name)
        yield Derivation(gives, "custom/controllers", None, doubt)
    if not watching:
        yield Derivation(Capability(Can.CLUSTER_ADMIN, facts.name), "custom/controllers", None, doubt)


def _watching(facts: ClusterFacts, group: str, plural: str) -> list[Subject]:
    return facts.memory.once(("watching", facts.name, group, plural), lambda: _find_watching(facts, group, plural))


def _find_watching(facts: ClusterFacts, group: str, plural: str) -> list[Subject]:
    request = Request("watch", group, plural)
    return [
        subject
        for subject, grants in facts.rbac.grants.items()
        if subject.kind == "ServiceAccount"
        and any(not grant.bootstrap and any(item.permits(request) for item in grant.rules.possible) for grant in grants)
    ]


@rule(
    "custom/definitions",
    "Who writes the definitions of custom resources reads, alters and deletes all of them.",
    source="kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning",
    on=(Can.POWER,),
    powers=(Power.WRITE_CRDS,),
)
def definitions(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """By a conversion webhook of one's own, or with the definition. Where there are none, there is nothing to alter."""
    facts = world.clusters[capability.cluster]
    if _present(facts):
        text = "custom resources of others can be converted by a webhook of one's own"
        doubt = f"what comes of altering the custom resources of {facts.name}"
        gives = Capability(Can.CLUSTER_ADMIN, facts.name)
        yield Derivation(gives, "custom/definitions", via(state, capability, text), doubt)


@rule(
    "pods/steered",
    "Who writes the ConfigMaps and Secrets that a pod mounts decides what it does.",
    source="kubernetes.io/docs/concepts/configuration/configmap",
    on=(Can.POWER,),
    powers=(Power.WRITE_CONFIG_MAPS, Power.CREATE_SECRETS),
)
def steered(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """How far, its code says: in doubt."""
    facts = world.clusters[capability.cluster]
    maps = capability.name == Power.WRITE_CONFIG_MAPS.value
    only = set(names_of(capability))
    pods = facts.pods if capability.namespace == EVERYWHERE else facts.pods_in.get(capability.namespace, ())
    for pod in pods:
        held = (pod.contents.config_maps if maps else pod.contents.secrets) - {"kube-root-ca.crt"}
        if held & only if only else held:
            yield Derivation(
                inside(facts.name, pod.name.kind, pod.namespace, pod.name.name),
                "pods/steered",
                via(state, capability, f"one may change what {pod.shown} is told"),
                f"what {pod.shown} does with what it is told",
            )
