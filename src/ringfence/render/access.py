"""Who may do what: the observers of each stage (stages.md, "Promotion") as Roles and RoleBindings.

Observers see everything in a namespace but Secrets. Only the team, and only at the stages where their own change is the
one that runs alone (the lowest rung that is placed), may change things by hand; from then on what runs is what was
promoted, and Argo CD would take a change by hand back at once. Nobody gets rights to give rights, to write policies or
quotas, to read Secrets, or to make tokens. Customers and, in production, developers get nothing at all.

In a namespace that deployments share nobody changes anything by hand: who can create a pod there can give it the
neighbour's labels.

Argo CD gets a Role in each namespace that it delivers to, with the kinds that a deployment may consist of and nothing
else: it reads no Secret, and in other namespaces nothing at all. One ClusterRole for every namespace was rejected: the
Argo CD of a non-production Environment would open every namespace of its clusters, to whoever takes it over.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ringfence.landscape.model import Application, Audience, DataClass, Landscape, Stage
from ringfence.render.argocd import DELIVERABLES
from ringfence.render.manifests import Rendered
from ringfence.render.names import labels
from ringfence.render.tenancy import Tenancy, Tenant

_READ = ("get", "list", "watch")
_CHANGE = ("create", "delete", "patch", "update")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_GROUP = "rbac.authorization.k8s.io"

OBSERVE = "observe"
DEVELOP = "develop"
DELIVER = "deliver"


def audience_groups(landscape: Landscape, application: Application, audience: Audience) -> tuple[str, ...]:
    """The groups of people that an audience of an application is, sorted; ``myself`` is one of the team."""
    if audience in (Audience.MYSELF, Audience.TEAM):
        team = landscape.teams.get(application.team or "")
        return tuple(sorted(team.groups)) if team else ()
    if audience is Audience.OTHER_TEAMS:
        others = (team for name, team in landscape.teams.items() if name != application.team)
        return tuple(sorted({group for team in others for group in team.groups}))
    return tuple(sorted(landscape.audiences.get(audience, ())))


def observers(landscape: Landscape, tenant: Tenant) -> tuple[str, ...]:
    """The groups that may look at a deployment through the cluster; customers use it, they do not look into it."""
    return tuple(
        sorted(
            {
                group
                for audience in tenant.stage.observers
                if audience is not Audience.CUSTOMERS
                for group in audience_groups(landscape, tenant.application, audience)
            }
        )
    )


def developers(landscape: Landscape, tenant: Tenant) -> tuple[str, ...]:
    """The groups that may change a deployment by hand: its team, where data is thrown away and nobody else looks."""
    if not changed_by_hand(tenant.stage):
        return ()
    return audience_groups(landscape, tenant.application, Audience.TEAM)


def changed_by_hand(stage: Stage) -> bool:
    """Whether a stage is one where people change what runs: throw-away data, seen by the team alone."""
    return (
        not stage.production
        and stage.data is DataClass.THROW_AWAY
        and Audience.TEAM in stage.observers
        and stage.observers <= {Audience.MYSELF, Audience.TEAM}
    )


def roles(landscape: Landscape, tenancy: Tenancy) -> tuple[Rendered, ...]:
    """The Roles and RoleBindings of a namespace; none where nobody is let in."""
    looking = sorted({group for tenant in tenancy.tenants for group in observers(landscape, tenant)})
    changing = (
        []
        if tenancy.shared
        else sorted({group for tenant in tenancy.tenants for group in developers(landscape, tenant)})
    )
    found: list[Rendered] = []
    for name, rules, groups in ((OBSERVE, _observe(tenancy), looking), (DEVELOP, _develop(), changing)):
        if groups:
            found.append(_object(landscape, tenancy, "Role", name, {"rules": rules}))
            found.append(
                _object(
                    landscape,
                    tenancy,
                    "RoleBinding",
                    name,
                    {
                        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": name},
                        "subjects": [{"apiGroup": _GROUP, "kind": "Group", "name": group} for group in groups],
                    },
                )
            )
    return tuple(found)


def delivery(landscape: Landscape, tenancy: Tenancy, user: str) -> tuple[Rendered, ...]:
    """What the user as whom Argo CD comes may do in a namespace: change what deployments consist of, see their pods."""
    rules = [
        _rule([group], [one.resource for one in DELIVERABLES if one.group == group], (*_READ, *_CHANGE))
        for group in sorted({one.group for one in DELIVERABLES})
    ]
    rules += [_rule([""], ["pods"], _READ), _rule(["apps"], ["replicasets"], _READ)]
    subject = {"apiGroup": _GROUP, "kind": "User", "name": user}
    role = {"apiGroup": _GROUP, "kind": "Role", "name": DELIVER}
    return (
        _object(landscape, tenancy, "Role", DELIVER, {"rules": rules}),
        _object(landscape, tenancy, "RoleBinding", DELIVER, {"roleRef": role, "subjects": [subject]}),
    )


def _rule(groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str], **more: Any) -> dict[str, Any]:
    return {"apiGroups": list(groups), "resources": sorted(resources), "verbs": list(verbs), **more}


def _observe(tenancy: Tenancy) -> list[dict[str, Any]]:
    core = (
        "configmaps", "endpoints", "events", "limitranges", "persistentvolumeclaims", "pods", "pods/log",
        "pods/status", "replicationcontrollers", "resourcequotas", "serviceaccounts", "services",
    )  # fmt: skip
    return [
        _rule([""], core, _READ),
        _rule([""], ["namespaces"], ["get"], resourceNames=[tenancy.namespace]),
        _rule(["apps"], ["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"], _READ),
        _rule(["autoscaling"], ["horizontalpodautoscalers"], _READ),
        _rule(["batch"], ["cronjobs", "jobs"], _READ),
        _rule(["discovery.k8s.io"], ["endpointslices"], _READ),
        _rule(["events.k8s.io"], ["events"], _READ),
        _rule(["metrics.k8s.io"], ["pods"], _READ),
        _rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], _READ),
        _rule(["policy"], ["poddisruptionbudgets"], _READ),
    ]


def _develop() -> list[dict[str, Any]]:
    return [
        _rule([""], ["configmaps"], _WRITE),
        _rule([""], ["pods"], ["create", "delete", "deletecollection"]),
        _rule([""], ["pods/exec", "pods/portforward"], ["create"]),
        _rule(["apps"], ["deployments", "statefulsets"], _WRITE),
        _rule(["apps"], ["deployments/scale", "statefulsets/scale"], ["get", "patch", "update"]),
        _rule(["batch"], ["cronjobs", "jobs"], _WRITE),
    ]


def _object(landscape: Landscape, tenancy: Tenancy, kind: str, name: str, body: Mapping[str, Any]) -> Rendered:
    return Rendered(
        tenancy.owner,
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": tenancy.namespace,
                "labels": dict(labels(landscape.name, tenancy.owner, "access")),
            },
            **body,
        },
    )
