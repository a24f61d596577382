"""The Topology as JSON, in the shape of the contract's section 4.

One line a pair: half a million pairs must not become ten million lines, and a difference must be one line.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from ringfence.decide.topology import Cluster, Environment, Pair, Placement, Reason, Topology

API_VERSION = "ringfence.dev/v1"


def amount(value: Fraction) -> int | float:
    """A price for JSON: exact where a double can hold it, and always with a decimal point."""
    return float(value)


def to_json(topology: Topology) -> dict[str, Any]:
    """The Topology as plain values, keys in the order of the contract."""
    head = _head(topology)
    head["environments"] = [_environment(each) for each in topology.environments]
    head["placements"] = [_placement(each) for each in topology.placements]
    head["pairs"] = [_pair(each) for each in topology.pairs]
    return head | _tail(topology)


def to_text(topology: Topology) -> str:
    """The same as JSON text: what it holds is one line each, ending in a newline."""
    return "".join(_lines(topology))


def _head(topology: Topology) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "Topology",
        "metadata": {"name": topology.name},
        "status": topology.status.value,
        "price": amount(topology.price),
        "bound": amount(topology.bound),
    }


def _tail(topology: Topology) -> dict[str, Any]:
    tail: dict[str, Any] = {
        "alternatives": [
            {"without": each.without, "price": amount(each.price), "environments": each.environments}
            for each in topology.alternatives
        ]
    }
    if topology.moves:
        tail["moves"] = [
            {"deployment": each.deployment, "from": each.source, "to": each.target, "price": amount(each.price)}
            for each in topology.moves
        ]
    if topology.conflict:
        tail["conflict"] = [
            {"rule": each.rule, "because": each.because} | ({"at": each.place} if each.place else {})
            for each in topology.conflict
        ]
    return tail


def _lines(topology: Topology) -> Iterator[str]:
    yield "{\n"
    for key, value in _head(topology).items():
        yield f" {_dump(key)}: {_dump(value)},\n"
    lists: list[tuple[str, Iterator[str]]] = [
        ("environments", (_dump(_environment(each)) for each in topology.environments)),
        ("placements", (_dump(_placement(each)) for each in topology.placements)),
        ("pairs", _pair_lines(topology)),
    ]
    lists += [(key, (_dump(each) for each in value)) for key, value in _tail(topology).items()]
    for number, (key, lines) in enumerate(lists, start=1):
        yield f" {_dump(key)}: ["
        separator = "\n  "
        for line in lines:
            yield separator + line
            separator = ",\n  "
        yield ("]" if separator == "\n  " else "\n ]") + ("\n" if number == len(lists) else ",\n")
    yield "}\n"


def _pair_lines(topology: Topology) -> Iterator[str]:
    """As json.dumps would write them, with the reasons, which many pairs share, written once."""
    reasons: dict[int, str] = {}
    for pair in topology.pairs:
        because = reasons.get(id(pair.because))
        if because is None:
            because = reasons[id(pair.because)] = _dump([_reason(each) for each in pair.because])
        yield (
            f'{{"a": {_dump(pair.a)}, "b": {_dump(pair.b)}, "required": "{pair.required.value}", '
            f'"placed": "{pair.placed.value}", "because": {because}}}'
        )


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _environment(environment: Environment) -> dict[str, Any]:
    return {
        "name": environment.name,
        "designation": environment.designation.value,
        "clusters": [_cluster(each) for each in environment.clusters],
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    found: dict[str, Any] = {"name": cluster.name, "role": cluster.role.value}
    if cluster.pools or cluster.namespaces:
        found["pools"] = [
            {"name": pool.name, "nodes": pool.nodes, "dedicatedTo": pool.dedicated_to} for pool in cluster.pools
        ]
        found["namespaces"] = list(cluster.namespaces)
    return found


def _placement(placement: Placement) -> dict[str, Any]:
    return {
        "deployment": placement.deployment,
        "environment": placement.environment,
        "cluster": placement.cluster,
        "pool": placement.pool,
        "namespace": placement.namespace,
        "services": dict(placement.services),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "a": pair.a,
        "b": pair.b,
        "required": pair.required.value,
        "placed": pair.placed.value,
        "because": [_reason(each) for each in pair.because],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    if reason.clause is None:
        return {"rule": reason.source, "level": reason.level.value, "because": reason.because}
    found: dict[str, Any] = {"regulation": reason.source, "clause": reason.clause, "level": reason.level.value}
    return found | ({"recommended": True} if reason.recommended else {})
