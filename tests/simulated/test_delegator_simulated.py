"""Delegators in every order of events: each caller is told once, whatever fails."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize("name", ["done", "done, any sender first"])
def test_each_task_is_done_once_by_an_agent_whose_turn_it_is(name: str) -> None:
    CASES[f"delegator/{name}"].check()


def test_an_agent_is_tried_again_then_the_next_one_and_then_the_fallback() -> None:
    CASES["delegator/fallen back"].check()


def test_a_failure_goes_up_with_all_attempts_and_a_refusal_is_an_answer() -> None:
    CASES["delegator/handed up"].check()


def test_a_crash_anywhere_leaves_nobody_without_an_answer() -> None:
    CASES["delegator/crashed"].check()


def test_a_drained_delegator_sees_its_tasks_through() -> None:
    CASES["delegator/drained"].check()


def test_whoever_waits_for_a_delegator_that_is_stopped_is_told_so() -> None:
    CASES["delegator/stopped"].check()
