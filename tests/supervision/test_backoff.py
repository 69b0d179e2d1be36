"""Back-off: its series, its reset, and what cannot be one."""

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import OptionError
from dramaturg.supervision import Backoff


class NoRandom(Random):
    """A random source that nobody may draw from."""

    def random(self) -> float:
        pytest.fail("it drew")


class Fixed(Random):
    """A random source that draws one number only."""

    def __init__(self, drawn: float) -> None:
        super().__init__()
        self._drawn = drawn

    def random(self) -> float:
        return self._drawn


LARGEST = math.nextafter(1.0, 0.0)
"""The largest number that a random source draws."""


def series(backoff: Backoff, length: int, random: Random | None = None) -> list[float]:
    return [backoff.delay(each, random or NoRandom()) for each in range(length)]


# -- the series --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backoff", "pauses"),
    [
        (Backoff(3, 30), [3, 6, 12, 24, 30, 30]),
        (Backoff(0.1, 2), [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2]),
        (Backoff(1, 100, factor=10), [1, 10, 100, 100]),
        (Backoff(5, 5), [5, 5, 5]),
        (Backoff(2, 9, factor=1), [2, 2, 2]),
    ],
    ids=str,
)
def test_without_jitter_the_series_is_that_of_the_docstring(
    backoff: Backoff, pauses: list[float]
) -> None:
    assert series(backoff, len(pauses)) == pytest.approx(pauses, rel=1e-12)


def test_jitter_takes_up_to_its_part_off_each_pause() -> None:
    backoff = Backoff(3, 30, jitter=0.2)

    assert series(backoff, 5, Fixed(0.0)) == [3, 6, 12, 24, 30]
    assert series(backoff, 5, Fixed(LARGEST)) == pytest.approx([2.4, 4.8, 9.6, 19.2, 24])


def test_jitter_comes_from_the_random_source() -> None:
    backoff = Backoff(3, 30, jitter=0.2)

    assert series(backoff, 9, Random(7)) == series(backoff, 9, Random(7))
    assert series(backoff, 9, Random(7)) != series(backoff, 9, Random(8))


initials = st.floats(1e-6, 1e6)


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    initial = draw(initials)
    return Backoff(
        initial,
        initial * draw(st.floats(1.0, 1e6)),
        factor=draw(st.floats(1.0, 1e3)),
        jitter=draw(st.floats(0.0, 1.0)),
    )


@given(backoffs(), st.integers(0, 100) | st.integers(0, 10**9), st.floats(0.0, LARGEST))
def test_no_pause_is_above_the_maximum_or_below_nothing(
    backoff: Backoff, failures: int, drawn: float
) -> None:
    pause = backoff.delay(failures, Fixed(drawn))

    assert 0.0 <= pause <= backoff.maximum
    assert pause >= backoff.initial * (1.0 - backoff.jitter) * 0.999_999


@given(initials, st.floats(1.0, 1e6), st.floats(1.0, 1e3))
def test_pauses_never_get_shorter(initial: float, times: float, factor: float) -> None:
    pauses = series(Backoff(initial, initial * times, factor=factor), 30)

    assert pauses == sorted(pauses)


@pytest.mark.parametrize(
    "backoff",
    [
        Backoff(3, 30),
        Backoff(5, 5),
        Backoff(5, 5, factor=1),
        Backoff(1, 2, factor=1.000_001),
        Backoff(1, 7, factor=3),
    ],
    ids=str,
)
def test_after_a_million_failures_the_pause_is_the_longest(backoff: Backoff) -> None:
    longest = backoff.initial if backoff.factor == 1 else backoff.maximum

    assert backoff.delay(10**6, NoRandom()) == pytest.approx(longest)


def test_a_cap_that_is_too_far_off_to_be_reached_is_no_problem() -> None:
    backoff = Backoff(1e-300, 1e300)

    assert backoff.delay(10**6, NoRandom()) == 1e300


# -- the reset ---------------------------------------------------------------------------


@pytest.mark.parametrize(("up_for", "count"), [(0.0, 5), (16.4, 5), (16.5, 0), (99.0, 0)])
def test_after_half_the_sum_of_both_ends_the_count_begins_anew(up_for: float, count: int) -> None:
    assert Backoff(3, 30).next_count(4, up_for) == count


@pytest.mark.parametrize(("up_for", "count"), [(1.9, 5), (2.0, 0)])
def test_the_time_to_the_reset_may_be_given(up_for: float, count: int) -> None:
    assert Backoff(3, 30, reset_after=2).next_count(4, up_for) == count


def test_with_no_time_to_the_reset_the_count_never_rises() -> None:
    assert Backoff(3, 30, reset_after=0).next_count(4, 0.0) == 0


# -- what cannot be ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("initial", {"initial": 0}),
        ("initial", {"initial": -1}),
        ("initial", {"initial": math.nan}),
        ("initial", {"initial": math.inf}),
        ("initial", {"initial": "1"}),
        ("initial", {"initial": None}),
        ("maximum", {"maximum": 0.5}),
        ("maximum", {"maximum": math.inf}),
        ("maximum", {"maximum": math.nan}),
        ("maximum", {"maximum": "9"}),
        ("factor", {"factor": 0.9}),
        ("factor", {"factor": math.inf}),
        ("factor", {"factor": math.nan}),
        ("factor", {"factor": "2"}),
        ("jitter", {"jitter": -0.1}),
        ("jitter", {"jitter": 1.1}),
        ("jitter", {"jitter": math.nan}),
        ("jitter", {"jitter": "0"}),
        ("reset_after", {"reset_after": -1}),
        ("reset_after", {"reset_after": math.inf}),
        ("reset_after", {"reset_after": math.nan}),
        ("reset_after", {"reset_after": "1"}),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_is_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        Backoff(**{"initial": 1, "maximum": 2, **options})

    assert caught.value.option == option
    assert caught.value.value is options[option]


def test_the_ends_of_each_range_may_be() -> None:
    assert Backoff(1, 1, factor=1, jitter=1, reset_after=0).delay(0, Fixed(0.5)) == 0.5
