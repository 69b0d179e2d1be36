"""What a bulkhead in front of an actor does not let through."""

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorStopped,
    DeadLetterReason,
    DeadlineExceeded,
    Props,
    RequestCycleError,
)
from dramaturg.supervision._bulkhead_actor import BulkheadActor
from dramaturg.supervision._bulkhead_places import BulkheadFull
from tests.actors.kit import Do, Note, reasons, stop, within
from tests.actors.messaging_kit import turns
from tests.supervision.bulkhead_actor_kit import Bench, Job, open_bench
from tests.supervision.in_front_kit import Ask, Asker

bench = pytest.fixture(open_bench)


async def test_one_too_many_fails_and_is_a_dead_letter(bench: Bench) -> None:
    await bench.sent("a", "b", "c", "d")

    with pytest.raises(BulkheadFull, match="/bulkhead is full") as caught:
        await within(bench.bulkhead.request(Job("e")))

    error = caught.value
    assert (error.name, error.max_in_flight, error.max_waiting) == ("/bulkhead", 2, 2)
    assert reasons(bench.system) == [(Job("e"), DeadLetterReason.OVERFLOW)]
    assert await bench.counts() == (2, 2)


async def test_one_too_many_that_was_told_is_a_dead_letter(bench: Bench) -> None:
    await bench.sent("a", "b", "c", "d")

    await bench.told("x")

    [letter] = bench.system.dead_letters.list()
    assert (letter.message, letter.reason) == (Note("x"), DeadLetterReason.OVERFLOW)
    assert (letter.target, type(letter.error)) == ("/bulkhead", BulkheadFull)


async def test_a_request_whose_deadline_passes_while_it_waits_expires(bench: Bench) -> None:
    await bench.sent("a", "b")
    [third] = await bench.sent("c", timeout=1.0)
    [fourth] = await bench.sent("d")

    bench.clock.advance(1.0)
    with pytest.raises(DeadlineExceeded):
        await within(third)

    assert await bench.counts() == (2, 1)
    assert reasons(bench.system) == [(Job("c"), DeadLetterReason.EXPIRED)]
    await bench.finish("a", "d")
    assert await within(fourth) == "d"
    assert bench.log == ["a", "b", "d"]


async def test_a_request_that_has_waited_long_enough_expires(bench: Bench) -> None:
    props = Props(BulkheadActor, bench.target, max_in_flight=1, max_waiting=1, timeout=2.0)
    bench.bulkhead = bench.system.spawn(props, name="patient")
    await bench.sent("a")
    [second] = await bench.sent("b", timeout=60.0)

    bench.clock.advance(2.0)
    with pytest.raises(DeadlineExceeded, match="/patient"):
        await within(second)

    assert await bench.counts() == (1, 0)
    assert reasons(bench.system) == [(Job("b"), DeadLetterReason.EXPIRED)]


async def test_a_request_without_deadline_waits_until_there_is_a_place(bench: Bench) -> None:
    before = bench.clock.pending
    replies = [bench.bulkhead.ask(Job(name), block=False) for name in "abc"]
    await turns()
    assert bench.clock.pending == before

    bench.clock.advance(1e6)
    await bench.finish("a", "c")

    assert await within(replies[2]) == "c"


async def test_what_is_passed_on_leaves_no_alarm(bench: Bench) -> None:
    before = bench.clock.pending
    await bench.sent("a", "b", "c")
    await bench.finish("a", "b", "c")

    assert bench.clock.pending == before


async def test_when_a_request_expires_what_was_told_after_it_goes_on(bench: Bench) -> None:
    await bench.sent("a", "b")
    [third] = await bench.sent("c", timeout=1.0)
    await bench.told("x")

    bench.clock.advance(1.0)
    with pytest.raises(DeadlineExceeded):
        await within(third)

    await turns()
    assert await bench.counts() == (2, 0)
    assert bench.log == ["a", "b", "x"]


async def test_a_request_that_is_overdue_when_its_turn_comes_is_not_passed_on(
    bench: Bench,
) -> None:
    await bench.sent("a", "b")
    [third] = await bench.sent("c", timeout=1.0)

    bench.target.tell(Do(lambda actor: actor.finish("a")))
    bench.target.tell(Do(lambda _: bench.clock.advance(1.5)))
    with pytest.raises(DeadlineExceeded):
        await within(third)

    await turns()
    assert await bench.counts() == (1, 0)
    assert bench.log == ["a", "b"]
    assert reasons(bench.system) == [(Job("c"), DeadLetterReason.EXPIRED)]


async def test_that_its_caller_gave_up_frees_no_place(bench: Bench) -> None:
    [first] = await bench.sent("a", timeout=1.0)
    bench.clock.advance(1.0)
    with pytest.raises(DeadlineExceeded):
        await within(first)

    assert await bench.counts() == (1, 0)
    await bench.finish("a")
    assert await bench.counts() == (0, 0)


async def test_a_target_that_has_stopped_takes_no_place(bench: Bench) -> None:
    await bench.sent("a")
    await stop(bench.target)

    for _ in range(3):
        with pytest.raises(ActorStopped, match="/target"):
            await within(bench.bulkhead.request(Job("b")))

    assert await bench.counts() == (0, 0)


async def test_a_circle_of_requests_through_it_is_found_and_takes_no_place(bench: Bench) -> None:
    asker = bench.system.spawn(Asker, name="asker")
    bench.bulkhead = bench.system.spawn(Props(BulkheadActor, asker, max_in_flight=1))

    with pytest.raises(ActorCrashed) as caught:
        await within(asker.request(Ask(whom=bench.bulkhead, rest=(bench.target,))))

    assert isinstance(caught.value.__cause__, RequestCycleError)
    assert await bench.counts() == (0, 0)
