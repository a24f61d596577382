"""Who is bound to what: the bindings of a cluster by subject, the roles behind them interned.

Built in one pass, so that fifty thousand bindings cost half a second; asking for one subject then costs as much as it
has bindings. Objects that a binding names and the snapshot lacks stay visible as grants without rules.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ringfence.prove import kinds
from ringfence.prove.kinds import Object, ObjectName, object_name
from ringfence.prove.network.selectors import UnreadableError, parse_list, parse_mapping, parse_selector
from ringfence.prove.rbac.bootstrap import bootstrap_objects, editions_for
from ringfence.prove.rbac.rules import Rule, parse_rules
from ringfence.prove.snapshot import ClusterSnapshot

SERVICE_ACCOUNT_USER = "system:serviceaccount:"
MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
SERVICE_ACCOUNTS = "system:serviceaccounts"


class Subject(NamedTuple):
    """A user, a group or a ServiceAccount; only the last has a namespace."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """``user alice``, ``group devs``, ``ServiceAccount shop/web``."""
        if self.kind == "ServiceAccount":
            return f"ServiceAccount {self.namespace}/{self.name}"
        return f"{self.kind.lower()} {self.name}"


def user(name: str) -> Subject:
    """The subject of a user name; a ServiceAccount's user name is that ServiceAccount."""
    if name.startswith(SERVICE_ACCOUNT_USER):
        namespace, colon, account = name.removeprefix(SERVICE_ACCOUNT_USER).partition(":")
        if colon and namespace and account and ":" not in account:
            return Subject("ServiceAccount", namespace, account)
    return Subject("User", "", name)


def group(name: str) -> Subject:
    """The subject of a group name."""
    return Subject("Group", "", name)


def service_account(namespace: str, name: str) -> Subject:
    """The subject of a ServiceAccount."""
    return Subject("ServiceAccount", namespace, name)


def implied_groups(subject: Subject) -> tuple[Subject, ...]:
    """The groups that every authenticator gives a user or ServiceAccount; a group implies being authenticated."""
    if subject == Subject("User", "", ANONYMOUS) or subject == group(UNAUTHENTICATED):
        return (group(UNAUTHENTICATED),)
    if subject.kind == "ServiceAccount":
        return (
            group(AUTHENTICATED),
            group(SERVICE_ACCOUNTS),
            group(f"{SERVICE_ACCOUNTS}:{subject.namespace}"),
        )
    return (group(AUTHENTICATED),)


@dataclass(frozen=True, slots=True)
class RoleRules:
    """The rules of a role. Several ``editions`` where the version decides and is not known; ``missing`` says why there
    are none (the role is not in the snapshot, or cannot be read); ``aggregated``: put together here from the
    ClusterRoles that can be seen."""

    role: ObjectName
    editions: tuple[tuple[Rule, ...], ...]
    missing: str | None = None
    aggregated: bool = False

    @property
    def possible(self) -> Iterator[Rule]:
        """Every rule that some edition has."""
        for edition in self.editions:
            yield from edition


@dataclass(frozen=True, slots=True)
class Grant:
    """What one binding gives one subject: the rules of a role, in ``scope`` (a namespace; None: the whole cluster)."""

    scope: str | None
    rules: RoleRules
    binding: ObjectName
    bootstrap: bool = False

    @property
    def by(self) -> str:
        """The binding as people write it: ``RoleBinding shop-test/devs``."""
        place = f"{self.binding.namespace}/" if self.binding.namespace else ""
        return f"{self.binding.kind} {place}{self.binding.name}"


@dataclass(frozen=True, slots=True)
class RbacIndex:
    """The bindings of one cluster by subject."""

    cluster: str
    grants: Mapping[Subject, list[Grant]]
    roles: Mapping[tuple[str, str], RoleRules]
    accounts: Mapping[str, list[Subject]]

    def of(self, subject: Subject) -> list[Grant]:
        """The grants that name this very subject."""
        return self.grants.get(subject, [])

    def accounts_of(self, namespace: str) -> list[Subject]:
        """The ServiceAccounts of a namespace that some binding names."""
        return self.accounts.get(namespace, [])

    def role(self, kind: str, namespace: str, name: str) -> RoleRules:
        """The rules of a role by its name, without rules and with ``missing`` set when it is not there."""
        place = namespace if kind == "Role" else ""
        return self.roles.get((place, name)) or _missing_role(ObjectName(self.cluster, kind, place, name))

    def account_places(self) -> Iterable[str]:
        """The namespaces of the ServiceAccounts that some binding names."""
        return self.accounts


