import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.base.errors import InputError
from ringfence.engine import ClusterSpec, EnvironmentSpec, NodeSpec, Role, Taint
from ringfence.engine.spec import check

_LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?", fullmatch=True)


def one(*nodes: NodeSpec, name: str = "c", role: Role = Role.WORKLOAD) -> EnvironmentSpec:
    return EnvironmentSpec("e", (ClusterSpec(name, role, nodes),))


@given(_LABEL)
def test_every_short_dns_label_is_a_name(name: str) -> None:
    if name not in ("argocd", "git"):
        check(name, [EnvironmentSpec(name, (ClusterSpec(name, Role.WORKLOAD, (NodeSpec(name, "p"),)),))])


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a/b", "..", "a" * 54, "å", "a\n"])
def test_other_names_are_refused_and_quoted(name: str) -> None:
    with pytest.raises(InputError) as error:
        check(name, [])
    assert repr(name) in str(error.value)


@pytest.mark.parametrize(
    ("environments", "words"),
    [
        ([one(NodeSpec("n", "p", cpu="4 cores"))], "4 cores"),
        ([one(NodeSpec("n", "p", memory="lots"))], "lots"),
        ([one(NodeSpec("n", "p"), NodeSpec("n", "q"))], "there twice"),
        ([one(NodeSpec("n", "p", taints=(Taint("k", "v", "NoWay"),)))], "NoWay"),
        ([one(name="argocd")], "engine's own"),
        ([one(), EnvironmentSpec("f", one().clusters)], "used twice"),
        ([one(), one(name="d")], "same name"),
        (
            [EnvironmentSpec("e", (ClusterSpec("a", Role.MANAGEMENT), ClusterSpec("b", Role.MANAGEMENT)))],
            "more than one management cluster",
        ),
    ],
)
def test_what_cannot_be_is_refused(environments: list[EnvironmentSpec], words: str) -> None:
    with pytest.raises(InputError) as error:
        check("l", environments)
    assert words in str(error.value)
