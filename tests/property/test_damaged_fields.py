"""One field of a golden cluster is of another type: no crash, and no promise is kept for that reason alone.

What was broken or unknown may stay so or become unknown. It must never hold because an object that mattered cannot be
read: a policy, a quota, a pod of production. By hand, and then at random: ``RINGFENCE_EXAMPLES=5000``.
"""

import copy
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.observe.collect import Collector
from ringfence.observe.decode import decode
from ringfence.observe.hashing import key_from
from ringfence.observe.partition import load_partition
from ringfence.prove.partition import Partition
from ringfence.prove.proof import Answer, Dimension, Proof
from ringfence.prove.report.junit import junit
from ringfence.prove.report.rows import chains, rows
from ringfence.prove.snapshot import ClusterSnapshot, snapshot_of
from ringfence.prove.verdicts.pairs import prove

GOLDEN = Path(__file__).parents[1] / "golden/proof"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/snapshot.yaml"))
KEY = key_from(b"a key for tests that is long enough")
OTHERS: tuple[Any, ...] = (None, [], {}, "x", "", 7, -1, 10**30, 1.5, float("nan"), True, [[]], ["x"], [{}], {"a": {}})
_EXAMPLES = int(os.environ.get("RINGFENCE_EXAMPLES", "60"))


@dataclass(frozen=True, slots=True)
class Case:
    """A golden cluster: what is asked of it, its documents, and the answer as it stands."""

    partition: Partition
    documents: tuple[Any, ...]
    proof: Proof


@cache
def case(name: str) -> Case:
    asked = load_partition(GOLDEN / name / "partition.yaml")
    documents = tuple(decode((GOLDEN / name / "snapshot.yaml").read_bytes(), name))
    return Case(asked, documents, prove(asked, snapshot_of([read(documents)])))


def read(documents: tuple[Any, ...]) -> ClusterSnapshot:
    collector = Collector("prod", KEY)
    for document in documents:
        collector.add(copy.deepcopy(document))
    return collector.finish()


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += paths(inner, (*path, key))
    return found


def kind_of(value: Any) -> str:
    """Types as the API tells them apart; a null counts as nothing written."""
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, int | float) else str(type(value))


def damaged(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    found = copy.deepcopy(document)
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return found


@pytest.mark.skipif(not CASES, reason="the golden proofs are not here")
@settings(max_examples=_EXAMPLES, deadline=None, derandomize=_EXAMPLES <= 60, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_nothing_holds_because_a_field_is_of_another_type(data: st.DataObject) -> None:
    chosen = case(data.draw(st.sampled_from(CASES)))
    number = data.draw(st.sampled_from([n for n, one in enumerate(chosen.documents) if isinstance(one, dict)]))
    path = data.draw(st.sampled_from(paths(chosen.documents[number])))
    place = chosen.documents[number]
    for key in path:
        place = place[key]
    value = data.draw(st.sampled_from([other for other in OTHERS if kind_of(other) != kind_of(place)]))
    documents = list(chosen.documents)
    documents[number] = damaged(documents[number], path, value)
    proof = prove(chosen.partition, snapshot_of([read(tuple(documents))]))
    assert "".join(chains(proof)) is not None
    assert rows(proof)
    assert junit(proof)
    # A null is an absent field: without a label or a limit the cluster is another one, and may well be better.
    for before in chosen.proof.pairs if value is not None else ():
        after = proof.pair(before.source, before.destination)
        gained = [
            dimension
            for dimension in Dimension
            if after.dimensions[dimension].answer is Answer.HOLDS
            and before.dimensions[dimension].answer is not Answer.HOLDS
        ]
        assert gained == [], (documents[number].get("kind"), path, value)