@dataclass(slots=True)
class _Builder:
    """An index as it comes about."""

    cluster: str
    grants: dict[Subject, list[Grant]] = field(default_factory=lambda: defaultdict(list))
    roles: dict[tuple[str, str], RoleRules] = field(default_factory=dict)

    def built(self) -> RbacIndex:
        accounts: dict[str, list[Subject]] = defaultdict(list)
        for subject in self.grants:
            if subject.kind == "ServiceAccount":
                accounts[subject.namespace].append(subject)
        return RbacIndex(self.cluster, dict(self.grants), self.roles, dict(accounts))

    def role(self, kind: str, namespace: str, name: str) -> RoleRules:
        """The rules of a role by its name, without rules and with ``missing`` set when it is not there."""
        place = namespace if kind == "Role" else ""
        found = self.roles.get((place, name))
        if found is None:
            found = self.roles[place, name] = _missing_role(ObjectName(self.cluster, kind, place, name))
        return found


def _missing_role(name: ObjectName) -> RoleRules:
    label = f"{name.kind} {name.namespace}/{name.name}" if name.namespace else f"{name.kind} {name.name}"
    return RoleRules(name, (), f"{label} is not in the snapshot")


def build_index(snapshot: ClusterSnapshot, minor: int | None) -> RbacIndex:
    """The index of a cluster's RBAC objects and of the bootstrap ones it must have; ``minor`` is its version's."""
    index = _Builder(snapshot.name)
    editions = editions_for(minor)
    _take_roles(index, snapshot, editions)
    _take_bootstrap_roles(index, editions, snapshot)
    bindings = set()
    for kind in (kinds.CLUSTER_ROLE_BINDING, kinds.ROLE_BINDING):
        for document in snapshot.of(kind):
            name = object_name(snapshot.name, document)
            bindings.add(name)
            _take_binding(index, document, name, bootstrap=False)
    for edition in editions:
        for document in bootstrap_objects(edition):
            if document["kind"].endswith("Binding"):
                name = object_name(snapshot.name, document)
                if name not in bindings:
                    bindings.add(name)
                    _take_binding(index, document, name, bootstrap=True)
    return index.built()


def _take_roles(index: _Builder, snapshot: ClusterSnapshot, editions: tuple[str, ...]) -> None:
    interned = _Interned()
    for document in snapshot.of(kinds.ROLE):
        _take_role(index, document, interned)
    cluster_roles = snapshot.of(kinds.CLUSTER_ROLE)
    for document in cluster_roles:
        if document.get("aggregationRule"):
            name = object_name(snapshot.name, document)
            index.roles["", name.name] = _aggregated(document, name, cluster_roles, editions)
        else:
            _take_role(index, document, interned)


