"""Topics in every order of events: who gets what, and what becomes of the rest."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize("name", ["published", "published, any sender first"])
def test_each_subscriber_gets_each_message_once_and_in_order(name: str) -> None:
    CASES[f"topic/{name}"].check()


@pytest.mark.parametrize("name", ["dropping newest", "dropping oldest", "parked"])
def test_whoever_is_slow_misses_what_it_has_asked_to_and_all_is_counted(name: str) -> None:
    CASES[f"topic/{name}"].check()


def test_whoever_is_too_slow_is_told_so_once_and_gets_no_more() -> None:
    CASES["topic/disconnected"].check()


@pytest.mark.parametrize("name", ["restarted", "restarted, any sender first"])
def test_a_restart_of_the_topic_loses_nothing(name: str) -> None:
    CASES[f"topic/{name}"].check()


def test_a_restart_of_a_subscriber_loses_what_it_failed_on_and_nothing_else() -> None:
    CASES["topic/subscriber restarted"].check()


def test_a_subscriber_that_ended_is_removed() -> None:
    CASES["topic/subscriber ended"].check()


def test_a_drained_topic_hands_over_what_waits() -> None:
    CASES["topic/drained"].check()


def test_what_waits_at_a_topic_that_is_stopped_is_dead_letters() -> None:
    CASES["topic/stopped"].check()
