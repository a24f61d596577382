"""What a role's rules amount to: the escalation list as powers, and what is read or written of a namespace.

Sources: kubernetes.io, "Role Based Access Control Good Practices" (escalation risks), and the API's own semantics for
the rest. A power is computed once per role, however many bindings there are. ``resourceNames`` limit a power to those
objects; they cannot limit ``create`` (the name is not known yet) or ``deletecollection``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ringfence.prove.catalogue import ENTRIES
from ringfence.prove.rbac.rules import Rule

READ = frozenset({"get", "list", "watch"})
WRITE = frozenset({"create", "update", "patch", "delete", "deletecollection"})
CHANGE = frozenset({"create", "update", "patch"})
ALTER = frozenset({"update", "patch"})
REMOVE = frozenset({"delete", "deletecollection"})


class Power(StrEnum):
    """A row of the escalation list."""

    EVERYTHING = "do anything"
    READ_SECRETS = "read Secrets"
    CREATE_PODS = "create pods"
    CHANGE_PODS = "change pods"
    WRITE_POD_STATUS = "write the status of pods"
    DEBUG_PODS = "add containers to pods"
    EXEC = "run commands in pods"
    EXEC_BY_GET = "run commands in pods by get"
    FORWARD_BY_GET = "forward ports of pods by get"
    CREATE_TOKENS = "create tokens of ServiceAccounts"
    CREATE_SECRETS = "create Secrets"
    NODE_PROXY = "reach kubelets through nodes/proxy"
    NODE_READ = "read what kubelets show of pods"
    IMPERSONATE_USERS = "impersonate users"
    IMPERSONATE_GROUPS = "impersonate groups"
    IMPERSONATE_ACCOUNTS = "impersonate ServiceAccounts"
    IMPERSONATE_FOR_SOME = "impersonate somebody for some requests"
    ESCALATE = "escalate Roles"
    ESCALATE_CLUSTER_ROLES = "escalate ClusterRoles"
    BIND = "bind Roles"
    BIND_CLUSTER_ROLES = "bind ClusterRoles"
    WRITE_ROLES = "write Roles"
    WRITE_CLUSTER_ROLES = "write ClusterRoles"
    CREATE_BINDINGS = "create RoleBindings"
    CREATE_CLUSTER_BINDINGS = "create ClusterRoleBindings"
    CREATE_SIGNING_REQUESTS = "create certificate signing requests"
    APPROVE_REQUESTS = "approve certificate signing requests"
    APPROVE_SIGNER = "approve for a certificate signer"
    CREATE_NODE_REQUESTS = "create certificate signing requests that are approved for nodes"
    WRITE_MUTATING_WEBHOOKS = "write mutating admission"
    WRITE_VALIDATING_WEBHOOKS = "write validating webhooks"
    REMOVE_WEBHOOKS = "remove webhooks"
    WRITE_ADMISSION_POLICIES = "write validating admission policies"
    RELABEL_NAMESPACES = "change namespaces"
    CREATE_NAMESPACES = "create namespaces"
    DELETE_NAMESPACES = "delete namespaces"
    WRITE_VOLUMES = "create PersistentVolumes"
    CHANGE_VOLUMES = "change PersistentVolumes"
    WRITE_CLAIMS = "create PersistentVolumeClaims"
    WRITE_NODES = "change nodes"
    BIND_PODS = "bind pods to nodes"
    WRITE_POLICIES = "write NetworkPolicies"
    WRITE_ADMIN_POLICIES = "write cluster-wide network policies"
    WRITE_QUOTAS = "write ResourceQuotas"
    WRITE_LIMITS = "write LimitRanges"
    SCALE = "scale workloads"
    WRITE_PRIORITIES = "write PriorityClasses"
    WRITE_SERVICES = "write Services"
    WRITE_ENDPOINTS = "write Endpoints"
    WRITE_INGRESSES = "write Ingresses"
    WRITE_ROUTES = "write routes"
    WRITE_CONFIG_MAPS = "write ConfigMaps"
    WRITE_ACCOUNTS = "write ServiceAccounts"
    WRITE_APPLICATIONS = "write Argo CD Applications"
    CHANGE_APPLICATIONS = "change Argo CD Applications"
    WRITE_PROJECTS = "write Argo CD AppProjects"
    WRITE_FLUX = "write Flux objects"
    WRITE_FLUX_SOURCES = "write sources of Flux"
    WRITE_EXTERNAL_SECRETS = "write ExternalSecrets"
    WRITE_SNAPSHOTS = "write VolumeSnapshots"
    WRITE_SNAPSHOT_CONTENTS = "write VolumeSnapshotContents"
    WRITE_CRDS = "write CustomResourceDefinitions"
    WRITE_API_SERVICES = "write APIServices"
    READ_POD_PORTS = "reach pods through the API server"
    WRITE_STORAGE = "write storage classes and drivers"
    WRITE_FAIRNESS = "write the API server's priorities and fairness"
    WRITE_TRAFFIC_CLASSES = "write classes of Ingresses and Gateways"
    WRITE_CONSTRAINTS = "write SecurityContextConstraints"
    WRITE_SHARED_STORES = "write cluster-wide external secrets"
    CREATE_PROJECTS = "request projects"


CLUSTER_POWERS = frozenset({
    Power.NODE_PROXY, Power.NODE_READ, Power.IMPERSONATE_USERS, Power.IMPERSONATE_GROUPS, Power.ESCALATE_CLUSTER_ROLES,
    Power.WRITE_CLUSTER_ROLES, Power.CREATE_CLUSTER_BINDINGS, Power.CREATE_SIGNING_REQUESTS, Power.APPROVE_REQUESTS,
    Power.APPROVE_SIGNER, Power.CREATE_NODE_REQUESTS, Power.WRITE_MUTATING_WEBHOOKS, Power.WRITE_VALIDATING_WEBHOOKS,
    Power.REMOVE_WEBHOOKS, Power.WRITE_ADMISSION_POLICIES, Power.CREATE_NAMESPACES, Power.WRITE_VOLUMES,
    Power.CHANGE_VOLUMES, Power.WRITE_NODES, Power.WRITE_ADMIN_POLICIES, Power.WRITE_PRIORITIES,
    Power.WRITE_SNAPSHOT_CONTENTS, Power.WRITE_CRDS, Power.WRITE_API_SERVICES, Power.WRITE_STORAGE,
    Power.WRITE_FAIRNESS, Power.WRITE_TRAFFIC_CLASSES, Power.WRITE_CONSTRAINTS, Power.WRITE_SHARED_STORES,
    Power.CREATE_PROJECTS,
})  # fmt: skip
"""Powers over what lives outside namespaces: a RoleBinding gives none of them, whatever its role says. Namespaces are
not among them: a request about a Namespace counts as one in it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rule gives a power: any of ``verbs`` on a resource (``pods/exec``) of a group. ``limited``: resourceNames
    can limit it."""

    power: Power
    verbs: frozenset[str]
    group: str
    resource: str
    limited: bool = True


_CREATE = frozenset({"create"})
# ``impersonate:MODE``: every verb of constrained impersonation, which is 1.36's and above (KEP-5284).
_CONSTRAINED = frozenset({"impersonate:"})
# The verb of a proxied request is that of its method: it never is list or watch.
_PROXIED = frozenset({"create", "get", "update", "patch", "delete"})
_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_POLICY = "policy.networking.k8s.io"
_GATEWAY = "gateway.networking.k8s.io"


def _each(power: Power, verbs: frozenset[str], group: str, *resources: str) -> tuple[Wanted, ...]:
    return tuple(Wanted(power, verbs, group, resource) for resource in resources)


_CONTROLLERS = (
    *_each(Power.CREATE_PODS, CHANGE, "apps", "deployments", "replicasets", "statefulsets", "daemonsets"),
    *_each(Power.CREATE_PODS, CHANGE, "", "replicationcontrollers"),
    *_each(Power.CREATE_PODS, CHANGE, "batch", "jobs", "cronjobs"),
    *_each(Power.CREATE_PODS, CHANGE, "argoproj.io", "rollouts", "workflows", "cronworkflows"),
    *_each(Power.CREATE_PODS, CHANGE, "apps.openshift.io", "deploymentconfigs"),
)
TABLE: tuple[Wanted, ...] = (
    *_each(Power.READ_SECRETS, READ, "", "secrets"),
    Wanted(Power.CREATE_PODS, _CREATE, "", "pods"),
    *_CONTROLLERS,
    *_each(Power.CHANGE_PODS, ALTER, "", "pods"),
    # The spec is kept from it; labels and addresses are not (podStatusStrategy).
    *_each(Power.WRITE_POD_STATUS, ALTER, "", "pods/status"),
    *_each(Power.DEBUG_PODS, ALTER, "", "pods/ephemeralcontainers"),
    *_each(Power.EXEC, _CREATE, "", "pods/exec", "pods/attach"),
    *_each(Power.EXEC_BY_GET, frozenset({"get"}), "", "pods/exec", "pods/attach"),
    *_each(Power.FORWARD_BY_GET, frozenset({"get"}), "", "pods/portforward"),
    *_each(Power.READ_POD_PORTS, _CREATE, "", "pods/portforward"),
    *_each(Power.READ_POD_PORTS, _PROXIED, "", "pods/proxy", "services/proxy"),
    *_each(Power.CREATE_TOKENS, _CREATE, "", "serviceaccounts/token"),
    *_each(Power.CREATE_SECRETS, CHANGE, "", "secrets"),
    *_each(Power.NODE_PROXY, _PROXIED, "", "nodes/proxy"),
    *_each(Power.NODE_READ, frozenset({"get"}), "", "nodes/log", "nodes/pods"),
    *_each(Power.NODE_READ, frozenset({"create"}), "", "nodes/checkpoint"),
    *_each(Power.IMPERSONATE_USERS, frozenset({"impersonate"}), "", "users"),
    *_each(Power.IMPERSONATE_GROUPS, frozenset({"impersonate"}), "", "groups"),
    *_each(Power.IMPERSONATE_ACCOUNTS, frozenset({"impersonate"}), "", "serviceaccounts"),
    *_each(Power.IMPERSONATE_FOR_SOME, _CONSTRAINED, "authentication.k8s.io", "users", "groups", "serviceaccounts",
           "nodes"),
    *_each(Power.ESCALATE, frozenset({"escalate"}), _RBAC, "roles"),
    *_each(Power.ESCALATE_CLUSTER_ROLES, frozenset({"escalate"}), _RBAC, "clusterroles"),
    *_each(Power.BIND, frozenset({"bind"}), _RBAC, "roles"),
    *_each(Power.BIND_CLUSTER_ROLES, frozenset({"bind"}), _RBAC, "clusterroles"),
    *_each(Power.WRITE_ROLES, CHANGE, _RBAC, "roles"),
    *_each(Power.WRITE_CLUSTER_ROLES, CHANGE, _RBAC, "clusterroles"),
    *_each(Power.CREATE_BINDINGS, CHANGE, _RBAC, "rolebindings"),
    *_each(Power.CREATE_CLUSTER_BINDINGS, CHANGE, _RBAC, "clusterrolebindings"),
    *_each(Power.CREATE_SIGNING_REQUESTS, _CREATE, "certificates.k8s.io", "certificatesigningrequests"),
    *_each(Power.APPROVE_REQUESTS, ALTER, "certificates.k8s.io", "certificatesigningrequests/approval"),
    *_each(Power.APPROVE_SIGNER, frozenset({"approve"}), "certificates.k8s.io", "signers"),
    *_each(Power.CREATE_NODE_REQUESTS, _CREATE, "certificates.k8s.io", "certificatesigningrequests/nodeclient"),
    *_each(Power.WRITE_MUTATING_WEBHOOKS, CHANGE, _ADMISSION, "mutatingwebhookconfigurations",
           "mutatingadmissionpolicies", "mutatingadmissionpolicybindings"),
    *_each(Power.WRITE_VALIDATING_WEBHOOKS, CHANGE, _ADMISSION, "validatingwebhookconfigurations"),
    *_each(Power.REMOVE_WEBHOOKS, REMOVE, _ADMISSION, "validatingwebhookconfigurations",
           "mutatingwebhookconfigurations", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings"),
    *_each(Power.WRITE_ADMISSION_POLICIES, ALTER | REMOVE, _ADMISSION, "validatingadmissionpolicies",
           "validatingadmissionpolicybindings"),
    # Labels may be changed through these subresources too: only the spec, or the status, is kept from them.
    *_each(Power.RELABEL_NAMESPACES, ALTER, "", "namespaces", "namespaces/status"),
    *_each(Power.RELABEL_NAMESPACES, frozenset({"update"}), "", "namespaces/finalize"),
    *_each(Power.CREATE_NAMESPACES, _CREATE, "", "namespaces"),
    *_each(Power.DELETE_NAMESPACES, REMOVE, "", "namespaces"),
    *_each(Power.WRITE_VOLUMES, _CREATE, "", "persistentvolumes"),
    *_each(Power.CHANGE_VOLUMES, ALTER, "", "persistentvolumes"),
    *_each(Power.WRITE_CLAIMS, CHANGE, "", "persistentvolumeclaims"),
    *_each(Power.WRITE_NODES, ALTER | REMOVE, "", "nodes"),
    *_each(Power.WRITE_NODES, ALTER, "", "nodes/status"),
    *_each(Power.BIND_PODS, _CREATE, "", "pods/binding", "bindings"),
    *_each(Power.WRITE_POLICIES, WRITE, "networking.k8s.io", "networkpolicies"),
    *_each(Power.WRITE_ADMIN_POLICIES, WRITE, _POLICY, "adminnetworkpolicies", "baselineadminnetworkpolicies",
           "clusternetworkpolicies"),
    *_each(Power.WRITE_QUOTAS, WRITE, "", "resourcequotas"),
    # Admission counts against the hard limits of the status.
    *_each(Power.WRITE_QUOTAS, ALTER, "", "resourcequotas/status"),
    *_each(Power.WRITE_LIMITS, WRITE, "", "limitranges"),
    *_each(Power.SCALE, ALTER, "apps", "deployments/scale", "replicasets/scale", "statefulsets/scale"),
    *_each(Power.SCALE, ALTER, "", "replicationcontrollers/scale"),
    *_each(Power.SCALE, ALTER, "apps.openshift.io", "deploymentconfigs/scale"),
    *_each(Power.SCALE, CHANGE, "autoscaling", "horizontalpodautoscalers"),
    *_each(Power.WRITE_PRIORITIES, WRITE, "scheduling.k8s.io", "priorityclasses"),
    *_each(Power.WRITE_SERVICES, CHANGE, "", "services", "services/status"),
    *_each(Power.WRITE_ENDPOINTS, CHANGE, "", "endpoints"),
    *_each(Power.WRITE_ENDPOINTS, CHANGE, "discovery.k8s.io", "endpointslices"),
    *_each(Power.WRITE_INGRESSES, CHANGE, "networking.k8s.io", "ingresses"),
    *_each(Power.WRITE_ROUTES, CHANGE, _GATEWAY, "httproutes", "grpcroutes", "tlsroutes", "tcproutes", "udproutes",
           "gateways", "listenersets"),
    *_each(Power.WRITE_ROUTES, CHANGE, "route.openshift.io", "routes"),
    *_each(Power.WRITE_CONFIG_MAPS, CHANGE, "", "configmaps"),
    *_each(Power.WRITE_ACCOUNTS, CHANGE, "", "serviceaccounts"),
    *_each(Power.WRITE_APPLICATIONS, CHANGE, "argoproj.io", "applications", "applicationsets"),
    *_each(Power.CHANGE_APPLICATIONS, ALTER | REMOVE, "argoproj.io", "applications"),
    *_each(Power.WRITE_PROJECTS, CHANGE, "argoproj.io", "appprojects"),
    *_each(Power.WRITE_FLUX, CHANGE, "kustomize.toolkit.fluxcd.io", "kustomizations"),
    *_each(Power.WRITE_FLUX, CHANGE, "helm.toolkit.fluxcd.io", "helmreleases"),
    *_each(Power.WRITE_FLUX_SOURCES, CHANGE, "source.toolkit.fluxcd.io", "gitrepositories", "ocirepositories",
           "buckets", "helmrepositories", "helmcharts"),
    *_each(Power.WRITE_EXTERNAL_SECRETS, CHANGE, "external-secrets.io", "externalsecrets", "secretstores",
           "pushsecrets"),
    *_each(Power.WRITE_SNAPSHOTS, CHANGE, "snapshot.storage.k8s.io", "volumesnapshots"),
    *_each(Power.WRITE_SNAPSHOT_CONTENTS, CHANGE, "snapshot.storage.k8s.io", "volumesnapshotcontents"),
    *_each(Power.WRITE_CRDS, WRITE, "apiextensions.k8s.io", "customresourcedefinitions"),
    *_each(Power.WRITE_API_SERVICES, CHANGE, "apiregistration.k8s.io", "apiservices"),
    *_each(Power.WRITE_STORAGE, CHANGE, "storage.k8s.io", "storageclasses", "csidrivers", "volumeattachments"),
    *_each(Power.WRITE_FAIRNESS, WRITE, "flowcontrol.apiserver.k8s.io", "flowschemas", "prioritylevelconfigurations"),
    *_each(Power.WRITE_TRAFFIC_CLASSES, CHANGE, "networking.k8s.io", "ingressclasses"),
    *_each(Power.WRITE_TRAFFIC_CLASSES, CHANGE, _GATEWAY, "gatewayclasses"),
    *_each(Power.WRITE_CONSTRAINTS, CHANGE, "security.openshift.io", "securitycontextconstraints"),
    *_each(Power.WRITE_SHARED_STORES, CHANGE, "external-secrets.io", "clustersecretstores", "clusterexternalsecrets"),
    *_each(Power.CREATE_PROJECTS, _CREATE, "project.openshift.io", "projectrequests"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A power that a rule gives. ``names`` empty: over every object; ``verb`` and ``resource`` as the rule has them."""

    power: Power
    names: tuple[str, ...]
    verb: str
    resource: str