@dataclass(slots=True)
class _Interned:
    """Rules by the list that they stand in, which a Snapshot has once for all roles that have it equal, and by its
    text. The list is kept beside them, so that no other can come to have its identity."""

    by_list: dict[int, tuple[object, tuple[Rule, ...]]] = field(default_factory=dict)
    by_text: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    def rules(self, raw: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
        found = self.by_list.get(id(raw))
        if found is None:
            text = repr(raw)
            rules = self.by_text.get(text)
            if rules is None:
                rules = self.by_text[text] = parse_rules(raw)
            found = self.by_list[id(raw)] = (raw, rules)
        return found[1]


def _take_role(index: _Builder, document: Object, interned: _Interned) -> None:
    name = object_name(index.cluster, document)
    rules = interned.rules(document.get("rules") or ())
    index.roles[name.namespace, name.name] = RoleRules(name, (rules,))


def _aggregated(document: Object, name: ObjectName, seen: tuple[Object, ...], editions: tuple[str, ...]) -> RoleRules:
    """What the aggregation controller would fill in, from the ClusterRoles seen and those of the bootstrap.

    Rules that are there are taken as what the controller left; where more would be filled in, both may be true.
    """
    own = parse_rules(document.get("rules"))
    names = {role["metadata"]["name"] for role in seen}
    found: dict[tuple[Rule, ...], None] = {own: None} if own else {}
    try:
        for edition in editions:
            made = [
                role
                for role in bootstrap_objects(edition)
                if role["kind"] == "ClusterRole" and role["metadata"]["name"] not in names
            ]
            found[own + tuple(_filled_in(document, (*seen, *made), frozenset({name.name})))] = None
    except UnreadableError as error:
        return RoleRules(name, (), f"ClusterRole {name.name} cannot be read: {error}")
    return RoleRules(name, tuple(found), aggregated=True)


def _filled_in(document: Object, roles: tuple[Object, ...], known: frozenset[str]) -> Iterator[Rule]:
    """The rules of the roles that an aggregation selects, of aggregated ones among them in turn. Raises
    UnreadableError."""
    rule = parse_mapping(document["aggregationRule"], "aggregationRule")
    selectors = [
        parse_selector(selector) for selector in parse_list(rule.get("clusterRoleSelectors"), "clusterRoleSelectors")
    ]
    for role in roles:
        name = role["metadata"]["name"]
        labels = role["metadata"].get("labels") or {}
        if name in known or not any(selector.matches(labels) for selector in selectors):
            continue
        yield from parse_rules(role.get("rules"))
        if role.get("aggregationRule"):
            yield from _filled_in(role, roles, known | {name})


_AGGREGATED = {
    "admin": ("admin", "edit", "view"),
    "edit": ("edit", "view"),
    "view": ("view",),
}


def _take_bootstrap_roles(index: _Builder, editions: tuple[str, ...], snapshot: ClusterSnapshot) -> None:
    found: dict[tuple[str, str], list[tuple[Rule, ...]]] = {}
    for edition in editions:
        for document in bootstrap_objects(edition):
            if not document["kind"].endswith("Role"):
                continue
            metadata = document["metadata"]
            key = (metadata.get("namespace") or "", metadata["name"])
            if key not in index.roles:
                found.setdefault(key, []).append(parse_rules(document.get("rules")))
    for key, bodies in found.items():
        kind = "Role" if key[0] else "ClusterRole"
        # A role that only one edition has is there or is not: the empty edition stands for its absence.
        padded = bodies + [()] * (len(editions) - len(bodies))
        extra = tuple(_added_by_users(key[1], index, snapshot)) if not key[0] else ()
        index.roles[key] = RoleRules(
            ObjectName(index.cluster, kind, *key),
            tuple(body + extra for body in padded),
            aggregated=key[1] in _AGGREGATED,
        )


def _added_by_users(role: str, index: _Builder, snapshot: ClusterSnapshot) -> Iterator[Rule]:
    """Rules that the snapshot's own ClusterRoles add to admin, edit and view by their aggregation labels."""
    for suffix in _AGGREGATED.get(role, ()):
        for document in snapshot.of(kinds.CLUSTER_ROLE):
            labels = document["metadata"].get("labels") or {}
            if labels.get(f"rbac.authorization.k8s.io/aggregate-to-{suffix}") == "true":
                yield from index.roles["", document["metadata"]["name"]].possible


def _take_binding(index: _Builder, document: Object, name: ObjectName, *, bootstrap: bool) -> None:
    reference = document["roleRef"]
    namespaced = name.kind == "RoleBinding"
    rules = index.role(reference["kind"], name.namespace, reference["name"])
    grant = Grant(name.namespace if namespaced else None, rules, name, bootstrap)
    for raw in document.get("subjects") or ():
        subject = _subject(raw, name.namespace)
        if subject is not None:
            index.grants[subject].append(grant)


def _subject(raw: Mapping[str, Any], namespace: str) -> Subject | None:
    kind = raw["kind"]
    if kind == "ServiceAccount":
        place = raw.get("namespace") or namespace
        return service_account(place, raw["name"]) if place else None
    return user(raw["name"]) if kind == "User" else group(raw["name"])
