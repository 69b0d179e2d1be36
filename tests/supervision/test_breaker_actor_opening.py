"""How a circuit breaker in front of an actor opens, tries and closes."""

from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    DeadLetterReason,
    DeadlineExceeded,
    Props,
    Refused,
)
from dramaturg.supervision._breaker_actor import BreakerActor
from dramaturg.supervision._breaker_gate import CircuitOpen
from dramaturg.supervision._breaker_messages import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    BreakerStatus,
    GetBreaker,
)
from tests.actors.kit import Crash, Fail, Note, within
from tests.actors.messaging_kit import Hold, turns
from tests.any_order import new_system
from tests.supervision.breaker_actor_kit import Bench, Target, open_bench
from tests.supervision.breaker_kit import CLOSED, HALF_OPEN, OPEN

bench = pytest.fixture(open_bench)


async def test_it_opens_after_so_many_failures_and_fails_requests_at_once(bench: Bench) -> None:
    await bench.fail(2)
    bench.clock.advance(4.0)

    with pytest.raises(CircuitOpen, match="/breaker is open for 6 s") as caught:
        await bench.succeed()

    assert (caught.value.name, caught.value.retry_after) == ("/breaker", 6.0)
    assert await within(bench.breaker.request(GetBreaker())) == BreakerStatus(
        name="/breaker", state=OPEN, failures=2, retry_after=6.0, reset_timeout=10.0
    )


async def test_a_request_that_is_turned_away_is_no_dead_letter(bench: Bench) -> None:
    await bench.fail(2)
    before = bench.system.dead_letters.total

    with pytest.raises(CircuitOpen):
        await bench.succeed()

    assert bench.system.dead_letters.total == before


@pytest.mark.parametrize("trace", [False, True])
async def test_what_is_told_to_an_open_circuit_is_a_dead_letter(trace: bool) -> None:
    async with new_system(trace=trace) as system:
        log: list[Any] = []
        target = system.spawn(Props(Target, log))
        breaker = system.spawn(Props(BreakerActor, target, max_failures=1), name="breaker")
        with pytest.raises(ActorCrashed):
            await within(breaker.request(Fail(Crash("ill"))))

        breaker.tell(Note("lost"))
        await within(breaker.request(GetBreaker()))

        [letter] = system.dead_letters.list(reason=DeadLetterReason.REFUSED)
    assert (letter.message, letter.target) == (Note("lost"), "/breaker")
    assert isinstance(letter.error, CircuitOpen)
    assert log == []


async def test_a_success_starts_the_count_anew(bench: Bench) -> None:
    await bench.fail()
    await bench.succeed()
    await bench.fail()

    assert await bench.state() is CLOSED


async def test_what_is_told_does_not_count(bench: Bench) -> None:
    await bench.fail()
    bench.breaker.tell(Note("fine"))
    for _ in range(3):
        bench.breaker.tell(Fail(Crash("ill")))
    bench.breaker.tell(Note("fine"))
    await turns()

    assert (await within(bench.breaker.request(GetBreaker()))).failures == 1
    assert bench.log == ["fine", "fine"]


async def test_while_half_open_one_request_goes_through(bench: Bench) -> None:
    await bench.on_trial()
    hold, trial = await bench.held()

    with pytest.raises(CircuitOpen, match="until its trial call has ended"):
        await bench.succeed()
    bench.breaker.tell(Note("lost"))
    await turns()
    bench.release(hold)

    assert await within(trial) == "held"
    assert await bench.state() is CLOSED
    assert await bench.succeed() == "done"
    assert bench.log == []


async def test_a_trial_that_fails_opens_it_for_longer(bench: Bench) -> None:
    await bench.on_trial()
    await bench.fail()

    status = await within(bench.breaker.request(GetBreaker()))

    assert (status.state, status.retry_after) == (OPEN, 20.0)


async def test_what_was_passed_on_before_it_opened_neither_closes_nor_opens_it(
    bench: Bench,
) -> None:
    hold, reply = await bench.held()
    await bench.on_trial()

    bench.release(hold)
    await turns()

    assert isinstance(reply.exception(), DeadlineExceeded)
    assert await bench.state() is HALF_OPEN


async def test_a_message_that_is_told_may_be_the_trial(bench: Bench) -> None:
    await bench.on_trial()

    bench.breaker.tell(Note("trial"))
    await turns()

    assert bench.log == ["trial"]
    assert await bench.state() is CLOSED


async def test_if_what_was_told_as_a_trial_fails_the_circuit_is_open_again(bench: Bench) -> None:
    await bench.on_trial()

    bench.breaker.tell(Fail(Crash("ill")))
    await turns()

    assert await bench.state() is OPEN
    letters = bench.system.dead_letters.list(reason=DeadLetterReason.CRASHED)
    assert len(letters) == 3


async def test_if_what_was_told_as_a_trial_is_refused_that_is_a_dead_letter_as_ever(
    bench: Bench,
) -> None:
    await bench.on_trial()
    message = Fail(Refused("no"))

    bench.breaker.tell(message)
    await turns()

    assert await bench.state() is CLOSED
    [letter] = bench.system.dead_letters.list(reason=DeadLetterReason.REFUSED)
    assert (letter.message, letter.target) == (message, "/target")


async def test_what_was_told_as_a_trial_has_as_long_as_a_call(bench: Bench) -> None:
    await bench.on_trial()
    hold = Hold()
    bench.breaker.tell(hold)
    await within(hold.entered.wait())

    bench.clock.advance(4.0)
    assert await bench.state() is OPEN
    bench.release(hold)
    await turns()

    assert bench.system.late_replies == 0


async def test_changes_are_events(bench: Bench) -> None:
    await bench.on_trial()
    await bench.succeed()

    assert [(type(each), each.path) for each in bench.events] == [
        (BreakerOpened, "/breaker"),
        (BreakerHalfOpened, "/breaker"),
        (BreakerClosed, "/breaker"),
    ]
