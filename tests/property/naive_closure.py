"""What somebody can come to in a small cluster, worked out the slow way: the second opinion on the closure.

No code of the product is used: rules of roles are matched as written, every right is asked for as a request, and every
attack is tried again and again until nothing new comes. Chains, doubts and names of rules do not exist here.
"""

from collections.abc import Iterable, Iterator
from typing import Any

Object = dict[str, Any]
Who = tuple[str, str, str]
READ = ("get", "list", "watch")
CHANGE = ("create", "update", "patch")
RBAC = "rbac.authorization.k8s.io"
INSIDE = (
    ("", "pods"), ("", "pods/log"), ("", "pods/exec"), ("", "pods/portforward"), ("", "secrets"), ("", "services"),
    ("", "configmaps"), ("", "serviceaccounts"), ("", "serviceaccounts/token"), ("apps", "deployments"),
    ("batch", "jobs"), (RBAC, "roles"), (RBAC, "rolebindings"), ("networking.k8s.io", "networkpolicies"),
)  # fmt: skip
"""What lives in namespaces, as far as the worlds of the test have rights over it."""


class Naive:
    """One cluster, and what one attacker has in it."""

    def __init__(self, objects: Iterable[Object], people: Iterable[Who], home: str) -> None:
        self.objects = list(objects)
        self.spaces = {item["metadata"]["name"] for item in self.of("Namespace")}
        self.restricted = {
            item["metadata"]["name"]
            for item in self.of("Namespace")
            if item["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") in ("restricted", "baseline")
        }
        self.roles = {(item["kind"], self._space(item), item["metadata"]["name"]): item for item in self._roles()}
        self.bindings = [(self._space(item), item["roleRef"], item.get("subjects") or []) for item in self._bindings()]
        self.who: set[Who] = {*people, ("User", "", "system:anonymous"), ("Group", "", "system:unauthenticated")}
        self.secrets: set[tuple[str, str]] = set()
        self.inside: set[tuple[str, str]] = set()
        self.makes: set[str] = set()
        self.root = False
        self.everything: set[str] = set()
        for account in self._accounts(home):
            self.who.add(("ServiceAccount", home, account))
        for pod in self.of("Pod", home):
            self._enter(pod)

    def of(self, kind: str, space: str | None = None) -> list[Object]:
        """The objects of a kind, in one namespace if one is given."""
        return [x for x in self.objects if x["kind"] == kind and (space is None or self._space(x) == space)]

    @staticmethod
    def _space(item: Object) -> str:
        return str(item["metadata"].get("namespace") or "")

    def _roles(self) -> list[Object]:
        return [*self.of("Role"), *self.of("ClusterRole")]

    def _bindings(self) -> list[Object]:
        return [*self.of("RoleBinding"), *self.of("ClusterRoleBinding")]

    def _accounts(self, space: str) -> set[str]:
        return {"default"} | {item["metadata"]["name"] for item in self.of("ServiceAccount", space)}

    def _enter(self, pod: Object) -> None:
        space = self._space(pod)
        self.inside.add((space, pod["metadata"]["name"]))
        self.who.add(("ServiceAccount", space, pod["spec"]["serviceAccountName"]))

    def _all_names(self) -> set[Who]:
        """Everybody that the attacker counts as, implied groups too."""
        found = set(self.who)
        for kind, space, name in self.who:
            if kind == "ServiceAccount":
                found |= {("Group", "", "system:serviceaccounts"), ("Group", "", f"system:serviceaccounts:{space}")}
            if name not in ("system:anonymous", "system:unauthenticated"):
                found.add(("Group", "", "system:authenticated"))
        return found

    def rules(self) -> Iterator[tuple[str, Object]]:
        """The rules that the attacker is bound to, each with its namespace (empty: everywhere)."""
        names = self._all_names()
        for space, reference, subjects in self.bindings:
            if not any((s["kind"], s.get("namespace") or "", s["name"]) in names for s in subjects):
                continue
            role = self.roles.get((reference["kind"], space if reference["kind"] == "Role" else "", reference["name"]))
            for rule in (role or {}).get("rules") or ():
                yield space, rule
        for space in self.everything:
            yield space, {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}

    def may(self, verb: str, group: str, resource: str, space: str = "", name: str = "") -> bool:
        """Whether one request would be allowed. ``space`` empty: a request about the whole cluster."""
        if ("Group", "", "system:masters") in self.who:
            return True
        _, _, sub = resource.partition("/")
        for scope, rule in self.rules():
            if scope and scope != space:
                continue
            if not ({"*", verb} & set(rule["verbs"]) and {"*", group} & set(rule.get("apiGroups") or ())):
                continue
            listed = set(rule.get("resources") or ())
            if not ("*" in listed or resource in listed or (sub and f"*/{sub}" in listed)):
                continue
            only = rule.get("resourceNames")
            if not only or name in only:
                return True
        return False

    def close(self) -> None:
        """Try everything until nothing new comes."""
        before = None
        while before != (before := self._seen()):
            for space in sorted(self.spaces):
                self._in(space)
            self._above()

    def _seen(self) -> tuple[object, ...]:
        parts = (self.who, self.secrets, self.inside, self.makes, self.restricted, self.everything)
        return (*(len(part) for part in parts), self.root, len(self.bindings))

    def _in(self, space: str) -> None:
        workloads = (("apps", "deployments"), ("batch", "jobs"), ("apps", "daemonsets"))
        changing = any(self.may(verb, *kind, space, "any") for verb in CHANGE for kind in workloads)
        if self.may("create", "", "pods", space) or changing:
            self.makes.add(space)
        if space in self.makes:
            self.secrets |= {(space, item["metadata"]["name"]) for item in self.of("Secret", space)}
            self.who |= {("ServiceAccount", space, account) for account in self._accounts(space)}
            volumes = self.may("create", "", "persistentvolumes")
            if space not in self.restricted or volumes:
                self.root = True
        for verb in ("update", "patch"):
            if self.may(verb, "", "namespaces", space, space):
                self.restricted.discard(space)
        for pod in self.of("Pod", space):
            name = pod["metadata"]["name"]
            ways = (("create", "pods/exec"), ("create", "pods/attach"), ("update", "pods"), ("patch", "pods"),
                    ("patch", "pods/ephemeralcontainers"), ("update", "pods/ephemeralcontainers"))  # fmt: skip
            if self.root or any(self.may(verb, "", way, space, name) for verb, way in ways):
                self._enter(pod)
        for account in self._accounts(space):
            token = self.may("create", "", "serviceaccounts/token", space, account)
            if token or self.may("impersonate", "", "serviceaccounts", space, account):
                self.who.add(("ServiceAccount", space, account))
        self._read_secrets(space)
        self._give(space)

    def _read_secrets(self, space: str) -> None:
        for item in self.of("Secret", space):
            if any(self.may(verb, "", "secrets", space, item["metadata"]["name"]) for verb in READ):
                self.secrets.add((space, item["metadata"]["name"]))
        reads = any(self.may(verb, "", "secrets", space, "new") for verb in READ)
        writes = self.may("create", "", "secrets", space) or any(
            self.may(verb, "", "secrets", space, "new") for verb in ("update", "patch")
        )
        if reads and writes:
            self.who |= {("ServiceAccount", space, account) for account in self._accounts(space)}

    def _give(self, space: str) -> None:
        """New bindings and rewritten roles in a namespace."""
        if any(self.may(verb, RBAC, "rolebindings", space, "new") for verb in CHANGE):
            for kind, place, name in list(self.roles):
                plural = "roles" if kind == "Role" else "clusterroles"
                if place in ("", space) and self.may("bind", RBAC, plural, space, name):
                    self._bind(space, kind, name)
        if any(self.may(verb, RBAC, "roles", space, "new") for verb in CHANGE) and self.may(
            "escalate", RBAC, "roles", space, "new"
        ):
            self.everything.add(space)

    def _bind(self, space: str, kind: str, name: str) -> None:
        new = (space, {"kind": kind, "name": name}, [{"kind": w[0], "namespace": w[1], "name": w[2]} for w in self.who])
        if not any(old[:2] == new[:2] and len(old[2]) >= len(self.who) for old in self.bindings):
            self.bindings.append(new)

    def _above(self) -> None:
        users = [w for space, ref, subjects in self.bindings for w in subjects if w["kind"] == "User"]
        some_user = False
        for name in {w["name"] for w in users} | {"nobody"}:
            if self.may("impersonate", "", "users", "", name):
                some_user = True
                if name != "nobody":
                    self.who.add(("User", "", name))
        as_account = any(
            self.may("impersonate", "", "serviceaccounts", space, account)
            for space in self.spaces
            for account in self._accounts(space)
        )
        for name in ("system:masters", "devs"):
            if (some_user or as_account) and self.may("impersonate", "", "groups", "", name):
                self.who.add(("Group", "", name))
        if any(self.may(verb, "", "nodes/proxy", "", "node-1") for verb in ("get", *CHANGE)):
            for pod in self.of("Pod"):
                self._enter(pod)
        if any(self.may(verb, RBAC, "clusterrolebindings", "", "new") for verb in CHANGE):
            for kind, _, name in list(self.roles):
                if kind == "ClusterRole" and self.may("bind", RBAC, "clusterroles", "", name):
                    self._bind("", kind, name)
        if any(self.may(verb, RBAC, "clusterroles", "", "new") for verb in CHANGE) and self.may(
            "escalate", RBAC, "clusterroles", "", "new"
        ):
            self.everything.add("")
        if "" in self.everything or ("Group", "", "system:masters") in self.who:
            self.everything.add("")
        if self.root:
            for pod in self.of("Pod"):
                self._enter(pod)

    def harms(self, space: str) -> bool:
        """Whether anything in a namespace that is another's is read, run in, or changed."""
        if "" in self.everything or space in self.everything or space in self.makes or self.root_in(space):
            return True
        if any(place == space for place, _ in (*self.secrets, *self.inside)):
            return True
        if any(kind == "ServiceAccount" and place == space for kind, place, _ in self.who):
            return True
        if any(self.may(verb, "", "namespaces", space, space) for verb in ("update", "patch", "delete")):
            return True
        verbs = (*READ, *CHANGE, "delete")
        names = ("any", *(item["metadata"]["name"] for item in self.objects if self._space(item) == space))
        return any(
            self.may(verb, group, resource, space, "" if verb == "create" and "/" not in resource else name)
            for verb in verbs
            for group, resource in INSIDE
            for name in names
        )

    def root_in(self, space: str) -> bool:
        """Whether a pod of the namespace is on the node that is owned: all worlds have one node."""
        return self.root and bool(self.of("Pod", space))
