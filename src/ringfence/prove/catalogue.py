"""The kinds that Ringfence knows: their plural, whether they live in namespaces, and which dimensions they can touch.

One table for four questions: what to list from a cluster, where an object without a namespace belongs, what an object
that cannot be read makes ``unknown``, and which right a NotListed marker speaks of. Sources: the API reference of
Kubernetes 1.33 to 1.37 and the resource tables of the projects named. A kind that is not here can touch everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.prove.kinds import Kind
from ringfence.prove.proof import Dimension
from ringfence.prove.vendors import VENDORS, Row

_N, _A, _P, _D, _C = Dimension.NETWORK, Dimension.ACCESS, Dimension.PERFORMANCE, Dimension.DATA, Dimension.CREDENTIALS
ALL_DIMENSIONS = frozenset(Dimension)


@dataclass(frozen=True, slots=True)
class Entry:
    """A known kind. ``touches`` is empty when nothing in it can weaken a separation."""

    kind: Kind
    plural: str
    namespaced: bool
    touches: frozenset[Dimension]

    @property
    def resource(self) -> str:
        """``pods``, ``networkpolicies.networking.k8s.io``."""
        return f"{self.plural}.{self.kind.group}" if self.kind.group else self.plural


_POD_TOUCHES = (_N, _A, _C, _P, _D)
_RBAC = (_A, _D)
# By group, rows of kind, plural, whether it is namespaced, and the dimensions that it touches.
_TABLE: Mapping[str, tuple[Row, ...]] = {
    "": (
        ("Pod", "pods", True, _POD_TOUCHES),
        ("PodTemplate", "podtemplates", True, _POD_TOUCHES),
        ("ReplicationController", "replicationcontrollers", True, _POD_TOUCHES),
        ("Namespace", "namespaces", False, (_N, _A, _P, _D)),
        ("Node", "nodes", False, (_N, _A, _P, _D)),
        ("Service", "services", True, (_N, _D)),
        ("Endpoints", "endpoints", True, (_N, _D)),
        ("Secret", "secrets", True, (_A, _C, _D)),
        ("ConfigMap", "configmaps", True, (_C, _D)),
        ("ServiceAccount", "serviceaccounts", True, _POD_TOUCHES),
        ("PersistentVolume", "persistentvolumes", False, (_N, _A, _P, _D)),
        ("PersistentVolumeClaim", "persistentvolumeclaims", True, (_D,)),
        ("ResourceQuota", "resourcequotas", True, (_P,)),
        ("LimitRange", "limitranges", True, (_P,)),
        ("Event", "events", True, ()),
        ("ComponentStatus", "componentstatuses", False, ()),
        ("Binding", "bindings", True, ()),
    ),
    "apps": (
        ("Deployment", "deployments", True, _POD_TOUCHES),
        ("ReplicaSet", "replicasets", True, _POD_TOUCHES),
        ("StatefulSet", "statefulsets", True, _POD_TOUCHES),
        ("DaemonSet", "daemonsets", True, _POD_TOUCHES),
        ("ControllerRevision", "controllerrevisions", True, ()),
    ),
    "batch": (("Job", "jobs", True, _POD_TOUCHES), ("CronJob", "cronjobs", True, _POD_TOUCHES)),
    "autoscaling": (("HorizontalPodAutoscaler", "horizontalpodautoscalers", True, ()),),
    "autoscaling.k8s.io": (("VerticalPodAutoscaler", "verticalpodautoscalers", True, ()),),
    "policy": (("PodDisruptionBudget", "poddisruptionbudgets", True, ()),),
    "coordination.k8s.io": (
        ("Lease", "leases", True, ()),
        ("LeaseCandidate", "leasecandidates", True, ()),
    ),
    "discovery.k8s.io": (("EndpointSlice", "endpointslices", True, (_N, _D)),),
    "events.k8s.io": (("Event", "events", True, ()),),
    "networking.k8s.io": (
        ("NetworkPolicy", "networkpolicies", True, (_N, _D)),
        ("Ingress", "ingresses", True, (_N, _D)),
        ("IngressClass", "ingressclasses", False, (_N, _D)),
        ("IPAddress", "ipaddresses", False, ()),
        ("ServiceCIDR", "servicecidrs", False, ()),
    ),
    "policy.networking.k8s.io": (
        ("AdminNetworkPolicy", "adminnetworkpolicies", False, (_N, _D)),
        ("BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies", False, (_N, _D)),
        ("ClusterNetworkPolicy", "clusternetworkpolicies", False, (_N, _D)),
    ),
    "gateway.networking.k8s.io": (
        ("Gateway", "gateways", True, (_N, _D)),
        ("GatewayClass", "gatewayclasses", False, (_N, _D)),
        ("HTTPRoute", "httproutes", True, (_N, _D)),
        ("GRPCRoute", "grpcroutes", True, (_N, _D)),
        ("TLSRoute", "tlsroutes", True, (_N, _D)),
        ("TCPRoute", "tcproutes", True, (_N, _D)),
        ("UDPRoute", "udproutes", True, (_N, _D)),
        ("ReferenceGrant", "referencegrants", True, (_N, _D)),
        ("BackendTLSPolicy", "backendtlspolicies", True, ()),
        ("ListenerSet", "listenersets", True, (_N, _D)),
    ),
    "rbac.authorization.k8s.io": (
        ("Role", "roles", True, _RBAC),
        ("ClusterRole", "clusterroles", False, _RBAC),
        ("RoleBinding", "rolebindings", True, _RBAC),
        ("ClusterRoleBinding", "clusterrolebindings", False, _RBAC),
    ),
    "scheduling.k8s.io": (
        ("PriorityClass", "priorityclasses", False, (_P,)),
        ("Workload", "workloads", True, ()),
        ("PodGroup", "podgroups", True, ()),
        ("CompositePodGroup", "compositepodgroups", True, ()),
    ),
    "storage.k8s.io": (
        ("StorageClass", "storageclasses", False, (_D,)),
        ("CSIDriver", "csidrivers", False, ()),
        ("CSINode", "csinodes", False, ()),
        ("CSIStorageCapacity", "csistoragecapacities", True, ()),
        ("VolumeAttachment", "volumeattachments", False, ()),
        ("VolumeAttributesClass", "volumeattributesclasses", False, ()),
    ),
    "snapshot.storage.k8s.io": (
        ("VolumeSnapshot", "volumesnapshots", True, (_D,)),
        ("VolumeSnapshotContent", "volumesnapshotcontents", False, (_D,)),
        ("VolumeSnapshotClass", "volumesnapshotclasses", False, ()),
    ),
    "node.k8s.io": (("RuntimeClass", "runtimeclasses", False, ()),),
    "flowcontrol.apiserver.k8s.io": (
        ("FlowSchema", "flowschemas", False, ()),
        ("PriorityLevelConfiguration", "prioritylevelconfigurations", False, ()),
    ),
    "certificates.k8s.io": (
        ("CertificateSigningRequest", "certificatesigningrequests", False, ()),
        ("ClusterTrustBundle", "clustertrustbundles", False, ()),
        ("PodCertificateRequest", "podcertificaterequests", True, ()),
    ),
    "resource.k8s.io": (
        ("DeviceClass", "deviceclasses", False, ()),
        ("ResourceSlice", "resourceslices", False, ()),
        ("ResourceClaim", "resourceclaims", True, ()),
        ("ResourceClaimTemplate", "resourceclaimtemplates", True, ()),
        ("DeviceTaintRule", "devicetaintrules", False, ()),
        ("ResourcePoolStatusRequest", "resourcepoolstatusrequests", False, ()),
    ),
    "lifecycle.k8s.io": (("EvictionRequest", "evictionrequests", True, ()),),
    "internal.apiserver.k8s.io": (("StorageVersion", "storageversions", False, ()),),
    "storagemigration.k8s.io": (("StorageVersionMigration", "storageversionmigrations", False, ()),),
    "apiregistration.k8s.io": (("APIService", "apiservices", False, (_N, _A, _P, _D)),),
    "apiextensions.k8s.io": (("CustomResourceDefinition", "customresourcedefinitions", False, (_N, _A, _P, _D)),),
    "admissionregistration.k8s.io": (
        ("ValidatingAdmissionPolicy", "validatingadmissionpolicies", False, (_N, _A, _P, _D)),
        ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", False, (_N, _A, _P, _D)),
        ("MutatingAdmissionPolicy", "mutatingadmissionpolicies", False, (_N, _A, _P, _D)),
        ("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", False, (_N, _A, _P, _D)),
        ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations", False, (_N, _A, _P, _D)),
        ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations", False, (_N, _A, _P, _D)),
    ),
    **VENDORS,
}  # fmt: skip
# Vendors' network policies: any object of these groups may open or close connections.
NETWORK_GROUPS = frozenset(
    {"cilium.io", "crd.projectcalico.org", "projectcalico.org", "k8s.ovn.org", "crd.antrea.io", "networking.istio.io",
     "security.istio.io", "kubeovn.io", "submariner.io", "networkpolicy.openshift.io"}
)  # fmt: skip

ENTRIES: Mapping[Kind, Entry] = {
    Kind(group, kind): Entry(Kind(group, kind), plural, namespaced, frozenset(touches))
    for group, rows in _TABLE.items()
    for kind, plural, namespaced, touches in rows
}
_BY_PLURAL: Mapping[str, Entry] = {entry.resource: entry for entry in reversed(list(ENTRIES.values()))}
_BY_SHORT_PLURAL: Mapping[str, Entry] = {entry.plural: entry for entry in reversed(list(ENTRIES.values()))}


SETTINGS = frozenset({"aws-auth", "argocd-cm", "argocd-rbac-cm", "argocd-cmd-params-cm"})
"""ConfigMaps that say who may do what, wherever they are: one that cannot be read can touch everything."""


def touched_by_kind(kind: Kind) -> frozenset[Dimension]:
    """The dimensions that an unreadable object of ``kind`` could touch: all of them when the kind is not known."""
    entry = ENTRIES.get(kind)
    if entry is not None:
        return entry.touches
    if kind.group in NETWORK_GROUPS:
        return frozenset({Dimension.NETWORK, Dimension.DATA})
    return ALL_DIMENSIONS


def touched_by_resource(resource: str) -> frozenset[Dimension]:
    """The dimensions that unlisted objects of ``resource`` (plural, with or without its group) could touch."""
    if resource == "*":
        return ALL_DIMENSIONS
    plural, dot, group = resource.partition(".")
    # A group that is not known may use a plural that is: its objects are something else.
    entry = _BY_PLURAL.get(resource) or (None if dot else _BY_SHORT_PLURAL.get(plural))
    return touched_by_kind(Kind(group, "")) if entry is None else entry.touches


def known(kind: Kind) -> bool:
    """True when Ringfence knows what objects of this kind do."""
    return kind in ENTRIES
