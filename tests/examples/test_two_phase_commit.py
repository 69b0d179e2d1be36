"""Two-phase commit: no state is wrong, and silence taken for consent is found in both faces."""

from dramaturg.protocols.testing import replay_system
from examples.two_phase_commit import (
    FAULTS,
    CoordinatorModel,
    HastyModel,
    hasty_transfer,
    model,
    system,
    watched_transfer,
)


def test_no_state_of_the_model_is_wrong() -> None:
    found = model(CoordinatorModel())

    assert (found.verdict, found.complete, found.states) == ("pass", True, 423)


def test_silence_taken_for_consent_takes_five_events_to_go_wrong_in_the_model() -> None:
    found = model(HastyModel())

    assert found.broken is not None
    assert (found.broken.name, len(found.schedule)) == ("all or none", 5)


def test_the_actors_keep_to_the_protocol_in_every_run() -> None:
    verdict = system(watched_transfer).check()

    assert (verdict.schedules, verdict.truncated) == (200, 0)


def test_silence_taken_for_consent_is_found_in_the_actors() -> None:
    failure = system(hasty_transfer).failure

    assert failure is not None
    assert failure.property == "always all or none"
    assert len(failure.schedule) <= 8
    assert failure.difference[0].endswith("{'state': 'prepared'} -> {'state': 'committed'}")
    again = replay_system(hasty_transfer, failure.token, faults=FAULTS)
    assert again.skipped == ()
    assert again.run.broken is not None
    assert again.run.broken.name == failure.property
