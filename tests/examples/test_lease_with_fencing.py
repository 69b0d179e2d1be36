"""The lease: with fencing no late write gets through, without it one is found."""

from functools import partial

import pytest

from dramaturg.protocols.testing import Failure, Faults, replay_system
from examples.lease_with_fencing import Fenced, Storage, TrustingStorage, system, two_writers


@pytest.fixture(scope="module")
def failure() -> Failure:
    """Return what is found if the storage does not look."""
    found = system(TrustingStorage).failure
    assert found is not None
    return found


def test_no_late_write_gets_through_in_any_run() -> None:
    verdict = system(Storage).check()

    assert (verdict.schedules, verdict.truncated) == (200, 0)


def test_a_late_write_is_found_if_the_storage_does_not_look(failure: Failure) -> None:
    assert failure.property == "always in turn"
    assert failure.difference == ("/storage.writes: [2] -> [2, 1]",)
    scenario = partial(two_writers, storage=TrustingStorage)
    again = replay_system(scenario, failure.token, faults=Faults(early_timers=1))
    assert again.run.broken is not None
    assert again.run.broken.name == failure.property


def test_the_storage_refuses_the_late_write_of_the_same_run(failure: Failure) -> None:
    scenario = partial(two_writers, storage=Storage)
    again = replay_system(scenario, failure.token, faults=Faults(early_timers=1))
    assert again.skipped == ()
    assert again.run.broken is None
    told = [getattr(step.event.payload, "message", None) for step in again.run.steps]
    assert Fenced() in told
