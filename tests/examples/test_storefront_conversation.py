"""One order's way through the shop: it reconciles, but for clerks who take silence for a no."""

import pytest

from dramaturg.protocols.testing import Failure, replay_system
from examples.storefront_conversation import SLOW, hasty, in_time, system, too_late


@pytest.fixture(scope="module")
def failure() -> Failure:
    """Return what is found if clerks take silence for a no."""
    found = system(hasty, SLOW).failure
    assert found is not None
    return found


def test_everybody_keeps_to_the_protocol_while_all_answer_in_time() -> None:
    verdict = system(in_time).check()

    assert (verdict.schedules, verdict.truncated) == (100, 0)


def test_the_shop_reconciles_when_an_answer_is_late() -> None:
    verdict = system(too_late, SLOW).check()

    assert (verdict.schedules, verdict.truncated) == (100, 0)


def test_what_was_paid_for_is_given_back_by_a_hasty_clerk(failure: Failure) -> None:
    assert failure.property == "always paid, and gone"
    assert failure.schedule[-1].endswith("->/shelf #1")
    again = replay_system(hasty, failure.token, faults=SLOW)
    assert again.run.broken is not None
    assert again.run.broken.name == failure.property


def test_the_clerk_who_asks_again_comes_through_the_same_run(failure: Failure) -> None:
    assert replay_system(too_late, failure.token, faults=SLOW).run.broken is None
