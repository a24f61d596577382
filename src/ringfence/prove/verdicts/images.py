"""Images: may A put another image where B's pods take theirs from?

A registry's rights are in the registry. What a snapshot shows is that both run images of one repository, that B names
them by tags, which can be moved, and that A holds a login for that registry: whether it may push is in doubt. Official
images of Docker Hub are nobody's to push.
"""

from collections.abc import Iterator

from ringfence.prove.facts.pods import containers_of
from ringfence.prove.facts.territory import Territory
from ringfence.prove.rules.registry import state_rule
from ringfence.prove.snapshot import MaterialKind
from ringfence.prove.verdicts.world import ProofWorld

SHARED = state_rule(
    "images/shared-repository",
    "Who may push to a repository decides what runs of it where images are named by tags.",
    source="kubernetes.io/docs/concepts/containers/images#image-names",
)
_HUB = "docker.io"
_HUBS = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


def pushed_by(world: ProofWorld, a: Territory, b: Territory) -> Iterator[str]:
    """What would have to be known to say that A cannot change an image that B runs."""
    if SHARED in world.without:
        return
    shared = _repositories(world, a, tagged=False).keys() & _repositories(world, b, tagged=True).keys()
    if not shared:
        return
    logins = world.memory.once(("registry logins", a.name), lambda: _logins(world, a))
    for repository in sorted(shared):
        login = logins.get(repository.partition("/")[0])
        if login is not None:
            shown = _repositories(world, b, tagged=True)[repository]
            yield f"whether the login in {login} may push to {repository}, of which {shown} runs a tag"


def _logins(world: ProofWorld, owned: Territory) -> dict[str, str]:
    """The registries that a deployment has a login for, each with the object that holds it."""
    from ringfence.prove.credentials.owned import materials_of

    found: dict[str, str] = {}
    for cluster in sorted(owned.clusters):
        for material in materials_of(owned, world.clusters[cluster]):
            if material.kind is MaterialKind.REGISTRY_LOGIN:
                owner = material.owner
                shown = f"{owner.kind} {owner.namespace}/{owner.name}"
                found.setdefault(_host(material.about.get("registry", "")), shown)
    return found


def _repositories(world: ProofWorld, owned: Territory, *, tagged: bool) -> dict[str, str]:
    """The repositories that a deployment's pods take images from, each with a pod; ``tagged``: not by digests alone."""

    def found() -> dict[str, str]:
        listed: dict[str, str] = {}
        for cluster in sorted(owned.clusters):
            for pod in owned.pods(cluster):
                for container in containers_of(pod.spec):
                    image = str(container.get("image") or "")
                    name = repository_of(image)
                    if name is not None and not (tagged and "@" in image):
                        listed.setdefault(name, pod.shown)
        return listed

    return world.memory.once(("repositories", owned.name, tagged), found)


def repository_of(image: str) -> str | None:
    """The repository of an image with its registry; None for none, and for Docker Hub's official ones."""
    name = image.partition("@")[0]
    first, slash, rest = name.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    host, path = (_host(first), rest) if named else (_HUB, name)
    path = path.rpartition(":")[0] if ":" in path.rpartition("/")[2] else path
    if not path or (host == _HUB and path.removeprefix("library/").count("/") == 0):
        return None
    return f"{host}/{path}"


def _host(registry: str) -> str:
    return _HUB if registry in _HUBS else registry
