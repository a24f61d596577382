"""Takes the secret values out of objects as they are read, and leaves keyed hashes of them.

After this no value of a Secret, no literal of an environment and no text of a ConfigMap is in the process' objects,
apart from the few ConfigMaps that are configuration of the cluster itself and hold facts that the proof needs.
Changes the objects in place: they come fresh from the decoder, and copying a hundred thousand pods costs seconds.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.observe.entropy import ENOUGH_BITS
from ringfence.observe.hashing import HashingKey
from ringfence.observe.material import Found, find_material
from ringfence.prove import kinds
from ringfence.prove.kept import KEPT_METADATA, KEPT_STATUS
from ringfence.prove.kinds import Kind, ObjectName
from ringfence.prove.snapshot import Material, MaterialKind
from ringfence.prove.validity import InvalidError

KEPT_CONFIG_MAPS = frozenset(
    {
        "aws-auth", "kubeadm-config", "kubelet-config", "cluster-info", "argocd-cm", "argocd-rbac-cm",
        "argocd-cmd-params-cm", "kube-proxy", "extension-apiserver-authentication", "coredns",
    }
)  # fmt: skip
_NEVER_MATERIAL = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"})
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NOTHING: tuple[tuple[Found, str], ...] = ()
CONTROL_PLANE = "kube-system"
"""The namespace whose pods' command lines stay: they are the flags of the cluster itself."""
_GROUPS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Stood:
    """Material and where in its container it stood, before it is known whose container it is."""

    place: str
    found: Found
    digest: str


class Redactor:
    """Redacts objects of one cluster; remembers values it has seen, since most pods repeat their neighbours'."""

    def __init__(self, cluster: str, key: HashingKey) -> None:
        self._cluster = cluster
        self._key = key
        self._seen: dict[tuple[str, str, bool], tuple[tuple[Found, str], ...]] = {}

    def redact(self, kind: Kind, document: dict[str, Any]) -> list[Material]:
        """Remove secret values from a valid object and return what stood in it.

        Raises InvalidError when a Secret's data is not base64: the API server would have refused it.
        """
        strip(kind, document)
        if kind == kinds.SECRET:
            return list(self._materials(document, _secret_values(document), secret=True))
        if kind == kinds.CONFIG_MAP:
            return list(self._materials(document, _config_values(document), secret=False))
        spec = pod_spec_of(kind, document)
        if spec is None:
            return []
        owner = kinds.object_name(self._cluster, document)
        return [
            self._material(owner, item)
            for group in _GROUPS
            for item in self.redact_part(group, spec.get(group) or (), keep_words=owner.namespace == CONTROL_PLANE)
        ]

    def redact_part(self, name: str, value: Any, *, keep_words: bool = False) -> tuple[Stood, ...]:
        """Blank the literals in a pod's containers, and say what stood there; other parts of a spec hold none.

        ``keep_words``: command lines stay as they are, since those of the control plane are flags that count.
        """
        if name not in _GROUPS:
            return ()
        found: list[Stood] = []
        for container in value:
            for place, variable, text in _environment(container):
                found += self._stood(place, variable, text)
            for field in ("command", "args"):
                found += self._words(container, field, keep_words=keep_words)
        return tuple(found)

    def named(self, document: Mapping[str, Any], parts: Sequence[tuple[Stood, ...]]) -> list[Material]:
        """What stood in the shared parts of one pod, as this pod's."""
        if not parts:
            return []
        owner = kinds.object_name(self._cluster, document)
        return [self._material(owner, item) for part in parts for item in part]

    def _material(self, owner: ObjectName, item: Stood) -> Material:
        found = item.found
        return Material(owner, item.place, item.digest, found.kind, found.bits, found.about, self._key.name)

    def _stood(self, place: str, name: str, value: str) -> list[Stood]:
        return [Stood(place, found, digest) for found, digest in self._hashed(value, name, secret=False)]

    def _words(self, container: Mapping[str, Any], field: str, *, keep_words: bool) -> list[Stood]:
        words: list[str] = container.get(field) or []
        found: list[Stood] = []
        for index, word in enumerate(words):
            if len(word) <= 10:
                continue
            name, equals, value = word.partition("=")
            flag = equals and name.startswith("-")
            stood = self._stood(
                f"{field} of container {container['name']}", name if equals else "", value if flag else word
            )
            if stood and not keep_words:
                words[index] = f"{name}=" if flag else ""
            found += stood
        return found

    def _materials(
        self, document: Mapping[str, Any], values: Iterator[tuple[str, str, str]], *, secret: bool
    ) -> Iterator[Material]:
        owner: ObjectName | None = None
        for place, name, value in values:
            for found, digest in self._hashed(value, name, secret):
                if owner is None:
                    owner = kinds.object_name(self._cluster, document)
                yield Material(owner, place, digest, found.kind, found.bits, found.about, self._key.name)

    def _hashed(self, value: str, name: str, secret: bool) -> tuple[tuple[Found, str], ...]:
        if len(value) < 4:
            return _NOTHING
        key = (value, name, secret)
        known = self._seen.get(key)
        if known is None:
            known = tuple((found, self._key.digest(found.form)) for found in find_material(value, name, secret))
            known = tuple((_without_form(found), digest) for found, digest in known if _counts(found))
            self._seen[key] = known
        return known


