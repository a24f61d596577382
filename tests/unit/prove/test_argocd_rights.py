"""What Argo CD's own rights give: its ConfigMap and its projects name groups and users of one login."""

import pytest

from ringfence.prove.partition import People
from ringfence.prove.proof import Answer, Verdict
from unit.prove.proof_worlds import HERE, THERE, Object, base, space, thing, verdict
from unit.prove.test_rules_matter import application

ARGO = "argoproj.io/v1alpha1"
APPLICATION = thing(
    ARGO,
    "Application",
    "web",
    "argocd",
    spec={
        "project": "shop",
        "destination": {"name": "in-cluster", "namespace": THERE},
        "source": {"repoURL": "https://git.example/web.git", "path": "."},
    },
)


def project(*policies: str) -> Object:
    roles = [{"name": "dev", "groups": ["devs"], "policies": list(policies)}] if policies else []
    destinations = [{"name": "in-cluster", "namespace": THERE}]
    return thing(
        ARGO, "AppProject", "shop", "argocd", spec={"destinations": destinations, "sourceRepos": ["*"], "roles": roles}
    )


def access(*objects: Object) -> Verdict:
    """Access of testing, whose people are the group devs."""
    return verdict("access", [*base(), space("argocd"), *objects], people=People(groups=("devs",)))


def rights(default: str = "", **files: str) -> Object:
    data = {f"policy.{name}csv": text for name, text in files.items()}
    return thing("v1", "ConfigMap", "argocd-rbac-cm", "argocd", data={**data, "policy.default": default})


WRITE = [
    ("p, devs, applications, create, shop/*, allow", Answer.BROKEN),
    ("p,devs,applications,sync,sh*/*,allow", Answer.BROKEN),
    ("p, devs, *, *, */*, allow", Answer.BROKEN),
    ("p, devs, exec, create, shop/*, allow", Answer.BROKEN),
    ("p, role:dev, applications, update, shop/*, allow\ng, devs, role:dev", Answer.BROKEN),
    ("p, role:dev, applications, update, shop/*, allow\ng, others, role:dev", Answer.HOLDS),
    ("p, devs, applications, create, shop/*, deny", Answer.HOLDS),
    ("p, devs, applications, create, other/*, allow", Answer.HOLDS),
    ("p, others, applications, create, shop/*, allow", Answer.HOLDS),
    ("p, devs, clusters, get, *, allow", Answer.HOLDS),
    ("g, devs, role:admin", Answer.BROKEN),
    ("devs, role:admin", Answer.HOLDS),
]


@pytest.mark.parametrize(("text", "answer"), WRITE)
def test_whoever_may_write_applications_of_a_project_deploys_what_it_allows(text: str, answer: Answer) -> None:
    assert access(project(), rights(**{"": text})).answer is answer


def test_rights_are_read_from_every_file_and_by_default() -> None:
    assert access(project(), rights(**{"more.": WRITE[0][0]})).answer is Answer.BROKEN
    assert access(project(), rights("role:dev", **{"": "p, role:dev, *, *, shop/*, allow"})).answer is Answer.BROKEN
    assert access(project(), rights("role:admin")).answer is Answer.BROKEN
    assert access(project(), rights("role:readonly")).answer is Answer.HOLDS


SEE = [
    ("p, devs, applications, get, shop/*, allow", Answer.BROKEN),
    ("p, devs, logs, get, shop/web, allow", Answer.BROKEN),
    ("p, devs, applications, get, shop/argocd/web, allow", Answer.BROKEN),
    ("p, devs, applications, get, shop/other, allow", Answer.HOLDS),
    ("p, devs, applications, get, */*, deny", Answer.HOLDS),
    ("p, devs, projects, get, *, allow", Answer.HOLDS),
    ("g, devs, role:readonly", Answer.BROKEN),
    ("g, others, role:readonly", Answer.HOLDS),
]


@pytest.mark.parametrize(("text", "answer"), SEE)
def test_argo_cd_shows_what_is_deployed_to_whoever_may_see_the_application(text: str, answer: Answer) -> None:
    """Pods, their logs and ConfigMaps; values of Secrets it hides."""
    found = access(project(), APPLICATION, rights(**{"": text}))
    assert found.answer is answer, found
    assert answer is not Answer.BROKEN or found.rules[-1] == "argocd/global-roles"


def test_everybody_who_logs_in_has_the_default() -> None:
    assert access(project(), APPLICATION, rights("role:readonly")).answer is Answer.BROKEN
    assert access(project(), APPLICATION, rights()).answer is Answer.HOLDS


def test_roles_of_a_project_see_and_write_alike() -> None:
    see, write = (f"p, proj:shop:dev, applications, {verb}, shop/*, allow" for verb in ("get", "sync"))
    assert access(project(see)).answer is Answer.HOLDS
    assert access(project(see), APPLICATION).answer is Answer.BROKEN
    assert access(project(write)).answer is Answer.BROKEN


def test_an_application_that_names_no_namespace_may_deploy_to_any() -> None:
    spec = {**APPLICATION["spec"], "destination": {"name": "in-cluster"}}
    found = access(project(), {**APPLICATION, "spec": spec}, rights(**{"": "g, devs, role:readonly"}))
    assert found.answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("https://git.example/shop.git", True),
        ("https://git.example/shop/", True),
        ("https://git.example/shop.git/", True),
        ("https://GIT.example/shop", True),
        ("https://bot@git.example/shop", True),
        ("git@git.example:shop.git", True),
        ("ssh://git@git.example/shop", True),
        ("https://git.example/shop-2", False),
        ("https://git.example/team/shop", False),
        ("https://other.example/shop", False),
    ],
)
def test_one_repository_has_many_spellings(one: str, same: bool) -> None:
    both = [*application(HERE, one), *application(THERE, "https://git.example/shop")]
    found = verdict("access", [*base(), space("argocd"), *both])
    assert found.answer is (Answer.UNKNOWN if same else Answer.HOLDS)
