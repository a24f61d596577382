"""May this user do that? The answer that a SubjectAccessReview would give, or ``unknown`` and what would decide.

Allowed when any binding's rule matches; there is no deny in RBAC, so a gap in the snapshot only ever matters where the
answer would otherwise be no. Groups that authentication always adds are added here (contract, section 5).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ringfence.prove import kinds
from ringfence.prove.answer import Answer, Truth
from ringfence.prove.platform.apiserver import ApiServerFlags
from ringfence.prove.rbac.index import (
    AUTHENTICATED,
    MASTERS,
    UNAUTHENTICATED,
    Grant,
    RbacIndex,
    Subject,
    group,
    implied_groups,
    user,
)
from ringfence.prove.rbac.rules import Request
from ringfence.prove.snapshot import ClusterSnapshot, Defect

_NODE_USER = "system:node:"
_NODES = "system:nodes"
_RBAC_KINDS = (kinds.ROLE, kinds.CLUSTER_ROLE, kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING)


@dataclass(frozen=True, slots=True)
class AccessWorld:
    """What one cluster's access is decided by."""

    snapshot: ClusterSnapshot
    index: RbacIndex
    flags: ApiServerFlags
    broken: Mapping[tuple[str, str, str], tuple[Defect, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Index what is wrong with roles and bindings by name."""
        found: dict[tuple[str, str, str], tuple[Defect, ...]] = {}
        for defect in self.snapshot.defective(*_RBAC_KINDS):
            key = (defect.kind.kind, defect.namespace, defect.name)
            found[key] = (*found.get(key, ()), defect)
        object.__setattr__(self, "broken", found)


def subjects_of(username: str, groups: tuple[str, ...]) -> tuple[Subject, ...]:
    """Every subject that a user counts as: the name, the groups given, and the groups that are always added."""
    first = user(username)
    named = [first, *(group(name) for name in groups)]
    implied = implied_groups(first) if username else (group(UNAUTHENTICATED),)
    if group(UNAUTHENTICATED) in named:
        implied = tuple(item for item in implied if item != group(AUTHENTICATED))
    return tuple(dict.fromkeys([*named, *implied]))


def can_access(world: AccessWorld, username: str, groups: tuple[str, ...], request: Request) -> Answer:
    """Whether ``username`` with ``groups`` may make ``request``; ``because`` names the binding or what is missing."""
    subjects = subjects_of(username, groups)
    if group(MASTERS) in subjects:
        return Answer(Truth.YES, ("group system:masters passes every authorizer",))
    if "AlwaysAllow" in world.flags.authorization_modes:
        return Answer(Truth.YES, ("the API server runs with --authorization-mode=AlwaysAllow",))
    doubts: list[str] = []
    unseen_roles = [str(marker) for marker in world.snapshot.unseen("clusterroles")]
    for subject in subjects:
        for grant in world.index.of(subject):
            if not _in_scope(grant, request):
                continue
            verdict = _verdict(world, grant, request)
            if verdict is True:
                role = grant.rules.role
                return Answer(
                    Truth.YES,
                    (f"{grant.by} gives {role.kind} {role.name} to {subject}",),
                    (),
                    (str(grant.binding),),
                )
            if verdict is None:
                doubts.append(_doubt(world, grant, subject))
            elif grant.rules.aggregated:
                doubts.extend(unseen_roles)
    doubts.extend(_gaps(world, username, groups, request))
    if doubts:
        return Answer(Truth.UNKNOWN, tuple(dict.fromkeys(doubts)), tuple(dict.fromkeys(doubts)))
    return Answer(Truth.NO, (f"no binding lets {user(username)} do it",))


def _in_scope(grant: Grant, request: Request) -> bool:
    return grant.scope is None or (request.url is None and bool(request.namespace) and grant.scope == request.namespace)


def _twice(world: AccessWorld, grant: Grant) -> Defect | None:
    """Why nobody knows what a binding or its role says: it is in the snapshot twice, and the two differ."""
    return next(
        (
            defect
            for name in (grant.binding, grant.rules.role)
            for defect in world.broken.get((name.kind, name.namespace, name.name), ())
        ),
        None,
    )


def _verdict(world: AccessWorld, grant: Grant, request: Request) -> bool | None:
    """True or False when known, None when the role is missing or its content depends on an unknown version."""
    if grant.rules.missing or (world.broken and _twice(world, grant) is not None):
        return None
    outcomes = {any(rule.permits(request) for rule in edition) for edition in grant.rules.editions}
    return outcomes.pop() if len(outcomes) == 1 else None


def _doubt(world: AccessWorld, grant: Grant, subject: Subject) -> str:
    defect = _twice(world, grant)
    if defect is not None:
        return f"{grant.by}: {defect.kind.kind} {defect.name} is {defect.problem}"
    if grant.rules.missing:
        return f"{grant.by} binds {subject} to {grant.rules.missing.replace(' is not in', ', which is not in')}"
    role = grant.rules.role
    return f"whether {role.kind} {role.name} allows it depends on the cluster's version"


def _gaps(world: AccessWorld, username: str, groups: tuple[str, ...], request: Request) -> Iterator[str]:
    snapshot = world.snapshot
    for marker in snapshot.unseen("clusterrolebindings"):
        yield str(marker)
    for defect in snapshot.defective(kinds.CLUSTER_ROLE_BINDING):
        yield f"ClusterRoleBinding {defect.name}: {defect.problem}"
    if request.url is None and request.namespace:
        for marker in snapshot.unseen("rolebindings", request.namespace):
            yield str(marker)
        for defect in snapshot.defective(kinds.ROLE_BINDING):
            if defect.namespace in ("", request.namespace):
                yield f"RoleBinding {defect.namespace}/{defect.name}: {defect.problem}"
    if _NODES in groups and username.startswith(_NODE_USER):
        yield "the Node authorizer may allow it: it decides by what runs on the node, not by RBAC"
    for mode in world.flags.authorization_modes:
        if mode not in ("RBAC", "Node"):
            yield f"the {mode} authorizer may allow it: --authorization-mode names it"
    if world.flags.authorization_modes and "RBAC" not in world.flags.authorization_modes:
        yield "RBAC is not among the API server's authorizers"
