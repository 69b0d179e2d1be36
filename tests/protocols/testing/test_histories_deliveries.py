"""How often effects took place, in which order, and what caused what."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dramaturg.protocols.testing._causality import Delivered, VectorClock, causal
from dramaturg.protocols.testing._deliveries import (
    at_least_once,
    at_most_once,
    exactly_once,
    monotonic,
)
from dramaturg.protocols.testing._errors import ScenarioError

# -- counts ---------------------------------------------------------------------------------------


def test_exactly_once_names_what_came_never_too_often_or_unexpected() -> None:
    verdict = exactly_once(["b", "c", "b", "z"], expected=["a", "b", "c"])

    assert not verdict
    assert verdict.offending == (("a", 0), ("b", 2), ("z", 1))
    assert verdict.counted == 4
    expected = "not exactly once: 'a' never; 'b' twice; 'z' once, which nobody expected"
    assert f"{verdict}" == expected


def test_at_most_once_allows_what_is_missing() -> None:
    assert at_most_once(["a"], expected=["a", "b"])
    assert at_most_once([1, 2, 3])
    assert at_most_once([1, 2, 1, 1]).offending == ((1, 3),)
    assert at_most_once(["z"], expected=["a"]).offending == (("z", 1),)


def test_at_least_once_allows_what_comes_again_or_unexpected() -> None:
    assert at_least_once(["a", "a", "z"], expected=["a"])
    assert at_least_once(["z"], expected=["a", "b"]).offending == (("a", 0), ("b", 0))


def test_what_is_the_same_is_told_by_a_key() -> None:
    effects = [("o1", 5), ("o2", 5), ("o1", 6)]

    assert at_most_once(effects)
    assert at_most_once(effects, key=lambda each: each[0]).offending == (("o1", 2),)


def test_a_long_list_of_what_is_wrong_is_cut() -> None:
    verdict = at_least_once([], expected=range(12))

    assert "and 2 more" in f"{verdict}"
    assert len(verdict.offending) == 12


def test_keys_that_cannot_be_hashed_are_refused() -> None:
    with pytest.raises(ScenarioError):
        at_most_once([[1]])
    with pytest.raises(ScenarioError):
        exactly_once([], expected=[[1]])  # type: ignore[list-item]


@given(st.lists(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_exactly_once_is_at_least_and_at_most_once(effects: list[int], wanted: set[int]) -> None:
    both = at_least_once(effects, expected=wanted) and at_most_once(effects, expected=wanted)

    assert bool(exactly_once(effects, expected=wanted)) == bool(both)
    assert bool(exactly_once(effects, expected=wanted)) == (sorted(effects) == sorted(wanted))


# -- monotonic ------------------------------------------------------------------------------------


def test_values_may_stay_but_not_go_back() -> None:
    assert monotonic([1, 1, 2])
    assert not monotonic([1, 1, 2], strict=True)
    assert f"{monotonic([1, 3, 2])}" == "not monotonic: 2, value 2, came after 3"
    assert monotonic([])


def test_each_one_has_values_of_its_own() -> None:
    reads = [("a", 1), ("b", 0), ("a", 2), ("b", 3), ("a", 0)]

    verdict = monotonic(reads, key=lambda each: each[1], per=lambda each: each[0])

    assert f"{verdict}" == "not monotonic: 0 of 'a', value 4, came after 2"


# -- causality ------------------------------------------------------------------------------------


def test_a_clock_tells_what_happened_before() -> None:
    first = VectorClock().ticked("a")
    answer = VectorClock().merged(first).ticked("b")
    elsewhere = VectorClock().ticked("c")

    assert first < answer
    assert not first < elsewhere
    assert not elsewhere < first
    assert first.ticked("a") == VectorClock({"a": 2, "b": 0})
    assert hash(VectorClock({"b": 1, "a": 2})) == hash(VectorClock({"a": 2, "b": 1}))
    assert repr(answer) == "VectorClock({'a': 1, 'b': 1})"


@pytest.mark.parametrize("count", [-1, 1.5])
def test_a_clock_counts(count: Any) -> None:
    with pytest.raises(ScenarioError):
        VectorClock({"a": count})


def test_an_answer_that_overtakes_its_question_is_not_causal() -> None:
    question = VectorClock({"a": 1})
    answer = VectorClock({"a": 1, "b": 1})
    early = Delivered("c", "answer", answer)
    late = Delivered("c", "question", question)

    verdict = causal([early, Delivered("b", "question", question), late])

    assert not verdict
    assert (verdict.early, verdict.late) == (early, late)
    assert "c got 'answer' before 'question'" in f"{verdict}"
    assert causal([late, early])


def test_concurrent_messages_may_arrive_in_any_order() -> None:
    one = Delivered("c", "one", VectorClock({"a": 1}))
    other = Delivered("c", "other", VectorClock({"b": 1}))

    assert causal([one, other])
    assert causal([other, one])
    assert causal([one, one])


def test_what_is_no_delivery_is_refused() -> None:
    with pytest.raises(ScenarioError):
        causal(["question"])  # type: ignore[list-item]


clocks = st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)).map(VectorClock)


@given(st.lists(st.builds(Delivered, st.sampled_from("xy"), st.none(), clocks), max_size=8))
def test_it_is_causal_if_no_pair_of_deliveries_is_not(deliveries: list[Delivered]) -> None:
    broken = any(
        early.process == late.process and late.clock < early.clock
        for early, late in combinations(deliveries, 2)
    )

    assert bool(causal(deliveries)) == (not broken)
