"""Who may talk to whom: nothing, then the name service, then a deployment's own pods, then what is declared.

Every connection is opened on both sides: the sender's egress and the receiver's ingress, since a connection passes only
if both allow it. Deployments with a namespace of their own are selected by namespace, which its people cannot change;
those that share one by the label of their Helm release.

Name service: queries to kube-dns leave the namespace, so a deployment could pass a little data to another through it
(NetworkPolicy has no finer tool); that is the usual price of names.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ringfence.base.errors import InputError
from ringfence.landscape.model import DeclaredConnection, Landscape
from ringfence.render.manifests import Note, Rendered
from ringfence.render.names import INSTANCE, labels
from ringfence.render.tenancy import Tenancy, Tenant

_METADATA_NAME = "kubernetes.io/metadata.name"
_PORTS = re.compile(r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?(?:/(?P<protocol>TCP|UDP|SCTP))?")
_DNS: Sequence[Mapping[str, Any]] = ({"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"})


def policies(landscape: Landscape, tenancy: Tenancy) -> tuple[Rendered, ...]:
    """The policies of a namespace that hold whatever is declared."""
    deny = _policy(landscape, tenancy, tenancy.owner, "default-deny", {}, policyTypes=["Ingress", "Egress"])
    dns = _policy(
        landscape,
        tenancy,
        tenancy.owner,
        "allow-dns",
        {},
        egress=[
            {
                "to": [
                    {
                        "namespaceSelector": {"matchLabels": {_METADATA_NAME: "kube-system"}},
                        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                    }
                ],
                "ports": [dict(port) for port in _DNS],
            }
        ],
        policyTypes=["Egress"],
    )
    return (deny, dns, *(_own(landscape, tenancy, tenant) for tenant in tenancy.tenants))


def _own(landscape: Landscape, tenancy: Tenancy, tenant: Tenant) -> Rendered:
    """A deployment's pods, its services' among them, reach each other."""
    own = [{"podSelector": _selector(tenancy, tenant)}]
    return _policy(
        landscape,
        tenancy,
        tenant.name,
        f"allow-own-{tenant.release}" if tenancy.shared else "allow-own",
        _selector(tenancy, tenant),
        ingress=[{"from": own}],
        egress=[{"to": own}],
        policyTypes=["Ingress", "Egress"],
    )


def _selector(tenancy: Tenancy, tenant: Tenant) -> dict[str, Any]:
    return {"matchLabels": {INSTANCE: tenant.release}} if tenancy.shared else {}


def declared(landscape: Landscape, places: Sequence[Tenancy]) -> tuple[tuple[Tenancy, Rendered], ...]:
    """The policies that open the declared connections, each with the namespace it belongs to."""
    found: list[tuple[Tenancy, Rendered]] = []
    for connection, source, destination in _pairs(landscape, places):
        if source[0].cluster.name != destination[0].cluster.name:
            continue
        ports = [_port(connection, text) for text in connection.ports]
        found.append(_opening(landscape, source, destination, "egress", ports))
        found.append(_opening(landscape, destination, source, "ingress", ports))
    return tuple(found)


def notes(landscape: Landscape, places: Sequence[Tenancy]) -> tuple[Note, ...]:
    """The declared connections that no policy can open: between clusters, addresses are not Ringfence's to know."""
    return tuple(
        Note(
            f"{connection.source} to {connection.destination}",
            f"declared, and stays closed: {source[0].cluster.name} and {destination[0].cluster.name} are different"
            " clusters. Open it with a NetworkPolicy of your own that names the addresses of the other side.",
        )
        for connection, source, destination in _pairs(landscape, places)
        if source[0].cluster.name != destination[0].cluster.name
    )


_Place = tuple[Tenancy, Tenant]


def _pairs(landscape: Landscape, places: Iterable[Tenancy]) -> Iterable[tuple[DeclaredConnection, _Place, _Place]]:
    """Declared connections whose two ends are placed, in the order written; local ones are on no cluster."""
    by_name = {tenant.name: (tenancy, tenant) for tenancy in places for tenant in tenancy.tenants}
    for connection in landscape.declared:
        source, destination = by_name.get(connection.source), by_name.get(connection.destination)
        if source and destination:
            yield connection, source, destination


def _opening(
    landscape: Landscape, here: _Place, there: _Place, direction: str, ports: Sequence[Mapping[str, Any]]
) -> tuple[Tenancy, Rendered]:
    tenancy, tenant = here
    peer: dict[str, Any] = {"namespaceSelector": {"matchLabels": {_METADATA_NAME: there[0].namespace}}}
    if there[0].shared:
        peer["podSelector"] = _selector(*there)
    side, name = ("to", "to") if direction == "egress" else ("from", "from")
    rule: dict[str, Any] = {side: [peer]}
    if ports:
        rule["ports"] = [dict(port) for port in ports]
    rendered = _policy(
        landscape,
        tenancy,
        tenant.name,
        f"allow-{tenant.release}-{name}-{there[1].release}" if tenancy.shared else f"allow-{name}-{there[1].release}",
        _selector(tenancy, tenant),
        **{direction: [rule]},
        policyTypes=[direction.capitalize()],
    )
    return tenancy, rendered


def _port(connection: DeclaredConnection, text: str) -> Mapping[str, Any]:
    match = _PORTS.fullmatch(text)
    numbers = [int(part) for part in (match["first"], match["last"]) if part] if match else []
    if match is None or not all(0 < number < 65536 for number in numbers) or numbers != sorted(numbers):
        raise InputError(
            f"{text!r} is not a port such as 443/TCP, 53/UDP or 8000-8010/TCP", location=connection.location
        )
    port: dict[str, Any] = {"port": numbers[0], "protocol": match["protocol"] or "TCP"}
    if len(numbers) == 2:
        port["endPort"] = numbers[1]
    return port


def _policy(
    landscape: Landscape, tenancy: Tenancy, owner: str, name: str, selector: Mapping[str, Any], **spec: Any
) -> Rendered:
    return Rendered(
        owner,
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {
                "name": name,
                "namespace": tenancy.namespace,
                "labels": dict(labels(landscape.name, owner, "network")),
            },
            "spec": {"podSelector": dict(selector), **spec},
        },
    )
