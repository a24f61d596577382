"""``topology.yaml``: the Topology that people review in Git and that the next plan starts from.

It holds the decision and no reasons: pairs and alternatives follow from the Landscape and would drown a review.
"""

from fractions import Fraction
from pathlib import Path

from ringfence.base.document import Node, read_document
from ringfence.base.errors import InputError
from ringfence.decide.topology import (
    Cluster,
    ClusterRole,
    Designation,
    Environment,
    Placement,
    Pool,
    Status,
    Topology,
)
from ringfence.decide.topology_json import to_json
from ringfence.landscape import fields
from ringfence.landscape.fields import Fields

FILE = "topology.yaml"

_HEADER = """\
# Where everything lives, as `ringfence plan --write` decided it. The next plan starts from here and moves nothing that
# need not move; `ringfence plan --fresh` ignores this file.
"""


def to_text(topology: Topology) -> str:
    """The file's text: the same Topology gives the same bytes."""
    import yaml

    value = to_json(topology)
    for derived in ("pairs", "alternatives", "moves", "conflict"):
        value.pop(derived, None)
    return _HEADER + yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)


def read(path: Path) -> Topology | None:
    """The Topology in a file, None when there is no such file. Raises InputError for a file that is no Topology."""
    return from_node(read_document(path)) if path.exists() else None


def from_node(root: Node) -> Topology:
    """The Topology that a document's nodes say; pairs and alternatives, if they are written, are not read."""
    document = Fields(root, "")
    fields.expect(document, "Topology")
    metadata = Fields(document.need("metadata", "metadata: {name: clinic}"), "metadata")
    name = fields.name(metadata.need("name", "name: clinic"), "metadata.name")
    metadata.close()
    topology = Topology(
        name=name,
        status=document.read("status", lambda node, at: fields.choice(node, at, Status), Status.FEASIBLE),
        price=document.read("price", fields.number, Fraction(0)),
        bound=document.read("bound", fields.number, Fraction(0)),
        environments=document.read("environments", lambda node, at: fields.items(node, at, _environment), ()),
        placements=document.read("placements", lambda node, at: fields.items(node, at, _placement), ()),
        pairs=(),
        alternatives=(),
    )
    for derived in ("pairs", "alternatives", "moves", "conflict"):
        document.get(derived)
    document.close()
    _consistent(topology, root)
    return topology


def _environment(node: Node, path: str) -> Environment:
    given = Fields(node, path)
    found = Environment(
        fields.name(given.need("name", "name: production"), f"{path}.name"),
        fields.choice(given.need("designation", "designation: production"), f"{path}.designation", Designation),
        fields.items(given.need("clusters", "clusters: [...]"), f"{path}.clusters", _cluster),
    )
    given.close()
    return found


def _cluster(node: Node, path: str) -> Cluster:
    given = Fields(node, path)
    found = Cluster(
        fields.name(given.need("name", "name: production-1"), f"{path}.name"),
        fields.choice(given.need("role", "role: workload"), f"{path}.role", ClusterRole),
        given.read("pools", lambda each, at: fields.items(each, at, _pool), ()),
        given.read("namespaces", lambda each, at: fields.items(each, at, fields.name), ()),
    )
    given.close()
    return found


def _pool(node: Node, path: str) -> Pool:
    given = Fields(node, path)
    dedicated = given.get("dedicatedTo")
    found = Pool(
        fields.name(given.need("name", "name: apps"), f"{path}.name"),
        fields.whole(given.need("nodes", "nodes: 1"), f"{path}.nodes", least=0, most=10**9 - 1),
        None
        if dedicated is None or getattr(dedicated, "null", False)
        else fields.name(dedicated, f"{path}.dedicatedTo"),
    )
    given.close()
    return found


def _placement(node: Node, path: str) -> Placement:
    given = Fields(node, path)

    def name(key: str) -> str:
        return fields.name(given.need(key, f"{key}: ..."), f"{path}.{key}")

    services = given.read("services", _services, {})
    found = Placement(
        fields.text(given.need("deployment", "deployment: portal/production"), f"{path}.deployment"),
        name("environment"),
        name("cluster"),
        name("pool"),
        name("namespace"),
        services,
    )
    given.close()
    return found


def _services(node: Node, path: str) -> dict[str, str]:
    return {entry.key.text: fields.name(entry.value, f"{path}.{entry.key.text}") for entry in Fields(node, path).rest()}


def _consistent(topology: Topology, root: Node) -> None:
    """Refuse placements in clusters that the file does not have: it was edited by hand."""
    known = {(each.name, cluster.name) for each in topology.environments for cluster in each.workloads}
    for placement in topology.placements:
        if (placement.environment, placement.cluster) not in known:
            raise InputError(
                f"{placement.deployment} is placed in {placement.environment}/{placement.cluster}, which is not among "
                "the environments",
                location=root.location,
                hint="write the file again: ringfence plan --fresh --write",
            )