@dataclass(frozen=True, slots=True)
class Touch:
    """A namespaced resource that a rule reads or writes. ``verb`` is the worst of them."""

    resource: str
    group: str
    verb: str
    names: tuple[str, ...]
    placed: bool = True
    """False: nobody can say whether the resource lives in namespaces."""


Scopes = Mapping[tuple[str, str], bool]
"""By group and plural, whether resources live in namespaces: what a cluster's own definitions say of them."""
_NO_SCOPES: Scopes = {}


def powers_of(rules: Iterator[Rule]) -> tuple[Held, ...]:
    """The powers that the rules give, worst first, each once per set of names."""
    found: dict[tuple[Power, tuple[str, ...]], Held] = {}
    for rule in rules:
        if {"*"} <= rule.verbs and {"*"} <= rule.groups and {"*"} <= rule.resources and not rule.names:
            found.setdefault((Power.EVERYTHING, ()), Held(Power.EVERYTHING, (), "*", "*"))
            continue
        for wanted in TABLE:
            held = _held(rule, wanted)
            if held is not None:
                found.setdefault((held.power, held.names), held)
    order = list(Power)
    return tuple(sorted(found.values(), key=lambda held: (order.index(held.power), held.names)))


def _held(rule: Rule, wanted: Wanted) -> Held | None:
    if "*" not in rule.groups and wanted.group not in rule.groups:
        return None
    resource, _, sub = wanted.resource.partition("/")
    if not rule.covers(resource, sub):
        return None
    verbs = _verbs(rule, wanted.verbs)
    names = tuple(sorted(rule.names)) if wanted.limited else ()
    if rule.names:
        verbs -= {"deletecollection"}
        if wanted.power in (Power.CREATE_PODS, Power.CREATE_SECRETS) or not sub:
            # Only creating a subresource (exec, token) of a named object has a name to compare.
            verbs -= {"create"} if not sub else set()
    if not verbs:
        return None
    return Held(wanted.power, names, min(verbs), wanted.resource)


