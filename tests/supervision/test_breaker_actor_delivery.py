"""What passes through a circuit breaker in front of an actor, and how it arrives."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorSystem,
    Props,
    Refused,
    RoundRobin,
    Router,
    handler,
)
from dramaturg.actors._envelope import Envelope, Headers
from dramaturg.supervision._breaker_actor import BreakerActor
from dramaturg.supervision._breaker_gate import CircuitOpen
from dramaturg.supervision._breaker_messages import GetBreaker
from tests.actors.kit import Crash, Do, Fail, Note, nothing, within
from tests.actors.messaging_kit import Kept, ThreadBox
from tests.any_order import new_system
from tests.supervision.breaker_actor_kit import OPTIONS, Bench, Target, open_bench
from tests.supervision.in_front_kit import Ask

bench = pytest.fixture(open_bench)


async def test_a_request_gets_the_reply_of_the_target(bench: Bench) -> None:
    assert await bench.succeed() == "done"


@pytest.mark.one_order("threads")
async def test_a_thread_gets_the_reply_of_the_target(bench: Bench) -> None:
    message = Do(lambda _: "done")

    assert await within(asyncio.to_thread(bench.breaker.ask, message)) == "done"
    assert await within(bench.breaker.ask(message, block=False)) == "done"


def test_in_a_system_with_a_thread_of_its_own_it_works_too() -> None:
    with ActorSystem("test") as system:
        target = system.spawn(Target)
        breaker = system.spawn(Props(BreakerActor, target, max_failures=1))

        assert breaker.ask(Do(lambda _: "done")) == "done"
        with pytest.raises(ActorCrashed):
            breaker.ask(Fail(Crash("ill")))
        with pytest.raises(CircuitOpen):
            breaker.ask(Do(nothing))


@pytest.mark.one_order("threads")
async def test_the_target_may_be_a_blocking_actor(bench: Bench) -> None:
    target = bench.system.spawn(ThreadBox)
    breaker = bench.system.spawn(Props(BreakerActor, target, **OPTIONS))

    assert await within(breaker.request(Kept())) == []
    with pytest.raises(ActorCrashed):
        await within(breaker.request(Fail(Crash("ill"))))

    status = await within(breaker.request(GetBreaker()))
    assert status.failures == 1


async def test_an_error_of_the_target_is_the_error_of_the_request(bench: Bench) -> None:
    with pytest.raises(ActorCrashed, match="/target") as caught:
        await within(bench.breaker.request(Fail(Crash("ill"))))
    assert isinstance(caught.value.__cause__, Crash)

    with pytest.raises(Refused, match="sold out"):
        await within(bench.breaker.request(Fail(Refused("sold out"))))


async def test_messages_of_one_sender_keep_their_order(bench: Bench) -> None:
    for number in range(100):
        if number % 3:
            bench.breaker.tell(Note(number))
        else:
            bench.breaker.ask(Note(number), block=False)
    await bench.succeed()

    assert bench.log == list(range(100))


async def test_the_target_sees_sender_and_deadline_of_the_request(bench: Bench) -> None:
    class Asker(Actor):
        @handler
        async def ask(self, message: Ask) -> Any:
            see = Do(lambda actor: (actor.context.sender, actor.context.deadline))
            return await message.whom.request(see, timeout=3.0)

    asker = bench.system.spawn(Asker, name="asker")
    bench.clock.advance(1.0)

    assert await within(asker.request(Ask(whom=bench.breaker))) == (asker, 4.0)


async def test_the_target_has_no_more_time_than_a_call_may_take(bench: Bench) -> None:
    see = Do(lambda actor: actor.context.deadline)

    assert await within(bench.breaker.request(see, timeout=9.0)) == 4.0


async def test_what_is_told_is_passed_on_unopened(bench: Bench) -> None:
    items: list[Any] = []
    headers = Headers(UUID(int=1), UUID(int=2), UUID(int=3), 2)
    envelope = Envelope(
        Do(lambda actor: items.append(actor._cell.message)), None, None, None, headers
    )

    bench.breaker.tell(envelope)
    await bench.succeed()

    assert items == [envelope]
    assert items[0] is envelope


@pytest.mark.one_order("a simulation traces")
@pytest.mark.parametrize("trace", [False, True])
async def test_a_request_keeps_its_headers(trace: bool) -> None:
    async with new_system(trace=trace) as system:
        target = system.spawn(Target)
        breaker = system.spawn(Props(BreakerActor, target))
        see = Do(lambda actor: actor._cell.message.headers is not None)

        assert await within(breaker.request(see)) is trace


async def test_many_requests_may_be_under_way(bench: Bench) -> None:
    held = [await bench.held() for _ in range(3)]
    assert await bench.succeed() == "done"

    bench.release(*(hold for hold, _ in held))

    assert await within(asyncio.gather(*(reply for _, reply in held))) == ["held"] * 3


async def test_breakers_may_stand_before_routers_and_each_other(bench: Bench) -> None:
    pool = bench.system.spawn(Router.pool(Target, 2, RoundRobin()), name="pool")
    inner = bench.system.spawn(Props(BreakerActor, pool), name="inner")
    outer = bench.system.spawn(Props(BreakerActor, inner, max_failures=1), name="outer")
    path = Do(lambda actor: actor.context.path)

    assert [await within(outer.request(path)) for _ in range(2)] == ["/pool/$a", "/pool/$b"]
    with pytest.raises(ActorCrashed):
        await within(outer.request(Fail(Crash("ill"))))
    with pytest.raises(CircuitOpen, match="/outer"):
        await within(outer.request(path))
    assert (await within(inner.request(GetBreaker()))).failures == 1
