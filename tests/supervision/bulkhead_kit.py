"""A bulkhead around calls of functions, and calls to make through it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import ActorSystem, ManualClock
from dramaturg.supervision._bulkhead import Bulkhead
from tests.actors.messaging_kit import turns
from tests.any_order import new_system


@dataclass
class Bench:
    """A bulkhead for two, and two that wait, whose clock stands still."""

    clock: ManualClock
    system: ActorSystem
    bulkhead: Bulkhead
    begun: list[Any] = field(default_factory=list[Any])
    ends: dict[Any, asyncio.Event] = field(default_factory=dict[Any, asyncio.Event])

    async def work(self, name: Any) -> Any:
        self.begun.append(name)
        await self.ends[name].wait()
        return name

    def charge(self) -> None:
        """Call a plain function through the bulkhead, blocking."""
        self.bulkhead(self.begun.append)("plain")

    def start(self, name: Any) -> "asyncio.Task[Any]":
        """Begin a call, or wait for that."""
        self.ends[name] = asyncio.Event()
        return asyncio.ensure_future(self.bulkhead.call(self.work, name))

    async def started(self, *names: Any) -> list["asyncio.Task[Any]"]:
        calls = [self.start(name) for name in names]
        await turns()
        return calls

    async def end(self, *names: Any) -> None:
        for name in names:
            self.ends[name].set()
        await turns()

    @property
    def counts(self) -> tuple[int, int]:
        status = self.bulkhead.status()
        return status.in_flight, status.waiting


async def open_bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    async with new_system(clock=clock) as system:
        bulkhead = Bulkhead("gateway", system, max_in_flight=2, max_waiting=2, timeout=3.0)
        bench = Bench(clock, system, bulkhead)
        yield bench
        await bench.end(*bench.ends)
        assert bench.counts == (0, 0)
        assert clock.pending == 0
