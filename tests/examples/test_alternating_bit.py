"""The alternating bit: nothing is lost or doubled, and the wrong acknowledgement is found."""

from examples.alternating_bit import runs, states, system, take, take_wrongly


def test_no_state_of_the_model_is_wrong() -> None:
    found = states(take)

    assert (found.verdict, found.complete, found.states) == ("pass", True, 92)


def test_the_wrong_bit_takes_six_events_to_go_wrong() -> None:
    found = states(take_wrongly)

    assert found.broken is not None
    assert found.broken.name == "in time"
    assert found.schedule == (
        "deliver sender->receiver #0",
        "drop receiver->sender #0",
        "timer sender/again",
        "deliver sender->receiver #1",
        "deliver receiver->sender #1",
        "timer sender/again",
    )


def test_no_run_of_the_model_is_wrong() -> None:
    verdict = runs(take).check()

    assert (verdict.schedules, verdict.truncated) == (500, 0)


def test_a_run_of_the_model_with_the_wrong_bit_is_made_as_short_as_the_shortest() -> None:
    failure = runs(take_wrongly).failure

    assert failure is not None
    assert failure.property == "always in time"
    assert len(failure.schedule) == len(states(take_wrongly).schedule)


def test_the_actors_lose_nothing_in_any_run() -> None:
    verdict = system(take).check()

    assert (verdict.schedules, verdict.truncated) == (200, 0)


def test_the_wrong_bit_is_found_in_the_actors() -> None:
    failure = system(take_wrongly).failure

    assert failure is not None
    assert failure.property in {"always in time", "always in order", "at_rest all there"}
    assert failure.token.startswith("v1:")
