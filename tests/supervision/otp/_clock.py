"""A clock that knows what it is still to call."""

import asyncio
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from dramaturg.actors import Clock, ManualClock
from dramaturg.actors._clock import TimerHandle

A_WHILE = 3_600.0
"""Seconds. What is planned for later is not waited for: a scenario's times are a few seconds."""

FOR_EVER = 1e9
"""The timeout of requests that wait as long as it takes."""


class StageClock(Protocol):
    """What those on stage need of a clock."""

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class WatchedClock:
    """Wraps the system's clock; a manual one is moved on when there is nothing else to do."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._planned: set[_Planned] = set()
        self._rings: asyncio.Future[None] | None = None

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def time(self) -> datetime:
        return self._clock.time()

    def attach(self, host: Any) -> None:
        self._clock.attach(host)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        planned = _Planned(self._planned, when)
        planned.handle = self._clock.call_at(when, self._ring, planned, callback, args)
        return planned

    def next_call(self) -> float | None:
        """Tell when the next call is due that is worth waiting for."""
        soon = self.monotonic() + A_WHILE
        return min((each.when for each in self._planned if each.when < soon), default=None)

    async def reach(self, when: float) -> None:
        """Wait for the call that is due then; nothing else may be going on."""
        if isinstance(self._clock, ManualClock):
            # What is next to nothing, added to the time, must not be nothing.
            self._clock.advance(max(when - self.monotonic(), math.ulp(when)))
        else:
            self._rings = asyncio.get_running_loop().create_future()
            await self._rings

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        alarm = self.call_at(self.monotonic() + seconds, _complete, over)
        try:
            await over
        finally:
            alarm.cancel()

    def _ring(
        self, planned: "_Planned", callback: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        self._planned.discard(planned)
        callback(*args)
        rings, self._rings = self._rings, None
        if rings is not None:
            _complete(rings)


class _Planned:
    """One planned call."""

    handle: TimerHandle

    def __init__(self, among: set["_Planned"], when: float) -> None:
        self.when = when
        self._among = among
        among.add(self)

    def cancel(self) -> None:
        self._among.discard(self)
        self.handle.cancel()


def _complete(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
