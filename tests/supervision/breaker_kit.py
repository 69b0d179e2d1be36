"""A breaker around calls of functions, and functions to call through it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from dramaturg.actors import ActorSystem, LifecycleEvent, ManualClock
from dramaturg.supervision._breaker import CircuitBreaker
from dramaturg.supervision._breaker_messages import BreakerClosed, BreakerHalfOpened, BreakerOpened
from dramaturg.supervision._breaker_rules import BreakerState
from tests.actors.kit import Crash
from tests.any_order import new_system

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


@dataclass
class Bench:
    """A breaker whose clock stands still, and functions to call through it."""

    clock: ManualClock
    system: ActorSystem
    breaker: CircuitBreaker
    events: list[LifecycleEvent]
    called: int = 0

    @property
    def state(self) -> BreakerState:
        return self.breaker.status().state

    async def succeed(self) -> str:
        self.called += 1
        return "done"

    async def fail(self, error: BaseException | None = None) -> None:
        self.called += 1
        raise Crash("ill") if error is None else error

    async def failing(self, times: int = 1, error: BaseException | None = None) -> None:
        for _ in range(times):
            with pytest.raises(Crash if error is None else type(error)):
                await self.breaker.call(self.fail, error)

    async def hang(self) -> None:
        self.called += 1
        await asyncio.Event().wait()

    async def on_trial(self) -> None:
        """Open the circuit and let its time pass."""
        await self.failing(2)
        self.clock.advance(10.0)
        assert self.state is HALF_OPEN


async def open_bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    async with new_system(clock=clock) as system:
        breaker = CircuitBreaker(
            "gateway",
            system,
            max_failures=2,
            call_timeout=5.0,
            reset_timeout=10.0,
            backoff_factor=2.0,
        )
        events: list[LifecycleEvent] = []
        kinds = (BreakerOpened, BreakerHalfOpened, BreakerClosed)
        system.events.subscribe(events.append, *kinds)
        yield Bench(clock, system, breaker, events)


def throw(error: BaseException) -> None:
    raise error
