"""What follows from deciding what Argo CD deploys: it acts with rights of its own."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.kinds import Object, ObjectName, object_name
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.registry import RuleWorld, credited, rule
from ringfence.prove.rules.wording import object_step, via, who

_ARGO = "argo-cd.readthedocs.io/en/stable/user-guide/projects"
_DANGEROUS = frozenset(
    {"*", "ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
     "CustomResourceDefinition", "PersistentVolume", "Namespace", "APIService"}
)  # fmt: skip


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
    yield from _through_project(world, facts, found, object_name(facts.name, found))


@rule(
    "argocd/write-applications",
    "Who writes Applications chooses project, source and destination.",
    source=_ARGO,
    on=(Can.POWER,),
    powers=(Power.WRITE_APPLICATIONS, Power.WRITE_PROJECTS),
)
def write_applications(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """In the namespace of an Argo CD: one with Applications or AppProjects. Any project of it may be named."""
    if capability.name not in (Power.WRITE_APPLICATIONS.value, Power.WRITE_PROJECTS.value):
        return
    facts = world.clusters[capability.cluster]
    projects = facts.snapshot.of(kinds.ARGO_PROJECT)
    homes = {item["metadata"]["namespace"] for item in projects}
    if capability.namespace != EVERYWHERE and capability.namespace not in homes:
        if capability.name == Power.WRITE_APPLICATIONS.value:
            yield from _from_other_namespaces(world, facts, capability.namespace)
        return
    for other in world.clusters.values():
        yield Derivation(
            Capability(Can.CLUSTER_ADMIN, other.name),
            "argocd/write-applications",
            via(state, capability, f"an Application of one's own deploys anything to {other.name}"),
            None if other is facts else f"whether the Argo CD of {facts.name} deploys to {other.name}",
        )


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
    "A role of an AppProject lets the groups that it names write Applications of the project.",
    source="argo-cd.readthedocs.io/en/stable/user-guide/projects/#project-roles",
    on=(Can.ACT_AS,),
)
def project_roles(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Policies that allow more than to look. Argo CD takes the groups from its own login: the same names."""
    if capability.detail != "Group":
        return
    facts = world.clusters[capability.cluster]
    for project in facts.snapshot.of(kinds.ARGO_PROJECT):
        for role in (project.get("spec") or {}).get("roles") or ():
            if capability.name in (role.get("groups") or ()) and any(map(_lets_write, role.get("policies") or ())):
                shown = f"of role {role['name']} ({who(capability)})"
                yield from credited("argocd/project-roles", _of_project(world, facts, project, shown))


