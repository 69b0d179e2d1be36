"""Requests: sending a message and getting exactly one answer.

An envelope carries the reply slot and the absolute deadline. If the target is
idle and may run here, it handles the message within the call (see
``_dispatcher``), and nothing is ever waited for. Otherwise the envelope is
queued, and something to wait on is made.

What waits is noted in the graph of who waits for whom, see ``_circles``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors._cell import current_cell
from dramaturg.actors._circles import begin_wait, end_wait
from dramaturg.actors._clock import SystemClock
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import (
    DeadlineExceeded,
    OptionError,
    Refused,
)
from dramaturg.actors._future import Future
from dramaturg.actors._interrupts import is_from_signal
from dramaturg.actors._mailbox import BoundedQueue
from dramaturg.actors._reply import LoopWaiter, Reply, ThreadWaiter
from dramaturg.actors._trace import running_cell

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import TimerHandle

__all__ = ["ask", "ask_later", "request", "send"]


async def request(cell: Cell, message: Any, timeout: float | None) -> Any:
    """See :meth:`ActorRef.request`."""
    asker = current_cell.get()
    system = cell.system
    if timeout is None:
        deadline = system.now() + system.default_timeout
    else:
        deadline = system.now() + _checked(timeout)
    reply = Reply(cell)
    overdue = False
    if asker is None:
        envelope = Envelope(message, reply, None, deadline)
    else:
        inherited = _inherited(asker, deadline)
        overdue = inherited < deadline and inherited < system.now()
        deadline = inherited
        envelope = Envelope(message, reply, asker.ref, deadline)
    if system.traces:
        envelope.headers = system.headers(asker)
    # What is overdue is queued, and found there to have expired.
    handed_over = not overdue and cell.dispatcher.hand_over(cell, envelope)
    if not handed_over or not reply.done:
        edge = None if asker is None else begin_wait(asker, reply)
        try:
            if not handed_over:
                await _enqueue(cell, envelope, deadline)
            if not reply.done:
                await _wait(cell, reply, deadline, timeout)
        finally:
            if asker is not None and edge is not None:
                end_wait(asker, edge)
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
    if isinstance(queue, BoundedQueue) and _waits(cell, queue):
        await send(cell, envelope, min(queue.wait_limit, deadline - cell.system.now()))
    else:
        cell.post(envelope)


async def _wait(cell: Cell, reply: Reply, deadline: float, timeout: float | None) -> None:
    system = cell.system
    system.host.notice_loss()
    waiter = LoopWaiter(lambda: _note_late(cell, reply))
    reply.waiter = waiter
    if reply.done:  # it came between the last look and now
        waiter.take()
        return
    timer = system.clock.call_at(deadline, waiter.expire)
    try:
        if not await waiter.wait():
            raise DeadlineExceeded(waiting_for=cell.path, timeout=timeout)
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
    reply = Reply(cell)
    envelope = Envelope(message, reply, None if asker is None else asker.ref, deadline)
    if system.traces:
        envelope.headers = system.headers(asker)
    overdue = asker is not None and deadline is not None and deadline < system.now()
    if overdue or not cell.dispatcher.hand_over(cell, envelope):
        edge = None if asker is None else begin_wait(asker, reply)
        try:
            _post(cell, envelope, deadline)
            if not reply.done:
                _block(cell, reply, deadline, timeout)
            elif timeout is not None:
                _check_in_time(cell, deadline, timeout)
        finally:
            if asker is not None and edge is not None:
                end_wait(asker, edge)
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
    if deadline is None or not isinstance(queue, BoundedQueue) or not _waits(cell, queue):
        cell.post(envelope)
        return
    if cell.put == cell.refuse:
        cell.put(envelope)
        return
    queue.put_when_room(envelope, min(queue.wait_limit, deadline - cell.system.now()))
    if cell.idle:
        cell.dispatcher.schedule(cell)


def _waits(cell: Cell, queue: BoundedQueue) -> bool:
    """Tell whether senders wait for room; not where another one serves under the ref."""
    return queue.waits and (cell.extra is None or cell.extra.stand_in is None)


def _block(cell: Cell, reply: Reply, deadline: float | None, timeout: float | None) -> None:
    cell.system.host.notice_loss()
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
    if timer is not None and deadline is not None:
        timer.cancel()
        # A clock that is moved by hand may have been moved before the timer was there.
        answered = answered and clock.monotonic() < deadline
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
    if not isinstance(queue, BoundedQueue) or not _waits(cell, queue) or cell.put == cell.refuse:
        cell.ref.tell(message)
        return
    system = cell.system
    if system.traces or system.taps:
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
        self._waiter.wake()


def _deadline(cell: Cell, timeout: float | None, asker: Cell | None) -> float:
    system = cell.system
    deadline = system.now() + (system.default_timeout if timeout is None else _checked(timeout))
    return deadline if asker is None else _inherited(asker, deadline)


def _checked(timeout: float) -> float:
    if not isinstance(timeout, int | float) or not 0 <= timeout < float("inf"):
        raise OptionError(option="timeout", value=timeout, expected="seconds, at least 0, or None")
    return timeout


def _inherited(asker: Cell, deadline: float) -> float:
    """Return the earlier of the deadline and that of the request the asker is handling."""
    message = asker.message
    if message.__class__ is Envelope:
        earlier = message.deadline
        if earlier is not None and earlier < deadline:
            return float(earlier)
    return deadline