def _verbs(rule: Rule, wanted: frozenset[str]) -> set[str]:
    if "*" in rule.verbs:
        return set(wanted)
    found = set(rule.verbs & wanted)
    if wanted is _CONSTRAINED and any(verb.startswith("impersonate:") for verb in rule.verbs):
        found.add("impersonate:")
    return found


_CLUSTER_SCOPED = frozenset((entry.kind.group, entry.plural) for entry in ENTRIES.values() if not entry.namespaced) | {
    ("", "users"), ("", "groups"), ("authentication.k8s.io", "userextras"), ("authentication.k8s.io", "uids"),
    ("certificates.k8s.io", "signers"), ("policy", "podsecuritypolicies"), ("networking.k8s.io", "ipaddresses"),
    ("", "componentstatuses"), ("storagemigration.k8s.io", "storageversionmigrations"),
    ("internal.apiserver.k8s.io", "storageversions"), ("resource.k8s.io", "deviceclasses"),
    ("resource.k8s.io", "resourceslices"), ("security.openshift.io", "securitycontextconstraints"),
    ("project.openshift.io", "projects"), ("project.openshift.io", "projectrequests"),
}  # fmt: skip
_NAMESPACED = frozenset((entry.kind.group, entry.plural) for entry in ENTRIES.values() if entry.namespaced)
# Reviews ask questions, metrics and discovery show loads and versions: neither reads nor changes a deployment.
_HARMLESS_GROUPS = frozenset(
    {"authentication.k8s.io", "authorization.k8s.io", "metrics.k8s.io", "custom.metrics.k8s.io",
     "external.metrics.k8s.io", "authorization.openshift.io"}
)  # fmt: skip
# Questions that OpenShift's admission asks, and hooks that a secret in their address guards: there is nothing behind.
VIRTUAL = frozenset(
    {"builds/docker", "builds/custom", "builds/source", "builds/jenkinspipeline", "builds/optimizeddocker",
     "buildconfigs/webhooks"}
)  # fmt: skip
_SENSITIVE = (
    "secrets",
    "pods/exec",
    "pods",
    "configmaps",
    "deployments",
    "pods/log",
    "statefulsets",
    "persistentvolumeclaims",
)


