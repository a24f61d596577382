"""What is kept from one revision of the facts to the next: nothing that read what changed, and no more work."""

from typing import Any

import pytest

from ringfence.prove.memory import Ledger, RecordedMapping, RecordedSequence, same


class Book:
    """Two tables and a list, and work over them that counts how often it is done."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.prices: RecordedMapping[str, Any] = RecordedMapping(self.ledger, "prices")
        self.names: RecordedSequence[str] = RecordedSequence(self.ledger, "names")
        self.done: list[str] = []

    def turn(self, prices: dict[str, Any] | None = None, names: list[str] | None = None) -> None:
        self.ledger.revision += 1
        if prices is not None:
            self.prices.update(prices)
        if names is not None:
            self.names.update(names)

    def price(self, name: str) -> Any:
        def work() -> Any:
            self.done.append(name)
            return self.prices.get(name, 0)

        return self.ledger.once(("price", name), work)

    def total(self) -> Any:
        def work() -> Any:
            self.done.append("total")
            return sum(self.price(name) for name in self.names)

        return self.ledger.once("total", work)


@pytest.fixture
def book() -> Book:
    found = Book()
    found.turn({"tea": 2, "bun": 3, "cup": 9}, ["tea", "bun"])
    assert found.total() == 5
    found.done.clear()
    return found


def test_nothing_is_done_again_when_nothing_changed(book: Book) -> None:
    book.turn({"tea": 2, "bun": 3, "cup": 9}, ["tea", "bun"])
    assert (book.total(), book.done) == (5, [])


def test_what_was_not_read_may_change(book: Book) -> None:
    book.turn({"tea": 2, "bun": 3, "cup": 1})
    assert (book.total(), book.done) == (5, [])


def test_what_read_a_change_is_done_again_and_what_rests_on_it(book: Book) -> None:
    book.turn({"tea": 2, "bun": 4, "cup": 9})
    assert (book.total(), book.done) == (6, ["bun", "total"])


def test_a_fact_that_comes_or_goes_is_a_change(book: Book) -> None:
    book.turn({"tea": 2, "cup": 9})
    assert book.total() == 2
    book.turn({"tea": 2, "cup": 9, "bun": 5})
    assert book.total() == 7


def test_a_list_that_changed_is_read_again(book: Book) -> None:
    book.turn(names=["tea", "cup"])
    assert book.total() == 11


def test_a_change_with_no_other_outcome_goes_no_further(book: Book) -> None:
    def dear() -> bool:
        book.done.append("dear")
        return bool(book.price("tea") > 1)

    def told() -> str:
        book.done.append("told")
        return "dear" if book.ledger.once("dear", dear) else "cheap"

    assert book.ledger.once("told", told) == "dear"
    book.done.clear()
    book.turn({"tea": 5, "bun": 3, "cup": 9})
    assert (book.ledger.once("told", told), book.done) == ("dear", ["tea", "dear"])


def test_changes_in_revisions_that_nobody_asked_in_count(book: Book) -> None:
    book.turn({"tea": 7, "bun": 3, "cup": 9})
    book.turn({"tea": 7, "bun": 3, "cup": 0})
    book.turn()
    assert book.total() == 10


def test_the_keys_alone_are_a_fact_of_their_own(book: Book) -> None:
    def work() -> list[str]:
        book.done.append("keys")
        return list(book.prices)

    assert book.ledger.once("keys", work) == ["tea", "bun", "cup"]
    book.turn({"tea": 0, "bun": 0, "cup": 0})
    assert book.ledger.once("keys", work) == ["tea", "bun", "cup"]
    assert book.done == ["keys"]
    book.turn({"bun": 0, "tea": 0, "cup": 0})
    assert book.ledger.once("keys", work) == ["bun", "tea", "cup"]


def test_work_that_fails_leaves_nothing(book: Book) -> None:
    def work() -> int:
        return int(1 / len(book.names))

    book.turn(names=[])
    with pytest.raises(ZeroDivisionError):
        book.ledger.once("share", work)
    book.turn(names=["tea"])
    assert book.ledger.once("share", work) == 1
    assert book.total() == 2


def test_what_is_forgotten_is_worked_out_again(book: Book) -> None:
    for _ in range(5):
        book.turn()
    book.ledger.forget_unused(2)
    assert (book.total(), book.done) == (5, ["total", "tea", "bun"])


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (1, 1.0), ({"a": 1}, {"a": True}), ([1], (1,)), ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
)
def test_what_a_reader_can_tell_apart_is_not_the_same(one: object, other: object) -> None:
    assert not same(one, other)
