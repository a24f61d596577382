"""Resources as people write them."""

import pytest

from ringfence.prove.spellings import WrittenResource, written_resource


@pytest.mark.parametrize(
    ("word", "plural", "group"),
    [
        ("pods", "pods", ""),
        ("pod", "pods", ""),
        ("po", "pods", ""),
        ("secrets", "secrets", ""),
        ("deployments", "deployments", "apps"),
        ("deploy", "deployments", "apps"),
        ("deployments.apps", "deployments", "apps"),
        ("netpol", "networkpolicies", "networking.k8s.io"),
        ("events", "events", ""),
        ("pods.metrics.k8s.io", "pods", "metrics.k8s.io"),
        ("users", "users", ""),
        ("groups", "groups", ""),
        ("widgets", "widgets", ""),
        ("widgets.x.io", "widgets", "x.io"),
        ("kustomizations", "kustomizations", ""),
        ("*", "*", ""),
    ],
)
def test_a_word_names_a_resource(word: str, plural: str, group: str) -> None:
    assert written_resource(word) == WrittenResource(plural, group)
