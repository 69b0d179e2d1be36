"""Blackboards in every order of events: what is acknowledged is there, and is heard of once."""

import pytest

from tests.simulated.blackboard_scenarios import WRITES
from tests.simulated.cases import CASES


@pytest.mark.parametrize("name", ["followed", "followed, any sender first"])
def test_each_follower_hears_each_write_once_and_in_order(name: str) -> None:
    CASES[f"blackboard/{name}"].check()


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("what", ["kept", "lost"])
def test_a_journal_that_fails_at_a_write_leaves_no_gap_and_no_duplicate(
    number: int, what: str
) -> None:
    CASES[f"blackboard/write {number} {what}"].check()


def test_a_crash_anywhere_leaves_no_gap_and_no_duplicate() -> None:
    CASES["blackboard/crashed"].check()


def test_a_follower_is_told_what_there_is_when_what_it_missed_was_deleted() -> None:
    CASES["blackboard/forgetful"].check()


@pytest.mark.parametrize("what", ["version", "value"])
def test_of_writers_that_expect_the_same_one_wins(what: str) -> None:
    CASES[f"blackboard/counted by {what}"].check()
