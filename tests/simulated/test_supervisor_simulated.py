"""Supervisors in every order of events: their households keep OTP's rules."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize(
    "name",
    [
        "one_for_one",
        "one_for_one, any sender first",
        "one_for_all",
        "one_for_all, slowly",
        "rest_for_one",
        "rest_for_one, slowly",
    ],
)
def test_whoever_fails_is_restarted_with_its_group_and_nobody_else_is(name: str) -> None:
    CASES[f"supervisor/{name}"].check()


def test_rest_for_one_restarts_those_after_it() -> None:
    CASES["supervisor/all together"].check()


def test_one_for_all_restarts_all_but_temporary_children() -> None:
    CASES["supervisor/all for one"].check()


@pytest.mark.parametrize("whom", ["one", "all", "the rest"])
def test_a_start_that_fails_is_tried_again_and_counted(whom: str) -> None:
    CASES[f"supervisor/failing starts of {whom}"].check()


@pytest.mark.parametrize("name", ["intensity", "intensity, early"])
def test_it_gives_up_exactly_when_there_were_too_many_restarts(name: str) -> None:
    CASES[f"supervisor/{name}"].check()


def test_one_that_gave_up_is_made_anew_with_all_of_its_children() -> None:
    CASES["supervisor/given up"].check()


def test_one_that_gave_up_at_the_top_fails_the_system_when_its_children_have_ended() -> None:
    CASES["supervisor/given up below nobody"].check()
