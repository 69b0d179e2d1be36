"""The dispatcher for actors with ``async def`` methods.

Turns run inside *worker* tasks. As long as no handler suspends, one worker runs
turn after turn, so that an ``async def`` handler which does not wait costs no
task. If a handler suspends, so does its worker, with the cell's turn on its
stack, and another worker goes on with the other cells. When the handler wakes up
its worker finishes the turn and goes back to the pool.

A parked worker waits at a :class:`_Gate`, a future-like object whose ``open``
takes the worker's step at once instead of at the loop's next round. So a pass of
the dispatcher opens a gate, and when ``open`` returns it sees whether the worker
is through or has suspended within a turn. It also makes the hand-over of a
request possible: the asking handler's task is put aside (with the two functions
that asyncio documents for writers of task types), the target's worker takes its
step, and the asking task is put back. If the target did not wait for anything
the reply is there; if it did, it goes on in its own task, and a cancellation of
the asker does not reach it.

Handlers run in a genuine task, so ``asyncio.timeout``, ``current_task`` and
context variables work as anywhere. A context variable that a handler sets and
does not reset may be seen by another actor's handler on the same worker.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._dispatcher import HAND_OVERS_PER_PASS
from dramaturg.actors._state import STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextvars import Context

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._envelope import Envelope
    from dramaturg.actors._loop import LoopHost
    from dramaturg.actors._ref import ActorRef

__all__ = ["TaskDispatcher"]

TURNS_PER_PASS = 256
"""Then the event loop gets to its other work."""

SPARE_WORKERS = 32
"""How many parked workers are kept."""

DEEPEST_HAND_OVER = 16
"""How many requests may be handled inside each other's calls."""


@final
class _Gate:
    """What a parked worker awaits: asyncio's protocol for futures, as far as a task uses it."""

    __slots__ = ("_asyncio_future_blocking", "_context", "_loop", "_wake")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wake: Callable[[Any], None] | None = None
        self._context: Context
        self._asyncio_future_blocking = False

    def __await__(self) -> Generator[Any, None, None]:
        self._asyncio_future_blocking = True
        yield self

    def add_done_callback(self, wake: Callable[[Any], None], *, context: Context) -> None:
        self._wake = wake
        self._context = context

    def open(self) -> None:
        """Take the worker's step now, up to where it waits; no task may be current."""
        wake, self._wake = self._wake, None
        if wake is not None:
            self._context.run(wake, self)

    def result(self) -> None:
        return None

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - asyncio's protocol
        # A task that is cancelled while it waits here is woken to be told so.
        if self._wake is not None:
            self._loop.call_soon(self.open)
        return False

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop


