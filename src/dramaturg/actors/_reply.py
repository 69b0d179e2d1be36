"""Where answers go: reply slots, and the future that pykka's callers get.

A request first sends, then looks whether the answer is already there, and only
then makes something to wait on. Whoever completes a slot stores the answer,
then looks for a waiter; whoever waits stores the waiter, then looks for an
answer. So one of the two always sees the other, without a lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sys
from _thread import allocate_lock
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import pykka

from dramaturg.actors._errors import BlockingCallError, DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    OptExcInfo = (
        tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    )

__all__ = ["Future", "LoopWaiter", "Reply", "ThreadWaiter"]

T = TypeVar("T")


class Waiter(Protocol):
    """Somebody who waits for a reply."""

    def notify(self, reply: Reply) -> None:
        """The reply is there; any thread."""


class Reply:
    """The slot for the answer to one request."""

    __slots__ = ("done", "error", "value", "waiter")

    def __init__(self) -> None:
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
        self._lock.release()

    def wait(self, reply: Reply, timeout: float | None) -> bool:
        """Block until the reply is there or the time is over; tell which."""
        if reply.done or self._lock.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            return True
        self._gave_up = True
        return reply.done


class Future(pykka.Future[T], Generic[T]):
    """pykka's future, and more: awaiting it does not block the loop.

    Completed once: with a value, an exception, or by a get hook. ``get`` blocks
    the calling thread; on a thread that runs the answering actors it raises
    instead of blocking for ever.
    """

    def __init__(self) -> None:
        super().__init__()
        self._done = False
        self._value: Any = None
        self._exc_info: OptExcInfo | None = None
        self._lock = allocate_lock()
        self._callbacks: list[Callable[[], object]] = []
        self._refuse_in: Callable[[], bool] | None = None
        self._on_late: Callable[[], None] = _ignore

    def get(self, *, timeout: float | None = None) -> Any:
        """Return the value, or raise the exception, that the future was given.

        :param timeout: seconds to block; default for ever.
        :raises DeadlineExceeded: (a ``pykka.Timeout``) if the time is over.
        :raises BlockingCallError: on a thread that runs the answering actor.
        """
        if self._get_hook is not None:
            return super().get(timeout=timeout)
        if not self._done:
            self._block(timeout)
        if self._exc_info is not None:
            kind, value, trace = self._exc_info
            assert kind is not None
            error = value if value is not None else kind()
            raise error if error.__traceback__ is trace else error.with_traceback(trace)
        return self._value

    def set(self, value: Any = None) -> None:
        self._finish(value, None)

    def set_exception(self, exc_info: OptExcInfo | None = None) -> None:
        self._finish(None, exc_info or sys.exc_info())

    def set_get_hook(self, func: Callable[[float | None], T]) -> None:
        with self._lock:
            if self._done:
                raise queue.Full
            super().set_get_hook(func)

    def complete(self, value: Any, error: BaseException | None) -> None:
        """Serve as the reply slot of a request; a second answer is dropped and counted."""
        try:
            if error is None:
                self.set(value)
            else:
                self.set_exception((type(error), error, error.__traceback__))
        except queue.Full:
            self._on_late()

    def bind(self, *, refuse: Callable[[], bool], on_late: Callable[[], None] = _ignore) -> None:
        """Tell the future where ``get`` must not block, and who counts late replies."""
        self._refuse_in = refuse
        self._on_late = on_late

    def give_up(self, error: BaseException) -> None:
        """Complete the future with an error unless it is complete; any thread."""
        with contextlib.suppress(queue.Full):
            self.set_exception((type(error), error, error.__traceback__))

    def add_done_callback(self, callback: Callable[[], object]) -> None:
        """Call back once the future has its value: in the completing thread, or at once."""
        with self._lock:
            if not self._done:
                self._callbacks.append(callback)
                return
        callback()

    def __await__(self) -> Generator[Any, None, T]:
        return self._wait().__await__()

    __iter__ = __await__

    async def _wait(self) -> T:
        if self._get_hook is not None:
            # A hook may block on other futures: not on this loop.
            return await asyncio.to_thread(self.get)
        if not self._done:
            loop = asyncio.get_running_loop()
            done = loop.create_future()

            def wake() -> None:
                if not done.done():
                    done.set_result(None)

            self.add_done_callback(lambda: loop.call_soon_threadsafe(wake))
            await done
        return self.get()

    def _finish(self, value: Any, exc_info: OptExcInfo | None) -> None:
        with self._lock:
            if self._done or self._get_hook is not None:
                # What pykka's futures raise, and its users catch.
                raise queue.Full
            self._value = value
            self._exc_info = exc_info
            self._done = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def _block(self, timeout: float | None) -> None:
        if self._refuse_in is not None and self._refuse_in():
            raise BlockingCallError(call="Future.get()", instead="await the future")
        gate = allocate_lock()
        gate.acquire()
        self.add_done_callback(gate.release)
        limit = -1 if timeout is None else max(0.0, timeout)
        if not gate.acquire(timeout=limit) and not self._done:
            raise DeadlineExceeded(waiting_for="the future", timeout=timeout)