def touches_of(rules: Iterator[Rule], scopes: Scopes = _NO_SCOPES) -> tuple[Touch, ...]:
    """What the rules read or write of a namespace: one entry per set of names, the most telling resource of each."""
    found: dict[tuple[tuple[str, ...], str], Touch] = {}
    for rule in rules:
        for touch in _touches(rule, scopes):
            # Names are names of one resource: which one decides whether there is such an object.
            key = (touch.names, touch.resource if touch.names else "")
            earlier = found.get(key)
            if earlier is None or _telling(touch) < _telling(earlier):
                found[key] = touch
    return tuple(found.values())


def _telling(touch: Touch) -> tuple[bool, int, int, str]:
    place = _SENSITIVE.index(touch.resource) if touch.resource in _SENSITIVE else len(_SENSITIVE)
    return (not touch.placed, place, touch.verb not in WRITE, touch.resource)


def _cluster_scoped(resource: str, groups: frozenset[str], scopes: Scopes) -> bool:
    """Whether every resource of that name in those groups lives outside namespaces; unknown ones count as inside."""
    if "*" not in groups:
        return all((group, resource) in _CLUSTER_SCOPED or scopes.get((group, resource)) is False for group in groups)
    named = {entry.namespaced for entry in ENTRIES.values() if entry.plural == resource}
    return named == {False} or (not named and any(resource == plural for _, plural in _CLUSTER_SCOPED))


