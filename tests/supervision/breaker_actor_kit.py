"""A breaker in front of an actor, and an actor to stand behind it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorRef,
    ActorSystem,
    LifecycleEvent,
    ManualClock,
    Props,
    handler,
)
from dramaturg.supervision._breaker_actor import BreakerActor
from dramaturg.supervision._breaker_messages import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    GetBreaker,
)
from dramaturg.supervision._breaker_rules import BreakerState
from tests.actors.kit import Crash, Do, Fail, within
from tests.actors.messaging_kit import Hold
from tests.any_order import new_system
from tests.supervision.breaker_kit import HALF_OPEN
from tests.supervision.in_front_kit import Lasting


class Target(Lasting):
    """One that may handle many requests at once."""

    @handler
    def put_aside(self, message: Hold) -> str | None:
        """Stash: unanswered until the test has `unstash_all` done; the second time it replies."""
        if message.release.is_set():
            return "held"
        message.entered.set()
        return self.context.stash()


@dataclass
class Bench:
    """A breaker before a target, on a clock that stands still."""

    clock: ManualClock
    system: ActorSystem
    target: ActorRef[Any]
    breaker: ActorRef[BreakerActor]
    log: list[Any]
    events: list[LifecycleEvent]

    async def state(self) -> BreakerState:
        return (await within(self.breaker.request(GetBreaker()))).state

    async def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(ActorCrashed):
                await within(self.breaker.request(Fail(Crash("ill"))))

    async def succeed(self) -> Any:
        return await within(self.breaker.request(Do(lambda _: "done")))

    async def on_trial(self) -> None:
        """Open the circuit and let its time pass."""
        await self.fail(2)
        self.clock.advance(10.0)
        assert await self.state() is HALF_OPEN

    async def held(self, **options: Any) -> tuple[Hold, "asyncio.Future[Any]"]:
        """Make a request that the target does not answer before it is released."""
        hold = Hold()
        reply = asyncio.ensure_future(self.breaker.request(hold, **options))
        await within(hold.entered.wait())
        return hold, reply

    def release(self, *holds: Hold) -> None:
        for hold in holds:
            hold.release.set()
        self.target.tell(Do(lambda actor: actor.context.unstash_all()))


OPTIONS: dict[str, Any] = {
    "max_failures": 2,
    "call_timeout": 4.0,
    "reset_timeout": 10.0,
    "backoff_factor": 2.0,
}


async def open_bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    log: list[Any] = []
    events: list[LifecycleEvent] = []
    async with new_system(clock=clock) as system:
        kinds = (BreakerOpened, BreakerHalfOpened, BreakerClosed)
        system.events.subscribe(events.append, *kinds)
        target = system.spawn(Props(Target, log), name="target")
        breaker = system.spawn(Props(BreakerActor, target, **OPTIONS), name="breaker")
        yield Bench(clock, system, target, breaker, log, events)


async def failures(bench: Bench) -> int:
    return (await within(bench.breaker.request(GetBreaker()))).failures