@rule(
    "argocd/global-roles",
    "The ConfigMap argocd-rbac-cm lets users and groups write Applications, or do anything.",
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
    if capability.name != Power.WRITE_CONFIG_MAPS.value:
        return
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
    lines = [[word.strip() for word in line.split(",")] for text in files for line in text.splitlines()]
    held = {capability.name, str(data.get("policy.default") or "")}
    held |= {line[2] for line in lines if len(line) > 2 and line[0] == "g" and line[1] in held}
    shown = object_name(facts.name, document)
    if "role:admin" in held:
        text = f"{who(capability)} may have Argo CD deploy anything"
        yield Derivation(Capability(Can.CLUSTER_ADMIN, facts.name), "", object_step(text, shown))
    for line in lines:
        if line[:1] != ["p"] or len(line) < 6 or line[1] not in held or not _lets_write(", ".join(line)):
            continue
        pattern = line[4].partition("/")[0]
        for project in facts.snapshot.of(kinds.ARGO_PROJECT):
            if fnmatchcase(project["metadata"]["name"], pattern):
                yield from _of_project(world, facts, project, f"of {line[1]} ({who(capability)})")


def _lets_write(policy: str) -> bool:
    """Whether a line such as ``p, proj:shop:dev, applications, sync, shop/*, allow`` allows more than to look."""
    words = [word.strip() for word in policy.split(",")]
    return len(words) >= 6 and words[0] == "p" and words[5] == "allow" and words[2] in _ACTED and words[3] != "get"


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
        ties = _ties(cluster, facts, destination)
        if _cluster_wide(rules) and any(_allowed(rules, tie, EVERYWHERE, loosely=True) for tie in ties):
            text = f"AppProject {project_name} lets Application {name.name} create cluster-scoped objects"
            gives = Capability(Can.CLUSTER_ADMIN, cluster.name)
            yield Derivation(gives, "argocd/application", object_step(text, shown), _tie_doubt(ties, cluster))
        for namespace in cluster.every_namespace():
            if any(_allowed(rules, tie, namespace, loosely=False) for tie in ties):
                text = f"AppProject {project_name} lets Application {name.name} deploy to {namespace}"
                for gives in _kinds_of(rules, cluster.name, namespace):
                    yield Derivation(gives, "argocd/application", object_step(text, shown), _tie_doubt(ties, cluster))


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
            plain = str(source["repoURL"]).lower().removesuffix("/").removesuffix(".git")
            yield plain.partition("://")[2].rpartition("@")[2] or plain.rpartition("@")[2].replace(":", "/", 1)


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
        if allowed is not None and not any(_is_kind(item, kind) for item in allowed):
            return False
        return not any(_is_kind(item, kind) for item in refused)

    if may(_GIVES_RIGHTS):
        # A binding to any ClusterRole, made with the rights of Argo CD.
        yield Capability(Can.NAMESPACE_ADMIN, cluster, namespace)
        return
    for power in dict.fromkeys(power for kind, power in _BY_KIND.items() if may(kind)):
        yield Capability(Can.POWER, cluster, namespace, power.value)
    if allowed is None or allowed:
        yield Capability(Can.TOUCH, cluster, namespace, "create objects")


def _is_kind(item: Mapping[str, Any], kind: tuple[str, str]) -> bool:
    return fnmatchcase(kind[0], item.get("group") or "") and fnmatchcase(kind[1], item.get("kind") or "")


def _ties(cluster: ClusterFacts, home: ClusterFacts, destination: Mapping[str, Any]) -> list[dict[str, str]]:
    """How an Argo CD may call the cluster: by its name, or, where it is the home or the Application's own, by more."""
    found = [{"name": cluster.name, "server": ""}]
    if cluster is home:
        found.append({"name": "in-cluster", "server": "https://kubernetes.default.svc"})
    elif destination.get("server") and not destination.get("name"):
        found.append({"name": "", "server": str(destination["server"])})
    return found


def _tie_doubt(ties: list[dict[str, str]], cluster: ClusterFacts) -> str | None:
    named = [tie for tie in ties if tie["server"] and tie["name"] == ""]
    return f"whether {named[0]['server']} is the cluster {cluster.name}" if named else None


def _cluster_wide(rules: Mapping[str, Any]) -> bool:
    allowed = rules.get("clusterResourceWhitelist") or ()
    return any((item.get("kind") or "") in _DANGEROUS for item in allowed)


def _allowed(rules: Mapping[str, Any], tie: Mapping[str, str], namespace: str, *, loosely: bool) -> bool:
    """Whether the project's destinations hold the namespace of a cluster; a pattern with ``!`` takes away."""
    yes = False
    for item in rules.get("destinations") or ():
        server, name, pattern = (item.get(key) or "" for key in ("server", "name", "namespace"))
        here = (bool(server) and fnmatchcase(tie["server"], server) and (bool(tie["server"]) or server == "*")) or (
            bool(name) and bool(tie["name"]) and fnmatchcase(tie["name"], name)
        )
        if not here:
            continue
        if pattern.startswith("!") and fnmatchcase(namespace, pattern[1:]):
            return False
        yes = yes or loosely or fnmatchcase(namespace, pattern)
    return yes
