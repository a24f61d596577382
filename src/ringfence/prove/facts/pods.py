"""Pods and pod templates as the rules see them: identity, place, what they mount, and what makes them dangerous."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.kinds import Kind, Object, ObjectName, object_name
from ringfence.prove.platform.apiserver import api_server_flags
from ringfence.prove.snapshot import ClusterSnapshot

NETWORKS = "k8s.v1.cni.cncf.io/networks"
"""The annotation by which a pod asks for more networks (the Network Plumbing Working Group's standard, Multus)."""
GROUPS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Escape:
    """How a pod gets to its node. ``depends``: on the kernel or the runtime, which no snapshot shows; ``contained``: a
    user namespace would keep it (``hostUsers: false``)."""

    how: str
    depends: bool = False
    contained: bool = False


@dataclass(frozen=True, slots=True)
class PodContents:
    """What is inside pods of one template: the Secrets, ConfigMaps and PersistentVolumeClaims by name, whether a token
    is mounted that the pod itself asks for, and what lets it out to its node (None: nothing does)."""

    secrets: frozenset[str]
    config_maps: frozenset[str]
    claims: frozenset[str]
    asks_token: bool
    escape: Escape | None


@dataclass(frozen=True, slots=True)
class PodFacts:
    """A pod that is there, or the pods that a workload makes (then ``node`` is None unless its template names one).

    ``attached``: it asks for networks beside the cluster's own, of which no policy of the cluster speaks.
    """

    name: ObjectName
    labels: Mapping[str, str]
    account: str
    token: bool
    node: str | None
    spec: Object
    template: bool
    contents: PodContents
    attached: bool
    status: Object

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.name.namespace

    @property
    def shown(self) -> str:
        """``pod shop/web``, ``deployment shop/web``."""
        return f"{self.name.kind.lower()} {self.name.namespace}/{self.name.name}"


def pods_of(snapshot: ClusterSnapshot, no_token: frozenset[tuple[str, str]]) -> Iterator[PodFacts]:
    """Every pod, and the pods of every workload. ``no_token`` are the ServiceAccounts that mount none by default."""
    reader = _Reader(snapshot.name, no_token, _audiences(snapshot))
    for document in snapshot.of(kinds.POD):
        phase = (document.get("status") or {}).get("phase")
        yield reader.facts(document, document, finished=phase in ("Succeeded", "Failed"))
    for kind in kinds.WORKLOADS:
        for document in snapshot.of(kind):
            template = template_of(kind, document)
            if template is not None and template.get("spec") is not None:
                yield reader.facts(document, template, finished=False, template=True)


def template_of(kind: Kind, document: Object) -> Object | None:
    """The pod template of a workload."""
    spec = document.get("spec") or {}
    if kind == kinds.CRON_JOB:
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template: Object | None = spec.get("template")
    return template


_EACH_ITS_OWN = frozenset({"nodeName", "hostname"})
"""What differs between the pods of one template, and says nothing of what is inside."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the pods of one cluster. A Snapshot has equal parts of specs once, so what is inside is looked at once for
    all pods that have the very same parts. These are kept, so that no other part can come to have their identity."""

    cluster: str
    no_token: frozenset[tuple[str, str]]
    audiences: frozenset[str] | None
    seen: dict[tuple[tuple[str, ...], tuple[int, ...]], tuple[Object, PodContents]] = field(default_factory=dict)

    def facts(self, owner: Object, body: Object, *, finished: bool, template: bool = False) -> PodFacts:
        spec = body.get("spec") or {}
        name = object_name(self.cluster, owner)
        account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        contents = self._contents(spec)
        automount = spec.get("automountServiceAccountToken")
        mounts = automount is True or (automount is None and (name.namespace, account) not in self.no_token)
        metadata = body.get("metadata") or {}
        return PodFacts(
            name,
            metadata.get("labels") or {},
            account,
            not finished and (mounts or contents.asks_token),
            spec.get("nodeName"),
            spec,
            template,
            contents,
            bool((metadata.get("annotations") or {}).get(NETWORKS)),
            {} if template else body.get("status") or {},
        )

    def _contents(self, spec: Object) -> PodContents:
        key = (tuple(spec), tuple(map(id, spec.values())))
        found = self.seen.get(key)
        if found is None:
            shared = {name: part for name, part in spec.items() if name not in _EACH_ITS_OWN}
            template = (tuple(shared), tuple(map(id, shared.values())))
            known = self.seen.get(template)
            contents = _contents(shared, self.audiences) if known is None else known[1]
            found = self.seen[key] = self.seen[template] = (spec, contents)
        return found[1]


def _contents(spec: Object, audiences: frozenset[str] | None) -> PodContents:
    asks = any(_accepted(audience, audiences) for audience in _tokens_for(spec))
    return PodContents(secrets_in(spec), config_maps_in(spec), _claims_in(spec), asks, escape_of(spec))


def _tokens_for(spec: Object) -> Iterator[str]:
    """The audiences of the tokens that a pod asks for in its volumes; empty: the API server itself."""
    for volume in spec.get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            token = source.get("serviceAccountToken")
            if token is not None:
                yield token.get("audience") or ""


_DEFAULT_AUDIENCE = "https://kubernetes.default.svc"
# Whom tokens are made for that no API server is: clouds, meshes, stores of secrets.
_OTHERS = frozenset({"sts.amazonaws.com", "api://AzureADTokenExchange", "vault", "istio-ca"})


def _accepted(audience: str, audiences: frozenset[str] | None) -> bool:
    """Whether the API server takes a token for an audience; ``audiences`` None: its own are not known."""
    if not audience or audience.startswith(_DEFAULT_AUDIENCE):
        return True
    if audiences is None:
        return audience not in _OTHERS and not audience.endswith(".svc.id.goog")
    return audience in audiences


def _audiences(snapshot: ClusterSnapshot) -> frozenset[str] | None:
    """The audiences that the API server takes for its own, by its flags: its issuers where it names none."""
    flags = api_server_flags(snapshot)
    if not flags.seen:
        return None
    named = flags.get("api-audiences") or flags.get("service-account-issuer") or ""
    return frozenset(item for item in named.split(",") if item)


def containers_of(spec: Object) -> Iterator[Mapping[str, Any]]:
    """Every container of a pod, init and ephemeral ones too."""
    for group in GROUPS:
        yield from spec.get(group) or ()


def secrets_in(spec: Object) -> frozenset[str]:
    """The Secrets whose values are inside the pod."""
    return _mounted(spec, "secret", "secretName", "secretKeyRef", "secretRef")


def config_maps_in(spec: Object) -> frozenset[str]:
    """The ConfigMaps whose values are inside the pod."""
    return _mounted(spec, "configMap", "name", "configMapKeyRef", "configMapRef")


def _mounted(spec: Object, volume_kind: str, volume_field: str, key_ref: str, env_ref: str) -> frozenset[str]:
    found: set[str | None] = set()
    for volume in spec.get("volumes") or ():
        found.add((volume.get(volume_kind) or {}).get(volume_field))
        for source in (volume.get("projected") or {}).get("sources") or ():
            found.add((source.get(volume_kind) or {}).get("name"))
    for container in containers_of(spec):
        for variable in container.get("env") or ():
            found.add(((variable.get("valueFrom") or {}).get(key_ref) or {}).get("name"))
        for source in container.get("envFrom") or ():
            found.add((source.get(env_ref) or {}).get("name"))
    return frozenset(name for name in found if name)


def _claims_in(spec: Object) -> frozenset[str]:
    """The PersistentVolumeClaims that the pod mounts by name."""
    claims = ((volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in spec.get("volumes") or ())
    return frozenset(claim for claim in claims if claim)


_ESCAPE_PATHS = (
    "/var/lib/kubelet", "/var/run", "/run", "/etc/kubernetes", "/proc", "/sys", "/dev", "/etc", "/root", "/home",
    "/var/lib/etcd", "/var/lib/docker", "/var/lib/containerd", "/var", "/usr", "/bin", "/sbin", "/lib", "/boot", "/opt",
)  # fmt: skip
_HARMLESS_PATHS = ("/usr/share/zoneinfo", "/etc/localtime", "/etc/timezone", "/etc/ssl/certs")
_ESCAPE_CAPABILITIES = frozenset(
    {"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "DAC_READ_SEARCH", "BPF"}
)
# By the kernel, its locks and the devices that the runtime shows. MKNOD alone is no way: runtimes give it to everybody.
_DEPENDING = frozenset({"SYS_RAWIO", "SYS_BOOT", "BPF"})


def escape_of(spec: Object) -> Escape | None:
    """How a pod gets from its container to the node, None when it does not: what of its spec allows that.

    Source: separation.md 6.7 and the Pod Security Standards' reasons for "baseline".
    """
    found = [*_by_files(spec), *_by_rights(spec)]
    return min(found, key=lambda item: (item.contained, item.depends), default=None)


def _by_rights(spec: Object) -> Iterator[Escape]:
    contained = spec.get("hostUsers") is False
    if ((spec.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess"):
        yield Escape("a host process container")
    for container in containers_of(spec):
        security = container.get("securityContext") or {}
        if security.get("privileged"):
            yield Escape("a privileged container", contained=contained)
        added = {name.upper().removeprefix("CAP_") for name in (security.get("capabilities") or {}).get("add") or ()}
        for name in sorted(added & _ESCAPE_CAPABILITIES):
            if name != "SYS_PTRACE" or spec.get("hostPID"):
                yield Escape(f"the capability {name}", name in _DEPENDING, contained)
        if (security.get("windowsOptions") or {}).get("hostProcess"):
            yield Escape("a host process container")


def _by_files(spec: Object) -> Iterator[Escape]:
    for volume in spec.get("volumes") or ():
        path = (volume.get("hostPath") or {}).get("path")
        if path is not None and dangerous_path(path):
            yield Escape(f"the hostPath {path}")


def dangerous_path(path: str) -> bool:
    """Whether a directory of the node, once mounted, gives the node: anything but a few that hold nothing of use."""
    clean = "/" + "/".join(part for part in path.split("/") if part and part != ".")
    if ".." in clean.split("/"):
        return True
    if any(clean == harmless or clean.startswith(harmless + "/") for harmless in _HARMLESS_PATHS):
        return False
    return clean == "/" or any(clean == known or clean.startswith(known + "/") for known in _ESCAPE_PATHS)
