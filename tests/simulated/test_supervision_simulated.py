"""What a supervisor is asked while its children fail, its pauses and its end, in every order."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize("name", ["asked", "asked slowly"])
def test_children_are_ended_restarted_deleted_and_added_while_they_fail(name: str) -> None:
    CASES[f"supervisor/{name}"].check()


def test_a_child_that_was_terminated_is_not_restarted_even_if_that_was_due() -> None:
    CASES["supervisor/terminated while due"].check()


def test_pauses_double_up_to_a_limit_and_begin_anew_after_a_good_time() -> None:
    CASES["supervisor/pauses"].check()


@pytest.mark.parametrize("name", ["stopped", "stopped, all"])
def test_a_stop_wins_over_restarts_and_leaves_nobody_behind(name: str) -> None:
    CASES[f"supervisor/{name}"].check()


def test_a_significant_child_that_ends_by_itself_ends_its_supervisor() -> None:
    CASES["supervisor/any significant"].check()


def test_a_significant_child_that_fails_or_is_terminated_does_not() -> None:
    CASES["supervisor/not significant"].check()


def test_the_last_significant_child_counts_one_whose_restart_is_due_as_alive() -> None:
    CASES["supervisor/all significant"].check()


def test_each_instance_of_a_pool_is_restarted_by_itself() -> None:
    CASES["supervisor/pool"].check()
