"""Mailboxes in every order of events: each message is handled once, or a dead letter."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize(
    "name",
    [
        "restarted plainly",
        "restarted plainly, any sender first",
        "restarted while it waits",
        "restarted by policy",
    ],
)
def test_a_restart_loses_the_message_that_failed_and_no_other(name: str) -> None:
    CASES[f"mailbox/{name}"].check()


def test_a_mailbox_that_is_not_kept_is_emptied_into_the_dead_letters() -> None:
    CASES["mailbox/emptied"].check()


@pytest.mark.parametrize("name", ["stopped", "stopped, any sender first", "terminated"])
def test_what_a_stopped_actor_did_not_come_to_is_a_dead_letter(name: str) -> None:
    CASES[f"mailbox/{name}"].check()


@pytest.mark.parametrize("name", ["drained", "drained, any sender first"])
def test_a_drained_actor_handles_what_was_sent_before(name: str) -> None:
    CASES[f"mailbox/{name}"].check()


@pytest.mark.parametrize("name", ["stashed", "stashed, any sender first"])
def test_what_was_stashed_comes_first_and_in_order_also_after_a_restart(name: str) -> None:
    CASES[f"mailbox/{name}"].check()


def test_a_stash_is_dead_letters_when_its_actor_stops() -> None:
    CASES["mailbox/stashed and stopped"].check()


@pytest.mark.parametrize("name", ["rejecting", "dropping newest", "dropping oldest"])
def test_a_full_mailbox_turns_away_what_its_policy_says(name: str) -> None:
    CASES[f"mailbox/{name}"].check()


@pytest.mark.parametrize("name", ["waiting for room", "closing on who waits"])
def test_whoever_waits_for_room_gets_on(name: str) -> None:
    CASES[f"mailbox/{name}"].check()


def test_a_bounded_mailbox_outlives_a_restart() -> None:
    CASES["mailbox/poisoned"].check()


def test_what_is_more_urgent_comes_first() -> None:
    CASES["mailbox/ranked"].check()
