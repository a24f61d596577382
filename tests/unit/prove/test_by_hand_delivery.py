"""What Argo CD and Flux do for whoever decides what they deploy."""

from typing import Any

import pytest

from unit.prove.by_hand import Case, Cases
from unit.prove.proof_worlds import HERE, THERE, Object, account, base, grant, pod, rule, secret, space, thing

ARGO = "argoproj.io/v1alpha1"
APPS = "argoproj.io"
SERVER = "https://kubernetes.default.svc"
ARGOCD, FLUX = Cases(), Cases()
CONFIG = [{"group": "", "kind": "ConfigMap"}]
PLAIN: dict[str, Any] = {"namespaceResourceWhitelist": CONFIG}


def project(*destinations: tuple[str, str], name: str = "team", **spec: Any) -> Object:
    listed = [{"server": server, "namespace": space} for server, space in destinations or [("*", HERE)]]
    body = {"sourceRepos": ["*"], "destinations": listed, **spec}
    return thing(ARGO, "AppProject", name, "argocd", spec=body)


def application(name: str = "ci", team: str = "team", place: str = HERE, repository: str = "a", **to: str) -> Object:
    destination = {"namespace": place, **(to or {"server": SERVER})}
    source = {"repoURL": f"https://git.example/{repository}", "path": "."}
    return thing(ARGO, "Application", name, "argocd", spec={
        "project": team, "destination": destination, "source": source
    })  # fmt: skip


def argo(*objects: Object) -> list[Object]:
    return [*base(), space("argocd"), *objects]


def wide(kind: str, group: str = "*", **more: Any) -> dict[str, Any]:
    return {**PLAIN, "clusterResourceWhitelist": [{"group": group, "kind": kind, **more}]}


add = ARGOCD.add
add("the own namespace", "holds", argo(project(**PLAIN), application()))
add("every namespace", "broken", argo(project(("*", "*")), application()))
add("all but one", "broken", argo(project(("*", "!kube-system"), **PLAIN), application()))
add("all without one", "holds", argo(project(("*", "*"), ("*", "!shop"), **PLAIN), application()))
add("another server", "holds", argo(project(("*", "shop"), (f"!{SERVER}", "*"), **PLAIN), application()))
add("a choice of namespaces", "broken", argo(project(("*", "{shop,other}"), **PLAIN), application()))
add("a pattern", "holds", argo(project(("*", "shop-*"), **PLAIN), application()))
add("a project that is not there", "unknown", argo(application(team="zzz")))
RBAC = "rbac.authorization.k8s.io"
add("every kind", "broken", argo(project(**wide("*")), application()))
add("roles by a pattern", "broken", argo(project(**wide("ClusterRole*", RBAC)), application()))
add("the kind of another group", "unknown", argo(project(**wide("ClusterRole", "example.com")), application()))
shut: dict[str, Any] = {"clusterResourceBlacklist": [{"group": "*", "kind": "*"}]}
add("what is refused again", "holds", argo(project(**wide("*"), **shut), application()))
add("Namespaces by a name", "broken", argo(project(**wide("Namespace", "", name="sho*")), application()))
add("Namespaces by another name", "holds", argo(project(**wide("Namespace", "", name="ci-*")), application()))
add("priorities", {"performance": "broken"}, argo(
    project(**wide("PriorityClass", "scheduling.k8s.io")), application()
))  # fmt: skip
add("mutation", "broken", argo(project(**wide("Mutating*", "admissionregistration.k8s.io")), application()))
SETTINGS = {"application.sync.impersonation.enabled": "true"}
acts = thing("v1", "ConfigMap", "argocd-cm", "argocd", data=SETTINGS)


def acting(who: str, *destinations: tuple[str, str], **spec: Any) -> list[Object]:
    named = [{"server": "*", "namespace": "*", "defaultServiceAccount": who}]
    return argo(acts, account("deployer", HERE), account("deployer", "argocd"),
                project(*destinations, destinationServiceAccounts=named, **spec), application())  # fmt: skip


