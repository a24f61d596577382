"""Whether an object is one that the API server could have stored, as far as the proof reads it.

Everything downstream may then index without asking for types. Objects that do not pass become Defects, which make the
dimensions that they could touch ``unknown``. Checks are closures built once from a small description of each kind;
JSON Schema validators were rejected, they are fifty times slower and a proof may have a hundred thousand pods.
A null counts as an absent field, as it does for the API.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from ringfence.base.quantity import parse_quantity
from ringfence.prove.kinds import Kind

Check: TypeAlias = Callable[[Any], None]
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_RBAC_GROUP = "rbac.authorization.k8s.io"
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


class InvalidError(ValueError):
    """What is wrong with an object: a path below it and what should be there."""

    def __init__(self, wanted: str, path: str = "") -> None:
        super().__init__(f"{path or 'it'} must be {wanted}")
        self.wanted = wanted
        self.path = path

    def below(self, key: str) -> "InvalidError":
        """The same complaint seen from one level higher."""
        return InvalidError(self.wanted, key + ("." if self.path and self.path[0] != "[" else "") + self.path)


def text(value: Any) -> None:
    """A string."""
    if type(value) is not str:
        raise InvalidError("a string")


def integer(value: Any) -> None:
    """A whole number; booleans are none."""
    if type(value) is not int:
        raise InvalidError("a whole number")


def boolean(value: Any) -> None:
    """True or false."""
    if type(value) is not bool:
        raise InvalidError("true or false")


def anything(value: Any) -> None:
    """Whatever is there."""


def amount(value: Any) -> None:
    """A quantity: a string or a number (its spelling is read where it counts)."""
    if type(value) not in (str, int, float):
        raise InvalidError("a quantity")


def quantity(value: Any) -> None:
    """A quantity that can be read and is not negative."""
    amount(value)
    try:
        if parse_quantity(str(value)) >= 0:
            return
    except ValueError:
        pass
    raise InvalidError("a quantity such as 500m or 2Gi, not negative")


def one_of(*words: str) -> Check:
    """One of the words."""
    allowed = frozenset(words)

    def check(value: Any) -> None:
        if type(value) is not str or value not in allowed:
            raise InvalidError(f"one of {', '.join(words)}")

    return check


def mapping(item: Check = text) -> Check:
    """An object whose values pass ``item``."""

    def check(value: Any) -> None:
        if type(value) is not dict:
            raise InvalidError("an object")
        for key, entry in value.items():
            try:
                item(entry)
            except InvalidError as error:
                raise error.below(key) from None

    return check


def listing(item: Check = text) -> Check:
    """A list whose items pass ``item``."""

    def check(value: Any) -> None:
        if type(value) is not list:
            raise InvalidError("a list")
        for index, entry in enumerate(value):
            try:
                item(entry)
            except InvalidError as error:
                raise error.below(f"[{index}]") from None

    return check


def record(*required: str, **fields: Check) -> Check:
    """An object with known ``fields``; others are let through unseen. A trailing underscore in a name is dropped."""
    known = {name.rstrip("_"): check for name, check in fields.items()}
    texts = frozenset(name for name, check in known.items() if check is text)

    def check(value: Any) -> None:
        if type(value) is not dict:
            raise InvalidError("an object")
        for key, entry in value.items():
            if type(entry) is str and key in texts:
                continue
            field = known.get(key)
            if field is not None and entry is not None:
                try:
                    field(entry)
                except InvalidError as error:
                    raise error.below(key) from None
        for key in required:
            if value.get(key) is None:
                raise InvalidError("there", key)

    return check


@dataclass(frozen=True, slots=True)
class Fields:
    """What is checked of the objects of one kind besides their metadata: ``checks`` of single fields at the top, and
    the fields that must be there. One by one, so that a reader may check equal fields of many objects once."""

    required: tuple[str, ...]
    checks: Mapping[str, Check]

    def whole(self) -> Check:
        """The check of a whole object."""
        return record(*self.required, **self.checks)


def fields(*required: str, **checks: Check) -> Fields:
    """The description of a kind: as ``record``, at the top of an object."""
    return Fields(required, checks)


_GOOD_LABELS: set[tuple[str, str]] = set()
_GOOD_KEYS: set[str] = set()


def labels(value: Any) -> None:
    """Labels as the API accepts them. Those that have passed are remembered, since clusters repeat them."""
    if type(value) is not dict:
        raise InvalidError("an object")
    for pair in value.items():
        key, entry = pair
        if type(entry) is str and pair in _GOOD_LABELS:
            continue
        if type(entry) is not str or len(entry) > 63 or not _LABEL_VALUE.fullmatch(entry):
            raise InvalidError("a label value (at most 63 of letters, digits, '-', '_', '.')", key)
        if key not in _GOOD_KEYS and not _LABEL_KEY.fullmatch(key):
            raise InvalidError("labels with valid keys")
        if len(_GOOD_LABELS) < 100_000:
            _GOOD_LABELS.add(pair)
            _GOOD_KEYS.add(key)


OWNERS = listing(record("kind", "name", apiVersion=text, kind=text, name=text, controller=boolean))
METADATA = record(
    name=text,
    namespace=text,
    labels=labels,
    annotations=mapping(text),
    finalizers=listing(text),
    ownerReferences=OWNERS,
)
_SELECTOR = record(
    matchLabels=mapping(text),
    matchExpressions=listing(
        record(
            "key", "operator", key=text, values=listing(text), operator=one_of("In", "NotIn", "Exists", "DoesNotExist")
        )
    ),
)
_KEY_REF = record(name=text, key=text, optional=boolean)
_ENV = record(
    "name",
    name=text,
    value=text,
    valueFrom=record(secretKeyRef=_KEY_REF, configMapKeyRef=_KEY_REF, fieldRef=anything, resourceFieldRef=anything),
)
_SECURITY = record(
    privileged=boolean,
    allowPrivilegeEscalation=boolean,
    runAsNonRoot=boolean,
    runAsUser=integer,
    readOnlyRootFilesystem=boolean,
    procMount=text,
    capabilities=record(add=listing(text), drop=listing(text)),
    seccompProfile=record(type=text),
    appArmorProfile=record(type=text),
    seLinuxOptions=mapping(text),
    windowsOptions=record(hostProcess=boolean),
)
_REF = record(name=text, optional=boolean)
_CONTAINER = record(
    "name",
    name=text,
    image=text,
    command=listing(text),
    args=listing(text),
    env=listing(_ENV),
    envFrom=listing(record(secretRef=_REF, configMapRef=_REF)),
    ports=listing(
        record(
            "containerPort",
            name=text,
            containerPort=integer,
            hostPort=integer,
            hostIP=text,
            protocol=one_of("TCP", "UDP", "SCTP"),
        )
    ),
    resources=record(requests=mapping(amount), limits=mapping(amount)),
    securityContext=_SECURITY,
    volumeMounts=listing(record(name=text, mountPath=text, subPath=text, readOnly=boolean)),
    volumeDevices=listing(record(name=text)),
)
_ITEMS = listing(record(key=text, path=text))
_VOLUME = record(
    "name",
    name=text,
    secret=record(secretName=text, items=_ITEMS, optional=boolean),
    configMap=record(name=text, items=_ITEMS, optional=boolean),
    persistentVolumeClaim=record("claimName", claimName=text, readOnly=boolean),
    hostPath=record("path", path=text, type=text),
    nfs=record("server", "path", server=text, path=text),
    csi=record("driver", driver=text, volumeAttributes=mapping(text)),
    projected=record(
        sources=listing(
            record(
                secret=record(name=text),
                configMap=record(name=text),
                serviceAccountToken=record(audience=text, path=text),
            )
        )
    ),
    ephemeral=record(volumeClaimTemplate=record(spec=anything)),
    azureFile=record(secretName=text, shareName=text),
    cephfs=record(monitors=listing(text), path=text),
    glusterfs=record(endpoints=text, path=text),
)
_NODE_TERM = record(
    matchExpressions=listing(record("key", "operator", key=text, operator=text, values=listing(text))),
    matchFields=listing(record("key", "operator", key=text, operator=text, values=listing(text))),
)
_AFFINITY = record(
    nodeAffinity=record(
        requiredDuringSchedulingIgnoredDuringExecution=record(
            "nodeSelectorTerms", nodeSelectorTerms=listing(_NODE_TERM)
        )
    ),
)
POD_PARTS: Mapping[str, Check] = {
    "containers": listing(_CONTAINER),
    "initContainers": listing(_CONTAINER),
    "ephemeralContainers": listing(_CONTAINER),
    "volumes": listing(_VOLUME),
    "affinity": _AFFINITY,
    "tolerations": listing(record(key=text, operator=text, value=text, effect=text, tolerationSeconds=integer)),
    "securityContext": record(
        runAsNonRoot=boolean,
        runAsUser=integer,
        sysctls=listing(record("name", name=text)),
        seccompProfile=record(type=text),
        appArmorProfile=record(type=text),
        seLinuxOptions=mapping(text),
        windowsOptions=record(hostProcess=boolean),
    ),
    "imagePullSecrets": listing(record(name=text)),
    "resources": record(requests=mapping(amount), limits=mapping(amount)),
    "nodeSelector": mapping(text),
}
"""The parts of a pod's spec that many pods have in common: whoever reads many may check each of them once."""

