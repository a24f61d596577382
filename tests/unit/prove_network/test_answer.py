"""How unknown facts are explored, and what is said of them."""

from ringfence.prove.answer import Answer, Choices, Question, Trail, Truth, explore

A = Question("a", ("1", "2"), "fact a")
B = Question("b", ("1", "2", "3"), "fact b")


def test_agreement_is_certain() -> None:
    def evaluate(choices: Choices, trail: Trail) -> bool:
        trail.note("asked", "pod/x/y")
        return choices.ask(A) == "1" or choices.ask(B) != ""

    assert explore(evaluate, {}) == Answer(Truth.YES, ("asked",), (), ("pod/x/y",))


def test_a_single_fact_that_settles_is_named_alone() -> None:
    answer = explore(lambda choices, _: choices.ask(A) == "1" and choices.ask(B) in B.values, {})
    assert answer.truth is Truth.UNKNOWN
    assert answer.settles == ("fact a",)


def test_facts_that_settle_only_together_are_all_named() -> None:
    answer = explore(lambda choices, _: choices.ask(A) == "1" or choices.ask(B) == "2", {})
    assert answer.settles == ("fact a", "fact b")


def test_a_fact_asked_twice_has_one_value() -> None:
    answer = explore(lambda choices, _: choices.ask(A) == choices.ask(A), {})
    assert answer.truth is Truth.YES


def test_known_facts_are_not_explored() -> None:
    assert explore(lambda choices, _: choices.ask(A) == "1", {"a": "1"}).truth is Truth.YES
    assert explore(lambda choices, _: choices.ask(A) == "1", {"a": "2"}).truth is Truth.NO


def test_every_value_is_tried() -> None:
    assert explore(lambda choices, _: choices.ask(B) != "3", {}).truth is Truth.UNKNOWN


def test_both_sides_of_an_unknown_are_explained() -> None:
    def evaluate(choices: Choices, trail: Trail) -> bool:
        found = choices.ask(A) == "1"
        trail.note("open" if found else "shut")
        return found

    because = explore(evaluate, {}).because
    assert "yes if so: open" in because
    assert "no if so: shut" in because


def test_too_many_facts_are_unknown_never_a_guess() -> None:
    def evaluate(choices: Choices, _: Trail) -> bool:
        return [choices.ask(Question(str(number), ("0", "1"), str(number))) for number in range(20)] != []

    assert explore(evaluate, {}).truth is Truth.UNKNOWN
