"""EKS: cloud identities that the ConfigMap kube-system/aws-auth makes users and members of groups."""

from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.prove import kinds
from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability, acts_as
from ringfence.prove.closure.engine import Derivation, State
from ringfence.prove.facts.cluster import ClusterFacts
from ringfence.prove.kinds import Object
from ringfence.prove.proof import Step
from ringfence.prove.rbac.powers import Power
from ringfence.prove.rules.escalation import names_of
from ringfence.prove.rules.registry import RuleWorld, rule
from ringfence.prove.rules.wording import step

Mapped = dict[str, list[tuple[str, str]]]
"""The users and groups, each with its kind first, by the cloud role that is mapped to them."""


@rule(
    "eks/aws-auth",
    "On EKS, who writes the ConfigMap kube-system/aws-auth gives any cloud identity any group.",
    source="docs.aws.amazon.com/eks, aws-auth ConfigMap",
    on=(Can.POWER,),
    powers=(Power.WRITE_CONFIG_MAPS,),
)
def aws_auth(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """Only where that ConfigMap is used: it is there."""
    if capability.name != Power.WRITE_CONFIG_MAPS.value or capability.namespace not in (EVERYWHERE, "kube-system"):
        return
    if names_of(capability) and "aws-auth" not in names_of(capability):
        return
    facts = world.clusters[capability.cluster]
    if _mapped(facts) is not None:
        by = _by_aws_auth(facts, "a cloud identity of one's own can be mapped to system:masters")
        yield Derivation(Capability(Can.CLUSTER_ADMIN, facts.name), "eks/aws-auth", by)


@rule(
    "eks/mapped-role",
    "On EKS, a pod whose cloud role the ConfigMap kube-system/aws-auth maps is the user and the groups that it names.",
    source="docs.aws.amazon.com/eks, aws-auth ConfigMap and IAM roles for service accounts",
    on=(Can.ACT_AS,),
)
def mapped_role(world: RuleWorld, capability: Capability, state: State) -> Iterator[Derivation]:
    """The role of the ServiceAccount's annotation."""
    if capability.detail != "ServiceAccount":
        return
    facts = world.clusters[capability.cluster]
    mapped = _mapped(facts)
    if not mapped:
        return
    roles = facts.memory.once(("cloud roles", facts.name), lambda: _cloud_roles(facts))
    role = roles.get((capability.namespace, capability.name), "")
    for kind, name in mapped.get(role, ()):
        text = f"ServiceAccount {capability.namespace}/{capability.name} has the role {role}: {kind.lower()} {name}"
        yield Derivation(acts_as(facts.name, kind, "", name), "eks/mapped-role", _by_aws_auth(facts, text))


def _by_aws_auth(facts: ClusterFacts, text: str) -> Step:
    return step(text, "ConfigMap kube-system/aws-auth", f"{facts.name}:configmap/kube-system/aws-auth")


def _cloud_roles(facts: ClusterFacts) -> dict[tuple[str, str], str]:
    """The cloud role of every ServiceAccount that has one, by namespace and name."""
    found = {}
    for document in facts.snapshot.of(kinds.SERVICE_ACCOUNT):
        metadata = document["metadata"]
        role = (metadata.get("annotations") or {}).get("eks.amazonaws.com/role-arn")
        if role:
            found[metadata["namespace"], metadata["name"]] = role
    return found


def _mapped(facts: ClusterFacts) -> Mapped | None:
    """Who is mapped to what by aws-auth; None when that ConfigMap is not there."""

    def found() -> Mapped | None:
        document = facts.document(kinds.CONFIG_MAP, "kube-system", "aws-auth")
        return None if document is None else _mapping(document)

    return facts.memory.once(("aws-auth", facts.name), found)


def _mapping(document: Object) -> Mapped:
    """What ``mapRoles`` says; what cannot be read maps nothing."""
    import yaml

    try:
        rows = yaml.safe_load((document.get("data") or {}).get("mapRoles") or "[]")
    except yaml.YAMLError:
        return {}
    found: Mapped = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("rolearn"), str):
            found.setdefault(row["rolearn"], []).extend(_names(row))
    return found


def _names(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    groups = row.get("groups")
    yield from (("Group", one) for one in (groups if isinstance(groups, list) else ()) if isinstance(one, str))
    if isinstance(row.get("username"), str):
        yield "User", row["username"]
