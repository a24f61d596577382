"""Routes of the Gateway API: which Gateways they are attached to, and which Services they may lead to.

Source: gateway.networking.k8s.io types and conformance tests. A listener takes the routes that its
``allowedRoutes`` says, of the kinds and hostnames that it serves; a backend in another namespace needs a
ReferenceGrant there. What the snapshot does not show (a parent that is missing, a mesh) leaves the door uncertain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ringfence.prove.network.roads import Body, listed, mapping, place, texts
from ringfence.prove.network.selectors import UnreadableError, parse_selector
from ringfence.prove.network.world import World

ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")
_KINDS = {
    "HTTP": frozenset({"HTTPRoute", "GRPCRoute"}),
    "HTTPS": frozenset({"HTTPRoute", "GRPCRoute"}),
    "TLS": frozenset({"TLSRoute", "TCPRoute"}),
    "TCP": frozenset({"TCPRoute"}),
    "UDP": frozenset({"UDPRoute"}),
}


@dataclass(frozen=True, slots=True)
class Attached:
    """A Gateway that serves a route: the ``controller`` of its class (empty: not known), and whether it surely does."""

    controller: str
    certain: bool


def attachments(world: World, kind: str, route: Body) -> Iterator[Attached]:
    """The Gateways that a route is attached to."""
    namespace = place(route)[0]
    for parent in listed(mapping(route.get("spec")).get("parentRefs")):
        if (parent.get("kind") or "Gateway") != "Gateway":
            yield Attached("", False)
            continue
        wanted = (str(parent.get("namespace") or namespace), str(parent.get("name") or ""))
        found = [item for item in world.objects_in("Gateway", wanted[0]) if place(item) == wanted]
        if not found:
            yield Attached("", False)
        for gateway in found:
            taken = [_takes(world, gateway, one, parent, kind, route) for one in _listeners(gateway)] or [None]
            if True in taken or None in taken:
                yield Attached(_controller(world, gateway), True in taken)


def _listeners(gateway: Body) -> list[Body]:
    return listed(mapping(gateway.get("spec")).get("listeners"))


def _takes(world: World, gateway: Body, listener: Body, parent: Body, kind: str, route: Body) -> bool | None:
    """Does a listener take a route? None where the snapshot does not show it."""
    if parent.get("sectionName") not in (None, "", listener.get("name")):
        return False
    if parent.get("port") not in (None, listener.get("port")):
        return False
    allowed = mapping(listener.get("allowedRoutes"))
    kinds = {str(one.get("kind")) for one in listed(allowed.get("kinds"))}
    served = kinds or _KINDS.get(str(listener.get("protocol")), frozenset(ROUTES))
    if kind not in served or not _share_a_name(listener.get("hostname"), mapping(route.get("spec")).get("hostnames")):
        return False
    return _from(world, mapping(allowed.get("namespaces")), place(gateway)[0], place(route)[0])


def _from(world: World, allowed: Body, own: str, namespace: str) -> bool | None:
    chosen = allowed.get("from")
    if chosen in ("All", "Same", None) and (chosen == "All" or namespace == own):
        return True
    if chosen is None:
        # The API writes its default down, which is Same: what lacks it was never stored.
        return None
    if chosen != "Selector":
        return False
    labels = world.namespace_labels(namespace)
    if labels is None:
        return None
    try:
        return parse_selector(allowed.get("selector")).matches(labels)
    except UnreadableError:
        return None


def _share_a_name(listener: object, route: object) -> bool:
    """Do the hostnames of a listener and a route have one in common? Neither is bound to name any."""
    names = texts(route)
    if not isinstance(listener, str) or not listener or not names:
        return True
    return any(_covers(listener, name) or _covers(name, listener) for name in names)


def _covers(pattern: str, name: str) -> bool:
    one, other = pattern.lower(), name.lower()
    return one == other or (one.startswith("*.") and other.removeprefix("*").endswith(one[1:]))


def _controller(world: World, gateway: Body) -> str:
    name = str(mapping(gateway.get("spec")).get("gatewayClassName") or "")
    for item in world.objects.get("GatewayClass", ()):
        if place(item)[1] == name:
            return str(mapping(item.get("spec")).get("controllerName") or name)
    return name


def route_services(world: World, kind: str, route: Body) -> Iterator[tuple[str, str, Any]]:
    """The Services that a route may lead to, as (namespace, name, port or None for any)."""
    namespace = place(route)[0]
    for rule in listed(mapping(route.get("spec")).get("rules")):
        refs = listed(rule.get("backendRefs"))
        for holder in (rule, *refs):
            refs = [*refs, *(_filtered(one) for one in listed(holder.get("filters")))]
        for ref in refs:
            if not ref.get("name") or (ref.get("kind") or "Service") != "Service":
                continue
            there = str(ref.get("namespace") or namespace)
            if there == namespace or _granted(world, kind, namespace, there, str(ref["name"])):
                yield there, str(ref["name"]), ref.get("port")


def _filtered(body: Body) -> Body:
    """The backend of a filter that mirrors requests or asks a program to authorise them."""
    found = mapping(body.get("requestMirror")) or mapping(body.get("externalAuth"))
    return mapping(found.get("backendRef"))


def _granted(world: World, kind: str, namespace: str, there: str, name: str) -> bool:
    """Does a ReferenceGrant let routes of a namespace refer to a Service of another? Perhaps, where none is listed."""
    if world.missing("referencegrants", there) is not None:
        return True
    for item in world.objects_in("ReferenceGrant", there):
        spec = mapping(item.get("spec"))
        sources = [
            one for one in listed(spec.get("from")) if (one.get("kind"), one.get("namespace")) == (kind, namespace)
        ]
        targets = [
            one
            for one in listed(spec.get("to"))
            if one.get("kind") == "Service" and one.get("name") in (None, "", name)
        ]
        if sources and targets:
            return True
    return False
