"""Ingresses, Gateway API routes and OpenShift Routes: which pods they lead to, and which program does the leading.

Sources: networking.k8s.io/v1 Ingress types; gateway.networking.k8s.io route types; route.openshift.io/v1. An
ExternalName Service is an alias: a name of another Service of the cluster leads into that Service's namespace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ringfence.prove.network.gateways import ROUTES, attachments, route_services
from ringfence.prove.network.roads import (
    Body,
    endpoints_of,
    listed,
    mapping,
    place,
    selected_pods,
    service_ref,
    target_number,
)
from ringfence.prove.network.shared import OPENSHIFT_ROUTER
from ringfence.prove.network.values import Pod
from ringfence.prove.network.vendor_routes import ROUTES as VENDOR_ROUTES
from ringfence.prove.network.vendor_routes import TRAEFIK, led_to
from ringfence.prove.network.world import World

MOST_ALIASES = 8
_DEFAULT_BACKEND = "nginx.ingress.kubernetes.io/default-backend"


@dataclass(frozen=True, slots=True)
class Door:
    """An Ingress or route: ``ref`` names it, ``controller`` the program that serves it as its class says (empty: it
    does not say), ``services`` the Services behind it as (namespace, name, port or None for any). ``certain``: that
    program surely follows it."""

    ref: str
    namespace: str
    controller: str
    services: tuple[tuple[str, str, Any], ...]
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Backend:
    """A pod behind a Service and the port at which it is met; ``port`` None: any."""

    pod: Pod
    port: int | None
    service: str
    protocol: str = "TCP"


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
        led = [*_ingress_services(spec, namespace)]
        if annotations.get(_DEFAULT_BACKEND):
            led.append((namespace, str(annotations[_DEFAULT_BACKEND]), None))
        yield Door(f"ingress/{namespace}/{name}", namespace, controller, tuple(led))
    for kind in ROUTES:
        for item in _of(world, kind):
            namespace, name = place(item)
            found = tuple(route_services(world, kind, item))
            for attached in dict.fromkeys(attachments(world, kind, item)):
                yield Door(
                    f"{kind.lower()}/{namespace}/{name}", namespace, attached.controller, found, attached.certain
                )
    for item in _of(world, "Route"):
        namespace, name = place(item)
        yield Door(f"route/{namespace}/{name}", namespace, OPENSHIFT_ROUTER, tuple(_openshift_services(item)))

    yield from _vendor_doors(world)


def _vendor_doors(world: World) -> Iterator[Door]:
    for kind, group in VENDOR_ROUTES.items():
        for item in _of(world, kind):
            namespace, name = place(item)
            for led in led_to(world, kind, item):
                ref = f"{kind.lower()}.{group}/{namespace}/{name}"
                controller = TRAEFIK if group == "traefik.io" else ""
                yield Door(ref, namespace, controller, ((led.namespace, led.name, None),), led.certain)


def _openshift_services(item: Body) -> Iterator[tuple[str, str, Any]]:
    """``to`` and ``alternateBackends``; ``port.targetPort`` names a port of the pods, so any port of the Service."""
    spec = mapping(item.get("spec"))
    for ref in (mapping(spec.get("to")), *listed(spec.get("alternateBackends"))):
        if ref.get("name"):
            yield place(item)[0], str(ref["name"]), None


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


def backends(world: World, namespace: str, name: str, port: Any) -> Iterator[Backend]:
    """The pods behind a Service, following aliases and written end points into other namespaces."""
    seen: set[tuple[str, str, Any]] = set()
    waiting = [(namespace, name, port)]
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
                waiting += [(*alias, number) for number in _numbers(service, here[2])]
            yield from _behind(world, service, here[2])


def _numbers(service: Body, port: Any) -> list[Any]:
    """The ports that an alias is asked for at its target: names are its own, numbers go on."""
    found = [
        number
        for entry in listed(mapping(service.get("spec")).get("ports"))
        if port is None or port in (entry.get("name"), entry.get("port"))
        for number in (entry.get("port"), entry.get("targetPort"))
        if isinstance(number, int) and number
    ]
    return list(dict.fromkeys([*found, *([port] if isinstance(port, int) else [])])) or [None]


def _alias(service: Body) -> tuple[str, str] | None:
    """Where an ExternalName leads inside the cluster: ``NAME.NAMESPACE[.svc[.DOMAIN]]``."""
    spec = mapping(service.get("spec"))
    if spec.get("type") != "ExternalName":
        return None
    parts = str(spec.get("externalName") or "").lower().rstrip(".").split(".")
    if len(parts) == 2 or (len(parts) > 2 and parts[2] == "svc"):
        return parts[1], parts[0]
    return None


def _behind(world: World, service: Body, port: Any) -> Iterator[Backend]:
    ref = service_ref(service)
    headless = mapping(service.get("spec")).get("clusterIP") == "None"
    for entry in listed(mapping(service.get("spec")).get("ports")) or [{}]:
        protocol = str(entry.get("protocol") or "TCP")
        if port is not None and entry and port not in (entry.get("port"), entry.get("name")) and not headless:
            continue
        for pod in selected_pods(world, service):
            yield Backend(pod, target_number(entry, pod), ref, protocol)
        for end in endpoints_of(world, service, entry):
            for pod in world.pods_at(end.address):
                yield Backend(pod, end.port, ref, protocol)
