"""Where answers go: the slot of a request, and who may wait at it.

A request first sends, then looks whether the answer is already there, and only
then makes something to wait on. Whoever completes a slot stores the answer,
then looks for a waiter; whoever waits stores the waiter, then looks for an
answer. So one of the two always sees the other, without a lock.
"""

from __future__ import annotations

import asyncio
import contextlib
from _thread import allocate_lock
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell

__all__ = ["LoopWaiter", "Reply", "ThreadWaiter"]


class Waiter(Protocol):
    """Somebody who waits for a reply."""

    def notify(self, reply: Reply) -> None:
        """The reply is there; any thread."""


class Reply:
    """The slot for the answer to one request.

    Only one at a time may owe the answer, and be about to complete the slot: the
    actor that has the envelope. What is forwarded to several gets a slot for each.
    """

    __slots__ = ("done", "error", "target", "value", "waiter")

    def __init__(self, target: Cell) -> None:
        self.target = target
        """Who owes the answer."""
        self.done = False
        self.waiter: Waiter | None = None
        self.error: BaseException | None = None
        self.value: Any = None

    def complete(self, value: Any, error: BaseException | None) -> None:
        if self.done:
            return
        self.value = value
        self.error = error
        self.done = True
        waiter = self.waiter
        if waiter is not None:
            waiter.notify(self)


class LoopWaiter:
    """A coroutine that waits for a reply, on whatever loop it runs.

    What ends the wait is decided in the loop's own thread: the first of reply,
    deadline and cancellation wins.
    """

    __slots__ = ("_future", "_ident", "_loop", "_on_late")

    def __init__(self, on_late: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[bool] = self._loop.create_future()
        self._ident = get_ident()
        self._on_late = on_late

    def notify(self, reply: Reply) -> None:  # noqa: ARG002 - the protocol's
        self._post(self._answered)

    def wake(self) -> None:
        """What was waited for is there; any thread."""
        self._post(self._answered)

    def expire(self) -> None:
        """The deadline has passed; any thread."""
        self._post(self._expired)

    def take(self) -> None:
        """Note that the answer was there before anybody had to wait."""
        self._future.cancel()
        self._on_late = _ignore

    async def wait(self) -> bool:
        """Wait; tell whether the answer came (or else the deadline)."""
        return await self._future

    def _post(self, callback: Callable[[], None]) -> None:
        if get_ident() == self._ident:
            callback()
            return
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # the waiting loop was closed: nobody waits any more
            self._on_late()

    def _answered(self) -> None:
        if self._future.done():
            self._on_late()
        else:
            self._future.set_result(True)

    def _expired(self) -> None:
        if not self._future.done():
            self._future.set_result(False)


def _ignore() -> None:
    return None


class ThreadWaiter:
    """A thread that waits for a reply."""

    __slots__ = ("_gave_up", "_lock", "_on_late")

    def __init__(self, on_late: Callable[[], None]) -> None:
        self._lock = allocate_lock()
        self._lock.acquire()
        self._gave_up = False
        self._on_late = on_late

    def notify(self, reply: Reply) -> None:  # noqa: ARG002 - the protocol's
        if self._gave_up:
            self._on_late()
        self._open()

    def expire(self) -> None:
        """The deadline has passed by the system's clock; any thread."""
        self._gave_up = True
        self._open()

    def _open(self) -> None:
        with contextlib.suppress(RuntimeError):  # answer and deadline came at once
            self._lock.release()

    def wait(self, reply: Reply, timeout: float | None) -> bool:
        """Block until the reply is there or the time is over; tell which."""
        if not reply.done:
            self._lock.acquire(timeout=-1 if timeout is None else max(0.0, timeout))
        self._gave_up = not reply.done
        return reply.done