add("as an account without rights", "holds", acting("shop-test:deployer", ("*", "*"), **wide("*")))
strong = [rule("get", "secrets")]
elsewhere = grant("sa:argocd/deployer", strong, THERE)
add("as an account with rights", "broken", [*acting("argocd:deployer", ("*", "*")), *elsewhere])
add("as one, within a project", "unknown", [*acting("argocd:deployer", **PLAIN), *elsewhere])
mine = grant("sa:shop-test/deployer", strong, THERE)
add("as one of the own namespace", "broken", [*acting("deployer"), *mine])
theirs = [project(("*", THERE), name="p2"), application("web", "p2", THERE)]
add("one repository of two", "unknown", argo(project(**PLAIN), application(), *theirs))
other = [project(("*", THERE), name="p2"), application("web", "p2", THERE, "b")]
add("a repository each", "holds", argo(project(**PLAIN), application(), *other))
closed = project(name="default", namespaceResourceWhitelist=[], destinations=[])
narrow = [closed, project(**PLAIN)]
makes = grant("user:alice", [rule("create", "applications", APPS)], "argocd")
add("Applications within projects", "holds", argo(*narrow, *makes))
add("Applications of a project of all", "broken", argo(project(("*", "*"), name="default"), *makes))
add("Applications of projects that are not seen", "unknown", argo(project(**PLAIN), *makes))
changes = grant("user:alice", [rule("patch", "applications", APPS)], "argocd")
add("Applications of others", "broken", argo(*narrow, *other, *changes))
named = grant("user:alice", [rule("patch", "applications", APPS, "ci")], "argocd")
# It may be given to another project.
add("one by its name", "broken", argo(*narrow, *other, application(), *named))
add("one by its name within projects", "holds", argo(*narrow, application(), *named))
projects = grant("user:alice", [rule("patch", "appprojects", APPS)], "argocd")
add("projects", "broken", argo(*narrow, *projects))
outside = grant("user:alice", [rule("create", "applications", APPS)], HERE)
add("from another namespace", "broken", argo(project(("*", THERE), sourceNamespaces=["shop-*"]), *outside))
add("from one that no project names", "holds", argo(project(("*", THERE), sourceNamespaces=["x-*"]), *outside))

LOCKED = "--default-service-account=default"
TOOLKIT = "kustomize.toolkit.fluxcd.io"
SOURCES = "source.toolkit.fluxcd.io"


def kustomization(name: str, place: str, source: str = "src", of: str = "", **spec: Any) -> Object:
    reference = {"kind": "GitRepository", "name": source, **({"namespace": of} if of else {})}
    return thing(f"{TOOLKIT}/v1", "Kustomization", name, place, spec={"path": ".", "sourceRef": reference, **spec})


def repository(place: str, url: str) -> Object:
    return thing(f"{SOURCES}/v1", "GitRepository", "src", place, spec={"url": f"https://git.example/{url}"})


def flux(*objects: Object, flags: tuple[str, ...] = (LOCKED,)) -> list[Object]:
    robot = pod("kustomize-controller-1", "flux-system", "flux", container={"args": list(flags)})
    return [*base(), space("flux-system"), account("flux", "flux-system"), robot, *objects]


add = FLUX.add
alone = [kustomization("a", HERE), repository(HERE, "a")]
add("no account", "broken", flux(*alone, flags=()))
add("an account", "holds", flux(kustomization("a", HERE, serviceAccountName="ci"), repository(HERE, "a"), flags=()))
add("no account, and a default one", "holds", flux(*alone))
default = grant(f"sa:{HERE}/default", strong, THERE)
add("a default account with rights", "broken", flux(*alone, *default))
writes = [rule("create patch", "kustomizations", TOOLKIT)]
of_flux = grant("sa:flux-system/flux", [rule("*", "*", "*")], name="flux")
add("any account of the namespace", "broken", flux(*grant("user:alice", writes, "flux-system"), *of_flux))
add("any account of the own namespace", "holds", flux(*grant("user:alice", writes, HERE)))
remote = kustomization("a", HERE, kubeConfig={"secretRef": {"name": "k"}})
add("another cluster", "unknown", flux(remote, repository(HERE, "a"), secret("k", HERE, value="x"), flags=()))
across = [kustomization("b", THERE, of=HERE, serviceAccountName="web"), repository(HERE, "a")]
add("what others read of one's own", "broken", flux(*across))
add("what others may not read", "holds", flux(*across, flags=(LOCKED, "--no-cross-namespace-refs=true")))
ours = [kustomization("a", HERE, serviceAccountName="ci"), repository(HERE, "a")]
twice = [*ours, kustomization("b", THERE, serviceAccountName="web"), repository(THERE, "a.git")]
add("one repository of two", "unknown", flux(*twice))
apart = [*ours, kustomization("b", THERE, serviceAccountName="web"), repository(THERE, "b")]
add("a repository each", "holds", flux(*apart))
platform = {"cni": {"name": "calico"}, "repositories": "platform"}
add("one repository that the platform writes", "holds", flux(*twice), assume=platform)
central = [kustomization("b", "flux-system", targetNamespace=THERE), repository("flux-system", "b")]
points = grant("user:alice", [rule("patch", "gitrepositories", SOURCES)], "flux-system")
add("sources that others are read from", "broken", flux(*central, *points, flags=()))
points = grant("user:alice", [rule("patch", "gitrepositories", SOURCES)], HERE)
add("sources that nobody else is read from", "holds", flux(*apart, *points))


@pytest.mark.parametrize("case", ARGOCD.listed, ids=lambda case: case.name)
def test_argo_cd_as_worked_out_by_hand(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", FLUX.listed, ids=lambda case: case.name)
def test_flux_as_worked_out_by_hand(case: Case) -> None:
    case.check()
