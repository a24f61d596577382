"""The kinds of projects and vendors beside Kubernetes itself that Ringfence knows: rows of the catalogue.

What a vendor's controllers write down for themselves touches nothing: it is how a cluster looks, no hole in it. Who may
*write* such objects is another question (``rules.custom``). Policies, routes and settings that open or close something
touch what they open. Sources: the resource tables and API references of the projects named by the groups.
"""

from collections.abc import Mapping
from typing import TypeAlias

from ringfence.prove.proof import Dimension

Row: TypeAlias = tuple[str, str, bool, tuple[Dimension, ...]]
"""Kind, plural, whether it is namespaced, and the dimensions that it touches."""

_N, _A, _C, _P, _F, _D = (
    Dimension.NETWORK,
    Dimension.ACCESS,
    Dimension.CREDENTIALS,
    Dimension.PERFORMANCE,
    Dimension.PLATFORM,
    Dimension.DATA,
)
_RBAC = (_A, _D)
_EVERYTHING = tuple(Dimension)
"""What deploys anything: a chain through it may end in every dimension."""
# What Calico writes down for itself. Its policies, profiles and settings of Felix are not here: they open and close.
_CALICO = (
    ("IPPool", "ippools", False, ()),
    ("IPAMBlock", "ipamblocks", False, ()),
    ("IPAMConfig", "ipamconfigs", False, ()),
    ("IPAMConfiguration", "ipamconfigurations", False, ()),
    ("IPAMHandle", "ipamhandles", False, ()),
    ("BlockAffinity", "blockaffinities", False, ()),
    ("ClusterInformation", "clusterinformations", False, ()),
    ("KubeControllersConfiguration", "kubecontrollersconfigurations", False, ()),
)
VENDORS: Mapping[str, tuple[Row, ...]] = {
    "argoproj.io": (
        ("Application", "applications", True, _EVERYTHING),
        ("ApplicationSet", "applicationsets", True, _EVERYTHING),
        ("AppProject", "appprojects", True, _EVERYTHING),
    ),
    "kustomize.toolkit.fluxcd.io": (("Kustomization", "kustomizations", True, _EVERYTHING),),
    "helm.toolkit.fluxcd.io": (("HelmRelease", "helmreleases", True, _EVERYTHING),),
    "source.toolkit.fluxcd.io": (
        ("GitRepository", "gitrepositories", True, _EVERYTHING),
        ("OCIRepository", "ocirepositories", True, _EVERYTHING),
        ("HelmRepository", "helmrepositories", True, _EVERYTHING),
        ("HelmChart", "helmcharts", True, _EVERYTHING),
        ("Bucket", "buckets", True, _EVERYTHING),
    ),
    "external-secrets.io": (
        ("ExternalSecret", "externalsecrets", True, (_A, _C, _D)),
        ("ClusterExternalSecret", "clusterexternalsecrets", False, (_A, _C, _D)),
        ("SecretStore", "secretstores", True, (_A, _C, _D)),
        ("ClusterSecretStore", "clustersecretstores", False, (_A, _C, _D)),
        ("PushSecret", "pushsecrets", True, (_A, _C, _D)),
    ),
    "bitnami.com": (("SealedSecret", "sealedsecrets", True, ()),),
    "metrics.k8s.io": (("NodeMetrics", "nodes", False, ()), ("PodMetrics", "pods", True, ())),
    "monitoring.coreos.com": (
        ("ServiceMonitor", "servicemonitors", True, ()),
        ("PodMonitor", "podmonitors", True, ()),
        ("PrometheusRule", "prometheusrules", True, ()),
        ("Prometheus", "prometheuses", True, (_F,)),
        ("Alertmanager", "alertmanagers", True, ()),
        ("AlertmanagerConfig", "alertmanagerconfigs", True, ()),
        ("Probe", "probes", True, ()),
        ("ThanosRuler", "thanosrulers", True, ()),
    ),
    "cert-manager.io": (
        ("Certificate", "certificates", True, ()),
        ("CertificateRequest", "certificaterequests", True, ()),
        ("Issuer", "issuers", True, ()),
        ("ClusterIssuer", "clusterissuers", False, ()),
    ),
    "acme.cert-manager.io": (("Order", "orders", True, ()), ("Challenge", "challenges", True, ())),
    "capsule.clastix.io": (("Tenant", "tenants", False, (_N, _A, _P, _D)),),
    "hnc.x-k8s.io": (
        ("SubnamespaceAnchor", "subnamespaceanchors", True, ()),
        ("HierarchyConfiguration", "hierarchyconfigurations", True, (_A, _D)),
        ("HNCConfiguration", "hncconfigurations", False, (_A, _D)),
    ),
    "auto.gke.io": (
        ("AllowlistSynchronizer", "allowlistsynchronizers", False, ()),
        ("AllowlistedV2Workload", "allowlistedv2workloads", False, ()),
        ("AllowlistedWorkload", "allowlistedworkloads", False, ()),
        ("WorkloadAllowlist", "workloadallowlists", False, ()),
    ),
    "nodemanagement.gke.io": (("UpdateInfo", "updateinfos", True, ()),),
    "monitoring.googleapis.com": (
        ("PodMonitoring", "podmonitorings", True, ()),
        ("ClusterPodMonitoring", "clusterpodmonitorings", False, ()),
        ("ClusterNodeMonitoring", "clusternodemonitorings", False, ()),
        ("Rules", "rules", True, ()),
        ("ClusterRules", "clusterrules", False, ()),
        ("GlobalRules", "globalrules", False, ()),
        ("OperatorConfig", "operatorconfigs", True, ()),
    ),
    "networking.gke.io": (
        ("ManagedCertificate", "managedcertificates", True, ()),
        ("FrontendConfig", "frontendconfigs", True, ()),
        ("ServiceNetworkEndpointGroup", "servicenetworkendpointgroups", True, ()),
        ("Network", "networks", False, ()),
        ("GKENetworkParamSet", "gkenetworkparamsets", False, ()),
        ("NetworkLogging", "networkloggings", False, ()),
    ),
    "hub.gke.io": (("Membership", "memberships", False, ()),),
    "warden.gke.io": (("Audit", "audits", False, ()),),
    "migration.k8s.io": (
        ("StorageState", "storagestates", False, ()),
        ("StorageVersionMigration", "storageversionmigrations", False, ()),
    ),
    "cilium.io": (
        ("CiliumEndpoint", "ciliumendpoints", True, ()),
        ("CiliumEndpointSlice", "ciliumendpointslices", False, ()),
        ("CiliumIdentity", "ciliumidentities", False, ()),
        ("CiliumNode", "ciliumnodes", False, ()),
        ("CiliumLoadBalancerIPPool", "ciliumloadbalancerippools", False, ()),
        ("CiliumPodIPPool", "ciliumpodippools", False, ()),
        ("CiliumL2AnnouncementPolicy", "ciliuml2announcementpolicies", False, ()),
    ),
    "crd.projectcalico.org": _CALICO,
    "projectcalico.org": _CALICO,
    "operator.tigera.io": (
        ("Installation", "installations", False, (_N, _D)),
        ("APIServer", "apiservers", False, ()),
        ("TigeraStatus", "tigerastatuses", False, ()),
        ("Goldmane", "goldmanes", False, ()),
        ("Whisker", "whiskers", False, ()),
    ),
    "metallb.io": (
        ("IPAddressPool", "ipaddresspools", True, ()),
        ("L2Advertisement", "l2advertisements", True, ()),
        ("BGPAdvertisement", "bgpadvertisements", True, ()),
        ("BGPPeer", "bgppeers", True, ()),
    ),
    "helm.cattle.io": (
        ("HelmChart", "helmcharts", True, ()),
        ("HelmChartConfig", "helmchartconfigs", True, ()),
    ),
    "k3s.cattle.io": (
        ("Addon", "addons", True, ()),
        ("ETCDSnapshotFile", "etcdsnapshotfiles", False, ()),
    ),
    "traefik.io": (
        ("IngressRoute", "ingressroutes", True, (_N, _D)),
        ("IngressRouteTCP", "ingressroutetcps", True, (_N, _D)),
        ("IngressRouteUDP", "ingressrouteudps", True, (_N, _D)),
        ("TraefikService", "traefikservices", True, (_N, _D)),
        ("Middleware", "middlewares", True, (_N, _D)),
        ("TLSOption", "tlsoptions", True, ()),
    ),
    "projectcontour.io": (("HTTPProxy", "httpproxies", True, (_N, _D)),),
    "k8s.cni.cncf.io": (
        ("NetworkAttachmentDefinition", "network-attachment-definitions", True, (_N, _D)),
    ),
    "wgpolicyk8s.io": (
        ("PolicyReport", "policyreports", True, ()),
        ("ClusterPolicyReport", "clusterpolicyreports", False, ()),
    ),
    "openreports.io": (("Report", "reports", True, ()), ("ClusterReport", "clusterreports", False, ())),
    "reports.kyverno.io": (
        ("EphemeralReport", "ephemeralreports", True, ()),
        ("ClusterEphemeralReport", "clusterephemeralreports", False, ()),
    ),
    "apiserver.openshift.io": (("APIRequestCount", "apirequestcounts", False, ()),),
    "cloud.google.com": (("BackendConfig", "backendconfigs", True, ()),),
    "crd.k8s.amazonaws.com": (("ENIConfig", "eniconfigs", False, ()),),
    "vpcresources.k8s.aws": (
        ("SecurityGroupPolicy", "securitygrouppolicies", True, (_N, _D)),
        ("CNINode", "cninodes", False, ()),
    ),
    "networking.k8s.aws": (("PolicyEndpoint", "policyendpoints", True, ()),),
    "elbv2.k8s.aws": (
        ("TargetGroupBinding", "targetgroupbindings", True, (_N, _D)),
        ("IngressClassParams", "ingressclassparams", False, ()),
    ),
    "karpenter.sh": (("NodePool", "nodepools", False, (_P,)), ("NodeClaim", "nodeclaims", False, ())),
    "karpenter.k8s.aws": (("EC2NodeClass", "ec2nodeclasses", False, ()),),
    "project.openshift.io": (("Project", "projects", False, ()),),
    "route.openshift.io": (("Route", "routes", True, (_N, _D)),),
    "security.openshift.io": (("SecurityContextConstraints", "securitycontextconstraints", False, (_A, _D)),),
    "image.openshift.io": (
        ("ImageStream", "imagestreams", True, ()),
        ("ImageStreamTag", "imagestreamtags", True, ()),
        ("Image", "images", False, ()),
    ),
    "config.openshift.io": tuple(
        (word, plural, False, ())
        for word, plural in (
            ("APIServer", "apiservers"), ("Authentication", "authentications"), ("Build", "builds"),
            ("ClusterOperator", "clusteroperators"), ("ClusterVersion", "clusterversions"), ("Console", "consoles"),
            ("DNS", "dnses"), ("FeatureGate", "featuregates"), ("Image", "images"),
            ("ImageDigestMirrorSet", "imagedigestmirrorsets"), ("ImageTagMirrorSet", "imagetagmirrorsets"),
            ("Infrastructure", "infrastructures"), ("Ingress", "ingresses"), ("Network", "networks"),
            ("Node", "nodes"), ("OAuth", "oauths"), ("OperatorHub", "operatorhubs"), ("Project", "projects"),
            ("Proxy", "proxies"), ("Scheduler", "schedulers"),
        )
    ),
    "operator.openshift.io": (
        ("IngressController", "ingresscontrollers", True, (_N, _D)),
        *(
            (word, plural, False, ())
            for word, plural in (
                ("Authentication", "authentications"), ("CloudCredential", "cloudcredentials"),
                ("ClusterCSIDriver", "clustercsidrivers"), ("Config", "configs"), ("Console", "consoles"),
                ("CSISnapshotController", "csisnapshotcontrollers"), ("DNS", "dnses"), ("Etcd", "etcds"),
                ("InsightsOperator", "insightsoperators"), ("KubeAPIServer", "kubeapiservers"),
                ("KubeControllerManager", "kubecontrollermanagers"), ("KubeScheduler", "kubeschedulers"),
                ("KubeStorageVersionMigrator", "kubestorageversionmigrators"),
                ("MachineConfiguration", "machineconfigurations"), ("Network", "networks"),
                ("OpenShiftAPIServer", "openshiftapiservers"),
                ("OpenShiftControllerManager", "openshiftcontrollermanagers"), ("ServiceCA", "servicecas"),
                ("Storage", "storages"),
            )
        ),
    ),
    "machineconfiguration.openshift.io": (
        ("MachineConfig", "machineconfigs", False, ()),
        ("MachineConfigPool", "machineconfigpools", False, ()),
        ("MachineConfigNode", "machineconfignodes", False, ()),
        ("ControllerConfig", "controllerconfigs", False, ()),
        ("KubeletConfig", "kubeletconfigs", False, ()),
        ("ContainerRuntimeConfig", "containerruntimeconfigs", False, ()),
    ),
    "machine.openshift.io": (
        ("Machine", "machines", True, ()),
        ("MachineSet", "machinesets", True, ()),
        ("MachineHealthCheck", "machinehealthchecks", True, ()),
    ),
    "build.openshift.io": (
        ("Build", "builds", True, ()),
        ("BuildConfig", "buildconfigs", True, ()),
    ),
    "oauth.openshift.io": (
        ("OAuthClient", "oauthclients", False, ()),
        ("OAuthClientAuthorization", "oauthclientauthorizations", False, ()),
        ("OAuthAccessToken", "oauthaccesstokens", False, ()),
        ("OAuthAuthorizeToken", "oauthauthorizetokens", False, ()),
        ("UserOAuthAccessToken", "useroauthaccesstokens", False, ()),
    ),
    "quota.openshift.io": (
        ("ClusterResourceQuota", "clusterresourcequotas", False, ()),
        ("AppliedClusterResourceQuota", "appliedclusterresourcequotas", True, ()),
    ),
    "console.openshift.io": (
        ("ConsoleLink", "consolelinks", False, ()),
        ("ConsolePlugin", "consoleplugins", False, ()),
        ("ConsoleCLIDownload", "consoleclidownloads", False, ()),
        ("ConsoleNotification", "consolenotifications", False, ()),
        ("ConsoleQuickStart", "consolequickstarts", False, ()),
        ("ConsoleYAMLSample", "consoleyamlsamples", False, ()),
        ("ConsoleExternalLogLink", "consoleexternalloglinks", False, ()),
        ("ConsoleSample", "consolesamples", False, ()),
    ),
    "helm.openshift.io": (
        ("HelmChartRepository", "helmchartrepositories", False, ()),
        ("ProjectHelmChartRepository", "projecthelmchartrepositories", True, ()),
    ),
    "samples.operator.openshift.io": (("Config", "configs", False, ()),),
    "imageregistry.operator.openshift.io": (
        ("Config", "configs", False, ()),
        ("ImagePruner", "imagepruners", False, ()),
    ),
    "user.openshift.io": (
        ("Group", "groups", False, _RBAC),
        ("User", "users", False, ()),
        ("Identity", "identities", False, ()),
    ),
    "kustomize.config.k8s.io": (("Kustomization", "kustomizations", True, ()),),
}  # fmt: skip
