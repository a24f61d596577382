"""Resources as people write them at the command line: ``deploy``, ``pod``, ``deployments.apps``.

Source: the short names and groups that an API server's discovery lists for its own resources. A live server resolves
them by discovery; from a snapshot the kinds that Ringfence knows are looked up here, and any other word is taken as it
stands.
Bulk probes are not resolved: they say group and resource themselves, as a SubjectAccessReview does.
"""

from dataclasses import dataclass

from ringfence.prove.catalogue import ENTRIES

_SHORT = {
    "cm": "configmaps",
    "crd": "customresourcedefinitions",
    "crds": "customresourcedefinitions",
    "cj": "cronjobs",
    "csr": "certificatesigningrequests",
    "deploy": "deployments",
    "ds": "daemonsets",
    "ep": "endpoints",
    "ev": "events",
    "hpa": "horizontalpodautoscalers",
    "ing": "ingresses",
    "limits": "limitranges",
    "netpol": "networkpolicies",
    "no": "nodes",
    "ns": "namespaces",
    "pc": "priorityclasses",
    "pdb": "poddisruptionbudgets",
    "po": "pods",
    "pv": "persistentvolumes",
    "pvc": "persistentvolumeclaims",
    "quota": "resourcequotas",
    "rc": "replicationcontrollers",
    "rs": "replicasets",
    "sa": "serviceaccounts",
    "sc": "storageclasses",
    "sts": "statefulsets",
    "svc": "services",
}

_IMPERSONATED = frozenset({"users", "groups"})
"""Words that RBAC has of its own, in the core group, for impersonation."""


@dataclass(frozen=True, slots=True)
class WrittenResource:
    """A resource in the API's words: its plural and its group (empty: core)."""

    plural: str
    group: str


def written_resource(word: str) -> WrittenResource:
    """The resource that ``word`` names: plural, singular or short name, with ``.GROUP`` behind it or without.

    A word that no known kind goes by is taken for a plural; without a group it is one of the core group.
    """
    plural, dot, group = word.partition(".")
    if dot:
        return WrittenResource(plural, group)
    plural = _SHORT.get(plural, plural)
    known = [entry for kind, entry in ENTRIES.items() if plural in (entry.plural, kind.kind.lower())]
    groups = {entry.kind.group for entry in known}
    if "" in groups or len(groups) != 1 or plural in _IMPERSONATED:
        core = next((entry.plural for entry in known if not entry.kind.group), plural)
        return WrittenResource(core, "")
    return WrittenResource(known[0].plural, known[0].kind.group)
