"""What network plugins do, as facts, and what is not known of them, as questions.

No API shows which plugin enforces what, so a Partition's ``assume`` names the plugin or single facts. A fact that
neither settles stays a question and every value counts. Guessing the plugin from DaemonSets was rejected: its presence
does not show its configuration. Sources of the table: docs/reference/cni.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.prove.answer import Question

POLICY = Question(
    "networkPolicy", ("enforced", "ignored"), "whether the network plugin enforces NetworkPolicy (assume.cni.name)"
)
END_PORT = Question("endPort", ("range", "first"), "whether the network plugin honours endPort (assume.cni.endPort)")
BLOCK_PODS = Question(
    "ipBlockPods",
    ("matched", "unmatched"),
    "whether ipBlock matches pod addresses (assume.cni.ipBlockMatchesPods)",
)
BLOCK_NODES = Question(
    "ipBlockNodes",
    ("matched", "unmatched"),
    "whether ipBlock matches node addresses (assume.cni.ipBlockMatchesNodes)",
)
HOST_NETWORK = Question(
    "hostNetwork",
    ("node", "pod"),
    "whether policies see hostNetwork pods as their node or as pods (assume.cni.hostNetwork)",
)
SCTP = Question("sctp", ("enforced", "passed", "dropped"), "whether the network plugin filters SCTP (assume.cni.sctp)")
ADMIN = Question(
    "adminNetworkPolicy",
    ("enforced", "ignored"),
    "whether the network plugin enforces AdminNetworkPolicy (assume.cni.adminNetworkPolicy)",
)
BASELINE = Question(
    "baselineAdminNetworkPolicy",
    ("enforced", "ignored"),
    "whether the network plugin enforces BaselineAdminNetworkPolicy (assume.cni.baselineAdminNetworkPolicy)",
)
CLUSTER = Question(
    "clusterNetworkPolicy",
    ("enforced", "ignored"),
    "whether the network plugin enforces ClusterNetworkPolicy (assume.cni.clusterNetworkPolicy)",
)
NODE_PORT_SOURCE = Question(
    "nodePortSource",
    ("client", "node"),
    "whether policies see the client or a node behind NodePort and LoadBalancer (assume.cni.nodePortSource)",
)
SERVICE_ADDRESS = Question(
    "serviceAddress",
    ("after", "before"),
    "whether policies see a Service's address or only the pod behind it (assume.cni.serviceAddress)",
)
NODE_PORT_TARGET = Question(
    "nodePortTarget",
    ("node", "pod"),
    "whether policies see the port of another node that is dialled, or the pod behind it (assume.cni.nodePortTarget)",
)
ADMIN_QUESTIONS = {
    "AdminNetworkPolicy": ADMIN,
    "BaselineAdminNetworkPolicy": BASELINE,
    "ClusterNetworkPolicy": CLUSTER,
}
QUESTIONS = {
    question.key: question
    for question in (
        POLICY,
        END_PORT,
        BLOCK_PODS,
        BLOCK_NODES,
        HOST_NETWORK,
        SCTP,
        ADMIN,
        BASELINE,
        CLUSTER,
        NODE_PORT_SOURCE,
        NODE_PORT_TARGET,
        SERVICE_ADDRESS,
    )
}

_ENFORCES: dict[str, str] = {"networkPolicy": "enforced", "sctp": "enforced"}
_NO_ADMIN = {
    "adminNetworkPolicy": "ignored",
    "baselineAdminNetworkPolicy": "ignored",
    "clusterNetworkPolicy": "ignored",
}
_NOTHING = {"networkPolicy": "ignored", **_NO_ADMIN}

PLUGINS: Mapping[str, Mapping[str, str]] = {
    "calico": {
        **_ENFORCES,
        "endPort": "range",
        "ipBlockPods": "matched",
        "ipBlockNodes": "matched",
        "hostNetwork": "node",
        "nodePortSource": "client",
        "nodePortTarget": "node",
        "serviceAddress": "after",
    },
    "cilium": {
        **_ENFORCES,
        **_NO_ADMIN,
        "ipBlockPods": "unmatched",
        "hostNetwork": "node",
        "nodePortSource": "client",
        "serviceAddress": "after",
    },
    "ovn-kubernetes": {
        **_ENFORCES,
        "endPort": "range",
        "ipBlockPods": "matched",
        "adminNetworkPolicy": "enforced",
        "baselineAdminNetworkPolicy": "enforced",
        "clusterNetworkPolicy": "ignored",
    },
    "antrea": {
        **_ENFORCES,
        "endPort": "range",
        "ipBlockPods": "matched",
        "clusterNetworkPolicy": "ignored",
    },
    "kube-network-policies": {
        **_ENFORCES,
        "endPort": "range",
        "ipBlockPods": "matched",
        "clusterNetworkPolicy": "enforced",
    },
    "kube-ovn": {**_ENFORCES, "ipBlockPods": "matched"},
    "kube-router": {**_ENFORCES, **_NO_ADMIN, "endPort": "range", "ipBlockPods": "matched"},
    "weave": {**_ENFORCES, **_NO_ADMIN, "ipBlockPods": "matched"},
    "aws": {**_ENFORCES, **_NO_ADMIN, "ipBlockPods": "matched"},
    "azure": {**_ENFORCES, **_NO_ADMIN, "ipBlockPods": "matched"},
    "kindnet": {**_ENFORCES, "endPort": "range", "ipBlockPods": "matched"},
    "flannel": _NOTHING,
    "none": _NOTHING,
}
_NAMES = {
    "awsvpccni": "aws",
    "amazonvpccni": "aws",
    "vpccni": "aws",
    "azurenpm": "azure",
    "azurecni": "azure",
    "ovnkubernetes": "ovn-kubernetes",
    "ovnk": "ovn-kubernetes",
    "openshift": "ovn-kubernetes",
    "kubenetworkpolicies": "kube-network-policies",
    "kubeovn": "kube-ovn",
    "kuberouter": "kube-router",
    "weavenet": "weave",
}
_SPELLINGS = {
    "networkpolicyv1": "networkPolicy",
    "ipblockmatchespods": "ipBlockPods",
    "ipblockmatchespodips": "ipBlockPods",
    "ipblockmatchesnodes": "ipBlockNodes",
    "ipblockmatchesnodeips": "ipBlockNodes",
    "anp": "adminNetworkPolicy",
    "banp": "baselineAdminNetworkPolicy",
    "cnp": "clusterNetworkPolicy",
    **{key.lower(): key for key in QUESTIONS},
}
_BOOLEANS = {
    True: {"endPort": "range", "ipBlockPods": "matched", "ipBlockNodes": "matched"},
    False: {"endPort": "first", "ipBlockPods": "unmatched", "ipBlockNodes": "unmatched", "sctp": "passed"},
}
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Assumed:
    """The facts that an ``assume`` settles, the plugin it names (None: none), and what it says that is not known."""

    facts: Mapping[str, str]
    plugin: str | None = None
    strange: tuple[str, ...] = ()


def assumed(assume: Mapping[str, Any] | None, *, default_enforced: bool) -> Assumed:
    """The facts of a Partition's ``assume`` (``{cni: {name: calico, endPort: true}}``).

    ``default_enforced`` is for ``can``: with no plugin named NetworkPolicy v1 counts as enforced, SCTP included. For a
    proof it is False: what is not named must hold under every behaviour. A single fact outweighs the plugin's.
    """
    body = dict(assume or {})
    given = body.pop("cni", None)
    single = {"name": given} if isinstance(given, str) else dict(given) if isinstance(given, Mapping) else {}
    plugin = _plugin(single.pop("name", None))
    facts = dict(PLUGINS.get(plugin or "", {}))
    if plugin == "calico":
        facts.update(_calico(single.get("version")))
    single.pop("version", None)
    for kind in (*_listed(single.pop("enforces", None)), *_listed(body.pop("enforces", None))):
        single[kind] = True
    strange: list[str] = [] if plugin is None or plugin in PLUGINS else [f"cni.name: {plugin}"]
    for key, value in {**{k: v for k, v in body.items() if _key(k)}, **single}.items():
        fact = _fact(key, value)
        if fact is None:
            strange.append(f"cni.{key}: {value}")
        else:
            facts.update(fact)
    if default_enforced and plugin is None:
        facts = {"networkPolicy": "enforced", "sctp": "enforced", **facts}
    return Assumed(facts, plugin, tuple(strange))


def is_fact(key: str) -> bool:
    """Whether an ``assume`` names something that is read here."""
    return key in ("cni", "enforces") or _key(key) is not None


def _plugin(raw: object) -> str | None:
    if not isinstance(raw, str) or not raw.strip():
        return None
    plain = "".join(sign for sign in raw.lower() if sign.isalnum())
    return _NAMES.get(plain, raw.strip().lower())


def _calico(version: object) -> dict[str, str]:
    """Calico enforces AdminNetworkPolicy from 3.29 to 3.31 and ClusterNetworkPolicy from 3.32."""
    parts = str(version or "").lstrip("v").split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        return {}
    number = (int(parts[0]), int(parts[1]))
    old = "enforced" if (3, 29) <= number <= (3, 31) else "ignored"
    return {
        "adminNetworkPolicy": old,
        "baselineAdminNetworkPolicy": old,
        "clusterNetworkPolicy": "enforced" if number >= (3, 32) else "ignored",
    }


def _listed(raw: object) -> list[str]:
    return [raw] if isinstance(raw, str) else [str(kind) for kind in raw] if isinstance(raw, list) else []


def _key(raw: str) -> str | None:
    plain = "".join(sign for sign in str(raw).lower() if sign.isalnum())
    return _SPELLINGS.get(plain) or _SPELLINGS.get(plain.removesuffix("s").replace("policie", "policy"))


def _fact(raw: str, value: object) -> dict[str, str] | None:
    key = _key(raw)
    if key is None:
        return None
    value = _WORDS.get(str(value).lower(), value)
    if isinstance(value, bool):
        word = _BOOLEANS[value].get(key) or ("enforced" if value else "ignored")
    else:
        word = str(value).lower()
    return {key: word} if word in QUESTIONS[key].values else None
