"""The restart window, against a list that keeps everything and looks at all of it each time."""

import copy
import sys
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dramaturg.supervision import RestartWindow, _window as window_module

MANY = 100_000


def inside(instants: list[float], now: float, period: float) -> int:
    """Count naively what lies in the closed window that ends now."""
    return sum(1 for each in instants if now - period <= each <= now)


def window_of(intensity: int, period: float, instants: Iterable[float]) -> RestartWindow:
    window = RestartWindow(intensity, period)
    for each in instants:
        window = window.add(each)
    return window


# Often equal, often a period apart to the last bit.
gaps = st.one_of(
    st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]),
    st.floats(0.0, 3.0, allow_subnormal=False),
)
times = st.lists(gaps, min_size=1, max_size=60).map(lambda each: [*accumulate(each)])
periods = st.one_of(st.sampled_from([0.1, 0.3, 1.0, 5.0]), st.floats(0.001, 10.0))
intensities = st.one_of(st.integers(0, 6), st.just(10**30))


# -- against the model -----------------------------------------------------------------------


@given(times, periods, intensities)
def test_it_is_exceeded_whenever_more_than_the_intensity_lie_within_the_period(
    times: list[float], period: float, intensity: int
) -> None:
    window = RestartWindow(intensity, period)

    for place, now in enumerate(times, 1):
        window = window.add(now)

        assert window.exceeded == (inside(times[:place], now, period) > intensity)


@given(times, periods)
def test_it_counts_what_lies_within_the_period(times: list[float], period: float) -> None:
    window = RestartWindow(3, period)

    for place, now in enumerate(times, 1):
        window = window.add(now)

        assert window.restarts(now) == inside(times[:place], now, period)


@given(times, periods, st.floats(0.0, 20.0))
def test_it_counts_also_when_nothing_has_been_added_for_a_while(
    times: list[float], period: float, later: float
) -> None:
    now = times[-1] + later

    assert window_of(3, period, times).restarts(now) == inside(times, now, period)


@given(st.lists(st.tuples(st.integers(0, 40), gaps), min_size=1, max_size=40), periods)
def test_an_older_value_goes_on_as_if_there_were_no_newer_one(
    branches: list[tuple[int, float]], period: float
) -> None:
    made: list[tuple[RestartWindow, list[float]]] = [(RestartWindow(2, period), [])]

    for which, gap in branches:
        window, before = made[which % len(made)]
        now = (before[-1] if before else 0.0) + gap
        made.append((window.add(now), [*before, now]))

    for window, instants in made:
        if instants:
            now = instants[-1]
            assert window.restarts(now) == inside(instants, now, period)
            assert window.exceeded == (inside(instants, now, period) > 2)


# -- the edges -------------------------------------------------------------------------------


def test_nothing_is_in_a_new_one() -> None:
    window = RestartWindow(0, 5.0)

    assert not window.exceeded
    assert window.restarts(0.0) == 0


def test_with_an_intensity_of_zero_the_first_is_one_too_many() -> None:
    assert RestartWindow(0, 5.0).add(0.0).exceeded


@pytest.mark.parametrize(
    ("second", "exceeded"),
    [(4.9, True), (5.0, True), (5.000_001, False), (5.9, False), (6.0, False)],
)
def test_the_window_is_closed_and_counts_fractions_of_seconds(
    second: float, exceeded: bool
) -> None:
    assert window_of(1, 5.0, [0.0, second]).exceeded is exceeded


def test_equal_instants_each_count() -> None:
    assert not window_of(3, 1.0, [7.0] * 3).exceeded
    assert window_of(3, 1.0, [7.0] * 4).exceeded


def test_what_has_left_the_window_never_comes_back() -> None:
    window = window_of(1, 1.0, [0.0, 0.5, 2.0])

    assert not window.exceeded
    assert not window.add(3.5).exceeded
    assert window.add(3.0).exceeded


def test_its_repr_says_how_many_it_holds() -> None:
    assert repr(window_of(3, 5.0, [1.0, 2.0])) == "RestartWindow(2 of 3 in 5 s)"


def test_adding_changes_nothing_in_the_one_before() -> None:
    before = window_of(1, 5.0, [0.0])

    before.add(1.0)
    before.add(2.0)

    assert before.restarts(2.0) == 1
    assert not before.exceeded


# -- what it costs ---------------------------------------------------------------------------


class Counted(float):
    """An instant that counts how often instants are compared."""

    __slots__ = ()
    comparisons = 0

    def __lt__(self, other: float) -> bool:
        Counted.comparisons += 1
        return float(self) < other

    def __ge__(self, other: float) -> bool:
        Counted.comparisons += 1
        return float(self) >= other


@pytest.mark.parametrize(
    ("period", "gap"),
    [(1e9, 1.0), (1_000.0, 1.0), (1.0, 0.0), (1.0, 2.0), (1.0, 0.4)],
    ids=["all stay", "a thousand stay", "all at once", "none stays", "two or three stay"],
)
def test_adding_costs_little_on_average_however_many_it_holds(
    monkeypatch: pytest.MonkeyPatch, period: float, gap: float
) -> None:
    moved = 0
    unlinked = window_module._unlinked

    def counted(node: Any, start: float) -> tuple[float, ...]:
        nonlocal moved
        found = unlinked(node, start)
        moved += len(found)
        return found

    monkeypatch.setattr(window_module, "_unlinked", counted)
    monkeypatch.setattr(Counted, "comparisons", 0)
    adds = 20_000

    window_of(10**9, period, (Counted(place * gap) for place in range(adds)))

    assert moved <= adds
    assert Counted.comparisons <= 4 * adds


def test_what_has_left_the_window_is_not_kept_for_ever() -> None:
    window = window_of(10**9, 10.0, map(float, range(10_000)))

    assert len(window.old) + window.new_length <= 3 * 11


@pytest.mark.parametrize("gap", [0.0, 1.0], ids=["all stay", "few stay"])
def test_a_hundred_thousand_restarts_are_no_problem(gap: float) -> None:
    assert sys.getrecursionlimit() < MANY
    window = window_of(MANY, 5.0, (place * gap for place in range(MANY)))

    assert not window.exceeded
    assert window.restarts((MANY - 1) * gap) == (6 if gap else MANY)
    assert repr(window)
    assert window.add((MANY - 1) * gap).exceeded == (gap == 0.0)


def test_many_restarts_are_let_go_without_recursion() -> None:
    window = window_of(MANY, 5.0, [0.0] * MANY)

    # Everything it holds leaves at once.
    window = window.add(100.0)

    assert window.restarts(100.0) == 1


def test_a_full_one_can_be_copied() -> None:
    window = window_of(MANY, 5.0, [0.0] * MANY)

    assert copy.copy(window).restarts(0.0) == MANY


def test_full_ones_can_be_compared() -> None:
    windows = [window_of(MANY, 5.0, [0.0] * MANY) for _ in range(2)]

    assert windows[0] in {*windows}
    assert windows.index(windows[1]) in {0, 1}
