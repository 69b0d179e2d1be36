"""Waiting for an actor's beginning and end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from dramaturg.actors._cell import current_cell
from dramaturg.actors._errors import BlockingCallError
from dramaturg.actors._future import Future
from dramaturg.actors._letters import start_failed
from dramaturg.actors._state import State

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell

__all__ = [
    "check_not_below",
    "ended",
    "holds_up",
    "incarnation_ended",
    "start_outcome",
    "started",
    "stopped_event",
]


def started(cell: Cell) -> Future[Any]:
    """See :meth:`ActorRef.started`."""
    future: Future[Any] = Future()
    future.bind(refuse=cell.system.runs_here)
    with cell.system.lock:
        waits = State.RUNNING < cell.state < State.STOPPING or cell.state is State.DOWN
        if waits:
            cell.more().start_waiters.append(future)
    if not waits:
        never_up = cell.extra is not None and cell.extra.never_up
        info = None if cell.extra is None else cell.extra.start_info
        future.complete(info, start_failed(cell) if never_up else None)
    return future


def ended(cell: Cell) -> Future[bool]:
    """Return a future for the actor's end: True, or False if it has ended already."""
    future: Future[bool] = Future()
    future.bind(refuse=cell.system.runs_here)
    with cell.system.lock:
        alive = cell.state is not State.STOPPED
        if alive:
            if cell.waiters is None:
                cell.waiters = [future]
            else:
                cell.waiters.append(future)
    if not alive:
        future.complete(False, None)  # noqa: FBT003 - pykka's answer: it was dead
    return future


def incarnation_ended(cell: Cell) -> Future[bool]:
    """Return a future for the end of the running incarnation: done if there is none."""
    future: Future[bool] = Future()
    with cell.system.lock:
        alive = cell.state < State.DOWN
        if alive:
            if cell.waiters is None:
                cell.waiters = []
            cell.waiters.append(future)
    if not alive:
        future.complete(False, None)  # noqa: FBT003 - pykka's answer: it was dead
    return future


def start_outcome(cell: Cell) -> Future[Any]:
    """Return a future for the start that is going on below a supervisor."""
    future: Future[Any] = Future()
    extra = cell.more()
    with cell.system.lock:
        waits = extra.never_up and cell.state < State.DOWN
        if waits:
            extra.start_waiters.append(future)
    if not waits:
        future.complete(extra.start_info, start_failed(cell) if extra.never_up else None)
    return future


def check_not_below(cell: Cell, call: str, instead: str) -> None:
    """Check that the calling thread is not that of a blocking actor at or below the cell.

    :raises BlockingCallError: if it is; the cell's end would wait for this very thread.
    """
    asker = current_cell.get()
    if asker is None or asker.extra is None or asker.extra.thread is None:
        return
    if asker.extra.thread.thread is threading.current_thread():
        above: Cell | None = asker
        while above is not None:
            if above is cell:
                raise BlockingCallError(call=call, instead=instead)
            above = above.parent


def holds_up(cell: Cell) -> bool:
    """Tell whether the calling task is in a handler of an actor at or below the cell."""
    below = current_cell.get()
    if below is None or not below.system.tasks.is_worker():
        return False
    above: Cell | None = below
    while above is not None:
        if above is cell:
            return True
        above = above.parent
    return False


def stopped_event(cell: Cell) -> threading.Event:
    """Return an event that is set once the actor has stopped."""
    with cell.system.lock:
        extra = cell.more()
        if extra.pykka_stopped is not None:
            return extra.pykka_stopped
    event = threading.Event()
    ended(cell).add_done_callback(event.set)
    return event
