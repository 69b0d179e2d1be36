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
from dramaturg.actors._clock import SystemClock
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import (
    BlockingCallError,
    DeadlineExceeded,
    OptionError,
    Refused,
    RequestCycleError,
)
from dramaturg.actors._future import Future
from dramaturg.actors._interrupts import is_from_signal
from dramaturg.actors._letters import start_failed
from dramaturg.actors._mailbox import BoundedQueue
from dramaturg.actors._reply import LoopWaiter, Reply, ThreadWaiter
from dramaturg.actors._state import State
from dramaturg.actors._trace import running_cell

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import TimerHandle

__all__ = [
    "ask",
    "ask_later",
    "check_not_below",
    "ended",
    "request",
    "send",
    "started",
    "stopped_event",
]


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
    handed_over = cell.dispatcher.hand_over(cell, envelope)
    if not handed_over or not reply.done:
        edge = None if asker is None else _begin_wait(asker, cell)
        try:
            if not handed_over:
                await _enqueue(cell, envelope, deadline)
            if not reply.done:
                await _wait(cell, reply, deadline)
        finally:
            if asker is not None and edge is not None:
                _end_wait(asker, edge)
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


async def _enqueue(cell: Cell, envelope: Envelope, deadline: float) -> None:
    queue = cell.mailbox
    if isinstance(queue, BoundedQueue) and queue.waits:
        await send(cell, envelope, min(queue.wait_limit, deadline - cell.system.now()))
    else:
        cell.post(envelope)


async def _wait(cell: Cell, reply: Reply, deadline: float) -> None:
    system = cell.system
    waiter = LoopWaiter(lambda: _note_late(cell, reply))
    reply.waiter = waiter
    if reply.done:  # it came between the last look and now
        waiter.take()
        return
    timer = system.clock.call_at(deadline, waiter.expire)
    try:
        if not await waiter.wait():
            raise DeadlineExceeded(waiting_for=cell.path, timeout=None)
    finally:
        timer.cancel()


def _note_late(cell: Cell, reply: Reply) -> None:
    # That the actor failed or stopped, or the message expired, is no reply of its.
    if reply.error is None or isinstance(reply.error, Refused):
        cell.system.note_late_reply(cell)


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
        edge = None if asker is None else _begin_wait(asker, cell)
        try:
            _post(cell, envelope, deadline)
            if not reply.done:
                _block(cell, reply, deadline, timeout)
        finally:
            if asker is not None and edge is not None:
                _end_wait(asker, edge)
    elif not reply.done:  # its handler has stashed it
        _block(cell, reply, deadline, timeout)
    elif timeout is not None:
        _check_in_time(cell, deadline, timeout)
    error = reply.error
    if error is not None:
        cause = error.__cause__
        # A Ctrl-C that hit this thread while it ran the handler is this thread's.
        raise cause if cause is not None and is_from_signal(cause) else error
    return reply.value


def _post(cell: Cell, envelope: Envelope, deadline: float | None) -> None:
    queue = cell.mailbox
    if deadline is None or not isinstance(queue, BoundedQueue) or not queue.waits:
        cell.post(envelope)
        return
    if cell.put == cell.refuse:
        cell.put(envelope)
        return
    queue.put_when_room(envelope, min(queue.wait_limit, deadline - cell.system.now()))
    if cell.idle:
        cell.dispatcher.schedule(cell)


def _block(cell: Cell, reply: Reply, deadline: float | None, timeout: float | None) -> None:
    waiter = ThreadWaiter(lambda: _note_late(cell, reply))
    reply.waiter = waiter
    clock = cell.system.clock
    timer: TimerHandle | None = None
    left: float | None = None
    if deadline is not None and isinstance(clock, SystemClock):
        left = deadline - clock.monotonic()
    elif deadline is not None:
        timer = clock.call_at(deadline, waiter.expire)
    answered = waiter.wait(reply, left)
    if timer is not None:
        timer.cancel()
    if not answered:
        raise DeadlineExceeded(waiting_for=cell.path, timeout=timeout)


def ask_later(cell: Cell, message: Any, timeout: float | None) -> Future[Any]:
    """See :meth:`ActorRef.ask`, for ``block=False``: errors go into the future."""
    system = cell.system
    asker = running_cell(system)
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
    if system.traces:
        message = system.enveloped(message)
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
        waits = State.RUNNING < cell.state < State.STOPPING
        if waits:
            cell.more().start_waiters.append(future)
    if not waits:
        never_up = cell.extra is not None and cell.extra.never_up
        future.complete(None, start_failed(cell) if never_up else None)
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


def _begin_wait(asker: Cell, target: Cell) -> tuple[int, Cell]:
    """Note that the asker waits; fail if the target waits, also through others, for it."""
    edge = (asker.serial, target)
    # Looked at and noted in one go: of two threads that close a circle the second one sees it.
    with asker.system.lock:
        if _is_held(asker):
            trail = [asker] if target is asker else _trail(target, asker, {target})
            if trail is not None:
                raise RequestCycleError(path=(asker.path, *(cell.path for cell in trail)))
        asker.system.waits_for.setdefault(asker, []).append(edge)
    return edge


def _end_wait(asker: Cell, edge: tuple[int, Cell]) -> None:
    with asker.system.lock:
        edges = asker.system.waits_for[asker]
        edges.remove(edge)
        if not edges:
            del asker.system.waits_for[asker]


def _is_held(cell: Cell) -> bool:
    """Tell whether the actor is in a handler or a hook."""
    return cell.message is not None or cell.state not in (State.RUNNING, State.STOPPED)


def _edges(start: Cell) -> list[tuple[int, Cell]]:
    """List for whom the actor waits, those included that run within its call just now."""
    system = start.system
    return [
        *system.waits_for.get(start, ()),
        *((start.serial, cell) for sender, cell in system.tasks.handing if sender is start.ref),
    ]


def _trail(start: Cell, goal: Cell, seen: set[Cell]) -> list[Cell] | None:
    for serial, cell in _edges(start):
        if serial != start.serial or not _is_held(start):
            continue
        if cell is goal:
            return [start, goal]
        if cell not in seen:
            seen.add(cell)
            rest = _trail(cell, goal, seen)
            if rest is not None:
                return [start, *rest]
    return None
