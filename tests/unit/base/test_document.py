"""Whatever YAML can hold ends in nodes or in an error that points at the place."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.base import document
from ringfence.base.document import Block, Scalar, Sequence, parse_document, read_document
from ringfence.base.errors import InputError


def parse(text: str) -> document.Node:
    return parse_document(text, "x.yaml")


def test_nodes_keep_spelling_and_place() -> None:
    root = parse('a: 0.10\nb:\n  - "1"\n  - no\n')
    assert isinstance(root, Block)
    a = root.entries["a"].value
    assert isinstance(a, Scalar)
    assert (a.text, a.plain, str(a.location)) == ("0.10", True, "x.yaml:1:4")
    b = root.entries["b"].value
    assert isinstance(b, Sequence)
    quoted, word = b.items
    assert isinstance(quoted, Scalar)
    assert isinstance(word, Scalar)
    assert (quoted.text, quoted.plain) == ("1", False)
    assert (word.text, word.boolean) == ("no", None)


def test_core_booleans_and_nulls() -> None:
    root = parse("[true, False, yes, ~, null, '', 'true']")
    assert isinstance(root, Sequence)
    scalars = [item for item in root.items if isinstance(item, Scalar)]
    assert [item.boolean for item in scalars] == [True, False, None, None, None, None, None]
    assert [item.null for item in scalars] == [False, False, False, True, True, False, False]


def test_aliases_and_merges() -> None:
    root = parse("base: &b {x: 1, y: 2}\nother: {<<: *b, y: 3}\nsame: *b\n")
    assert isinstance(root, Block)
    other, base, same = (root.entries[key].value for key in ("other", "base", "same"))
    assert isinstance(other, Block)
    values = {key: entry.value.text for key, entry in other.entries.items() if isinstance(entry.value, Scalar)}
    assert values == {"y": "3", "x": "1"}
    assert base is same


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "x.yaml:1:1", "empty"),
        ("# only a comment\n", "x.yaml:1:1", "empty"),
        ("a: 1\na: 2\n", "x.yaml:2:1", "twice"),
        ("a: {b: 1, b: 2}\n", "x.yaml:1:11", "twice"),
        ("a:\n\tb: 1\n", "x.yaml:2:1", "tab"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1", "second document"),
        ("a: [1, 2\n", "x.yaml:2:1", "not YAML"),
        ("a: *b\n", "x.yaml:1:4", "alias"),
        ("a: &a [*a]\n", "x.yaml:1:8", "inside"),
        ("? [a]\n: 1\n", "x.yaml:1:3", "key"),
        ("a: !!python/object:os.system x\n", "x.yaml:1:4", "tag"),
        ("a: \x07\n", "x.yaml:1:4", "control"),
        ("<<: 3\n", "x.yaml:1:5", "merges"),
        ("[" * 100_000, "x.yaml:1:65", "levels"),
        ("a: " * 3 + "b", "x.yaml:1:5", "not YAML"),
        (LAUGHS, "x.yaml", "values"),
        ("- " * 5000 + "a", "x.yaml:1:129", "levels"),
        ("{" * 50_000, "x.yaml:1:", ""),
    ],
)
def test_errors_point_at_the_place(text: str, place: str, words: str) -> None:
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        parse(text)
    assert time.monotonic() - started < 10
    assert str(caught.value.location).startswith(place)
    assert words in caught.value.message


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: \xff\xfe\n")
    with pytest.raises(InputError, match=r"x\.yaml:2:4: byte 0xff is not UTF-8"):
        read_document(path)
    path.write_bytes("\ufeffa: å\n".encode())
    root = read_document(path)
    assert isinstance(root, Block)
    path.write_bytes("a: 1\n".encode("utf-16"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_document(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_document(path)


def test_ten_megabytes_are_answered_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: [" + "1, " * 3_500_000 + "1]\n")
    started = time.monotonic()
    with pytest.raises(InputError, match="larger than"):
        read_document(path)
    path.write_text("a: [" + "1, " * 2_500_000 + "1]\n")
    with pytest.raises(InputError, match="more than"):
        read_document(path)
    assert time.monotonic() - started < 30


@settings(max_examples=400, deadline=None)
@given(
    st.text(alphabet=st.sampled_from(list("ab:,[]{}&*!|>-?#'\"% \n\t~0.<é\x00")), max_size=60) | st.text(max_size=40)
)
def test_any_text_gives_nodes_or_an_error_with_a_place(text: str) -> None:
    place = None
    try:
        root = parse(text)
    except InputError as error:
        place = error.location
    else:
        assert isinstance(root, Scalar | Sequence | Block)
        return
    assert place is not None
    assert place.line is not None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_give_text_or_an_error(content: bytes) -> None:
    try:
        found: object = document.decode(content, "x")
    except InputError as error:
        found = error.location
    assert found is not None
