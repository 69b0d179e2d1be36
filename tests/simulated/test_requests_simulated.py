"""Requests in every order of events: each has one outcome, the right one, and in time."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize(
    "name",
    [
        "answered plainly",
        "answered plainly, any sender first",
        "answered slowly",
        "answered slowly, any sender first",
    ],
)
def test_each_request_has_one_outcome_whoever_crashes(name: str) -> None:
    CASES[f"requests/{name}"].check()


@pytest.mark.parametrize("name", ["stopped", "terminated"])
def test_whoever_asks_one_that_ends_is_told_so_at_once(name: str) -> None:
    CASES[f"requests/{name}"].check()


@pytest.mark.parametrize("name", ["too slow", "too slow, in time"])
def test_what_comes_late_is_counted_and_what_has_expired_is_not_handled(name: str) -> None:
    CASES[f"requests/{name}"].check()


def test_a_deadline_is_inherited() -> None:
    CASES["requests/inherited"].check()


@pytest.mark.parametrize("name", ["circle", "circle, any sender first"])
def test_a_circle_is_found_and_nobody_hangs(name: str) -> None:
    CASES[f"requests/{name}"].check()


@pytest.mark.parametrize("name", ["no circle", "held up by nothing"])
def test_no_circle_is_found_where_there_is_none(name: str) -> None:
    CASES[f"requests/{name}"].check()


@pytest.mark.parametrize("name", ["forwarded", "forwarded to the dead"])
def test_a_request_that_is_passed_on_is_answered_by_whoever_has_it(name: str) -> None:
    CASES[f"requests/{name}"].check()


def test_a_request_that_is_passed_on_to_its_asker_closes_a_circle() -> None:
    CASES["requests/forwarded to the asker"].check()


def test_a_request_that_was_put_aside_is_answered_once() -> None:
    CASES["requests/deferred"].check()