_COMPLETE = frozenset(
    {"", "apps", "batch", "autoscaling", "policy", "events.k8s.io", "networking.k8s.io", "storage.k8s.io",
     "node.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "rbac.authorization.k8s.io",
     "certificates.k8s.io", "admissionregistration.k8s.io", "flowcontrol.apiserver.k8s.io", "resource.k8s.io",
     "apiregistration.k8s.io", "apiextensions.k8s.io"}
)  # fmt: skip
"""Groups of which the catalogue has every resource: a rule about another one of them is about nothing."""
_NAMED = frozenset((entry.kind.group, entry.plural) for entry in ENTRIES.values())
_OF_PODS = frozenset(
    {"attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize", "status"}
)
_CONNECTS = frozenset({"pods/exec", "pods/attach", "pods/portforward"})
_ORDER = ("get", "list", "watch", "create", "update", "patch", "delete")


def _there_is(resource: str, groups: frozenset[str]) -> bool:
    """Whether a resource of that name can be requested: ``pods/*``, ``pod`` and core ``deployments`` never are."""
    plural, _, sub = resource.partition("/")
    if sub == "*" or (plural == "pods" and sub and groups == {""} and sub not in _OF_PODS):
        return False
    return plural == "*" or "*" in groups or any(item not in _COMPLETE or (item, plural) in _NAMED for item in groups)


