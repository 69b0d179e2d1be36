"""Timers in every order of events: none is heard that is not the actor's any more."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize("name", ["cancelled", "cancelled, early"])
def test_a_timer_that_was_cancelled_is_not_heard(name: str) -> None:
    CASES[f"timers/{name}"].check()


@pytest.mark.parametrize("name", ["exchanged", "exchanged, early"])
def test_of_timers_with_one_key_only_the_last_is_heard(name: str) -> None:
    CASES[f"timers/{name}"].check()


@pytest.mark.parametrize(
    "name", ["restarted", "restarted, any sender first", "restarted by policy"]
)
def test_no_timer_outlives_its_incarnation(name: str) -> None:
    CASES[f"timers/{name}"].check()


@pytest.mark.parametrize("name", ["on time", "at a fixed rate"])
def test_a_fixed_rate_is_kept_and_caught_up(name: str) -> None:
    CASES[f"timers/{name}"].check()


def test_a_pause_begins_when_the_tick_was_handled() -> None:
    CASES["timers/with a pause"].check()


def test_a_timer_may_be_cancelled_in_the_handler_of_its_tick() -> None:
    CASES["timers/cancelled by itself"].check()


def test_timers_ring_in_the_order_in_which_they_are_due() -> None:
    CASES["timers/in order"].check()


def test_a_tick_stands_behind_what_came_before() -> None:
    CASES["timers/behind what came before"].check()


@pytest.mark.parametrize("name", ["told of silence", "told no more"])
def test_silence_is_told_when_it_is_silent_and_only_while_that_is_wanted(name: str) -> None:
    CASES[f"timers/{name}"].check()
