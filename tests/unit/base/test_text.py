"""Words for people."""

from ringfence.base.text import listed, nearest, plural, printable, suggestion


def test_nearest_spelling() -> None:
    assert nearest("namspace", ["namespace", "node"]) == "namespace"
    assert nearest("zebra", ["namespace", "node"]) is None
    assert suggestion("zebra", ["node", "namespace"]) == "known: namespace, node"
    assert suggestion("ISO-27001", ["iso-27001"]) == "did you mean 'iso-27001'?"


def test_lists_and_plurals() -> None:
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a"]) == "a"
    assert (plural(1, "cluster"), plural(2, "cluster"), plural(0, "policy", "policies")) == (
        "1 cluster", "2 clusters", "0 policies",
    )  # fmt: skip


def test_invisible_characters_are_shown() -> None:
    assert printable("prod\u202egnitset") == "prod\\u202egnitset"
    assert printable("a\x1b[31mb\nc") == "a\\x1b[31mb\\nc"
    assert printable("größe café") == "größe café"