@final
class _Worker:
    __slots__ = ("cell", "gate", "single", "suspended", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.gate = _Gate(loop)
        self.cell: Cell | None = None
        """Whose turn it is in."""
        self.single = False
        """Whether to run the turn of ``cell`` and no other."""
        self.suspended = False
        """Whether it has waited within that turn."""
        self.task: asyncio.Task[None]


class TaskDispatcher:
    """Runs actors with ``async def`` methods in worker tasks."""

    def __init__(self, host: LoopHost) -> None:
        self._host = host
        self._ready: deque[Cell] = deque()
        self._awake = False
        self._closed = False
        self._budget = 0
        self._left = HAND_OVERS_PER_PASS
        self.handing: list[tuple[ActorRef[Any] | None, Cell]] = []
        """The hand-overs that are going on within each other: who asks, and whom."""
        self.running: _Worker | None = None
        """Which worker takes its step just now."""
        self.steps = 0
        """Counts steps; a watchdog sees by it whether the loop goes on."""
        self._spare: list[_Worker] = []
        self._suspended: dict[Cell, _Worker] = {}
        # The loop itself holds its tasks only weakly.
        self._tasks: set[asyncio.Task[None]] = set()

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
        if (
            not cell.idle
            or cell.attention
            or cell.mailbox
            or get_ident() != self._host.ident
            or self._left <= 0
            or len(self.handing) >= DEEPEST_HAND_OVER
        ):
            return False
        loop = self._host.loop
        asker = asyncio.current_task(loop)
        worker = self._take_spare()
        if worker is None:
            return False
        if asker is None:
            self._spare.append(worker)
            return False
        self._left -= 1
        try:
            cell.put(envelope)
        except BaseException:  # a priority's key, the user's function
            self._spare.append(worker)
            raise
        cell.idle = False
        worker.cell = cell
        worker.single = True
        self.handing.append((envelope.sender, cell))
        _leave_task(loop, asker)
        try:
            self._open(worker)
        finally:
            _enter_task(loop, asker)
            self.handing.pop()
        return True

    def run_here(self, cell: Cell) -> bool:  # noqa: ARG002 - it runs in one place only
        return False

    def interrupt(self, cell: Cell) -> bool:
        """Cancel the handler in which the cell is suspended; on the loop's thread."""
        worker = self._suspended.get(cell)
        if worker is None:
            return False
        worker.task.cancel()
        return True

    def is_worker(self) -> bool:
        """Tell whether the calling code runs in a worker, so in a handler or a hook."""
        if get_ident() != self._host.ident:
            return False
        task = asyncio.current_task()
        return task is not None and task in self._tasks

    def suspended_in(self, cell: Cell) -> asyncio.Task[None] | None:
        """Return the task in which a handler of the cell waits."""
        worker = self._suspended.get(cell)
        return None if worker is None else worker.task

    async def close(self, patience: float) -> None:
        """End all workers; those in a handler are cancelled, and left behind if that is no help."""
        self._closed = True
        self._spare.clear()
        self._ready.clear()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=patience)

    def _pass(self) -> None:
        if self._closed:
            # A worker that is made now would be left behind.
            self._ready.clear()
            return
        self._budget = TURNS_PER_PASS
        self._left = HAND_OVERS_PER_PASS
        while self._ready and self._budget > 0:
            worker = self._take_spare()
            if worker is None:
                # It calls for the next pass once it is parked.
                self._new_worker()
                return
            self._open(worker)
        if not self._ready:
            self._awake = False
        if self._ready:
            self._awake = True
            self._host.call_soon(self._pass)

    def _open(self, worker: _Worker) -> None:
        """Let a parked worker take its step."""
        outer, self.running = self.running, worker
        self.steps += 1
        worker.gate.open()
        self.running = outer
        if worker.cell is not None:
            # The step has ended within a turn: that turn waits.
            worker.suspended = True
            self._suspended[worker.cell] = worker

    def _take_spare(self) -> _Worker | None:
        """Take a parked worker; not one that somebody has cancelled and that is about to end."""
        while self._spare:
            worker = self._spare.pop()
            if not worker.task.cancelling():
                return worker
        return None

    def _new_worker(self) -> None:
        worker = _Worker(self._host.loop)
        worker.task = self._host.loop.create_task(self._work(worker), name="dramaturg-worker")
        self._tasks.add(worker.task)
        worker.task.add_done_callback(lambda _: self._forget(worker))

    def _forget(self, worker: _Worker) -> None:
        self._tasks.discard(worker.task)
        # Somebody who cancels all tasks of the loop cancels parked workers too.
        if worker in self._spare:
            self._spare.remove(worker)

    async def _work(self, worker: _Worker) -> None:
        gate = worker.gate
        self._host.call_soon(self._pass)
        while not self._closed:
            self._spare.append(worker)
            await gate
            await self._run_ready(worker)
            # A task that was cancelled once has the mark of it: not for the next handler.
            if worker.task.cancelling() or len(self._spare) >= SPARE_WORKERS:
                return

    async def _run_ready(self, worker: _Worker) -> None:
        """Run turns until none is ready, the budget is used up or one of them waited."""
        ready = self._ready
        if worker.single:
            worker.single = False
            cell = worker.cell
        else:
            cell = self._next()
        while cell is not None:
            worker.cell = cell
            await cell.turn_async()
            worker.cell = None
            if worker.suspended:
                worker.suspended = False
                del self._suspended[cell]
                return
            cell = self._next() if ready and not self.handing else None

    def _next(self) -> Cell | None:
        """Take the next ready cell, within the budget of the pass."""
        ready = self._ready
        while ready and self._budget > 0:
            self._budget -= 1
            cell = ready.popleft()
            if cell not in self._suspended:
                cell.idle = False
                return cell
            # Else two senders scheduled it; the turn that waits will see to their messages.
        return None
