"""The programs behind Ingresses and Gateways: which pods of the cluster they may be.

No API says which pods serve a class, so they are recognised by image and labels. One that matches the class's own
controller name counts as surely it; any other likely one leaves the answer unknown.
"""

from ringfence.prove.network.values import Pod
from ringfence.prove.network.world import World

WORDS = (
    "ingress",
    "gateway",
    "traefik",
    "haproxy",
    "kong",
    "contour",
    "envoy",
    "ambassador",
    "emissary",
    "apisix",
    "skipper",
    "gloo",
    "istio-proxy",
    "caddy",
    "voyager",
    "cilium/cilium",
)
OPENSHIFT_ROUTER = "openshift.io/ingress-to-route"
"""What serves OpenShift's Routes; its pods are known by a label, since their images are named by digest alone."""
_ROUTER_LABEL = "ingresscontroller.operator.openshift.io/deployment-ingresscontroller"
_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/component", "app", "k8s-app", "istio")
_GENERIC = frozenset({"ingress", "controller", "gateway", "gatewayclass", "io", "com", "org", "k8s", "dev", "class"})
_PLAIN = frozenset({"ingress-controller", "gateway-controller", "gatewayclass-controller"})


def servers(world: World) -> list[Pod]:
    """Every pod that looks like the server of some Ingress or Gateway."""
    known: dict[str, bool] = {}
    found = []
    for pod in (*world.pods.values(), *world.templates):
        marks = _marks(pod)
        if marks not in known:
            known[marks] = any(word in marks for word in WORDS)
        if known[marks]:
            found.append(pod)
    return found


def _marks(pod: Pod) -> str:
    labels = [pod.labels.get(key, "") for key in _LABELS]
    router = "openshift-ingress-router" if _ROUTER_LABEL in pod.labels else ""
    return " ".join((*pod.images, *labels, router)).lower()


def serves(pod: Pod, controller: str) -> bool:
    """Does a pod bear the name of a class's controller, such as ``k8s.io/ingress-nginx``?"""
    marks = _marks(pod)
    if controller == OPENSHIFT_ROUTER:
        return "openshift-ingress-router" in marks or "haproxy-router" in marks
    whole = controller.lower().rpartition("/")[2]
    if len(whole) > 4 and whole not in _PLAIN and whole in marks:
        return True
    words = {part for part in controller.lower().replace("/", ".").replace("-", ".").split(".") if len(part) > 3}
    return any(word in marks for word in words - _GENERIC)