def strip(kind: Kind, document: dict[str, Any]) -> None:
    """Take out of an object what a snapshot does not keep, and what repeats the object's own values."""
    document["metadata"] = metadata = {
        name: value for name, value in document["metadata"].items() if name in KEPT_METADATA
    }
    if metadata.get("annotations"):
        strip_annotations(metadata["annotations"])
    kept = KEPT_STATUS.get(kind)
    if kept is not None and isinstance(document.get("status"), dict):
        document["status"] = {name: value for name, value in document["status"].items() if name in kept}


def strip_annotations(annotations: dict[str, str]) -> None:
    """Blank the annotation that holds the object itself, secret values and all."""
    if _APPLIED in annotations:
        annotations[_APPLIED] = ""


def _counts(found: Found) -> bool:
    """Whether an equal value elsewhere could be a finding; the rest need not be remembered."""
    return found.kind is not MaterialKind.PUBLIC and (
        found.kind is not MaterialKind.OPAQUE or found.bits >= ENOUGH_BITS
    )


def _without_form(found: Found) -> Found:
    return Found(found.kind, b"", found.bits, found.about)


def _secret_values(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Place, name and text of a Secret's values, each blanked as it is given."""
    data = document.get("data") or {}
    for key, encoded in data.items():
        data[key] = ""
        yield f"data.{key}", key, _decoded(key, encoded or "")
    literal = document.get("stringData") or {}
    for key, value in literal.items():
        literal[key] = ""
        yield f"stringData.{key}", key, value or ""


def _decoded(key: str, encoded: str) -> str:
    try:
        raw = base64.b64decode("".join(encoded.split()), validate=True)
    except (ValueError, binascii.Error):
        raise InvalidError("base64", f"data.{key}") from None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode("ascii")


def _config_values(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    name = document["metadata"]["name"]
    if name in _NEVER_MATERIAL:
        return
    for field in ("data", "binaryData"):
        values = document.get(field) or {}
        for key, value in values.items():
            if name not in KEPT_CONFIG_MAPS:
                values[key] = ""
            yield f"{field}.{key}", key, value or ""


def _environment(container: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for variable in container.get("env") or ():
        value = variable.get("value")
        if value:
            variable["value"] = ""
            yield f"env {variable['name']} of container {container['name']}", variable["name"], value


def pod_spec_of(kind: Kind, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The pod spec in a pod or a workload controller, None for other kinds and for controllers without one."""
    if kind == kinds.POD:
        spec: Mapping[str, Any] | None = document.get("spec")
        return spec
    template = pod_template_of(kind, document)
    return None if template is None else template.get("spec")


def pod_template_of(kind: Kind, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The pod template of a workload controller (ephemeral pods of a CronJob's Jobs too), else None."""
    if kind == kinds.POD_TEMPLATE:
        template: Mapping[str, Any] | None = document.get("template")
        return template
    if kind not in kinds.WORKLOADS:
        return None
    spec = document.get("spec") or {}
    if kind == kinds.CRON_JOB:
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    return spec.get("template")
