"""Differences between objects, and what a repository should hold."""

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ringfence.base.clock import SetClock
from ringfence.deliver.changes import Action, Change, ChangeSet, differing_fields, joined
from ringfence.deliver.git import Repository
from ringfence.deliver.repository import as_changes, file_changes
from ringfence.landscape.model import Level
from ringfence.render import ObjectKey, Sources, render
from topologies import LEVELS, clinic, topology_of

KEY = ObjectKey("", "ConfigMap", "shop", "one")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON, _JSON)
def test_fields_differ_exactly_when_the_objects_do(one: object, other: object) -> None:
    def document(spec: object) -> dict[str, object]:
        return {"metadata": {"name": "x"}, "spec": spec}

    same = repr(one) == repr(other) or one == other
    assert (differing_fields(document(one), document(other)) == ()) == same


def test_what_the_server_keeps_for_itself_is_no_difference() -> None:
    one = {"metadata": {"name": "x", "uid": "1", "resourceVersion": "1", "managedFields": []}, "status": {"a": 1}}
    other = {"metadata": {"name": "x", "uid": "2", "resourceVersion": "9"}, "status": {"a": 2}}
    assert differing_fields(one, other) == ()


def test_paths_name_the_field() -> None:
    one = {"metadata": {"labels": {"a": "1"}}, "spec": {"list": [{"x": 1}, {"x": 2}], "gone": 1}}
    other = {"metadata": {"labels": {"a": "2"}}, "spec": {"list": [{"x": 1}, {"x": 3}]}}
    assert differing_fields(one, other) == ("metadata.labels.a", "spec.gone", "spec.list[1].x")


def test_what_is_kept_on_purpose_is_no_difference() -> None:
    kept = ChangeSet((Change("c", KEY, "platform", Action.KEEP, because="it holds a ConfigMap"),))
    assert kept.clean
    assert not (kept + ChangeSet((Change("c", KEY, "platform", Action.DELETE),))).clean
    assert joined([kept, kept]).counts()[Action.KEEP] == 2


def test_apply_writes_a_release_once_and_its_own_files_always(tmp_path: Path) -> None:
    landscape = clinic()
    topology = topology_of(landscape, LEVELS[Level.NAMESPACE])
    clock = SetClock(datetime(2026, 11, 23, tzinfo=UTC))
    repository = Repository.open(tmp_path / "np.git", clock)
    first = render(landscape, topology, {"portal": Sources({"Chart.yaml": b"version: 1\n"})})
    repository.commit(file_changes(None, first, "np"), "First")
    assert file_changes(repository, first, "np") == {}
    edited = render(landscape, topology, {"portal": Sources({"Chart.yaml": b"version: 2\n"})})
    assert file_changes(repository, edited, "np") == {}
    values = "deployments/portal/testing-1/platform-values.yaml"
    repository.commit({values: b"replicaCount: 99\n", "clusters/np-1/stray.yaml": b"x"}, "Somebody")
    changes = file_changes(repository, first, "np")
    assert set(changes) == {values, "clusters/np-1/stray.yaml"}
    assert changes["clusters/np-1/stray.yaml"] is None
    shown = {change.key.name: change.action for change in as_changes("np", changes, repository.files()).changes}
    assert shown == {values: Action.UPDATE, "clusters/np-1/stray.yaml": Action.DELETE}


def test_a_deployment_that_left_takes_its_folder_along(tmp_path: Path) -> None:
    landscape = clinic()
    clock = SetClock(datetime(2026, 11, 23, tzinfo=UTC))
    repository = Repository.open(tmp_path / "np.git", clock)
    sources = {"portal": Sources({"Chart.yaml": b"version: 1\n"})}
    both = render(landscape, topology_of(landscape, LEVELS[Level.NAMESPACE]), sources)
    repository.commit(file_changes(None, both, "np"), "Both")
    one = render(landscape, topology_of(landscape, LEVELS[Level.NAMESPACE][:1]), sources)
    repository.commit(file_changes(repository, one, "np"), "One")
    assert not any("testing-2" in path for path in repository.files())
