"""A time limit on what a coroutine does, by the clock of its system.

``asyncio.timeout`` goes by the loop's own time; here the clock says when, and
``asyncio.timeout`` only does what it alone can do well: it cuts short a task.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from threading import get_ident
from typing import TYPE_CHECKING

from dramaturg.actors._clock import SystemClock
from dramaturg.actors._errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from dramaturg.actors._clock import Clock, TimerHandle

__all__ = ["call_later", "time_limit"]


def call_later(clock: Clock, seconds: float, callback: Callable[[], object]) -> TimerHandle:
    """Call back in the running loop's thread once so many seconds have passed by the clock."""
    loop = asyncio.get_running_loop()
    if isinstance(clock, SystemClock):
        # This loop goes by the same time, and need not be the one that the clock calls back on.
        return loop.call_later(seconds, callback)
    ident = get_ident()

    def ring() -> None:
        if get_ident() == ident:
            callback()
            return
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(callback)

    return clock.call_at(clock.monotonic() + seconds, ring)


@asynccontextmanager
async def time_limit(
    clock: Clock, seconds: float | None, *, waiting_for: str
) -> AsyncGenerator[None]:
    """Cancel the body of the block after so many seconds; None means never.

    :raises DeadlineExceeded: if the time was over before the body was through.
    """
    if seconds is None:
        yield
        return
    limit = asyncio.timeout(None)
    try:
        async with limit:
            alarm = call_later(clock, seconds, lambda: _expire(limit))
            try:
                yield
            finally:
                alarm.cancel()
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise DeadlineExceeded(waiting_for=waiting_for, timeout=seconds) from error


def _expire(limit: asyncio.Timeout) -> None:
    # An alarm from another thread may come when the block has been left.
    with contextlib.suppress(RuntimeError):
        limit.reschedule(asyncio.get_running_loop().time())
