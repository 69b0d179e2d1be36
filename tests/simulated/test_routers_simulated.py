"""Routers in every order of events."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize("name", ["in turns", "in turns, any sender first"])
def test_routees_take_turns(name: str) -> None:
    CASES[f"front/{name}"].check()


def test_a_routee_that_ended_gets_nothing_more() -> None:
    CASES["front/in turns of the living"].check()


def test_the_same_key_goes_to_the_same_routee() -> None:
    CASES["front/by key"].check()


def test_nobody_gets_more_while_another_one_has_less() -> None:
    CASES["front/by load"].check()


def test_a_drained_pool_handles_what_was_sent_before() -> None:
    CASES["front/pool drained"].check()


def test_a_pool_ends_with_its_last_routee() -> None:
    CASES["front/pool deserted"].check()


def test_what_is_asked_of_all_is_answered_by_the_first_who_can() -> None:
    CASES["front/polled"].check()
