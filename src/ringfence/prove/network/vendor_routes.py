"""Routes in the languages of ingress controllers: Traefik's and Contour's. Which Services they may lead to.

Every Service that is named anywhere in one counts: middlewares, mirrors and weights name more than routes do. Which of
them is used when is left to the controller, so only a plain route of Traefik is certain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ringfence.prove.network.roads import Body, listed, mapping, place
from ringfence.prove.network.world import World

ROUTES: Mapping[str, str] = {
    "IngressRoute": "traefik.io",
    "IngressRouteTCP": "traefik.io",
    "IngressRouteUDP": "traefik.io",
    "TraefikService": "traefik.io",
    "Middleware": "traefik.io",
    "HTTPProxy": "projectcontour.io",
}
"""Kinds and their groups."""
TRAEFIK = "traefik.io/ingress-controller"
_PLAIN = frozenset({"IngressRoute", "IngressRouteTCP", "IngressRouteUDP"})


@dataclass(frozen=True, slots=True)
class Led:
    """A Service that an object leads to, and whether its controller surely follows it."""

    namespace: str
    name: str
    certain: bool


def led_to(world: World, kind: str, item: Body) -> Iterator[Led]:
    """The Services of the cluster that an object names."""
    namespace = place(item)[0]
    spec = mapping(item.get("spec"))
    plain = {
        str(one.get("name"))
        for route in listed(spec.get("routes"))
        for one in listed(route.get("services"))
        if kind in _PLAIN and (one.get("kind") or "Service") == "Service" and not one.get("namespace")
    }
    for there, name in dict.fromkeys(_named(spec, namespace)):
        if any(place(service)[1] == name for service in world.objects_in("Service", there)):
            yield Led(there, name, there == namespace and name in plain)


def _named(body: object, namespace: str) -> Iterator[tuple[str, str]]:
    waiting = [body]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting.extend(here)
        elif isinstance(here, Mapping):
            waiting.extend(here.values())
            if isinstance(here.get("name"), str):
                yield str(here.get("namespace") or namespace), here["name"]
            address = here.get("address")
            parts = str(address).partition("//")[2].split("/")[0].split(":")[0].split(".") if address else []
            if len(parts) > 1:
                yield parts[1], parts[0]
