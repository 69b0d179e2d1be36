"""Tokens of other scenarios: replaying them would show nothing, and says so."""

import pytest

from dramaturg.protocols.testing import (
    ForeignScheduleError,
    ScenarioError,
    explore,
    replay,
    replay_system,
    to_token,
)
from tests.protocols.testing import lost_update, shop

READS = ("deliver a->store #0", "deliver b->store #0")


def test_a_token_of_which_nothing_is_possible_is_refused() -> None:
    token = to_token(("deliver x->y #0", "deliver y->x #0"))

    with pytest.raises(ForeignScheduleError, match="2 of its 2 events are not possible") as caught:
        replay(lost_update.careful, token)
    assert caught.value.skipped == ("deliver x->y #0", "deliver y->x #0")
    assert caught.value.events == 2
    assert isinstance(caught.value, ScenarioError)
    assert token[:20] in str(caught.value)


def test_a_token_of_which_only_the_calm_run_is_possible_is_refused() -> None:
    with pytest.raises(ForeignScheduleError, match="such as drop a->store #0, and the others"):
        replay(lost_update.careful, ["drop a->store #0", *READS])


def test_a_token_of_another_system_is_refused() -> None:
    failure = explore(lost_update.lost_update).failure
    assert failure is not None

    with pytest.raises(ForeignScheduleError):
        replay_system(shop.careful, failure.token)


def test_what_departs_from_the_calm_run_is_played_and_the_rest_is_told() -> None:
    replayed = replay(lost_update.careful, ["deliver gone->store #0", *reversed(READS)])

    assert replayed.skipped == ("deliver gone->store #0",)
    assert replayed.run.schedule[:2] == tuple(reversed(READS))


def test_a_failure_is_reported_though_the_calm_run_has_it() -> None:
    replayed = replay(lost_update.lost_update, ["deliver gone->store #0"])

    assert replayed.run.broken is not None
    assert replayed.skipped == ("deliver gone->store #0",)


def test_the_calm_run_itself_can_be_replayed() -> None:
    calm = replay(lost_update.careful, ()).run.schedule

    assert replay(lost_update.careful, to_token(calm)).skipped == ()