POD_WORDS: Mapping[str, Check] = {
    "nodeName": text,
    "serviceAccountName": text,
    "serviceAccount": text,
    "automountServiceAccountToken": boolean,
    "hostNetwork": boolean,
    "hostPID": boolean,
    "hostIPC": boolean,
    "hostUsers": boolean,
    "priorityClassName": text,
    "priority": integer,
    "runtimeClassName": text,
    "schedulerName": text,
}
"""The other fields of a pod's spec that are read."""

POD_SPEC = record(**POD_PARTS, **POD_WORDS)
_POD_STATUS = record(phase=text, podIP=text, hostIP=text, podIPs=listing(record(ip=text)), qosClass=text)
_POD_REST = record("spec", spec=record(**POD_WORDS), status=_POD_STATUS)
_TEMPLATE = record(metadata=record(labels=labels, annotations=mapping(text)), spec=POD_SPEC)
_WORKLOAD = fields("spec", spec=record("template", template=_TEMPLATE, selector=_SELECTOR, replicas=integer))
_RULE = record(
    "verbs",
    verbs=listing(text),
    apiGroups=listing(text),
    resources=listing(text),
    resourceNames=listing(text),
    nonResourceURLs=listing(text),
)
_SUBJECT = record(
    "kind", "name", kind=one_of("User", "Group", "ServiceAccount"), name=text, namespace=text, apiGroup=text
)


