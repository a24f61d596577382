"""A cluster that is followed is, at every moment, what reading it afresh would give."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.kube import PODS, SECRETS, Event, Resource
from ringfence.observe.collect import Collector
from ringfence.observe.feed import Feed, joined
from ringfence.prove import kinds
from ringfence.prove.snapshot import ClusterSnapshot
from unit.prove.proof_worlds import KEY, pod, secret

NAMES = ("a", "b", "c")


def feed(resource: Resource, *documents: dict[str, Any]) -> Feed:
    found = Feed("prod", resource, None, KEY)
    found.fill(copy.deepcopy(list(documents)), "1")
    return found


def fresh(documents: list[dict[str, Any]]) -> ClusterSnapshot:
    collector = Collector("prod", KEY)
    for document in documents:
        collector.add(copy.deepcopy(document))
    return collector.finish()


def whole(*feeds: Feed) -> ClusterSnapshot:
    return joined("prod", ClusterSnapshot("prod", {}), feeds, ())


def by_name(snapshot: ClusterSnapshot, kind: kinds.Kind) -> dict[str, Any]:
    return {item["metadata"]["name"]: item for item in snapshot.of(kind)}


def event(word: str, document: dict[str, Any], version: int = 2) -> Event:
    found = copy.deepcopy(document)
    found["metadata"]["resourceVersion"] = str(version)
    return Event(word, found)


PASSWORDS = st.sampled_from(("", "Zr8-kPq3vTx71LmWn05q", "another-Zr8-kPq3vTx71"))
STEPS = st.lists(st.tuples(st.sampled_from(("put", "drop")), st.sampled_from(NAMES), PASSWORDS), max_size=12)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_following_is_reading_again(steps: list[tuple[str, str, str]]) -> None:
    known = {"a": secret("a", "shop", password="first-Zr8-kPq3vTx71Lm")}
    followed = feed(SECRETS, *known.values())
    for number, (word, name, password) in enumerate(steps, 2):
        if word == "drop":
            gone = known.pop(name, None)
            if gone is not None:
                followed.apply(event("DELETED", gone, number))
            continue
        document = secret(name, "shop", password=password)
        followed.apply(event("MODIFIED" if name in known else "ADDED", document, number))
        known[name] = document
    found, wanted = whole(followed), fresh(list(known.values()))
    assert {name: set(one) for name, one in by_name(found, kinds.SECRET).items()} == {
        name: set(one) for name, one in by_name(wanted, kinds.SECRET).items()
    }
    assert sorted(map(repr, found.materials)) == sorted(map(repr, wanted.materials))
    assert found.defects == wanted.defects


def test_what_did_not_change_keeps_its_identity() -> None:
    pods = feed(PODS, pod("web", "shop"), pod("db", "shop"))
    secrets = feed(SECRETS, secret("key", "shop", password="Zr8-kPq3vTx71LmWn05q"))
    before = whole(pods, secrets)
    assert pods.apply(event("MODIFIED", pod("web", "shop", labels={"app": "other"})))
    after = whole(pods, secrets)
    assert after.of(kinds.SECRET) is before.of(kinds.SECRET)
    assert after.of(kinds.POD) is not before.of(kinds.POD)
    assert by_name(after, kinds.POD)["db"] is by_name(before, kinds.POD)["db"]


def test_noise_is_no_change() -> None:
    pods = feed(PODS, pod("web", "shop"))
    noisy = pod("web", "shop")
    noisy["metadata"] |= {"managedFields": [{"manager": "kubelet"}], "generation": 7}
    noisy["status"] |= {"conditions": [{"type": "Ready", "lastProbeTime": "now"}]}
    assert not pods.apply(event("MODIFIED", noisy, 9))
    assert pods.version == "9"
    noisy["status"]["phase"] = "Succeeded"
    assert pods.apply(event("MODIFIED", noisy, 10))
    assert not pods.apply(Event("BOOKMARK", {"metadata": {"resourceVersion": "11"}}))
    assert pods.version == "11"


def test_a_list_that_says_the_same_changes_nothing() -> None:
    pods = feed(PODS, pod("web", "shop"))
    before = pods.whole()
    again = pods.renewed()
    assert not again.fill([pod("web", "shop")], "20")
    assert again.whole() is before
    assert again.fill([], "21")
    assert pods.whole() is before
    assert not again.whole().objects


def test_what_the_api_would_refuse_is_a_defect_until_it_is_mended() -> None:
    pods = feed(PODS)
    bad = pod("web", "shop")
    bad["spec"]["containers"] = "none"
    assert pods.apply(event("ADDED", bad))
    assert [defect.name for defect in whole(pods).defects] == ["web"]
    assert pods.apply(event("MODIFIED", pod("web", "shop"), 3))
    assert whole(pods).defects == ()
