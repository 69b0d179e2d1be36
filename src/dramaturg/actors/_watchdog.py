"""Report handlers that hold the event loop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, final

from dramaturg.actors._events import LoopHeld
from dramaturg.actors._thread import stack_of

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._system import ActorSystem

__all__ = ["Watchdog"]


@final
class Watchdog:
    """A thread that looks now and then whether the same turn is still running.

    It costs the actors nothing: it compares the dispatcher's pass counter and
    current cell with what they were one limit ago. A handler is therefore
    reported after one to two limits.
    """

    def __init__(self, system: ActorSystem, limit: float | None) -> None:
        self._system = system
        self._limit = limit
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, if there is a limit."""
        if self._limit is not None:
            self._thread = threading.Thread(
                target=self._run, args=(self._limit,), name="dramaturg-watchdog", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self, limit: float) -> None:
        seen: tuple[int, Cell] | None = None
        reported: tuple[int, Cell] | None = None
        while not self._stop.wait(limit):
            now = self._look()
            if now is not None and now == seen and now != reported:
                self._report(now[1], limit)
                reported = now
            seen = now

    def _look(self) -> tuple[int, Cell] | None:
        direct = self._system.direct
        cell = direct.current
        return None if cell is None else (direct.passes, cell)

    def _report(self, cell: Cell, limit: float) -> None:
        system = self._system
        ident = system.direct.owner
        if ident:
            system.events.publish(
                LoopHeld(
                    path=cell.path, time=system.clock.time(), limit=limit, stack=stack_of(ident)
                )
            )
