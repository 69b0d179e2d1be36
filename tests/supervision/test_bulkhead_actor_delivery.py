"""What a bulkhead in front of an actor lets through, when, and how it arrives."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    Props,
    Refused,
    RoundRobin,
    Router,
    ThreadActor,
    handler,
)
from dramaturg.supervision._breaker_actor import BreakerActor
from dramaturg.supervision._bulkhead_actor import BulkheadActor
from dramaturg.supervision._bulkhead_messages import GetBulkhead
from tests.actors.kit import Crash, Do, Fail, Note, nothing, within
from tests.actors.messaging_kit import turns
from tests.any_order import new_system
from tests.supervision.bulkhead_actor_kit import Bench, Job, Target, open_bench
from tests.supervision.in_front_kit import Ask

bench = pytest.fixture(open_bench)


@pytest.mark.one_order("threads")
async def test_a_request_gets_the_reply_of_the_target(bench: Bench) -> None:
    assert await within(bench.bulkhead.request(Do(lambda _: "done"))) == "done"
    assert await within(asyncio.to_thread(bench.bulkhead.ask, Do(lambda _: "done"))) == "done"


async def test_an_error_of_the_target_is_the_error_of_the_request(bench: Bench) -> None:
    with pytest.raises(ActorCrashed, match="/target"):
        await within(bench.bulkhead.request(Fail(Crash("ill"))))
    with pytest.raises(Refused, match="no"):
        await within(bench.bulkhead.request(Fail(Refused("no"))))

    assert await bench.counts() == (0, 0)


async def test_so_many_requests_are_passed_on_and_others_wait(bench: Bench) -> None:
    await bench.sent("a", "b", "c")

    assert bench.log == ["a", "b"]
    assert await bench.counts() == (2, 1)


async def test_those_that_wait_are_passed_on_first_in_first_out(bench: Bench) -> None:
    replies = await bench.sent("a", "b", "c", "d")

    await bench.finish("b")
    assert bench.log == ["a", "b", "c"]
    await bench.finish("a", "c", "d")

    assert bench.log == ["a", "b", "c", "d"]
    assert [await within(reply) for reply in replies] == ["a", "b", "c", "d"]
    assert await bench.counts() == (0, 0)


async def test_whoever_has_its_answer_finds_its_place_free(bench: Bench) -> None:
    props = Props(BulkheadActor, bench.target, max_in_flight=1)
    bulkhead = bench.system.spawn(props)

    for number in range(20):
        assert await within(bulkhead.request(Do(lambda _, n=number: n))) == number  # type: ignore[misc]


async def test_the_target_sees_sender_and_deadline_of_the_request(bench: Bench) -> None:
    class Asker(Actor):
        @handler
        async def ask(self, message: Ask) -> Any:
            see = Do(lambda actor: (actor.context.sender, actor.context.deadline))
            return await message.whom.request(see, timeout=3.0)

    asker = bench.system.spawn(Asker)

    assert await within(asker.request(Ask(whom=bench.bulkhead))) == (asker, 3.0)


async def test_what_is_told_needs_no_place(bench: Bench) -> None:
    await bench.sent("a", "b")

    await bench.told("x")

    assert bench.log == ["a", "b", "x"]
    assert await bench.counts() == (2, 0)


async def test_what_is_told_does_not_overtake_a_request_that_waits(bench: Bench) -> None:
    await bench.sent("a", "b", "c")
    await bench.told("x")
    assert await bench.counts() == (2, 2)

    await bench.finish("a")

    assert bench.log == ["a", "b", "c", "x"]
    assert await bench.counts() == (2, 0)


@pytest.mark.parametrize("trace", [False, True])
async def test_what_waited_is_what_was_sent(trace: bool) -> None:
    log: list[Any] = []
    async with new_system(trace=trace) as system:
        target = system.spawn(Props(Target, log))
        bulkhead = system.spawn(Props(BulkheadActor, target, max_in_flight=1, max_waiting=5))
        job = asyncio.ensure_future(bulkhead.request(Job("a")))
        second = asyncio.ensure_future(bulkhead.request(Do(lambda actor: actor.context.message)))
        await turns()
        bulkhead.tell(Note("x"))
        target.tell(Do(lambda actor: actor.finish("a")))

        assert await within(job) == "a"
        assert isinstance(await within(second), Do)
        await within(target.request(Do(nothing)))
    assert log == ["a", "x"]


@pytest.mark.one_order("threads")
async def test_blocking_actors_are_never_given_more_than_is_allowed() -> None:
    running: list[int] = []
    most: list[int] = []

    class Busy(ThreadActor):
        @handler
        def job(self, message: Job) -> str:
            running.append(1)
            most.append(len(running))
            running.pop()
            return message.name

    async with new_system(hold_limit=None) as system:
        pool = system.spawn(Router.pool(Busy, 8, RoundRobin()))
        props = Props(BulkheadActor, pool, max_in_flight=3, max_waiting=500)
        bulkhead = system.spawn(props)
        replies = [bulkhead.ask(Job(str(number)), block=False) for number in range(300)]
        answers = [await within(reply) for reply in replies]

        status = await within(bulkhead.request(GetBulkhead()))
    assert answers == [str(number) for number in range(300)]
    assert max(most) <= 3
    assert (status.in_flight, status.waiting) == (0, 0)


async def test_it_may_stand_before_a_breaker(bench: Bench) -> None:
    breaker = bench.system.spawn(Props(BreakerActor, bench.target))
    bulkhead = bench.system.spawn(Props(BulkheadActor, breaker, max_in_flight=1))

    assert await within(bulkhead.request(Do(lambda _: "done"))) == "done"
