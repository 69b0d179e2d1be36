"""Requests: sending a message and getting exactly one answer.

An envelope carries the reply slot and the absolute deadline. If the target is
idle and may run here, it handles the message within the call (see
``_dispatcher``), and nothing is ever waited for. Otherwise the envelope is
queued, and something to wait on is made.

A waiting request of an actor is an edge from it to its target in the graph of
who waits for whom. A request that would close a circle in it fails before it is
sent. An edge counts only while the actor is still held by the very message in
whose handling the request was made: what a task in the background waits for
holds nobody up.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from dramaturg.actors._cell import current_cell
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import (
    DeadlineExceeded,
    OptionError,
    RequestCycleError,
)
from dramaturg.actors._future import Future
from dramaturg.actors._interrupts import is_from_signal
from dramaturg.actors._letters import start_failed
from dramaturg.actors._mailbox import BoundedQueue
from dramaturg.actors._reply import LoopWaiter, Reply, ThreadWaiter
from dramaturg.actors._state import State

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell

__all__ = ["ask", "ask_later", "ended", "request", "send", "started", "stopped_event"]


async def request(cell: Cell, message: Any, timeout: float | None) -> Any:
    """See :meth:`ActorRef.request`."""
    asker = current_cell.get()
    system = cell.system
    if timeout is None and asker is None:
        deadline = system.now() + system.default_timeout
    else:
        deadline = _deadline(cell, timeout, asker)
    reply = Reply()
    envelope = Envelope(message, reply, None if asker is None else asker.ref, deadline)
    if system.traces:
        envelope.headers = system.headers(asker)
    if not cell.dispatcher.hand_over(cell, envelope):
        if asker is not None:
            _check_cycle(asker, cell)
        if isinstance(cell.mailbox, BoundedQueue) and cell.mailbox.waits:
            await send(cell, envelope, deadline - system.now())
        else:
            cell.post(envelope)
    if not reply.done:
        await _wait(cell, reply, asker, deadline)
    elif timeout is not None:
        _check_in_time(cell, deadline, timeout)
    if reply.error is not None:
        raise reply.error
    return reply.value


def _check_in_time(cell: Cell, deadline: float | None, timeout: float) -> None:
    """Treat a reply alike whether it came within the call or after it."""
    if deadline is not None and cell.system.now() > deadline:
        cell.system.note_late_reply(cell)
        raise DeadlineExceeded(waiting_for=cell.path, timeout=timeout)


async def _wait(cell: Cell, reply: Reply, asker: Cell | None, deadline: float) -> None:
    system = cell.system
    waiter = LoopWaiter(lambda: system.note_late_reply(cell))
    reply.waiter = waiter
    if reply.done:  # it came between the last look and now
        waiter.take()
        return
    timer = system.clock.call_at(deadline, waiter.expire)
    edge = None if asker is None else (asker.serial, cell)
    if edge is not None and asker is not None:
        system.waits_for.setdefault(asker, []).append(edge)
    try:
        if not await waiter.wait():
            raise DeadlineExceeded(waiting_for=cell.path, timeout=None)
    finally:
        timer.cancel()
        if edge is not None and asker is not None:
            edges = system.waits_for[asker]
            edges.remove(edge)
            if not edges:
                del system.waits_for[asker]


def ask(cell: Cell, message: Any, timeout: float | None) -> Any:
    """See :meth:`ActorRef.ask`."""
    system = cell.system
    if system.runs_here():
        system.check_may_block("ref.ask()", "use `await ref.request(message)`")
    asker = current_cell.get()
    # pykka's asks wait for ever.
    endless = timeout is None and cell.pykka_contract
    deadline = None if endless else _deadline(cell, timeout, asker)
    reply = Reply()
    envelope = Envelope(message, reply, None if asker is None else asker.ref, deadline)
    if system.traces:
        envelope.headers = system.headers(asker)
    if not cell.dispatcher.hand_over(cell, envelope):
        if asker is not None:
            _check_cycle(asker, cell)
        cell.post(envelope)
    if not reply.done:
        _block(cell, reply, asker, deadline, timeout)
    elif timeout is not None:
        _check_in_time(cell, deadline, timeout)
    error = reply.error
    if error is not None:
        cause = error.__cause__
        # A Ctrl-C that hit this thread while it ran the handler is this thread's.
        raise cause if cause is not None and is_from_signal(cause) else error
    return reply.value


def _block(
    cell: Cell, reply: Reply, asker: Cell | None, deadline: float | None, timeout: float | None
) -> None:
    system = cell.system
    waiter = ThreadWaiter(lambda: system.note_late_reply(cell))
    reply.waiter = waiter
    if asker is not None:
        system.waits_for[asker] = [(asker.serial, cell)]
    try:
        left = None if deadline is None else deadline - system.now()
        if not waiter.wait(reply, left):
            raise DeadlineExceeded(waiting_for=cell.path, timeout=timeout)
    finally:
        if asker is not None:
            system.waits_for.pop(asker, None)


def ask_later(cell: Cell, message: Any, timeout: float | None) -> Future[Any]:
    """See :meth:`ActorRef.ask`, for ``block=False``: errors go into the future."""
    system = cell.system
    asker = current_cell.get()
    future: Future[Any] = Future()
    future.bind(refuse=system.runs_here, on_late=lambda: system.note_late_reply(cell))
    deadline = None
    if timeout is not None:
        deadline = _deadline(cell, timeout, asker)
    envelope = Envelope(message, future, None if asker is None else asker.ref, deadline)
    if system.traces:
        envelope.headers = system.headers(asker)
    if deadline is not None:
        error = DeadlineExceeded(waiting_for=cell.path, timeout=timeout)
        timer = system.clock.call_at(deadline, future.give_up, error)
        future.add_done_callback(timer.cancel)
    try:
        cell.post(envelope)
    except Exception as refused:  # noqa: BLE001 - whatever it is, it is the future's
        future.give_up(refused)
    return future


async def send(cell: Cell, message: Any, timeout: float | None) -> None:
    """See :meth:`ActorRef.send`."""
    queue = cell.mailbox
    if not isinstance(queue, BoundedQueue) or not queue.waits or cell.put == cell.refuse:
        cell.ref.tell(message)
        return
    system = cell.system
    deadline = system.now() + (queue.wait_limit if timeout is None else timeout)
    while True:
        waiter = LoopWaiter(lambda: None)
        room = _Room(waiter)
        if queue.try_put(message, room):
            break
        timer = system.clock.call_at(deadline, waiter.expire)
        try:
            woken = await waiter.wait()
        except BaseException:
            queue.forget(room)
            raise
        finally:
            timer.cancel()
        if not woken:
            queue.forget(room)
            error = queue.full()
            cell.overflowed(message, error)
            raise error
    if cell.idle:
        cell.dispatcher.schedule(cell)


class _Room:
    """A coroutine that waits for room in a mailbox."""

    __slots__ = ("_waiter",)

    def __init__(self, waiter: LoopWaiter) -> None:
        self._waiter = waiter

    def wake(self) -> None:
        self._waiter.notify(_NOTHING)


_NOTHING = Reply()


def started(cell: Cell) -> Future[None]:
    """See :meth:`ActorRef.started`."""
    future: Future[None] = Future()
    future.bind(refuse=cell.system.runs_here)
    with cell.system.lock:
        state = cell.state
        waits = state not in (State.RUNNING, State.STOPPED)
        if waits:
            cell.more().start_waiters.append(future)
    if not waits:
        future.complete(None, start_failed(cell) if state is State.STOPPED else None)
    return future


def ended(cell: Cell) -> Future[bool]:
    """Return a future for the actor's end: True, or False if it has ended already."""
    future: Future[bool] = Future()
    future.bind(refuse=cell.system.runs_here)
    with cell.system.lock:
        alive = cell.state is not State.STOPPED
        if alive:
            cell.more().stop_waiters.append(future)
    if not alive:
        future.complete(False, None)  # noqa: FBT003 - pykka's answer: it was dead
    return future


