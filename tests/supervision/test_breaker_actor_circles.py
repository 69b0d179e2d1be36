"""Circles of requests through a circuit breaker."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorCrashed, ActorRef, Props, RequestCycleError, handler
from dramaturg.supervision._breaker_actor import BreakerActor
from dramaturg.supervision._breaker_messages import GetBreaker
from tests.actors.kit import Note, within
from tests.actors.messaging_kit import Hold, turns
from tests.supervision.breaker_actor_kit import OPTIONS, Bench, open_bench
from tests.supervision.in_front_kit import Ask, Asker

bench = pytest.fixture(open_bench)


async def test_a_circle_of_requests_through_it_is_found_and_does_not_count(
    bench: Bench,
) -> None:
    first = bench.system.spawn(Asker, name="first")
    breaker = bench.system.spawn(Props(BreakerActor, first, **OPTIONS), name="before-first")

    with pytest.raises(ActorCrashed) as caught:
        await within(first.request(Ask(whom=breaker, rest=(bench.target,))))

    assert isinstance(caught.value.__cause__, RequestCycleError)
    assert caught.value.__cause__.path == ("/first", "/first")
    assert (await within(breaker.request(GetBreaker()))).failures == 0


async def test_a_request_that_the_target_passes_on_makes_no_circle_of_its_own(
    bench: Bench,
) -> None:
    """The first asker waits for the second by way of a desk; the desk may ask the first's peers."""
    desk_asks = asyncio.Event()

    class Desk(Actor):
        """Forwards requests to another actor; then asks whoever it is told to."""

        def __init__(self, other: ActorRef[Any]) -> None:
            self.other = other

        @handler
        def forward(self, message: Hold) -> None:
            self.context.forward(self.other)

        @handler
        async def ask(self, message: Ask) -> Any:
            desk_asks.set()
            return await message.whom.request(Note("hello"))

    class First(Actor):
        def __init__(self, whom: ActorRef[Any]) -> None:
            self.whom = whom

        @handler
        async def hold(self, message: Hold) -> Any:
            return await self.whom.request(message)

        @handler
        def note(self, message: Note) -> None:
            pass

    desk = bench.system.spawn(Props(Desk, bench.target), name="desk")
    breaker = bench.system.spawn(Props(BreakerActor, desk, **OPTIONS), name="before-desk")
    first = bench.system.spawn(Props(First, breaker), name="first")
    hold = Hold()
    held = asyncio.ensure_future(first.request(hold))
    await within(hold.entered.wait())

    # The first asker waits for the target; so the desk, which has passed it on, may ask the first.
    asking = asyncio.ensure_future(desk.request(Ask(whom=first)))
    await within(desk_asks.wait())
    await turns()
    bench.release(hold)

    assert await within(held) == "held"
    assert await within(asking) is None
