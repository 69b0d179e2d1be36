"""The event loop of a simulation: it runs what is ready, and stands still for all else.

No selector, no thread, no clock: time is the simulation's, and a callback for later is
one of its timers. A simulation runs inside whatever runs the test, also inside a coroutine
of another loop: for the moment of a drain this loop takes that one's place.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from threading import get_ident
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakKeyDictionary

from dramaturg.actors._cell import current_cell
from dramaturg.actors._dispatcher import LoopDispatcher
from dramaturg.actors._workers import TaskDispatcher
from dramaturg.protocols.testing._addresses import name_of
from dramaturg.protocols.testing._errors import EscapeError, ScenarioError
from dramaturg.protocols.testing._simulated_time import STARTED_BY

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable
    from contextvars import Context

    from dramaturg.protocols.testing._simulated_time import Timers

__all__ = ["SimulatedLoop"]

MOST_CALLBACKS = 100_000
"""So many callbacks in one step: somebody goes on without ever waiting."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """An event loop that runs only while it is told to.

    ``asyncio.sleep``, ``asyncio.timeout``, tasks, futures, locks and queues work on it.
    Threads, processes and sockets raise :class:`EscapeError`.
    """

    _ready: deque[asyncio.Handle]
    _thread_id: int | None

    def __init__(self, timers: Timers) -> None:
        super().__init__()
        self._timers = timers
        self.errors: list[dict[str, Any]] = []
        """What went wrong in callbacks that nobody awaits."""
        self.set_exception_handler(lambda _, context: self.errors.append(context))
        self.touched: set[str] | None = None
        """Who has run, if somebody wants to know."""
        self._tasks: WeakKeyDictionary[asyncio.Future[Any], object] = WeakKeyDictionary()

    def time(self) -> float:
        return self._timers.local_now()

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers.add_handle(when, handle)
        return handle

    def drain(self) -> None:
        """Run what is ready, and what becomes ready by that.

        :raises ScenarioError: if there is no end to it.
        """
        outer = events._get_running_loop()
        events._set_running_loop(self)
        self._thread_id = get_ident()
        try:
            ready = self._ready
            for _ in range(MOST_CALLBACKS):
                if not ready:
                    return
                handle = ready.popleft()
                if not handle.cancelled():
                    if self.touched is not None:
                        self._note_who_runs(handle)
                    handle._run()
        finally:
            self._thread_id = None
            events._set_running_loop(outer)
        raise ScenarioError(
            thing="a task",
            problem=f"goes on without waiting, for {MOST_CALLBACKS:,} callbacks of the loop",
            expected="a wait for time, a message or a reply",
        )

    def create_task(self, coro: Any, **options: Any) -> Any:
        task = super().create_task(coro, **options)
        owner = self.owner()
        if owner is not None:
            self._tasks[task] = owner
        return task

    def owner(self) -> object | None:
        """Return the system of whoever runs just now, an actor or what starts a node."""
        cell = self._timers.running()
        if cell is not None:
            return cell.system
        task = asyncio.current_task(self)
        found = None if task is None else self._tasks.get(task)
        return STARTED_BY.get() if found is None else found

    def adopt(self, system: object) -> None:
        """Let the present task, and all that it makes, end with a system."""
        STARTED_BY.set(system)
        task = asyncio.current_task(self)
        if task is not None:
            self._tasks[task] = system

    def cancel_those_of(self, system: object) -> None:
        """Cancel the tasks that the actors of a system have made, and what has started them."""
        for task in [task for task, owner in self._tasks.items() if owner is system]:
            task.cancel()

    def _note_who_runs(self, handle: Any) -> None:
        whose = getattr(handle._callback, "__self__", None)
        if self.touched is None or isinstance(whose, LoopDispatcher | TaskDispatcher):
            return  # those run the turns of cells, which are noted when they are chosen
        cell = handle._context.get(current_cell)
        self.touched.add("scenario" if cell is None else name_of(cell))

    def take_now(self, handle: asyncio.Handle) -> None:
        """Let a timer's callback be the next to run."""
        self._ready.append(handle)

    def _write_to_self(self) -> None:
        """Wake nobody: nobody sleeps."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> NoReturn:  # type: ignore[override]  # noqa: ARG002
        cell = self._timers.running()
        raise EscapeError(
            what="a thread (asyncio.to_thread, run_in_executor)",
            where="the scenario" if cell is None else name_of(cell),
        )
