"""The event loop under a system, and who may call on it from where."""

from __future__ import annotations

import asyncio
import threading
from contextvars import Context
from threading import get_ident
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LoopHost"]


LAST_WORDS = 1.0
"""Seconds for tasks to end that are left on a loop of our own."""


async def _wind_up() -> None:
    """Do what ``asyncio.run`` does at its end, in bounded time."""
    await asyncio.sleep(0)  # what is through need not be cancelled
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LAST_WORDS)
    await asyncio.get_running_loop().shutdown_asyncgens()


@final
class LoopHost:
    """A running event loop that belongs to somebody else, or to a thread of our own."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.loop: asyncio.AbstractEventLoop
        self.ident = 0
        self._on_lost = on_lost
        # Callbacks must not inherit the context of whoever happened to wake the loop.
        self._context = Context()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Lock()

    def adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use the loop that runs in the calling thread."""
        self.loop = loop
        self.ident = get_ident()

    def start_thread(
        self, name: str, loop: asyncio.AbstractEventLoop, *, daemon: bool, close: bool = True
    ) -> None:
        """Run the loop in a thread of its own, until :meth:`stop_thread`; then close it."""
        started = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(loop)
            self.adopt(loop)
            loop.call_soon(started.set)
            try:
                loop.run_forever()
                if close:
                    loop.run_until_complete(_wind_up())
            finally:
                asyncio.set_event_loop(None)
                if close:
                    loop.close()

        self._thread = threading.Thread(target=run, name=name, daemon=daemon)
        self._thread.start()
        started.wait()

    def stop_thread(self, timeout: float | None) -> bool:
        """Stop the loop and wait for its thread; tell whether it ended in time."""
        thread = self._thread
        if thread is None:
            return True
        # Once: a second stop would cut short what the loop does at its end.
        if self._stopping.acquire(blocking=False):
            self.call_soon(self.loop.stop)
        if thread is not threading.current_thread():
            thread.join(timeout)
        return not thread.is_alive()

    @property
    def thread(self) -> threading.Thread | None:
        """The loop's own thread, if it has one."""
        return self._thread

    def is_current(self) -> bool:
        """Tell whether the calling thread is the loop's."""
        return get_ident() == self.ident

    def is_running_here(self) -> bool:
        """Tell whether the calling thread is the loop's and the loop is running."""
        return get_ident() == self.ident and self.loop.is_running()

    def notice_loss(self) -> None:
        """Look whether somebody has closed the loop, before waiting for what it would do."""
        if self.loop.is_closed():
            self._on_lost()

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Have the loop call back; any thread. A closed loop is told to the owner."""
        try:
            if get_ident() == self.ident:
                self.loop.call_soon(callback, *args, context=self._context)
            else:
                self.loop.call_soon_threadsafe(callback, *args, context=self._context)
        except RuntimeError:
            if not self.loop.is_closed():
                raise
            self._on_lost()
