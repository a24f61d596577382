"""The list of namespaces that an Argo CD looks into: what differs, and what it holds while deployments come and go."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence.deliver.reach import Reach, changes

NAMES = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True).map(lambda names: tuple(sorted(names)))


@given(NAMES, NAMES)
def test_it_never_loses_a_namespace_before_it_is_told_to(present: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    both = Reach("cluster-one", "argocd", present, wanted).both
    assert set(present) | set(wanted) == set(both)
    assert both == tuple(sorted(both))


@given(NAMES, NAMES)
def test_only_a_list_that_differs_is_a_change(present: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    found = changes("management", [Reach("cluster-one", "argocd", present, wanted)]).changes
    assert [str(change.key) for change in found] == ([] if present == wanted else ["Secret argocd/cluster-one"])
