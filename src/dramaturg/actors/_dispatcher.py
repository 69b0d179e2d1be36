"""Dispatchers: what runs the turns of ready cells, and where.

========================  =======================================================
:class:`LoopDispatcher`    actors whose methods are all ``def``: on the loop, many
                           turns to one pass of it
``_workers``               actors with an ``async def`` method: in worker tasks
``_thread``                blocking actors: each on a thread of its own
========================  =======================================================

Which ready cell runs next is decided here and nowhere else; a system takes its
dispatchers from a factory that can be replaced.

The run lock
============

A request to an idle actor need not take a trip round the loop: whoever asks may
run the handler at once (:meth:`LoopDispatcher.hand_over`), on the loop's thread
or, in a system that has a thread of its own, on the asking thread. So that ``def``
handlers never run two at once, every pass and every hand-over holds one lock.
What a ``def`` handler may therefore rely on: no other ``def`` handler of this
system runs meanwhile. What it may not: always being on the same thread, unless
its class says ``loop_bound = True``.
"""

from __future__ import annotations

import threading
from collections import deque
from contextvars import Context
from threading import get_ident
from typing import TYPE_CHECKING, Protocol

from dramaturg.actors._state import STOPPED

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._envelope import Envelope
    from dramaturg.actors._loop import LoopHost

__all__ = ["HAND_OVERS_PER_PASS", "Dispatcher", "LoopDispatcher"]

TURNS_PER_PASS = 256
"""Then the event loop gets to its other work."""
HAND_OVERS_PER_PASS = 256
"""As many requests may be handled within their calls, on the loop's thread; the next
one is queued and so lets the event loop get to its other work. Else a coroutine that
makes one request after the other would keep everybody else from running."""
_TURNS = range(TURNS_PER_PASS)


class Dispatcher(Protocol):
    """Runs the turns of the cells that are given to it."""

    def schedule(self, cell: Cell) -> None:
        """Run a turn of the cell soon; any thread, never blocks.

        A cell that has stopped is flushed into the dead letters instead.
        """

    def hand_over(self, cell: Cell, envelope: Envelope) -> bool:
        """Handle a request at once on the calling thread, if that is possible and fair.

        False means that nothing has happened and the request has to be queued.
        """
        ...

    def run_here(self, cell: Cell) -> bool:
        """Run a turn of an idle cell at once on the calling thread, if that is possible."""
        ...

    def interrupt(self, cell: Cell) -> bool:
        """Cut short the handler that the cell waits in; tell whether that was possible."""
        ...


class LoopDispatcher:
    """Runs ``def`` actors on the event loop."""

    __slots__ = (
        "_awake",
        "_helping",
        "_host",
        "_left",
        "_lock",
        "_ready",
        "_run",
        "current",
        "owner",
        "passes",
    )

    def __init__(self, host: LoopHost, *, helping: bool) -> None:
        self._host = host
        self._helping = helping
        self._ready: deque[Cell] = deque()
        self._awake = False
        self._left = HAND_OVERS_PER_PASS
        self._lock = threading.Lock()
        # All def handlers run in one context, wherever they run: what they start is not to
        # seem started by whoever's call they run in. The lock makes sure it is entered once.
        self._run = Context().run
        self.current: Cell | None = None
        """Whose turn it is."""
        self.owner = 0
        """Which thread runs it."""
        self.passes = 0
        """Counts passes; a watchdog sees by it whether the loop goes on."""

    @property
    def busy(self) -> bool:
        """Whether a pass is running or about to."""
        return self._awake

    def schedule(self, cell: Cell) -> None:
        if cell.state is STOPPED:
            cell.flush()
            return
        cell.idle = False
        self._ready.append(cell)
        if not self._awake:
            self._awake = True
            self._host.call_soon(self._pass)

    def hand_over(self, cell: Cell, envelope: Envelope) -> bool:
        ident = get_ident()
        if ident == self._host.ident:
            if self._left <= 0:
                return False
            self._left -= 1
        elif not self._helping:
            return False
        if not self._lock.acquire(False):  # noqa: FBT003 - by name it takes longer
            return False
        # Under the lock nobody else can run the cell.
        if not cell.idle or cell.attention or cell.mailbox:
            self._lock.release()
            return False
        cell.idle = False
        self.owner = ident
        self.current = cell
        try:
            self._run(cell.run_one, envelope)
        finally:
            self.current = None
            self.owner = 0
            self._lock.release()
        return True

    def run_here(self, cell: Cell) -> bool:
        ident = get_ident()
        if (ident != self._host.ident and not self._helping) or not self._lock.acquire(
            blocking=False
        ):
            return False
        try:
            if not cell.idle:
                return False
            cell.idle = False
            self.owner = ident
            self.current = cell
            self._run(cell.turn)
            return True
        finally:
            self.current = None
            self.owner = 0
            self._lock.release()

    def interrupt(self, cell: Cell) -> bool:  # noqa: ARG002 - a def handler cannot be cut short
        return False

    def _pass(self) -> None:
        ready = self._ready
        self.passes += 1
        self._left = HAND_OVERS_PER_PASS
        with self._lock:
            self.owner = self._host.ident
            try:
                self._run(self._run_turns)
            finally:
                self.current = None
                self.owner = 0
                # Also when a signal's KeyboardInterrupt goes through here.
                if ready:
                    self._host.call_soon(self._pass)
                else:
                    self._awake = False
        if not self._awake and ready:
            self._awake = True
            self._host.call_soon(self._pass)

    def _run_turns(self) -> None:
        ready = self._ready
        pop = ready.popleft
        for _ in _TURNS:
            if not ready:
                break
            self.current = cell = pop()
            cell.turn()
