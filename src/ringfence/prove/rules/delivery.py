"""What follows from deciding what Argo CD deploys: it acts with rights of its own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.facts.projects import Tie, Wide, above_namespaces, accounts, impersonates, is_kind, permits, ties
from ringfence.prove.kinds import Object, ObjectName, object_name
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.registry import RuleWorld, credited, rule
from ringfence.prove.rules.wording import object_step, plain_address, via, who

_ARGO = "argo-cd.readthedocs.io/en/stable/user-guide/projects"


@rule(
    "argocd/application",
    "Whoever writes what an Application deploys has Argo CD create it wherever its AppProject allows.",
    source=_ARGO,
    on=(Can.DELIVER,),
)
def application(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The destinations of the project, in this cluster and in the others that the Argo CD manages."""
    facts = world.clusters[capability.cluster]
    found = facts.document(kinds.ARGO_APPLICATION, capability.namespace, capability.name)
    if found is None:
        return
    spec = found.get("spec") or {}
    destination = spec.get("destination") or {}
    space = destination.get("namespace") if impersonates(facts, capability.namespace) else None
    meant = (spec.get("project"), destination.get("name"), destination.get("server"), space)
    # A project allows the same to each of its Applications, of which there may be one for every namespace.
    if state.first(("argocd/application", facts.name, capability.namespace, meant)):
        yield from _through_project(world, facts, found, object_name(facts.name, found))


