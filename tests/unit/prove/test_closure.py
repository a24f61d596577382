"""The fixpoint itself: every chain counts, the least doubtful wins, and of those the shortest."""

from collections.abc import Iterable, Mapping

import pytest

from ringfence.prove.closure.capability import EVERYWHERE, Can, Capability
from ringfence.prove.closure.engine import Derivation, State, close
from ringfence.prove.proof import Step

START, MIDDLE, SIDE, END = (Capability(Can.POWER, "c", "n", name) for name in ("start", "middle", "side", "end"))


def step(name: str) -> Step:
    return Step(name, name, f"c:thing/{name}")


def gives(what: Capability, name: str | None = None, doubt: str | None = None, *others: Capability) -> Derivation:
    return Derivation(what, name or "silent", step(name) if name else None, doubt, others)


def closed(
    rules: Mapping[Capability, Iterable[Derivation]],
    starts: Mapping[Capability, Derivation | None] | None = None,
) -> State:
    return close(starts or {START: None}, lambda capability, _state: rules.get(capability, ()))


def named(state: State, what: Capability = END) -> list[str]:
    return [item.step for item in state.chain(what).steps]


def test_what_nothing_gives_is_not_reached() -> None:
    state = closed({START: [gives(MIDDLE, "one")]})
    assert state.has(MIDDLE)
    assert not state.has(END)
    assert state.of(Can.POWER, "c") == [START, MIDDLE]
    assert list(state.touching("c", "n")) == [START, MIDDLE]


def test_circles_end() -> None:
    state = closed({START: [gives(MIDDLE, "one")], MIDDLE: [gives(START, "back"), gives(END, "two")]})
    assert named(state) == ["one", "two"]


def test_fewer_steps_win_though_they_are_found_later() -> None:
    long = [gives(MIDDLE, "one"), gives(SIDE, "other")]
    state = closed({START: [*long, gives(END, "direct")], MIDDLE: [gives(END, "two")]})
    assert named(state) == ["direct"]


def test_derivations_without_a_step_cost_none() -> None:
    state = closed(
        {START: [gives(MIDDLE), gives(END, "one")], MIDDLE: [gives(SIDE)], SIDE: [gives(END)]},
    )
    assert named(state) == []
    assert state.reached[END].steps == 0


def test_a_certain_chain_wins_over_a_shorter_one_in_doubt() -> None:
    state = closed({START: [gives(END, "perhaps", "a fact"), gives(MIDDLE, "one")], MIDDLE: [gives(END, "two")]})
    assert named(state) == ["one", "two"]
    assert state.chain(END).certain


def test_doubt_stays_with_what_follows() -> None:
    state = closed({START: [gives(MIDDLE, "perhaps", "a fact")], MIDDLE: [gives(END, "surely")]})
    assert state.chain(END).doubts == ("a fact",)
    assert state.reached[END].doubts == 1


def test_every_premise_brings_its_steps_and_its_doubts() -> None:
    """A rule of two premises is as doubtful as both, and is reached by the steps of both."""
    rules = {
        START: [gives(SIDE, "perhaps", "a fact"), gives(MIDDLE, "one")],
        SIDE: [gives(END, "joined", None, MIDDLE)],
    }
    chain = closed(rules).chain(END)
    assert chain.doubts == ("a fact",)
    assert sorted(item.step for item in chain.steps) == ["joined", "one", "perhaps"]
    other = {**rules, START: [gives(SIDE, "perhaps", "a fact")], SIDE: [gives(MIDDLE, "one"), gives(START, "back")]}
    joined = closed({**other, MIDDLE: [gives(END, "joined", None, SIDE)]})
    assert joined.chain(END).doubts == ("a fact",)


def test_the_doubts_of_further_premises_count_in_the_choice() -> None:
    """A chain that hangs on one fact beats one that hangs on two, one of them by its second premise."""
    more = Capability(Can.POWER, "c", "n", "more")
    rules = {
        START: [gives(SIDE, "perhaps", "a fact"), gives(MIDDLE, "maybe", "another")],
        MIDDLE: [gives(END, "joined", None, SIDE)],
        SIDE: [gives(more, "two")],
        more: [gives(END, "three")],
    }
    chain = closed(rules).chain(END)
    assert chain.doubts == ("a fact",)
    assert [item.step for item in chain.steps] == ["perhaps", "two", "three"]


@pytest.mark.parametrize("doubt", [None, "whether it is so"])
def test_starts_may_have_steps_and_doubts_of_their_own(doubt: str | None) -> None:
    starts = {SIDE: gives(SIDE, "given", doubt), START: None}
    state = closed({START: [gives(END, "one")], SIDE: [gives(END)]}, starts)
    assert state.reached[SIDE].doubts == (doubt is not None)
    assert state.reached[SIDE].steps == 1
    assert state.reached[START].steps == 0
    assert state.chain(END).certain
    assert len(named(state)) == 1


def test_places_meet_where_they_are_equal_or_one_is_everywhere() -> None:
    def held(place: str, name: str = "right") -> Capability:
        return Capability(Can.POWER, "c", place, name)

    wide, here, there = held(EVERYWHERE), held("here"), held("there")
    others = [held("here", "other"), Capability(Can.POWER, "d", "here", "right")]
    state = closed({}, dict.fromkeys((here, *others, wide, there)))
    assert state.powers_meeting("c", "right", "here") == [here, wide]
    assert state.powers_meeting("c", "right", "there") == [wide, there]
    assert state.powers_meeting("c", "right", "elsewhere") == [wide]
    assert state.powers_meeting("c", "right", EVERYWHERE) == [here, wide, there]
    alone = closed({}, {here: None})
    assert alone.powers_meeting("c", "right", "here") == [here]
    assert alone.powers_meeting("c", "right", "there") == []
    makers = [Capability(Can.CREATE_PODS, "c", place) for place in ("here", EVERYWHERE)]
    state = closed({}, dict.fromkeys(makers))
    assert state.makers_meeting("c", "here") == makers
    assert state.makers_meeting("c", "there") == makers[1:]
    assert state.makers_meeting("c", EVERYWHERE) == makers
