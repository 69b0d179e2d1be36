"""pykka's future, in a form that can be awaited without blocking the loop."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sys
from _thread import allocate_lock
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast

import pykka

from dramaturg.actors._errors import BlockingCallError, DeadlineExceeded, Refused
from dramaturg.actors._log import default_log

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    ExcInfo: TypeAlias = tuple[
        type[BaseException] | None, BaseException | None, TracebackType | None
    ]

__all__ = ["Future", "first_of", "waker"]

T = TypeVar("T")


def _ignore() -> None:
    return None


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception as error:  # noqa: BLE001 - the user's function
        default_log().error("future_callback_failed", callback=repr(callback), exc_info=error)


def waker() -> tuple[asyncio.Future[None], Callable[[], None]]:
    """Make a future of the running loop, and what completes it from any thread."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not done.done():
            done.set_result(None)

    ident = get_ident()

    def wake() -> None:
        if get_ident() == ident:
            settle()
            return
        # The loop of somebody who has given up waiting may be closed by now.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle)

    return done, wake


class Future(pykka.Future[T], Generic[T]):
    """pykka's future, and more: awaiting it does not block the loop.

    Completed once: with a value, an exception, or by a get hook. ``get`` blocks
    the calling thread; on a thread that runs the answering actors it raises
    instead of blocking for ever.
    """

    # Defaults of the class, since most futures are completed and forgotten.
    _get_hook: Callable[[float | None], T] | None = None
    _done = False
    _value: Any = None
    _exc_info: ExcInfo | None = None
    _callbacks: tuple[Callable[[], object], ...] = ()
    _refuse_in: Callable[[], bool] | None = None
    _on_late: Callable[[], None] = staticmethod(_ignore)
    _never_for: tuple[asyncio.Task[Any] | None, str] | None = None

    def __init__(self) -> None:
        # pykka's own __init__ would set what the class has as defaults.
        self._lock = allocate_lock()

    def get(self, *, timeout: float | None = None) -> Any:
        """Return the value, or raise the exception, that the future was given.

        :param timeout: seconds to block; default for ever.
        :raises DeadlineExceeded: (a ``pykka.Timeout``) if the time is over.
        :raises BlockingCallError: on a thread that runs the answering actor.
        """
        if self._get_hook is not None:
            if not self._done:
                self._value = self._get_hook(timeout)
                self._done = True
            return self._value
        if not self._done:
            self._block(timeout)
        if self._exc_info is not None:
            kind, value, trace = self._exc_info
            error = value if value is not None else (kind or RuntimeError)()
            raise error if error.__traceback__ is trace else error.with_traceback(trace)
        return self._value

    def is_done(self) -> bool:
        """Tell whether it has its value, or exception."""
        return self._done

    def set(self, value: Any = None) -> None:
        """Give the future its value, as in pykka.

        :raises queue.Full: if it has one already; pykka's choice of error.
        """
        self._finish(value, None)

    def set_exception(self, exc_info: ExcInfo | None = None) -> None:
        """Give the future an exception, default the one being handled, as in pykka.

        :raises queue.Full: if it has a value already; pykka's choice of error.
        """
        self._finish(None, exc_info or sys.exc_info())

    def set_get_hook(self, func: Callable[[float | None], T]) -> None:
        """Let a function produce the value when it is asked for, as in pykka.

        :raises queue.Full: if the future has a value already.
        """
        with self._lock:
            if self._done:
                raise queue.Full
            self._get_hook = func

    def complete(self, value: Any, error: BaseException | None) -> None:
        """Serve as the reply slot of a request; a second answer is dropped and counted."""
        try:
            if error is None:
                self.set(value)
            else:
                self.set_exception((type(error), error, error.__traceback__))
        except queue.Full:
            # That the actor failed or stopped, or the message expired, is no reply of its.
            if error is None or isinstance(error, Refused):
                self._on_late()

    def bind(self, *, refuse: Callable[[], bool], on_late: Callable[[], None] = _ignore) -> None:
        """Tell the future where ``get`` must not block, and who counts late replies."""
        self._refuse_in = refuse
        self._on_late = on_late

    def refuse_await(self, instead: str) -> None:
        """Refuse to be awaited by the task that runs now: it would wait for its own end."""
        self._never_for = asyncio.current_task(), instead

    def give_up(self, error: BaseException) -> None:
        """Complete the future with an error unless it is complete; any thread."""
        with contextlib.suppress(queue.Full):
            self.set_exception((type(error), error, error.__traceback__))

    def add_done_callback(self, callback: Callable[[], object]) -> None:
        """Call back once the future has its value: in the completing thread, or at once.

        What a callback raises is logged: it is not the fault of whoever completes.
        """
        with self._lock:
            if not self._done:
                self._callbacks = (*self._callbacks, callback)
                return
        _call(callback)

    def __await__(self) -> Generator[Any, None, T]:
        return self._wait().__await__()

    __iter__ = __await__

    async def _wait(self) -> T:
        if self._get_hook is not None:
            # A hook may block on other futures: not on this loop.
            return await asyncio.to_thread(self.get)
        if not self._done:
            if self._never_for is not None and self._never_for[0] is asyncio.current_task():
                raise BlockingCallError(call="awaiting its own end", instead=self._never_for[1])
            done, wake = waker()
            self.add_done_callback(wake)
            await done
        return cast("T", self.get())

    def _finish(self, value: Any, exc_info: ExcInfo | None) -> None:
        with self._lock:
            if self._done or self._get_hook is not None:
                # What pykka's futures raise, and its users catch.
                raise queue.Full
            self._value = value
            self._exc_info = exc_info
            self._done = True
            callbacks, self._callbacks = self._callbacks, ()
        for callback in callbacks:
            _call(callback)

    def _block(self, timeout: float | None) -> None:
        if self._refuse_in is not None and self._refuse_in():
            raise BlockingCallError(call="Future.get()", instead="await the future")
        gate = allocate_lock()
        gate.acquire()
        self.add_done_callback(gate.release)
        limit = -1 if timeout is None else max(0.0, timeout)
        if not gate.acquire(timeout=limit) and not self._done:
            raise DeadlineExceeded(waiting_for="the future", timeout=timeout)


async def first_of(*futures: Future[None]) -> None:
    """Wait until one of them is complete, with whatever."""
    done, wake = waker()
    for future in futures:
        future.add_done_callback(wake)
    await done
