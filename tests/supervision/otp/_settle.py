"""Settling: when nothing moves any more.

The actors of a scenario all live on one event loop. So they are at rest when the loop has nothing
to do and the clock nothing to call. Who waits at a gate or hangs has planned no call. Erlang's
scheduler tells no such thing, and the recorded runs waited 50 ms for one more event instead.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.supervision.otp._clock import WatchedClock

T = TypeVar("T")


class Loop:
    """An event loop that tells when it has nothing to do."""

    def __init__(self) -> None:
        self._selector = _IdleSelector()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, on a loop of its own."""
        with asyncio.Runner(
            loop_factory=lambda: asyncio.SelectorEventLoop(self._selector)
        ) as runner:
            return runner.run(main)

    async def idle(self) -> None:
        """Wait until everything on the loop waits."""
        idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._selector.when_idle = lambda: idle.set_result(None)
        await idle


class _IdleSelector(selectors.DefaultSelector):
    """What an event loop waits in; asked to wait at all, the loop has nothing to run."""

    when_idle: Callable[[], None] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.when_idle is None or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            tell, self.when_idle = self.when_idle, None
            tell()
        return ready


class Settling:
    """Lets the actors go on until something is the case, or all are at rest."""

    def __init__(self, loop: Loop, clock: WatchedClock) -> None:
        self._loop = loop
        self._clock = clock

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the condition, which is looked at whenever the loop is idle; or for rest."""
        while True:
            await self._loop.idle()
            when = self._clock.next_call()
            if when is None or condition():
                return
            await self._clock.reach(when)

    async def rest(self) -> None:
        """Wait until nothing moves any more."""
        await self.until(lambda: False)

    async def soon(self) -> None:
        """Wait until everybody has got what was sent, but for no clock."""
        await self._loop.idle()
