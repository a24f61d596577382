"""Small random clusters for the network evaluators: few names, so that things meet."""

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]
SPACES = ("x", "y", "z")
KEYS = {"app": ("web", "db"), "tier": ("front", "back")}
PORTS = (79, 80, 81, 82)
SERVICE_BLOCK = "10.96.0.0/16"
BLOCKS = ("10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/16", "192.168.0.0/24", "10.0.0.1/32")


@st.composite
def labels(draw: st.DrawFn) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, values in KEYS.items():
        value = draw(st.sampled_from((None, *values)))
        if value is not None:
            found[key] = value
    return found


@st.composite
def selectors(draw: st.DrawFn, keys: tuple[str, ...] = tuple(KEYS)) -> Json:
    body: Json = {}
    if draw(st.booleans()):
        key = draw(st.sampled_from(keys))
        body["matchLabels"] = {key: draw(st.sampled_from(KEYS.get(key, SPACES)))}
    for _ in range(draw(st.integers(0, 1))):
        key = draw(st.sampled_from(keys))
        operator = draw(st.sampled_from(("In", "NotIn", "Exists", "DoesNotExist")))
        part: Json = {"key": key, "operator": operator}
        if operator in {"In", "NotIn"}:
            part["values"] = draw(st.lists(st.sampled_from(KEYS.get(key, SPACES)), min_size=1, max_size=2, unique=True))
        body["matchExpressions"] = [part]
    return body


SPACE_KEYS = ("tier", "kubernetes.io/metadata.name")


@st.composite
def ports_v1(draw: st.DrawFn) -> Json:
    body: Json = {"protocol": draw(st.sampled_from(("TCP", "UDP")))}
    kind = draw(st.integers(0, 3))
    if kind == 1:
        body["port"] = draw(st.sampled_from(PORTS))
    elif kind == 2:
        body["port"] = draw(st.sampled_from(("http", "dns")))
    elif kind == 3:
        body["port"] = draw(st.sampled_from(PORTS[:2]))
        body["endPort"] = body["port"] + draw(st.integers(0, 2))
    return body


@st.composite
def peers_v1(draw: st.DrawFn) -> Json:
    kind = draw(st.integers(0, 3))
    if kind == 0:
        block: Json = {"cidr": draw(st.sampled_from(BLOCKS))}
        if block["cidr"] == "10.0.0.0/16" and draw(st.booleans()):
            block["except"] = ["10.0.0.0/24"]
        return {"ipBlock": block}
    body: Json = {}
    if kind in {1, 3}:
        body["podSelector"] = draw(selectors())
    if kind in {2, 3}:
        body["namespaceSelector"] = draw(selectors(SPACE_KEYS))
    return body


@st.composite
def rules_v1(draw: st.DrawFn, side: str) -> Json:
    body: Json = {}
    if draw(st.integers(0, 4)):
        body[side] = draw(st.lists(peers_v1(), min_size=0, max_size=2))
    if draw(st.booleans()):
        body["ports"] = draw(st.lists(ports_v1(), min_size=0, max_size=2))
    return body


@st.composite
def policies_v1(draw: st.DrawFn, number: int) -> Json:
    spec: Json = {"podSelector": draw(selectors())}
    types = draw(st.sampled_from((None, ["Ingress"], ["Egress"], ["Ingress", "Egress"])))
    if types is not None:
        spec["policyTypes"] = types
    if draw(st.booleans()):
        spec["ingress"] = draw(st.lists(rules_v1("from"), max_size=2))
    if draw(st.booleans()):
        spec["egress"] = draw(st.lists(rules_v1("to"), max_size=2))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"p{number}", "namespace": draw(st.sampled_from(SPACES))},
        "spec": spec,
    }


@st.composite
def subjects(draw: st.DrawFn) -> Json:
    if draw(st.booleans()):
        return {"namespaces": draw(selectors(SPACE_KEYS))}
    return {"pods": {"namespaceSelector": draw(selectors(SPACE_KEYS)), "podSelector": draw(selectors())}}


@st.composite
def ports_admin(draw: st.DrawFn, kind: str, *, named: bool) -> Json:
    """``named``: also ports by their names, which the API refuses beside peers that are no pods."""
    port, protocol = draw(st.sampled_from(PORTS)), draw(st.sampled_from(("TCP", "UDP")))
    shape = draw(st.integers(0 if named else 1, 2))
    if kind == "ClusterNetworkPolicy":
        if shape == 0:
            return {"destinationNamedPort": "http"}
        inner: Json = {"number": port} if shape == 1 else {"range": {"start": port, "end": port + 1}}
        return {protocol.lower(): {"destinationPort": inner}}
    if shape == 0:
        return {"namedPort": "http"}
    if shape == 1:
        return {"portNumber": {"protocol": protocol, "port": port}}
    return {"portRange": {"protocol": protocol, "start": port, "end": port + 1}}


@st.composite
def rules_admin(draw: st.DrawFn, kind: str, side: str) -> Json:
    actions = {
        "AdminNetworkPolicy": ("Allow", "Deny", "Pass"),
        "BaselineAdminNetworkPolicy": ("Allow", "Deny"),
        "ClusterNetworkPolicy": ("Accept", "Deny", "Pass"),
    }[kind]
    peer = subjects()
    if side == "to":
        peer = st.one_of(peer, st.builds(lambda cidr: {"networks": [cidr]}, st.sampled_from(BLOCKS)))
    body: Json = {"action": draw(st.sampled_from(actions)), side: draw(st.lists(peer, min_size=1, max_size=2))}
    if draw(st.booleans()):
        key = "protocols" if kind == "ClusterNetworkPolicy" else "ports"
        named = not any("networks" in one for one in body[side])
        body[key] = draw(st.lists(ports_admin(kind, named=named), min_size=1, max_size=2))
    return body