@rule(
    "argocd/write-applications",
    "Who writes Applications chooses project, source and destination.",
    source=_ARGO,
    on=(Can.POWER,),
    powers=(Power.WRITE_APPLICATIONS, Power.CHANGE_APPLICATIONS, Power.WRITE_PROJECTS),
)
def write_applications(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """In the namespace of an Argo CD: one with AppProjects. Any project of it may be named, and Applications that are
    there may be changed; a project may be given anything."""
    if capability.name not in _WRITES:
        return
    facts = world.clusters[capability.cluster]
    projects = [
        item
        for item in facts.snapshot.of(kinds.ARGO_PROJECT)
        if capability.namespace in (EVERYWHERE, item["metadata"]["namespace"])
    ]
    if not projects and capability.name == Power.WRITE_APPLICATIONS.value:
        yield from _from_other_namespaces(world, facts, capability.namespace)
    if not projects:
        return
    if capability.name == Power.CHANGE_APPLICATIONS.value:
        yield from _existing(facts, capability, state)
        return
    lacking = not any(item["metadata"]["name"] == "default" for item in projects)
    if capability.name == Power.WRITE_APPLICATIONS.value:
        for project in projects:
            yield from credited("argocd/write-applications", _of_project(world, facts, project, "of one's own"))
    if capability.name == Power.WRITE_PROJECTS.value or lacking:
        unseen = None if capability.name == Power.WRITE_PROJECTS.value else "what the AppProject default allows"
        for other in world.clusters.values():
            yield Derivation(
                Capability(Can.CLUSTER_ADMIN, other.name),
                "argocd/write-applications",
                via(state, capability, f"an Application of one's own deploys anything to {other.name}"),
                unseen if other is facts else f"whether the Argo CD of {facts.name} deploys to {other.name}",
            )


_WRITES = (Power.WRITE_APPLICATIONS.value, Power.CHANGE_APPLICATIONS.value, Power.WRITE_PROJECTS.value)


def _existing(facts: ClusterFacts, capability: Capability, state: State) -> Iterator[Derivation]:
    """The Applications that are there, of which one decides what they deploy."""
    only = names_of(capability)
    for document in facts.snapshot.of(kinds.ARGO_APPLICATION):
        metadata = document["metadata"]
        if capability.namespace in (EVERYWHERE, metadata["namespace"]) and (not only or metadata["name"] in only):
            gives = Capability(Can.DELIVER, facts.name, metadata["namespace"], metadata["name"], "Application")
            text = f"what Application {metadata['name']} deploys may be changed"
            yield Derivation(gives, "argocd/write-applications", via(state, capability, text))


def _from_other_namespaces(world: RuleWorld, facts: ClusterFacts, namespace: str) -> Iterator[Derivation]:
    """Applications outside Argo CD's own namespace, as far as projects let them in (``sourceNamespaces``)."""
    for project in facts.snapshot.of(kinds.ARGO_PROJECT):
        sources = (project.get("spec") or {}).get("sourceNamespaces") or ()
        if any(fnmatchcase(namespace, pattern) for pattern in sources):
            found = _of_project(world, facts, project, f"one's own in {namespace}")
            yield from credited("argocd/write-applications", found)


def _of_project(world: RuleWorld, facts: ClusterFacts, project: Object, shown: str) -> Iterator[Derivation]:
    """What an Application that anybody may write comes to in a project."""
    metadata = project["metadata"]
    made = {"spec": {"project": metadata["name"], "destination": {}}}
    yield from _through_project(world, facts, made, ObjectName(facts.name, "Application", metadata["namespace"], shown))


@rule(
    "argocd/project-roles",
    "A role of an AppProject lets the groups that it names see or write Applications of the project.",
    source="argo-cd.readthedocs.io/en/stable/user-guide/projects/#project-roles",
    on=(Can.ACT_AS,),
)
def project_roles(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Argo CD takes the groups from its own login: the same names."""
    if capability.detail != "Group":
        return
    facts = world.clusters[capability.cluster]
    for project in facts.snapshot.of(kinds.ARGO_PROJECT):
        for role in (project.get("spec") or {}).get("roles") or ():
            if capability.name not in (role.get("groups") or ()):
                continue
            lines = [_words(policy) for policy in role.get("policies") or ()]
            if any(map(_lets_write, lines)):
                shown = f"of role {role['name']} ({who(capability)})"
                yield from credited("argocd/project-roles", _of_project(world, facts, project, shown))
            yield from credited("argocd/project-roles", _shown_by(world, facts, lines, capability))


@rule(
    "argocd/global-roles",
    "The ConfigMap argocd-rbac-cm lets users and groups see or write Applications, or do anything.",
    source="argo-cd.readthedocs.io/en/stable/operator-manual/rbac",
    on=(Can.ACT_AS,),
)
def global_roles(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """By the lines of policy.csv and the default policy, for the names that Argo CD's login gives too."""
    if capability.detail == "ServiceAccount" or capability.name.startswith("system:"):
        return
    facts = world.clusters[capability.cluster]
    for document in _settings_of(facts):
        if document["metadata"]["name"] == "argocd-rbac-cm":
            yield from credited("argocd/global-roles", _global(world, facts, document, capability))


@rule(
    "argocd/settings",
    "Who writes Argo CD's ConfigMaps gives any login any of its rights.",
    source="argo-cd.readthedocs.io/en/stable/operator-manual/rbac",
    on=(Can.POWER,),
    powers=(Power.WRITE_CONFIG_MAPS,),
)
def settings(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Who may log in, or whose manifests it reads, is in doubt."""
    facts = world.clusters[capability.cluster]
    names = set(names_of(capability))
    for document in _settings_of(facts):
        metadata = document["metadata"]
        there = capability.namespace in (EVERYWHERE, metadata["namespace"])
        if there and (not names or metadata["name"] in names):
            text = f"{metadata['name']} may be changed, which says who may do what in Argo CD"
            doubt = f"what comes of changing ConfigMap {metadata['namespace']}/{metadata['name']}"
            yield Derivation(
                Capability(Can.CLUSTER_ADMIN, facts.name), "argocd/settings", via(state, capability, text), doubt
            )


_SETTINGS = frozenset({"argocd-cm", "argocd-rbac-cm", "argocd-cmd-params-cm"})


def _settings_of(facts: ClusterFacts) -> list[Object]:
    """Argo CD's ConfigMaps, wherever they are: looked for once, not once a right."""

    def found() -> list[Object]:
        return [one for one in facts.snapshot.of(kinds.CONFIG_MAP) if one["metadata"]["name"] in _SETTINGS]

    return facts.memory.once(("argocd settings", facts.name), found)


def _global(world: RuleWorld, facts: ClusterFacts, document: Object, capability: Capability) -> Iterator[Derivation]:
    data = document.get("data") or {}
    files = (text for name, text in data.items() if name.startswith("policy.") and name.endswith("csv"))
    lines = [*(_words(line) for text in files for line in text.splitlines()), *_BUILT_IN]
    held = {capability.name, str(data.get("policy.default") or "")}
    held |= {line[2] for line in lines if len(line) > 2 and line[0] == "g" and line[1] in held}
    shown = object_name(facts.name, document)
    if "role:admin" in held:
        text = f"{who(capability)} may have Argo CD deploy anything"
        yield Derivation(Capability(Can.CLUSTER_ADMIN, facts.name), "", object_step(text, shown))
    mine = [line for line in lines if line[1:2] and line[1] in held]
    for line in mine:
        if not _lets_write(line):
            continue
        pattern = line[4].partition("/")[0]
        for project in facts.snapshot.of(kinds.ARGO_PROJECT):
            if fnmatchcase(project["metadata"]["name"], pattern):
                yield from _of_project(world, facts, project, f"of {line[1]} ({who(capability)})")
    yield from _shown_by(world, facts, mine, capability)


_BUILT_IN = tuple(["p", role, "applications", "get", "*/*", "allow"] for role in ("role:readonly", "role:admin"))


def _words(policy: str) -> list[str]:
    """The words of a line such as ``p, proj:shop:dev, applications, sync, shop/*, allow``."""
    return [word.strip() for word in policy.split(",")]


def _lets_write(words: Sequence[str]) -> bool:
    """Whether a line allows more than to look."""
    return _allows(words) and words[2] in _ACTED and words[3] != "get"


def _allows(words: Sequence[str]) -> bool:
    return len(words) >= 6 and words[0] == "p" and words[5] == "allow"


def _shown_by(
    world: RuleWorld, facts: ClusterFacts, lines: Iterable[Sequence[str]], capability: Capability
) -> Iterator[Derivation]:
    """What Argo CD shows of the Applications that lines let one see: the live objects, but for values of Secrets."""
    patterns = [line[4] for line in lines if _allows(line) and line[2] in _SEEN and line[3] in ("get", "*")]
    for document in facts.snapshot.of(kinds.ARGO_APPLICATION) if patterns else ():
        name, spec = object_name(facts.name, document), document.get("spec") or {}
        project, destination = spec.get("project") or "default", spec.get("destination") or {}
        full = (f"{project}/{name.name}", f"{project}/{name.namespace}/{name.name}")
        if not any(fnmatchcase(one, pattern) for one in full for pattern in patterns):
            continue
        text = f"Argo CD shows {who(capability)} what Application {name.name} deploys"
        unsure = None if destination.get("namespace") else f"to which namespaces Application {name.name} deploys"
        for cluster in world.clusters.values():
            for tie in ties(cluster, facts, destination, world.clusters):
                place = str(destination.get("namespace") or EVERYWHERE)
                gives = Capability(Can.TOUCH, cluster.name, place, "get pods")
                yield Derivation(gives, "", object_step(text, name), tie.doubt or unsure)


_SEEN = frozenset({"applications", "logs", "*"})
_ACTED = frozenset({"applications", "applicationsets", "exec", "*", "projects", "repositories"})


def _through_project(world: RuleWorld, facts: ClusterFacts, document: Object, name: ObjectName) -> Iterator[Derivation]:
    spec = document.get("spec") or {}
    project_name = spec.get("project") or "default"
    project = facts.document(kinds.ARGO_PROJECT, name.namespace, project_name)
    shown = ObjectName(facts.name, "AppProject", name.namespace, project_name)
    if project is None:
        text = f"Application {name.name} deploys what AppProject {project_name} allows"
        for each in world.clusters:
            yield Derivation(
                Capability(Can.CLUSTER_ADMIN, each),
                "argocd/application",
                object_step(text, shown),
                f"AppProject {name.namespace}/{project_name} is not in the snapshot",
            )
        return
    rules = project.get("spec") or {}
    destination = spec.get("destination") or {}
    for cluster in world.clusters.values():
        for tie in ties(cluster, facts, destination, world.clusters):
            if impersonates(facts, name.namespace):
                yield from _as_accounts(cluster, rules, tie, destination.get("namespace"), shown)
                continue
            for derivation in _deployed(cluster, rules, tie, name, shown):
                yield derivation if tie.doubt is None else replace(derivation, doubt=tie.doubt)


def _deployed(
    cluster: ClusterFacts, rules: Mapping[str, Any], tie: Tie, name: ObjectName, shown: ObjectName
) -> Iterator[Derivation]:
    """What an Application comes to in one cluster, deployed with the rights of Argo CD itself."""
    unsure = f"how the Argo CD of {shown.cluster} calls the cluster {cluster.name} (AppProject {shown.name})"
    if rules.get("permitOnlyProjectScopedClusters"):
        unsure = f"which clusters AppProject {shown.name} is limited to"
    somewhere = permits(rules, tie, None)
    if somewhere is not False:
        doubt = unsure if somewhere is None or rules.get("permitOnlyProjectScopedClusters") else None
        text = f"AppProject {shown.name} lets Application {name.name} create cluster-scoped objects"
        for wide in above_namespaces(rules, cluster):
            yield Derivation(_given(cluster, wide), "argocd/application", object_step(text, shown), doubt)
    for namespace in cluster.every_namespace():
        there = permits(rules, tie, namespace)
        if there is not False:
            doubt = unsure if there is None or rules.get("permitOnlyProjectScopedClusters") else None
            text = f"AppProject {shown.name} lets Application {name.name} deploy to {namespace}"
            for gives in _kinds_of(rules, cluster.name, namespace):
                yield Derivation(gives, "argocd/application", object_step(text, shown), doubt)


def _given(cluster: ClusterFacts, wide: Wide) -> Capability:
    if wide.custom:
        return Capability(Can.WRITE_CUSTOM, cluster.name, EVERYWHERE, wide.custom)
    if wide.power is None:
        return Capability(Can.CLUSTER_ADMIN, cluster.name)
    return Capability(Can.POWER, cluster.name, EVERYWHERE, wide.power.value, ",".join(wide.names))


def _as_accounts(
    cluster: ClusterFacts, rules: Mapping[str, Any], tie: Tie, namespace: str | None, shown: ObjectName
) -> Iterator[Derivation]:
    """What Argo CD deploys as the accounts that a project names, within what the project allows: where that is not
    everywhere, which of the two decides is in doubt."""
    wide = permits(rules, tie, "\0nowhere in particular") is True
    doubt = None if wide else f"what AppProject {shown.name} leaves of the rights of"
    for place, account in accounts(rules, tie, namespace):
        text = f"AppProject {shown.name} deploys as ServiceAccount {place}/{account}"
        gives = acts_as(cluster.name, "ServiceAccount", place, account)
        unsure = tie.doubt or (f"{doubt} ServiceAccount {place}/{account}" if doubt else None)
        yield Derivation(gives, "argocd/application", object_step(text, shown), unsure)


@rule(
    "argocd/shared-repository",
    "Whoever writes the repository of one Application writes that of every other which is read from there.",
    source="argo-cd.readthedocs.io/en/stable/operator-manual/security (Git as the source of truth)",
    on=(Can.DELIVER,),
)
def shared_repository(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Git gives rights by repository, and not by path. Who has them is in no cluster: in doubt, unless the Partition
    assumes that the platform alone writes (``assume.repositories: platform``). Charts of a registry are left out."""
    if capability.detail != "Application" or world.partition.assume.facts.get("repositories") == "platform":
        return
    facts = world.clusters[capability.cluster]
    found = facts.document(kinds.ARGO_APPLICATION, capability.namespace, capability.name)
    if found is None:
        return
    ours, itself = frozenset(_repositories(found)), object_name(facts.name, found)
    for cluster in world.clusters.values() if ours else ():
        for name, repositories in _read_from(cluster).items():
            shared = sorted(ours & repositories)
            if shared and name != itself:
                gives = Capability(Can.DELIVER, cluster.name, name.namespace, name.name, "Application")
                text = f"Application {name.name} is read from {shared[0]} too"
                doubt = f"whether all who write {shared[0]} are meant to write what Application {name.name} deploys"
                yield Derivation(gives, "argocd/shared-repository", object_step(text, name), doubt)


def _read_from(facts: ClusterFacts) -> dict[ObjectName, frozenset[str]]:
    """The repositories that each Application of a cluster is read from."""

    def found() -> dict[ObjectName, frozenset[str]]:
        applications = facts.snapshot.of(kinds.ARGO_APPLICATION)
        return {object_name(facts.name, item): frozenset(_repositories(item)) for item in applications}

    return facts.memory.once(("read from", facts.name), found)


def _repositories(document: Object) -> Iterator[str]:
    spec = document.get("spec") or {}
    for source in (spec.get("source"), *(spec.get("sources") or ())):
        if isinstance(source, Mapping) and source.get("repoURL") and not source.get("chart"):
            yield plain_address(str(source["repoURL"]))


@rule(
    "argocd/application-sets",
    "An ApplicationSet makes Applications, of which a snapshot of files shows none.",
    source="argo-cd.readthedocs.io/en/stable/operator-manual/applicationset",
    on=(Can.ACT_AS,),
)
def application_sets(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Those without an Application that names them as its owner: whose they are and where they deploy is in doubt."""
    facts = world.clusters[capability.cluster]
    if not facts.snapshot.of(kinds.ARGO_APPLICATION_SET):
        return
    made = {
        owner.get("name")
        for document in facts.snapshot.of(kinds.ARGO_APPLICATION)
        for owner in document["metadata"].get("ownerReferences") or ()
        if owner.get("kind") == "ApplicationSet"
    }
    for document in facts.snapshot.of(kinds.ARGO_APPLICATION_SET):
        name = object_name(facts.name, document)
        if name.name not in made:
            doubt = (
                f"which Applications ApplicationSet {name.namespace}/{name.name} makes, and who writes their sources"
            )
            for cluster in world.clusters:
                gives = Capability(Can.CLUSTER_ADMIN, cluster)
                yield Derivation(gives, "argocd/application-sets", None, doubt)


_BY_KIND: Mapping[tuple[str, str], Power] = {
    ("", "Pod"): Power.CREATE_PODS,
    ("", "ReplicationController"): Power.CREATE_PODS,
    ("apps", "Deployment"): Power.CREATE_PODS,
    ("apps", "StatefulSet"): Power.CREATE_PODS,
    ("apps", "DaemonSet"): Power.CREATE_PODS,
    ("apps", "ReplicaSet"): Power.CREATE_PODS,
    ("batch", "Job"): Power.CREATE_PODS,
    ("batch", "CronJob"): Power.CREATE_PODS,
    ("", "Secret"): Power.CREATE_SECRETS,
    ("", "ConfigMap"): Power.WRITE_CONFIG_MAPS,
    ("", "ServiceAccount"): Power.WRITE_ACCOUNTS,
    ("", "Service"): Power.WRITE_SERVICES,
    ("", "Endpoints"): Power.WRITE_ENDPOINTS,
    ("discovery.k8s.io", "EndpointSlice"): Power.WRITE_ENDPOINTS,
    ("", "ResourceQuota"): Power.WRITE_QUOTAS,
    ("", "LimitRange"): Power.WRITE_LIMITS,
    ("", "PersistentVolumeClaim"): Power.WRITE_CLAIMS,
    ("networking.k8s.io", "NetworkPolicy"): Power.WRITE_POLICIES,
    ("networking.k8s.io", "Ingress"): Power.WRITE_INGRESSES,
    ("gateway.networking.k8s.io", "HTTPRoute"): Power.WRITE_ROUTES,
    ("external-secrets.io", "ExternalSecret"): Power.WRITE_EXTERNAL_SECRETS,
    ("snapshot.storage.k8s.io", "VolumeSnapshot"): Power.WRITE_SNAPSHOTS,
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): Power.WRITE_FLUX,
    ("helm.toolkit.fluxcd.io", "HelmRelease"): Power.WRITE_FLUX,
    ("argoproj.io", "Application"): Power.WRITE_APPLICATIONS,
}
_GIVES_RIGHTS = ("rbac.authorization.k8s.io", "RoleBinding")


def _kinds_of(rules: Mapping[str, Any], cluster: str, namespace: str) -> Iterator[Capability]:
    """What deploying the kinds that a project allows amounts to: everything, where it allows bindings."""
    allowed, refused = rules.get("namespaceResourceWhitelist"), rules.get("namespaceResourceBlacklist") or ()

    def may(kind: tuple[str, str]) -> bool:
        if allowed is not None and not any(is_kind(item, kind) for item in allowed):
            return False
        return not any(is_kind(item, kind) for item in refused)

    if may(_GIVES_RIGHTS):
        # A binding to any ClusterRole, made with the rights of Argo CD.
        yield Capability(Can.NAMESPACE_ADMIN, cluster, namespace)
        return
    for power in dict.fromkeys(power for kind, power in _BY_KIND.items() if may(kind)):
        yield Capability(Can.POWER, cluster, namespace, power.value)
    for item in allowed or ():
        group, kind = str(item.get("group") or ""), str(item.get("kind") or "")
        if "." in group and not group.endswith(".k8s.io") and not any(known == group for known, _ in _BY_KIND):
            yield Capability(Can.WRITE_CUSTOM, cluster, namespace, f"{kind.lower()}s.{group}")
    if allowed is None or allowed:
        yield Capability(Can.TOUCH, cluster, namespace, "create objects")
