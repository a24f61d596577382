"""Repositories of images: their names, and who may be able to move a tag."""

import json

import pytest

from ringfence.prove.verdicts.images import repository_of
from unit.prove.by_hand import replaced
from unit.prove.proof_worlds import HERE, THERE, Object, base, pod, secret, verdict


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("registry.example/team/app:1", "registry.example/team/app"),
        ("registry.example:5000/app", "registry.example:5000/app"),
        ("localhost/app:2", "localhost/app"),
        ("team/app:1", "docker.io/team/app"),
        ("index.docker.io/team/app@sha256:00", "docker.io/team/app"),
        ("nginx:1.27", None),
        ("docker.io/library/nginx", None),
        ("", None),
    ],
)
def test_the_repository_of_an_image(image: str, repository: str | None) -> None:
    assert repository_of(image) == repository


def login(registry: str) -> Object:
    entry = {"username": "ci", "password": "Zr8-kPq3vTx71LmWn05q-ci"}
    return secret("pull", HERE, **{".dockerconfigjson": json.dumps({"auths": {registry: entry}})})


def access(*objects: Object, image: str = "registry.example/app:2") -> str:
    theirs = replaced(pod("web", THERE, "web", container={"image": image}))
    return verdict("access", [*theirs, *objects]).answer.value


def test_a_tag_that_a_login_may_move() -> None:
    assert access(login("registry.example")) == "unknown"
    assert access() == "holds"
    assert access(login("other.example")) == "holds"
    assert access(login("registry.example"), image="registry.example/web:2") == "holds"
    assert access(login("registry.example"), image="registry.example/app@sha256:" + "0" * 64) == "holds"
    assert access(login("https://registry.example/v2/")) == "unknown"


def test_data_hangs_on_it_too() -> None:
    assert verdict("data", [*base(), login("registry.example")]).answer.value == "unknown"
