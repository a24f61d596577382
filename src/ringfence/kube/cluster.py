"""One cluster's API: read, apply, watch, ask. Raw JSON in and out.

Requests go over the client library's own connection, so that authentication is its work; its typed objects are not
used. A client is safe to use from several threads at once.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import orjson

from ringfence.base.errors import RingfenceError, StateError
from ringfence.kube.access import Action, Decision
from ringfence.kube.errors import ExpiredError, NotFoundError, refusal, unreachable
from ringfence.kube.resources import COMMON, Discovery, Json, Resource, discovery
from ringfence.kube.streams import Streams

if TYPE_CHECKING:
    import httpx2

FIELD_MANAGER = "ringfence"
"""The one field manager of everything that Ringfence applies: pruning and adoption agree on it."""

_PAGE = 1000
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_READ_SLACK = 15.0
_RETRIES = 4
_READS = frozenset({"GET", "HEAD"})
_ROOTS = ("/api", "/apis")
_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Listing:
    """A collection at one moment; every item has its apiVersion and kind."""

    items: list[Json]
    resource_version: str


@dataclass(frozen=True, slots=True)
class Event:
    """A change seen by a watch: ADDED, MODIFIED, DELETED or BOOKMARK, with the object after it."""

    type: str
    object: Json


class Cluster:
    """A connection to one cluster, as the kubeconfig's user or as somebody impersonated."""

    def __init__(
        self,
        client: "httpx2.Client",
        *,
        server: str,
        name: str = "",
        namespace: str | None = None,
        user: str | None = None,
        groups: Sequence[str] = (),
        only_dry: bool = False,
    ) -> None:
        self._client = client
        self._only_dry = only_dry
        self.server = server
        self.name = name
        self.namespace = namespace
        self.user = user
        self.groups = tuple(groups)
        self._discovered: dict[str, Discovery] = {}
        self._streams = Streams()
        self._headers: list[tuple[str, str]] = []
        if user is not None:
            self._headers.append(("Impersonate-User", user))
            self._headers.extend(("Impersonate-Group", group) for group in self.groups)

    def impersonating(self, user: str, groups: Sequence[str] = ()) -> "Cluster":
        """The same cluster as somebody else; the API server checks that the caller may impersonate."""
        return self._somebody(user, groups, only_dry=self._only_dry)

    def asking(self, user: str, groups: Sequence[str] = ()) -> "Cluster":
        """As ``impersonating``, for questions only: whatever would change something and is no dry run is not sent."""
        return self._somebody(user, groups, only_dry=True)

    def _somebody(self, user: str, groups: Sequence[str], *, only_dry: bool) -> "Cluster":
        return Cluster(
            self._client,
            server=self.server,
            name=self.name,
            namespace=self.namespace,
            user=user,
            groups=groups,
            only_dry=only_dry,
        )

    def close(self) -> None:
        """Close the connections; watches end at once."""
        self._streams.end()
        self._client.close()

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    # Reading

    def version(self) -> str:
        """The API server's version, such as ``v1.37.2``."""
        return str(self._version().get("gitVersion", ""))

    def minor(self) -> str:
        """The minor version that it serves, such as ``36``: the one that it emulates (KEP-4330), else its own."""
        said = self._version()
        return str(said.get("emulationMinor") or said.get("minor"))

    def _version(self) -> Json:
        return self.request("GET", "/version")

    def resources(self) -> tuple[Resource, ...]:
        """Every resource that the cluster serves, at its preferred version. Asked once a connection."""
        return tuple(
            resource for root in _ROOTS for resource in (self._discovered.get(root) or self._discover(root)).resources
        )

    def stale_groups(self) -> tuple[str, ...]:
        """API groups that another server is to serve which does not answer: their resources are not known."""
        return tuple(group for root in _ROOTS for group in (self._discovered.get(root) or self._discover(root)).stale)

    def kinds_changed(self) -> bool:
        """Asks again what the cluster serves; True when that is not what it was. Cheap: what is as it was is not sent
        again by API servers that mark their answer (ETag)."""
        before = [self._discovered.get(root) for root in _ROOTS]
        return [self._discover(root) for root in _ROOTS] != before

    def _discover(self, root: str) -> "Discovery":
        known = self._discovered.get(root)
        headers = [("If-None-Match", known.tag)] if known is not None and known.tag else []
        answer = self._answer("GET", root, {}, [*self._headers, ("Accept", _AGGREGATED), *headers], None)
        if known is not None and answer.status_code == _NOT_MODIFIED:
            return known
        found = discovery(self._json("GET", root, answer.content), answer.headers.get("ETag", ""))
        self._discovered[root] = found
        return found

    def resource_of(self, api_version: str, kind: str) -> Resource:
        """The resource of objects with this apiVersion and kind. Raises NotFoundError when the cluster has none."""
        known = COMMON.get((api_version, kind))
        if known is not None:
            return known
        for resource in self.resources():
            if resource.kind == kind and resource.api_version == api_version:
                return resource
        raise NotFoundError(
            f"{self.server}: there is no kind {kind} in {api_version}",
            reason="NoSuchKind",
            hint="install what defines it first (kubectl api-resources lists what is there)",
        )

    def list_raw(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Listing:
        """All objects of a resource, in one namespace or everywhere, paged so that no answer is huge."""
        items: list[Json] = []
        parameters = {"limit": str(_PAGE)}
        if label_selector:
            parameters["labelSelector"] = label_selector
        if field_selector:
            parameters["fieldSelector"] = field_selector
        path = resource.path(namespace)
        while True:
            page = self.request("GET", path, parameters=parameters)
            for item in page.get("items") or ():
                item.setdefault("apiVersion", resource.api_version)
                item.setdefault("kind", resource.kind)
                items.append(item)
            metadata = page.get("metadata", {})
            if not metadata.get("continue"):
                return Listing(items, str(metadata.get("resourceVersion", "")))
            parameters["continue"] = str(metadata["continue"])

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Json | None:
        """One object, or None when it is not there."""
        try:
            return self.request("GET", resource.path(namespace, name))
        except NotFoundError:
            return None

    # Changing

    def apply(
        self,
        document: Mapping[str, Any],
        *,
        dry_run: bool = False,
        force: bool = False,
        field_manager: str = FIELD_MANAGER,
        subresource: str | None = None,
    ) -> Json:
        """Server-side apply of one object; returns it as it is (or would be) stored.

        Raises ConflictError when another manager owns a field and ``force`` is False.
        """
        resource = self.resource_of(str(document["apiVersion"]), str(document["kind"]))
        metadata = document["metadata"]
        parameters = {"fieldManager": field_manager, "force": "true" if force else "false"}
        if dry_run:
            parameters["dryRun"] = "All"
        return self.request(
            "PATCH",
            resource.path(metadata.get("namespace"), str(metadata["name"]), subresource),
            parameters=parameters,
            body=document,
            content_type="application/apply-patch+yaml",
        )

    def create(self, document: Mapping[str, Any], *, dry_run: bool = False) -> Json:
        """Create one object; raises ConflictError (reason AlreadyExists) when it is there."""
        resource = self.resource_of(str(document["apiVersion"]), str(document["kind"]))
        parameters = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        return self.request(
            "POST", resource.path(document["metadata"].get("namespace")), parameters=parameters, body=document
        )

    def patch(
        self,
        resource: Resource,
        name: str,
        changes: Mapping[str, Any],
        namespace: str | None = None,
        *,
        dry_run: bool = False,
        subresource: str | None = None,
    ) -> Json:
        """Merge ``changes`` into one object (JSON merge patch: null removes)."""
        parameters = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        return self.request(
            "PATCH",
            resource.path(namespace, name, subresource),
            parameters=parameters,
            body=changes,
            content_type="application/merge-patch+json",
        )

    def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, dry_run: bool = False, uid: str = ""
    ) -> bool:
        """Delete one object and what it owns; False when it was not there. ``uid``: only if it is still that one."""
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        if dry_run:
            body["dryRun"] = ["All"]
        try:
            self.request("DELETE", resource.path(namespace, name), body=body)
        except NotFoundError:
            return False
        return True

    # Asking

    def self_access(self, action: Action) -> Decision:
        """May this connection's user do it?"""
        return self._review("selfsubjectaccessreviews", "SelfSubjectAccessReview", {}, action)

    def access_review(self, user: str, groups: Sequence[str], action: Action) -> Decision:
        """May that user, being in those groups, do it? Needs the right to create SubjectAccessReviews."""
        return self._review(
            "subjectaccessreviews", "SubjectAccessReview", {"user": user, "groups": list(groups)}, action
        )

    def _review(self, plural: str, kind: str, who: Mapping[str, Any], action: Action) -> Decision:
        answer = self.request(
            "POST",
            f"/apis/authorization.k8s.io/v1/{plural}",
            body={
                "apiVersion": "authorization.k8s.io/v1",
                "kind": kind,
                "spec": {**who, "resourceAttributes": action.attributes()},
            },
        )
        status = answer.get("status", {})
        return Decision(bool(status.get("allowed")), str(status.get("reason", "")))

    # Following

    def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        seconds: float,
        resource_version: str,
        label_selector: str | None = None,
        field_selector: str | None = None,
        bookmarks: bool = False,
    ) -> Iterator[Event]:
        """Changes since ``resource_version`` (of a list or an object) for at most ``seconds``, resumed where a
        connection broke off. ``bookmarks``: also the events that only say how far this is.

        There is no watch without a version: the API would send what is there first, ordered by name, and a connection
        that breaks off half-way could only be resumed at the version of the object that came last. Whatever is older
        and was not sent yet would be missed. Raises ExpiredError when the version to resume at is too old, StateError
        when there is none.
        """
        if not resource_version:
            raise StateError(
                f"{self.server}: {resource.full_name}: nothing says from when on to watch", reason="NoVersion"
            )
        until = time.monotonic() + seconds
        version = resource_version
        failures = 0
        while (left := until - time.monotonic()) > 0 and not self._streams.ended:
            parameters = {
                "watch": "true",
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(max(1, int(left + 0.999))),
            }
            wanted = (
                ("resourceVersion", version),
                ("labelSelector", label_selector),
                ("fieldSelector", field_selector),
            )
            parameters.update({key: value for key, value in wanted if value})
            try:
                for event in self._stream(resource.path(namespace), parameters, until):
                    failures = 0
                    version = str(event.object.get("metadata", {}).get("resourceVersion") or version)
                    if bookmarks or event.type != "BOOKMARK":
                        yield event
                    if time.monotonic() >= until:
                        return
            except RingfenceError as error:
                failures += 1
                if isinstance(error, ExpiredError) or error.reason != "Unreachable" or failures > _RETRIES:
                    raise
                time.sleep(min(0.1 * 2**failures, max(0.0, until - time.monotonic())))

    def _stream(self, path: str, parameters: Mapping[str, str], until: float) -> Iterator[Event]:
        import httpx2

        left = max(1.0, until - time.monotonic())
        timeout = httpx2.Timeout(_READ_SLACK, read=left + _READ_SLACK)
        try:
            with self._client.stream(
                "GET", path, params=dict(parameters), headers=self._headers, timeout=timeout
            ) as response:
                if response.status_code >= 400:
                    response.read()
                    raise refusal(self.server, "GET", path, response.status_code, _status(response.content))
                wire = response.extensions.get("network_stream")
                held = self._streams.add(wire.get_extra_info("socket") if wire is not None else None)
                try:
                    for line in response.iter_lines():
                        yield self._event(path, orjson.loads(line))
                finally:
                    self._streams.drop(held)
        except (httpx2.HTTPError, OSError) as error:
            raise unreachable(self.server, error) from error
        except orjson.JSONDecodeError as error:
            raise unreachable(self.server, error) from error

    def _event(self, path: str, document: Json) -> Event:
        if document["type"] == "ERROR":
            status = cast(Json, document["object"])
            raise refusal(self.server, "GET", path, int(status.get("code") or 500), status)
        return Event(str(document["type"]), document["object"])

    # The wire

    def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Json:
        """One request, with its JSON answer; the raw door for what has no method of its own.

        Reads are tried again when a connection breaks; changes are not, since they may have been made.
        """
        content = self.fetch(method, path, parameters=parameters, body=body, content_type=content_type, accept=accept)
        return self._json(method, path, content)

    def _json(self, method: str, path: str, content: bytes) -> Json:
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise StateError(f"{self.server}: {method} {path}: the answer is not JSON", reason="BadAnswer") from error
        return cast(Json, document)

    def fetch(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> bytes:
        """As ``request``, with the answer's bytes: for logs, ``/readyz`` and large lists."""
        if self._only_dry and method not in _READS and (parameters or {}).get("dryRun") != "All":
            raise StateError(f"{method} {path}: not sent, since it is no dry run", reason="NotADryRun")
        headers = [*self._headers, ("Accept", accept)]
        content = None
        if body is not None:
            content = orjson.dumps(body)
            headers.append(("Content-Type", content_type))
        return self._answer(method, path, parameters or {}, headers, content).content

    def _answer(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        headers: list[tuple[str, str]],
        content: bytes | None,
    ) -> "httpx2.Response":
        import httpx2

        for left in range(_RETRIES if method in _READS else 1, 0, -1):
            try:
                response = self._client.request(method, path, params=parameters, headers=headers, content=content)
            except (httpx2.HTTPError, OSError) as error:
                # A connection that the server closed while idle answers nothing: reading again is safe.
                if left == 1 or isinstance(error, httpx2.ConnectError):
                    raise unreachable(self.server, error) from error
                continue
            if response.status_code >= 400:
                raise refusal(self.server, method, path, response.status_code, _status(response.content))
            return response
        raise AssertionError("unreachable")


def _status(content: bytes) -> Json:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