@st.composite
def policies_admin(draw: st.DrawFn, number: int) -> Json:
    kinds = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")
    kind = draw(st.sampled_from(kinds))
    spec: Json = {"subject": draw(subjects())}
    if kind != "BaselineAdminNetworkPolicy":
        spec["priority"] = draw(st.integers(0, 2))
    if kind == "ClusterNetworkPolicy":
        spec["tier"] = draw(st.sampled_from(("Admin", "Baseline")))
    spec["ingress"] = draw(st.lists(rules_admin(kind, "from"), max_size=2))
    spec["egress"] = draw(st.lists(rules_admin(kind, "to"), max_size=2))
    version = "v1alpha2" if kind == "ClusterNetworkPolicy" else "v1alpha1"
    return {
        "apiVersion": f"policy.networking.k8s.io/{version}",
        "kind": kind,
        "metadata": {"name": "default" if kind == "BaselineAdminNetworkPolicy" else f"a{number}"},
        "spec": spec,
    }


@st.composite
def pods(draw: st.DrawFn, number: int, *, hosts: bool = True) -> Json:
    node = draw(st.integers(0, 1))
    host = hosts and draw(st.integers(0, 4)) == 0
    ports: list[Json] = []
    if draw(st.booleans()):
        ports.append({"name": "http", "containerPort": draw(st.sampled_from(PORTS))})
    if draw(st.booleans()):
        ports.append({"name": "dns", "containerPort": 80, "protocol": "UDP"})
    spec: Json = {"nodeName": f"n{node}", "containers": [{"name": "c", "ports": ports}]}
    if host:
        spec["hostNetwork"] = True
    address = f"192.168.0.{node + 1}" if host else f"10.0.{draw(st.integers(0, 1))}.{number + 1}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"p{number}", "namespace": draw(st.sampled_from(SPACES)), "labels": draw(labels())},
        "spec": spec,
        "status": {"podIP": address},
    }


@st.composite
def clusters(draw: st.DrawFn, *, admin: int = 2, most_pods: int = 4, hosts: bool = True) -> list[Json]:
    objects: list[Json] = []
    for number, name in enumerate(SPACES):
        tier = draw(st.sampled_from((None, *KEYS["tier"])))
        own = {"tier": tier} if tier else {}
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": own}})
        if number < 2:
            address = {"type": "InternalIP", "address": f"192.168.0.{number + 1}"}
            objects.append(
                {
                    "apiVersion": "v1",
                    "kind": "Node",
                    "metadata": {"name": f"n{number}", "labels": {}},
                    "status": {"addresses": [address]},
                }
            )
    objects += [draw(pods(number, hosts=hosts)) for number in range(draw(st.integers(2, most_pods)))]
    objects += [draw(policies_v1(number)) for number in range(draw(st.integers(0, 4)))]
    for number in range(draw(st.integers(0, admin))):
        policy = draw(policies_admin(number))
        if not any((item["kind"], item["metadata"]["name"]) == (policy["kind"], "default") for item in objects):
            objects.append(policy)
    return objects


@st.composite
def services(draw: st.DrawFn, number: int, addresses: tuple[str, ...]) -> list[Json]:
    """A Service of any type that has end points: by a selector, or written down for some pod's address."""
    name, space = f"s{number}", draw(st.sampled_from(SPACES))
    port: Json = {"port": 80, "targetPort": draw(st.sampled_from(PORTS))}
    port["protocol"] = draw(st.sampled_from(("TCP", "UDP")))
    spec: Json = {"clusterIP": f"10.96.0.{number + 1}", "ports": [port]}
    if draw(st.booleans()):
        spec["type"] = "NodePort"
        port["nodePort"] = 30000 + number
        if draw(st.booleans()):
            spec["externalTrafficPolicy"] = "Local"
    made: list[Json] = []
    if draw(st.booleans()):
        spec["selector"] = {"app": draw(st.sampled_from(KEYS["app"]))}
    else:
        made.append(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": name, "namespace": space, "labels": {"kubernetes.io/service-name": name}},
                "ports": [{"port": port["targetPort"], "protocol": port["protocol"]}],
                "endpoints": [{"addresses": [draw(st.sampled_from(addresses))]}],
            }
        )
    return [
        *made,
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space}, "spec": spec},
    ]


@st.composite
def served_clusters(draw: st.DrawFn, *, most: int = 2) -> list[Json]:
    """A cluster with Services, whose policies may speak of their addresses."""
    objects: list[Json] = draw(clusters(admin=0, most_pods=4, hosts=False))
    placed = [item for item in objects if item["kind"] == "Pod"]
    for item, space in zip(placed, SPACES[:2], strict=False):
        item["metadata"]["namespace"] = space
    addresses = tuple(item["status"]["podIP"] for item in placed)
    for number in range(draw(st.integers(1, most))):
        objects += draw(services(number, addresses))
    if draw(st.booleans()):
        cidr = draw(st.sampled_from((SERVICE_BLOCK, "192.168.0.0/24", "192.168.0.1/32")))
        side = draw(st.sampled_from(("ingress", "egress")))
        rule: Json = {"from" if side == "ingress" else "to": [{"ipBlock": {"cidr": cidr}}]}
        spec: Json = {"podSelector": {}, "policyTypes": [side.capitalize()], side: [rule]}
        meta = {"name": "range", "namespace": draw(st.sampled_from(SPACES[:2]))}
        objects.append({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec})
    return objects