def stopped_event(cell: Cell) -> threading.Event:
    """Return an event that is set once the actor has stopped."""
    with cell.system.lock:
        extra = cell.more()
        if extra.pykka_stopped is not None:
            return extra.pykka_stopped
    event = threading.Event()
    ended(cell).add_done_callback(event.set)
    return event


def _deadline(cell: Cell, timeout: float | None, asker: Cell | None) -> float:
    system = cell.system
    if timeout is None:
        timeout = system.default_timeout
    elif not isinstance(timeout, int | float) or not 0 <= timeout < float("inf"):
        raise OptionError(option="timeout", value=timeout, expected="seconds, at least 0, or None")
    deadline = system.now() + timeout
    if asker is not None and asker.message.__class__ is Envelope:
        inherited = asker.message.deadline
        if inherited is not None and inherited < deadline:
            return float(inherited)
    return deadline


def _check_cycle(asker: Cell, target: Cell) -> None:
    """Fail if the target waits, directly or through others, for the asker."""
    if target is asker:
        if asker.message is not None:
            raise RequestCycleError(path=(asker.path, asker.path))
        return
    if asker.message is None:
        return
    trail = _trail(target, asker, {target})
    if trail is not None:
        raise RequestCycleError(path=(asker.path, *(cell.path for cell in trail)))


def _trail(start: Cell, goal: Cell, seen: set[Cell]) -> list[Cell] | None:
    for serial, cell in start.system.waits_for.get(start, ()):
        if serial != start.serial or start.message is None:
            continue
        if cell is goal:
            return [start, goal]
        if cell not in seen:
            seen.add(cell)
            rest = _trail(cell, goal, seen)
            if rest is not None:
                return [start, *rest]
    return None
