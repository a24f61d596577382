"""Ingresses and Gateway API routes: which pods they lead to, and which program does the leading.

Sources: networking.k8s.io/v1 Ingress types; gateway.networking.k8s.io route types (a backend in another namespace needs
a ReferenceGrant there; whether one exists is not asked, since whoever follows the route may not look). An
ExternalName Service is an alias: a name of another Service of the cluster leads into that Service's namespace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ringfence.prove.network.roads import (
    Body,
    endpoints_of,
    listed,
    mapping,
    place,
    selected_pods,
    service_ref,
)
from ringfence.prove.network.values import Pod
from ringfence.prove.network.world import World

ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")
MOST_ALIASES = 8


@dataclass(frozen=True, slots=True)
class Door:
    """An Ingress or route: ``ref`` names it, ``controller`` the program that serves it as its class says (empty: it
    does not say), ``services`` the Services behind it as (namespace, name, port or None for any)."""

    ref: str
    namespace: str
    controller: str
    services: tuple[tuple[str, str, Any], ...]


@dataclass(frozen=True, slots=True)
class Backend:
    """A pod behind a Service and the port at which it is met; ``port`` None: any."""

    pod: Pod
    port: int | None
    service: str


def doors(world: World) -> Iterator[Door]:
    """Every Ingress and route of the cluster."""
    classes = {
        place(item)[1]: str(mapping(item.get("spec")).get("controller") or "") for item in _of(world, "IngressClass")
    }
    default = next(
        (name for name, item in ((place(i)[1], i) for i in _of(world, "IngressClass")) if _is_default(item)), None
    )
    for item in _of(world, "Ingress"):
        spec, (namespace, name) = mapping(item.get("spec")), place(item)
        annotations = mapping(mapping(item.get("metadata")).get("annotations"))
        chosen = spec.get("ingressClassName") or annotations.get("kubernetes.io/ingress.class") or default
        controller = classes.get(str(chosen), str(chosen or ""))
        yield Door(f"ingress/{namespace}/{name}", namespace, controller, tuple(_ingress_services(spec, namespace)))
    for kind in ROUTES:
        for item in _of(world, kind):
            namespace, name = place(item)
            found = tuple(_route_services(mapping(item.get("spec")), namespace))
            yield Door(f"{kind.lower()}/{namespace}/{name}", namespace, _gateway_controller(world, item), found)


def _of(world: World, kind: str) -> list[Body]:
    return list(world.objects.get(kind, ()))


def _is_default(item: Body) -> bool:
    annotations = mapping(mapping(item.get("metadata")).get("annotations"))
    return annotations.get("ingressclass.kubernetes.io/is-default-class") == "true"


def _ingress_services(spec: Body, namespace: str) -> Iterator[tuple[str, str, Any]]:
    backends = [mapping(spec.get("defaultBackend"))]
    for rule in listed(spec.get("rules")):
        backends += [mapping(path.get("backend")) for path in listed(mapping(rule.get("http")).get("paths"))]
    for backend in backends:
        service = mapping(backend.get("service"))
        if service.get("name"):
            port = mapping(service.get("port"))
            yield namespace, str(service["name"]), port.get("number", port.get("name"))


def _route_services(spec: Body, namespace: str) -> Iterator[tuple[str, str, Any]]:
    for rule in listed(spec.get("rules")):
        refs = listed(rule.get("backendRefs"))
        for filtered in listed(rule.get("filters")):
            refs.append(mapping(mapping(filtered.get("requestMirror")).get("backendRef")))
        for ref in refs:
            if ref.get("name") and (ref.get("kind") or "Service") == "Service":
                yield str(ref.get("namespace") or namespace), str(ref["name"]), ref.get("port")


def _gateway_controller(world: World, route: Body) -> str:
    namespace = place(route)[0]
    for parent in listed(mapping(route.get("spec")).get("parentRefs")):
        wanted = (str(parent.get("namespace") or namespace), str(parent.get("name") or ""))
        for gateway in _of(world, "Gateway"):
            if place(gateway) == wanted:
                name = str(mapping(gateway.get("spec")).get("gatewayClassName") or "")
                for item in _of(world, "GatewayClass"):
                    if place(item)[1] == name:
                        return str(mapping(item.get("spec")).get("controllerName") or name)
                return name
    return ""


def backends(world: World, namespace: str, name: str, port: Any) -> Iterator[Backend]:
    """The pods behind a Service, following aliases and written end points into other namespaces."""
    seen: set[tuple[str, str]] = set()
    waiting = [(namespace, name)]
    while waiting and len(seen) < MOST_ALIASES:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        for service in world.objects_in("Service", here[0]):
            if place(service)[1] != here[1]:
                continue
            alias = _alias(service)
            if alias is not None:
                waiting.append(alias)
            yield from _behind(world, service, port)


def _alias(service: Body) -> tuple[str, str] | None:
    """Where an ExternalName leads inside the cluster: ``NAME.NAMESPACE[.svc[.DOMAIN]]``."""
    spec = mapping(service.get("spec"))
    if spec.get("type") != "ExternalName":
        return None
    parts = str(spec.get("externalName") or "").rstrip(".").split(".")
    if len(parts) == 2 or (len(parts) > 2 and parts[2] == "svc"):
        return parts[1], parts[0]
    return None


def _behind(world: World, service: Body, port: Any) -> Iterator[Backend]:
    ref = service_ref(service)
    for entry in listed(mapping(service.get("spec")).get("ports")) or [{}]:
        if port is not None and entry and port not in (entry.get("port"), entry.get("name")):
            continue
        for pod in selected_pods(world, service):
            yield Backend(pod, target_port(entry, pod), ref)
        for end in endpoints_of(world, service, entry):
            for pod in world.pods_at(end.address):
                yield Backend(pod, end.port, ref)


def target_port(entry: Body, pod: Pod) -> int | None:
    """The pod's port for one port of a Service; None when it cannot be said."""
    target = entry.get("targetPort", entry.get("port"))
    if isinstance(target, int):
        return target
    protocol = entry.get("protocol") or "TCP"
    return next((named.number for named in pod.ports if named.name == target and named.protocol == protocol), None)