def _rbac_subject(value: Any) -> None:
    """A subject of a binding; groups of the wrong API are refused (validation of rbac.authorization.k8s.io)."""
    _SUBJECT(value)
    wanted = "" if value["kind"] == "ServiceAccount" else _RBAC_GROUP
    if value.get("apiGroup") not in (None, "", wanted):
        raise InvalidError(repr(wanted), "apiGroup")
    if not value["name"]:
        raise InvalidError("there", "name")


def _cluster_subject(value: Any) -> None:
    _rbac_subject(value)
    if value["kind"] == "ServiceAccount" and not value.get("namespace"):
        raise InvalidError("there", "namespace")


def _resource_rule(value: Any) -> None:
    """A rule of a Role: verbs, groups and resources, no URLs."""
    _RULE(value)
    if not value["verbs"]:
        raise InvalidError("there", "verbs")
    if value.get("nonResourceURLs"):
        raise InvalidError("absent in a namespaced role", "nonResourceURLs")
    for key in ("apiGroups", "resources"):
        if not value.get(key):
            raise InvalidError("there", key)


def _cluster_rule(value: Any) -> None:
    """A rule of a ClusterRole: as of a Role, or URLs alone."""
    _RULE(value)
    if not value.get("nonResourceURLs"):
        _resource_rule(value)
    elif not value["verbs"] or value.get("resources") or value.get("apiGroups") or value.get("resourceNames"):
        raise InvalidError("a rule of resources or of nonResourceURLs, with verbs")


