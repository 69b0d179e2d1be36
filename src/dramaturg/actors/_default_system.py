"""The system behind ``SomeActor.start()``.

pykka's ``start`` names no system, so that one for the process is the only place
for such actors; pykka's registry of them is global to the process too. It is
made by the first of them, and its thread runs as long as any of them lives, so
that, as in pykka, the process goes on until they have stopped.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

from dramaturg.actors import _endings as endings
from dramaturg.actors._spawn import spawn_in_pykkas_way
from dramaturg.actors._system import ActorSystem

if TYPE_CHECKING:
    from dramaturg.actors._actor import Actor
    from dramaturg.actors._ref import ActorRef

__all__ = ["DefaultSystem", "default_system"]


class DefaultSystem:
    """Starts actors in pykka's way, on a loop thread that lives while they do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alive = 0
        self._running = False
        self._loop = asyncio.new_event_loop()
        self._system = ActorSystem("pykka", hold_limit=None)
        atexit.register(self._close)

    def start(
        self, cls: type[Actor], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> ActorRef[Any]:
        """See :meth:`Actor.start`."""
        with self._lock:
            self._alive += 1
            if not self._running:
                self._run()
        try:
            ref = spawn_in_pykkas_way(self._system, cls, args, kwargs)
        except BaseException:
            self._one_less()
            raise
        endings.ended(ref.cell).add_done_callback(self._one_less)
        return ref

    def _run(self) -> None:
        host = self._system.host
        if host.thread is not None:
            host.thread.join()
        host.start_thread("dramaturg-pykka", self._loop, daemon=False, close=False)
        self._system.reopen()
        self._running = True

    def _one_less(self) -> None:
        with self._lock:
            self._alive -= 1
            if self._alive == 0:
                self._system.host.call_soon(self._stop_if_idle)

    def _stop_if_idle(self) -> None:
        with self._lock:
            if self._alive == 0 and self._running:
                self._running = False
                self._loop.stop()

    def _close(self) -> None:
        if not self._running and not self._loop.is_closed():
            self._loop.close()


@cache
def default_system() -> DefaultSystem:
    """Return the process's one."""
    return DefaultSystem()
