"""What the expressions of one policy come to for pods, each worked out once for pods that it cannot tell apart.

A search tries hundreds of pods that differ in one field; most expressions of a policy do not read it.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from ringfence.prove.cel.evaluate import Scope, evaluate
from ringfence.prove.cel.node import Node
from ringfence.prove.cel.reads import Reads, projection, reads_of, told_apart
from ringfence.prove.cel.values import ANYTHING, Mark, Value, truths


@dataclass(slots=True)
class Outcomes:
    """``given``: what expressions are given beside the pod, the same for every pod; ``variables``: the policy's."""

    given: Mapping[str, Value]
    variables: Mapping[str, Node]
    _reads: dict[int, Reads] = field(default_factory=dict)
    _values: dict[Hashable, Value] = field(default_factory=dict)
    _truths: dict[Hashable, frozenset[bool | Mark]] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def of(self, node: Node, pod: Value) -> frozenset[bool | Mark]:
        """What a condition or validation of the policy comes to. The caller keeps ``node`` for as long as this."""
        reads, variables = self._read(node, pod)
        key = self._key(node, reads, variables, pod)
        found = self._truths.get(key)
        if found is None:
            found = self._truths[key] = truths(self._evaluate(node, variables, pod))
        return found

    def _variable(self, name: str, pod: Value) -> Value:
        """What a variable may be; anything where it is not defined, or by way of itself."""
        node = self.variables.get(name)
        if node is None or name in self._open:
            return ANYTHING
        self._open.add(name)
        try:
            reads, variables = self._read(node, pod)
        finally:
            self._open.discard(name)
        key = self._key(node, reads, variables, pod)
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = self._evaluate(node, variables, pod)
        return found

    def _read(self, node: Node, pod: Value) -> tuple[Reads, Mapping[str, Value]]:
        reads = self._reads.get(id(node))
        if reads is None:
            reads = self._reads[id(node)] = reads_of(node)
        return reads, {name: self._variable(name, pod) for name in reads.variables}

    def _key(self, node: Node, reads: Reads, variables: Mapping[str, Value], pod: Value) -> Hashable:
        used = tuple(told_apart(value) for value in variables.values())
        return (id(node), projection(pod, reads.paths), used)

    def _evaluate(self, node: Node, variables: Mapping[str, Value], pod: Value) -> Value:
        return evaluate(node, Scope({"object": pod, **self.given}, variables))