def _placed(resource: str, groups: frozenset[str], scopes: Scopes) -> bool:
    """Whether some resource of that name in those groups is known to live in namespaces."""
    if "*" in groups or resource == "*":
        return True
    return any((group, resource) in _NAMESPACED or scopes.get((group, resource)) is True for group in groups)


def _touches(rule: Rule, scopes: Scopes) -> Iterator[Touch]:
    """What a rule reads or writes of a namespace: the most telling resource, or each one where names limit it."""
    groups = rule.groups - _HARMLESS_GROUPS
    verbs = _verbs(rule, READ | WRITE)
    if rule.names:
        # A name limits creation and collections to nothing.
        verbs -= {"deletecollection"}
    if not groups or not verbs:
        return
    names = tuple(sorted(rule.names))
    candidates = []
    for resource in sorted(rule.resources - VIRTUAL):
        plural = resource.partition("/")[0]
        served = frozenset(
            item for item in groups if plural == "*" or item not in _COMPLETE or (item, plural) in _NAMED
        )
        if not _there_is(resource, groups) or _cluster_scoped(plural, served, scopes):
            continue
        if rule.names and "/" not in resource and verbs <= {"create"}:
            continue
        # Whether get connects too is a matter of the version: a rule of its own.
        mine = verbs & {"create"} if resource in _CONNECTS else verbs
        if mine:
            verb = next((item for item in _ORDER if item in mine), min(mine))
            candidates.append(Touch(resource, min(served), verb, names, _placed(plural, served, scopes)))
    found = sorted(candidates, key=_telling)
    for best in found if names else found[:1]:
        yield replace(best, resource="secrets" if best.resource == "*" and not names else best.resource)
