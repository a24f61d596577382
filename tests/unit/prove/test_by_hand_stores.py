"""External secret stores, and cloud identities that clusters share."""

from typing import Any

import pytest

from ringfence.prove.partition import Where
from ringfence.prove.proof import Dimension
from ringfence.prove.snapshot import snapshot_of
from ringfence.prove.verdicts.pairs import prove
from unit.prove.by_hand import Case, Cases
from unit.prove.proof_worlds import (
    HERE,
    THERE,
    A,
    B,
    Object,
    account,
    base,
    bounded,
    cluster,
    deny_all,
    grant,
    node,
    partition,
    pod,
    rule,
    space,
    thing,
)

API = "external-secrets.io/v1"
READ, EQUAL = Cases(), Cases("credentials")
VAULT = {"vault": {"server": "https://v", "path": "kv", "auth": {}}}
WRITES = grant("user:alice", [rule("create", "externalsecrets", "external-secrets.io")], HERE)
LABELS = grant("user:alice", [rule("patch", "namespaces")], HERE, "labels")


def store(*conditions: Object, provider: Object = VAULT) -> Object:
    return thing(API, "ClusterSecretStore", "vault", spec={"provider": provider, "conditions": list(conditions)})


def reads(name: str, place: str, **spec: Any) -> Object:
    usual = {"secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"}}
    return thing(API, "ExternalSecret", name, place, spec={**usual, **spec})


def entry(key: str = "prod/db", **more: str) -> dict[str, Any]:
    return {"data": [{"secretKey": "p", "remoteRef": {"key": key, **more}}]}


THEIRS = reads("db", THERE, **entry())
add = READ.add
chosen = {"namespaceSelector": {"matchLabels": {"x": "y"}}}
for name, answer, conditions in (
    ("no conditions", "broken", ()),
    ("a name", "holds", ({"namespaces": ["shop"]},)),
    ("a pattern", "holds", ({"namespaceRegexes": ["^shop$"]},)),
    ("a pattern that is found", "broken", ({"namespaceRegexes": ["^shop"]},)),
    ("an empty selector", "broken", ({"namespaceSelector": {}},)),
    ("a selector", "holds", (chosen,)),
):
    add(name, answer, [*base(), store(*conditions), THEIRS, *WRITES])
add("a selector, and labels that can be changed", "broken", [*base(), store(chosen), THEIRS, *WRITES, *LABELS])
for place, answer in ((THERE, "broken"), ("third", "holds")):
    itself = store(provider={"kubernetes": {"remoteNamespace": place, "auth": {}}})
    add(f"a store that is {place}", answer, [*base(), space("third"), itself, *WRITES])

add = EQUAL.add
add("one entry", "broken", [*base(), store(), THEIRS, reads("m", HERE, **entry())])
add("another entry", "holds", [*base(), store(), THEIRS, reads("m", HERE, **entry("test/db"))])
part = reads("db", THERE, **entry(property="prod"))
add("another property of it", "holds", [*base(), store(), part, reads("m", HERE, **entry(property="test"))])
add("all of it", "broken", [*base(), store(), part, reads("m", HERE, **entry())])
extracted = {"dataFrom": [{"extract": {"key": "prod/db"}}]}
add("all of it, extracted", "broken", [*base(), store(), part, reads("m", HERE, **extracted)])
search = {"dataFrom": [{"find": {"name": {"regexp": ".*"}}}]}
add("what a search finds", "unknown", [*base(), store(), THEIRS, reads("m", HERE, **search)])
named = [{"secretKey": "p", "remoteRef": {"key": "prod/db"},
          "sourceRef": {"storeRef": {"kind": "ClusterSecretStore", "name": "vault"}}}]  # fmt: skip
add("a store that the entry names", "broken", [*base(), store(), THEIRS, thing(
    API, "ExternalSecret", "m", HERE, spec={"data": named}
)])  # fmt: skip
listed = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [HERE, THERE]}
inner = {"secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"}, **entry()}
for every, answer in (([listed], "broken"), ([{**listed, "values": [THERE]}], "holds")):
    spec = {"namespaceSelectors": [{"matchExpressions": every}], "externalSecretSpec": inner}
    made = thing(API, "ClusterExternalSecret", "m", spec=spec)
    add(f"one made in {len(every[0]['values'])} namespaces", answer, [*base(), store(), made])


@pytest.mark.parametrize("case", READ.listed, ids=lambda case: case.name)
def test_stores_as_worked_out_by_hand(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", EQUAL.listed, ids=lambda case: case.name)
def test_entries_as_worked_out_by_hand(case: Case) -> None:
    case.check()


def in_project(project: str, **annotations: str) -> list[Object]:
    host = node("node-1")
    host["spec"]["providerID"] = f"gce://{project}/europe-north1-a/node-1"
    host["metadata"]["labels"]["iam.gke.io/gke-metadata-server-enabled"] = "true"
    noted = {"annotations": {"iam.gke.io/gcp-service-account": "web@p"}} if annotations else {}
    return [host, space("shop"), account("web", "shop", **noted), pod("web", "shop", "web"), deny_all("shop"),
            *bounded("shop")]  # fmt: skip


def answer_of(one: list[Object], other: list[Object], without: frozenset[str] = frozenset()) -> tuple[str, str]:
    facts = {"cni": {"name": "calico"}, "issuers": {"one": "https://one", "other": "https://other"}}
    spaces = {"here": Where("one", ("shop",)), "there": Where("other", ("shop",)), "assume": facts}
    snapshot = snapshot_of([cluster(one, "one"), cluster(other, "other")])
    found = prove(partition("cluster", ("one", "other"), **spaces), snapshot, without).pair(A, B)
    verdict = found.dimensions[Dimension.CREDENTIALS]
    return verdict.answer.value, verdict.rules[0] if verdict.rules else ""


def test_clusters_of_one_google_project_share_their_identities() -> None:
    granted = in_project("p", bound="yes")
    assert answer_of(in_project("p"), granted) == ("broken", "credentials/workload-pool")
    assert answer_of(in_project("p"), granted, frozenset({"credentials/workload-pool"}))[0] == "holds"
    assert answer_of(in_project("q"), granted)[0] == "holds"
    assert answer_of(in_project("p"), in_project("p"))[0] == "unknown"