_BINDING = fields(
    "roleRef",
    subjects=listing(_rbac_subject),
    roleRef=record("kind", "name", kind=one_of("Role", "ClusterRole"), name=text, apiGroup=one_of("", _RBAC_GROUP)),
)
_CLUSTER_BINDING = fields(
    "roleRef",
    subjects=listing(_cluster_subject),
    roleRef=record("kind", "name", kind=one_of("ClusterRole"), name=text, apiGroup=one_of("", _RBAC_GROUP)),
)
_HARD = fields(spec=record(hard=mapping(quantity), scopes=listing(text), scopeSelector=record(matchExpressions=listing(
    record("scopeName", "operator", scopeName=text, operator=text, values=listing(text))))))  # fmt: skip
_WEBHOOKS = fields(
    webhooks=listing(
        record(
            "name",
            name=text,
            failurePolicy=one_of("Ignore", "Fail"),
            matchPolicy=text,
            namespaceSelector=_SELECTOR,
            objectSelector=_SELECTOR,
            clientConfig=record(service=record("namespace", "name", namespace=text, name=text), url=text),
            rules=listing(
                record(
                    apiGroups=listing(text),
                    apiVersions=listing(text),
                    operations=listing(text),
                    resources=listing(text),
                    scope=text,
                )
            ),
            matchConditions=listing(record("expression", name=text, expression=text)),
        )
    )
)
_NAMED_RULES = listing(
    record(
        apiGroups=listing(text),
        apiVersions=listing(text),
        operations=listing(text),
        resources=listing(text),
        resourceNames=listing(text),
        scope=text,
    )
)
_CONSTRAINTS = record(
    namespaceSelector=_SELECTOR,
    objectSelector=_SELECTOR,
    resourceRules=_NAMED_RULES,
    excludeResourceRules=_NAMED_RULES,
    matchPolicy=text,
)


def _port(value: Any) -> None:
    """A number, or the name of a port."""
    if type(value) not in (int, str):
        raise InvalidError("a number or a name")


_PROTOCOL = one_of("TCP", "UDP", "SCTP")
_SERVICE_PORT = record("port", name=text, port=integer, targetPort=_port, nodePort=integer, protocol=_PROTOCOL)
_ENDPOINT = record("ip", ip=text, nodeName=text, targetRef=record(kind=text, namespace=text, name=text))
_BACKEND = record(
    service=record("name", name=text, port=record(name=text, number=integer)), resource=record(kind=text, name=text)
)
_ROUTE = fields(spec=record(
    parentRefs=listing(record("name", group=text, kind=text, name=text, namespace=text, sectionName=text)),
    rules=listing(record(backendRefs=listing(record("name", group=text, kind=text, name=text, namespace=text,
                                                    port=integer))))))  # fmt: skip
_FETCHED = fields(spec=record(url=text))
_NAMED_EXPRESSIONS = listing(record("name", "expression", name=text, expression=text))
_STRING_DATA = mapping(text)

