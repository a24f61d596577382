"""The parser of plain CEL against the library's: one tree, or none where the library has to decide."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.prove.cel.node import UNKNOWN
from ringfence.prove.cel.parse import parse, parse_with_library
from ringfence.prove.cel.plain import parse_plain

NAMES = ("object", "variables", "a", "spec", "x_1", "nodeName")
LITERALS = ("1", "0", "42", "true", "false", "null", "''", "'a b'", '"it\'s"', "'{[(?:'")
names = st.sampled_from(NAMES)
trees = st.recursive(
    st.one_of(names, st.sampled_from(LITERALS)),
    lambda inner: st.one_of(
        st.builds(
            "{} {} {}".format, inner, st.sampled_from(("&&", "||", "==", "!=", "<", "<=", ">", ">=", "in")), inner
        ),
        st.builds("{}?{} : {}".format, inner, inner, inner),
        st.builds("({})".format, inner),
        st.builds("!{}".format, inner),
        st.builds("{}.{}".format, inner, names),
        st.builds("{}.{}({}, {})".format, inner, names, inner, inner),
        st.builds("{}.all(t, {})".format, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("has({})".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(text=trees)
def test_one_tree_by_either_parser(text: str) -> None:
    found = parse_plain(text)
    assert found in (None, parse_with_library(text))


@pytest.mark.parametrize(
    "text",
    ["a + b", "-1", "1.5", "0x10", "1u", "r'a'", "b'a'", "'''a'''", "'a\\n'", "a // b", ".a", "a{b: 1}", "[a,]", "",
     "a b", "a.if", "a == ", "(a", "a)", "'a", "a ? b", "a @ b"],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_library(text: str) -> None:
    assert parse_plain(text) is None


@pytest.mark.parametrize("text", ["!" * 15_000 + "a", "(" * 9_000 + "a" + ")" * 9_000, "[" * 3_000])
def test_what_is_too_deep_is_not_understood(text: str) -> None:
    assert parse(text) == UNKNOWN


def test_texts_of_policies_need_no_library() -> None:
    text = (
        "!has(object.spec.tolerations) || object.spec.tolerations.all(toleration, has(toleration.key) && "
        "(toleration.key.startsWith('node.kubernetes.io/') || toleration.value == variables.pool))"
    )
    found = parse_plain(text)
    assert found is not None
    assert found == parse_with_library(text)