_FIELDS: Mapping[Kind, Fields] = {
    Kind("", "Pod"): fields("spec", spec=POD_SPEC, status=_POD_STATUS),
    Kind("", "PodTemplate"): fields(template=_TEMPLATE),
    Kind("", "ReplicationController"): fields(spec=record(template=_TEMPLATE, selector=mapping(text))),
    Kind("apps", "Deployment"): _WORKLOAD,
    Kind("apps", "ReplicaSet"): fields(spec=record(template=_TEMPLATE, selector=_SELECTOR)),
    Kind("apps", "StatefulSet"): _WORKLOAD,
    Kind("apps", "DaemonSet"): _WORKLOAD,
    Kind("batch", "Job"): fields("spec", spec=record("template", template=_TEMPLATE)),
    Kind("batch", "CronJob"): fields(
        "spec", spec=record("jobTemplate", jobTemplate=record(spec=record(template=_TEMPLATE)))),
    Kind("", "Namespace"): fields(spec=anything, status=record(phase=text)),
    Kind("", "Node"): fields(
        spec=record(
            taints=listing(record("key", "effect", key=text, value=text,
                                  effect=one_of("NoSchedule", "PreferNoSchedule", "NoExecute"))),
            unschedulable=boolean, podCIDR=text, podCIDRs=listing(text), providerID=text),
        status=record(addresses=listing(record(type=text, address=text)),
                      nodeInfo=record(kubeletVersion=text))),
    Kind("", "Secret"): fields(data=_STRING_DATA, stringData=_STRING_DATA, type=text),
    Kind("", "ConfigMap"): fields(data=_STRING_DATA, binaryData=_STRING_DATA),
    Kind("", "ServiceAccount"): fields(
        secrets=listing(record(name=text)), imagePullSecrets=listing(record(name=text)),
        automountServiceAccountToken=boolean),
    Kind("", "ResourceQuota"): _HARD,
    Kind("", "LimitRange"): fields(spec=record(limits=listing(record(
        "type", type=text, default=mapping(quantity), defaultRequest=mapping(quantity), max=mapping(quantity),
        min=mapping(quantity))))),
    Kind("", "Service"): fields(spec=record(
        type=one_of("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"), selector=mapping(text),
        externalName=text, externalIPs=listing(text), clusterIP=text, clusterIPs=listing(text),
        externalTrafficPolicy=one_of("", "Cluster", "Local"), internalTrafficPolicy=one_of("", "Cluster", "Local"),
        publishNotReadyAddresses=boolean, ports=listing(_SERVICE_PORT))),
    Kind("", "Endpoints"): fields(subsets=listing(record(
        addresses=listing(_ENDPOINT), notReadyAddresses=listing(_ENDPOINT),
        ports=listing(record("port", name=text, port=integer, protocol=_PROTOCOL))))),
    Kind("discovery.k8s.io", "EndpointSlice"): fields(
        addressType=one_of("IPv4", "IPv6", "FQDN"),
        endpoints=listing(record("addresses", addresses=listing(text), nodeName=text,
                                 conditions=record(ready=boolean, serving=boolean, terminating=boolean),
                                 targetRef=record(kind=text, namespace=text, name=text))),
        ports=listing(record(name=text, port=integer, protocol=_PROTOCOL))),
    Kind("networking.k8s.io", "Ingress"): fields(spec=record(
        ingressClassName=text, defaultBackend=_BACKEND,
        rules=listing(record(host=text, http=record("paths", paths=listing(record(
            "backend", path=text, pathType=text, backend=_BACKEND))))),
        tls=listing(record(hosts=listing(text), secretName=text)))),
    Kind("networking.k8s.io", "IngressClass"): fields(spec=record(controller=text)),
    Kind("", "PersistentVolume"): fields(spec=record(
        claimRef=record(namespace=text, name=text), persistentVolumeReclaimPolicy=text, storageClassName=text,
        hostPath=record("path", path=text), local=record("path", path=text), accessModes=listing(text),
        nfs=record("server", "path", server=text, path=text),
        csi=record("driver", "volumeHandle", driver=text, volumeHandle=text, volumeAttributes=mapping(text)))),
    Kind("", "PersistentVolumeClaim"): fields(spec=record(
        volumeName=text, storageClassName=text, accessModes=listing(text),
        dataSource=record("kind", "name", kind=text, name=text),
        dataSourceRef=record("kind", "name", kind=text, name=text, namespace=text))),
    Kind("apiregistration.k8s.io", "APIService"): fields(spec=record(
        group=text, version=text, service=record(namespace=text, name=text))),
    Kind("apiextensions.k8s.io", "CustomResourceDefinition"): fields(spec=record(
        group=text, scope=one_of("Namespaced", "Cluster"), names=record(kind=text, plural=text),
        conversion=record(strategy=text, webhook=record(
            clientConfig=record(url=text, service=record(namespace=text, name=text)))))),
    **{Kind("gateway.networking.k8s.io", word): _ROUTE
       for word in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")},
    Kind("route.openshift.io", "Route"): fields(spec=record(
        host=text, to=record(kind=text, name=text), alternateBackends=listing(record(kind=text, name=text)))),
    Kind("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): fields(spec=record(
        policyName=text, matchResources=_CONSTRAINTS, paramRef=anything)),
    Kind("gateway.networking.k8s.io", "ReferenceGrant"): fields(spec=record(
        from_=listing(record(group=text, kind=text, namespace=text)),
        to=listing(record(group=text, kind=text, name=text)))),
    Kind("storage.k8s.io", "StorageClass"): fields(
        provisioner=text, reclaimPolicy=text, parameters=mapping(text), volumeBindingMode=text),
    Kind("snapshot.storage.k8s.io", "VolumeSnapshot"): fields(spec=record(
        source=record(persistentVolumeClaimName=text, volumeSnapshotContentName=text), volumeSnapshotClassName=text)),
    Kind("snapshot.storage.k8s.io", "VolumeSnapshotContent"): fields(spec=record(
        driver=text, deletionPolicy=text, source=record(volumeHandle=text, snapshotHandle=text),
        volumeSnapshotRef=record(namespace=text, name=text))),
    Kind("user.openshift.io", "Group"): fields(users=listing(text)),
    Kind("source.toolkit.fluxcd.io", "GitRepository"): _FETCHED,
    Kind("source.toolkit.fluxcd.io", "OCIRepository"): _FETCHED,
    Kind("source.toolkit.fluxcd.io", "HelmRepository"): _FETCHED,
    Kind("source.toolkit.fluxcd.io", "Bucket"): fields(spec=record(endpoint=text, bucketName=text)),
    Kind("source.toolkit.fluxcd.io", "HelmChart"): fields(spec=record(
        chart=text, sourceRef=record(kind=text, name=text))),
    Kind("scheduling.k8s.io", "PriorityClass"): fields("value", value=integer, globalDefault=boolean),
    Kind("rbac.authorization.k8s.io", "Role"): fields(rules=listing(_resource_rule)),
    Kind("rbac.authorization.k8s.io", "ClusterRole"): fields(rules=listing(_cluster_rule), aggregationRule=anything),
    Kind("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    Kind("rbac.authorization.k8s.io", "ClusterRoleBinding"): _CLUSTER_BINDING,
    Kind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _WEBHOOKS,
    Kind("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _WEBHOOKS,
    Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): fields("spec", spec=record(
        validations=listing(record("expression", expression=text, message=text)),
        failurePolicy=one_of("Ignore", "Fail"), matchConstraints=_CONSTRAINTS, paramKind=record(kind=text),
        matchConditions=_NAMED_EXPRESSIONS, variables=_NAMED_EXPRESSIONS)),
    Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): fields("spec", spec=record(
        "policyName", policyName=text, validationActions=listing(text), matchResources=_CONSTRAINTS,
        paramRef=anything)),
    Kind("argoproj.io", "AppProject"): fields(spec=record(
        destinations=listing(record(server=text, name=text, namespace=text)), sourceRepos=listing(text),
        sourceNamespaces=listing(text),
        clusterResourceWhitelist=listing(record(group=text, kind=text)),
        clusterResourceBlacklist=listing(record(group=text, kind=text)),
        namespaceResourceWhitelist=listing(record(group=text, kind=text)),
        namespaceResourceBlacklist=listing(record(group=text, kind=text)),
        roles=listing(record("name", name=text, policies=listing(text), groups=listing(text))))),
    Kind("argoproj.io", "Application"): fields(spec=record(
        project=text, destination=record(server=text, name=text, namespace=text),
        source=record(repoURL=text, path=text, chart=text), sources=listing(record(repoURL=text, path=text)))),
    Kind("kustomize.toolkit.fluxcd.io", "Kustomization"): fields(spec=record(
        serviceAccountName=text, targetNamespace=text,
        sourceRef=record("kind", "name", kind=text, name=text, namespace=text))),
    Kind("helm.toolkit.fluxcd.io", "HelmRelease"): fields(spec=record(
        serviceAccountName=text, targetNamespace=text, storageNamespace=text)),
    Kind("external-secrets.io", "ExternalSecret"): fields(spec=record(
        secretStoreRef=record(name=text, kind=text),
        data=listing(record(remoteRef=record("key", key=text, property=text))),
        dataFrom=listing(record(extract=record("key", key=text), find=anything)))),
    Kind("external-secrets.io", "ClusterSecretStore"): fields(spec=record(
        provider=mapping(anything), conditions=listing(record(
            namespaces=listing(text), namespaceRegexes=listing(text), namespaceSelector=_SELECTOR)))),
    Kind("external-secrets.io", "SecretStore"): fields(spec=record(provider=mapping(anything))),
}  # fmt: skip
_CHECKS: Mapping[Kind, Check] = {kind: found.whole() for kind, found in _FIELDS.items()}
_NO_FIELDS = fields()
# Names that may hold any character but what a path segment cannot (RBAC's own validation; an APIService is named
# VERSION.GROUP, and the core group's is empty).
_PATH_NAMED = frozenset({"APIService", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


def fields_of(kind: Kind) -> Fields:
    """What is checked of objects of ``kind`` besides their metadata; nothing for kinds that are read by name only."""
    return _FIELDS.get(kind, _NO_FIELDS)


class Naming(Enum):
    """What may name objects."""

    PATH = "a name without '/' and '%'"
    LABEL = "a namespace's name of at most 63 lower-case letters, digits and '-'"
    SUBDOMAIN = "a name of lower-case letters, digits, '-' and '.'"


def naming(kind: Kind) -> Naming:
    """The rule for names of objects of ``kind``."""
    if kind.kind in _PATH_NAMED:
        return Naming.PATH
    return Naming.LABEL if kind.kind == "Namespace" else Naming.SUBDOMAIN


def name_problem(rule: Naming, name: str) -> InvalidError | None:
    """What is wrong with an object's name, None when nothing is."""
    if not name:
        return InvalidError("there", "metadata.name")
    if rule is Naming.PATH:
        good = "/" not in name and "%" not in name and name not in (".", "..")
    elif rule is Naming.LABEL:
        good = len(name) <= 63 and _LABEL.fullmatch(name) is not None
    else:
        good = len(name) <= 253 and _SUBDOMAIN.fullmatch(name) is not None
    return None if good else InvalidError(rule.value, "metadata.name")


def namespace_problem(namespace: str) -> InvalidError | None:
    """What is wrong with a namespace that an object says it is in, None when nothing is; an empty one is none."""
    if namespace and (len(namespace) > 63 or not _LABEL.fullmatch(namespace)):
        return InvalidError("a namespace's name", "metadata.namespace")
    return None


def check_object(kind: Kind, document: Any, *, parts_checked: bool = False) -> None:
    """Raises InvalidError when ``document``, an object with ``metadata``, is none that the API could have stored.

    ``parts_checked``: it is a pod of which ``POD_PARTS`` have been checked.
    """
    metadata = document["metadata"]
    try:
        METADATA(metadata)
    except InvalidError as error:
        raise error.below("metadata") from None
    problem = name_problem(naming(kind), metadata.get("name") or "") or namespace_problem(
        metadata.get("namespace") or ""
    )
    if problem is not None:
        raise problem
    check = _POD_REST if parts_checked else _CHECKS.get(kind)
    if check is not None:
        check(document)
