"""An actor's life: start, failure, restart, stop.

Everything here runs inside the turn of the cell it is about, so that it needs
no lock against the cell's own handlers. It is written once, as coroutines: for
an actor without ``async def`` methods none of the awaits ever waits.

::

    STARTING --on_start--> RUNNING --failure--> SUSPENDED --decision--> RESTARTING --> STARTING
                              |                                |
                              +----------- stop ---------------+--> STOPPING --> STOPPED

STOPPING and RESTARTING wait until the children have ended: a child never
outlives its parent, nor the incarnation that made it. What follows a failure is
in :mod:`~dramaturg.actors._crash`, how an actor is cut short in
:mod:`~dramaturg.actors._kill`. An actor below a supervisor goes from STOPPING to
DOWN instead, and may come back from there: :mod:`~dramaturg.actors._incarnation`.
"""

from __future__ import annotations

import asyncio
from types import CoroutineType
from typing import TYPE_CHECKING, Any, cast

from dramaturg.actors import (
    _crash as crashing,
    _incarnation as incarnations,
    _kill as killing,
    _letters as letters,
    _pykka_contract as pykka_contract,
    _report as report,
    _standing_in as standing_in,
)
from dramaturg.actors._errors import Ignore
from dramaturg.actors._exit_reason import (
    IGNORED,
    KILLED,
    NORMAL,
    SHUTDOWN,
    ExitReason,
    failed as failed_with,
)
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import DOWN, STOPPED, State
from dramaturg.actors._timers import cancel_all
from dramaturg.actors._tree import detach, is_supervised, living_actor, release_senders, tell_parent
from dramaturg.actors._watch import notify, unwatch_all

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell

__all__ = [
    "ChildrenGone",
    "DrainEnd",
    "Start",
    "Stop",
    "attend",
    "begin_stop",
    "call",
    "drain",
    "end",
    "enter",
    "note_start",
    "order_stop",
    "request_stop",
    "serving",
    "start",
    "stop_children",
    "stop_plainly",
    "tell_who_waits_for_the_start",
]


# -- signals -------------------------------------------------------------------


class Start:
    """Run ``on_start``; after a failure ``on_restart`` before it."""

    __slots__ = ("_cause",)

    def __init__(self, cause: BaseException | None = None) -> None:
        self._cause = cause

    async def apply(self, cell: Cell) -> None:
        if cell.state is State.STARTING:
            await start(cell, self._cause)


class Stop:
    """Stop after the current message; what is queued becomes dead letters."""

    __slots__ = ("reason",)

    def __init__(self, reason: ExitReason = NORMAL) -> None:
        self.reason = reason

    async def apply(self, cell: Cell) -> None:
        if cell.state < State.STOPPING:
            await begin_stop(cell, self.reason)
        elif cell.state is DOWN:
            incarnations.settle_waiters(cell)


_STOP = Stop()
_SHUT_DOWN = Stop(SHUTDOWN)


class ChildrenGone:
    """The last child has ended: go on with what waited for that."""

    __slots__ = ()

    async def apply(self, cell: Cell) -> None:
        if cell.children:
            return
        if cell.state is State.STOPPING:
            await _finish(cell)
        elif cell.state is State.RESTARTING:
            await crashing.start_again(cell)


_CHILDREN_GONE = ChildrenGone()


class DrainEnd(Internal):
    """Marks the end of what a drain still handles."""

    __slots__ = ()

    def handle(self, cell: Cell) -> Any:
        cell.signal(Stop())


class _StopInTurn(Internal):
    """An order to stop that waits behind what came before it."""

    __slots__ = ("_incarnation", "_stop")

    def __init__(self, stop: Stop, incarnation: int) -> None:
        self._stop = stop
        self._incarnation = incarnation

    def handle(self, cell: Cell) -> Any:
        if cell.incarnation == self._incarnation:
            cell.signal(self._stop)


# -- the steps --------------------------------------------------------------------


async def attend(cell: Cell) -> bool:
    """See to the control lane; tell whether messages may be handled now."""
    # First: whoever signals from now on sets it again.
    cell.attention = False
    control = cell.control
    alone = bool(control) and cell.system.signals_take_turns
    while control:
        await control.pop(0).apply(cell)
    extra = cell.extra
    if extra is not None and extra.stand_in is not None:
        standing_in.give_way(cell)
    if cell.state is not State.RUNNING:
        cell.attention = True
        return False
    if extra is not None and extra.stand_in is not None:
        # Keeps requests from being handed over: this actor is only being tried.
        cell.attention = True
    if extra is not None and extra.receive_timeout is not None:
        # Keeps turns at one message each, so that every message restarts the period.
        cell.attention = True
        if cell.depth:
            extra.receive_timeout.restart()
    return not alone


def stop_plainly(cell: Cell) -> bool:
    """Stop an actor to which stopping means nothing: no hook, no child, nobody to tell.

    What is below in steps, in one; false if it is not that plain, and then nothing is done.
    """
    control = cell.control
    if not control or len(control) > 1 or cell.children or cell.state is not State.RUNNING:
        return False
    signal = control[0]
    if not isinstance(signal, Stop) or cell.mailbox.__class__ is not list:
        return False
    if cell.actor is None or not cell.actor._stops_plainly or is_supervised(cell):
        return False
    control.clear()
    cell.put = cell.refuse
    report.stopping(cell, signal.reason)
    report.incarnation_ended(cell, signal.reason)
    waiters = detach(cell)
    if cell.mailbox or cell.batch is not None:
        letters.flush(cell)
    if cell.extra is not None:  # a thread has begun to watch it since the caller looked
        for watcher, watch in tuple(cell.extra.watchers.items()):
            notify(cell, watcher, watch)
    cell.actor = None
    cell.context = None
    report.stopped(cell, signal.reason)
    for future in waiters or ():
        future.complete(True, None)  # noqa: FBT003 - pykka's answer: it was alive
    tell_parent(cell, _CHILDREN_GONE)
    return True


async def call(result: Any) -> Any:
    """Return what a hook returned, awaited if it was ``async def``."""
    return await result if result.__class__ is CoroutineType else result


async def start(cell: Cell, cause: BaseException | None = None) -> bool:
    """Run the hooks of a start; tell whether the actor is up."""
    if cell.extra is not None and cell.extra.killing is not None:
        await begin_stop(cell, cell.extra.killing)
        return False
    actor = living_actor(cell)
    phase = "on_restart"
    try:
        if cause is not None:
            await call(actor.on_restart(cause))
        phase = "on_start"
        info = await call(actor.on_start())
    except Ignore as ignored:
        cell.more().failure = ignored
        await begin_stop(cell, IGNORED)
        return False
    except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
        await crashing.crash(cell, error, phase=phase)
        return False
    if info is not None:
        cell.more().start_info = info
    if not enter(cell, State.RUNNING):
        return False
    report.started(cell)
    tell_who_waits_for_the_start(cell)
    if cell.incarnation > 1:
        report.restarted(cell)
    return True


def enter(cell: Cell, state: State) -> bool:
    """Take the next step of a life; tell whether the cell may.

    Not if it was declared stopped from outside while its handler or hook ran on.
    """
    with cell.system.lock:
        if cell.state >= State.STOPPING:
            return False
        cell.state = state
        return True


def tell_who_waits_for_the_start(cell: Cell) -> None:
    """Complete the futures of ``started()``."""
    # Under the lock: a waiter either saw that the actor runs, or is seen here.
    with cell.system.lock:
        extra = cell.extra
        if extra is None:
            return
        extra.never_up = False
        waiters, extra.start_waiters = extra.start_waiters, []
    for future in waiters:
        future.complete(extra.start_info, None)


# -- stop ------------------------------------------------------------------------------


def serving(cell: Cell) -> Cell:
    """Return who serves under the cell's ref."""
    stand_in = cell.extra.stand_in if cell.extra is not None else None
    return cell if stand_in is None else stand_in


def request_stop(cell: Cell) -> None:
    """Have the actor stop after its current message; any thread."""
    if cell.pykka_contract:
        drain(cell)
    elif cell.state is not STOPPED:
        order_stop(cell, _STOP, here=True)


def order_stop(cell: Cell, stop: Stop, *, here: bool = False) -> None:
    """Give an order to stop; any thread.

    It goes into the control lane, but to a supervisor into the mailbox, as in OTP:
    what it was asked before, and the ends of children that it has yet to see to, come first.
    """
    if not cell.actor_class._supervises:
        cell.signal(stop, here=here)
        return
    cell.post_internal(_StopInTurn(stop, cell.incarnation))
    if cell.state is DOWN:
        incarnations.settle_waiters(cell)


def drain(cell: Cell) -> None:
    """Close the door, and stop once what is queued has been handled; any thread."""
    with cell.system.lock:
        drains = cell.state < State.STOPPING and cell.put != cell.refuse
        if drains:
            cell.put = cell.refuse
    if not drains:
        if cell.state is DOWN:
            incarnations.settle_waiters(cell)
        return
    cell.mailbox.append(DrainEnd())
    if cell.idle:
        cell.dispatcher.schedule(cell)


async def begin_stop(cell: Cell, reason: ExitReason) -> None:
    """Close the door for good, bury what is queued, stop the children first.

    Below a supervisor the door stays open: another incarnation may follow.
    """
    supervised = is_supervised(cell)
    with cell.system.lock:
        note_start(cell)
        if not enter(cell, State.STOPPING):
            return
        if not supervised:
            cell.put = cell.refuse
    cell.attention = True
    extra = cell.extra
    if extra is not None and extra.killing:
        reason = extra.killing
    if reason is not NORMAL or extra is not None:
        cell.more().exit_reason = reason
    report.stopping(cell, reason)
    cancel_all(cell)
    if not supervised:
        release_senders(cell)
        _bury_stash(cell)
        letters.flush(cell)
    if cell.actor is not None and cell.actor_class._supervises:
        await _stop_in_order(cell)
    elif stop_children(cell):
        return
    await _finish(cell)


def note_start(cell: Cell) -> None:
    """Remember that the actor was never up, if it ends while it starts."""
    if cell.state is State.STARTING and cell.incarnation == 1:
        cell.more().never_up = True


def stop_children(cell: Cell) -> bool:
    """Tell all children to stop, the youngest first; tell whether there are any."""
    with cell.system.lock:
        children = list(cell.children.values()) if cell.children else []
    for child in reversed(children):
        order_stop(child, _SHUT_DOWN)
    return bool(cell.children)


async def _stop_in_order(cell: Cell) -> None:
    """Let a supervisor stop its children by its own rules; if it is killed, kill them."""
    try:
        if not cell.more().killing:
            await cast("incarnations.Guardian", cell.actor)._stop_children()
    except BaseException as error:  # noqa: BLE001 - a subclass's, or its cancellation
        if not isinstance(error, asyncio.CancelledError):
            report.hook_failed(cell, "stop", error)
        cell.more().killing = cell.more().killing or KILLED
        report.stopping(cell, KILLED)
    cast("incarnations.Guardian", cell.actor)._forget_plans()
    killed = cell.more().killing
    if killed is not None:
        cell.more().exit_reason = killed
        await killing.kill_children(cell)


def _bury_stash(cell: Cell) -> None:
    stash = cell.extra.stash if cell.extra is not None else None
    while stash:
        letters.undeliverable(cell, stash.popleft())


async def _finish(cell: Cell) -> None:
    """The last act: ``on_stop``, then tell everybody."""
    if cell.pykka_contract:
        await pykka_contract.stop(cell)
    elif cell.actor is not None and not _has_failed(cell):
        await _run_on_stop(cell)
    reason = NORMAL if cell.extra is None else cell.extra.exit_reason
    if is_supervised(cell):
        incarnations.rest(cell, reason)
    else:
        end(cell, reason)


async def _run_on_stop(cell: Cell) -> None:
    extra = cell.extra
    if extra is not None and extra.killing:
        return
    try:
        await call(living_actor(cell).on_stop())
    except BaseException as error:  # noqa: BLE001 - a hook may fail with anything
        killed = cell.more().killing
        if killed is not None and isinstance(error, asyncio.CancelledError):
            cell.more().exit_reason = killed
            return
        report.hook_failed(cell, "on_stop", error)
        if is_supervised(cell):
            cell.more().exit_reason = failed_with(error)


def _has_failed(cell: Cell) -> bool:
    return cell.extra is not None and cell.extra.failure is not None


def end(cell: Cell, reason: ExitReason) -> None:
    """Leave the tree for good and tell everybody."""
    unwatch_all(cell)
    cancel_all(cell)
    incarnations.release_children(cell)
    if cell.state < DOWN:
        # Before anybody can see that it has stopped: what is told then is that it is gone.
        report.incarnation_ended(cell, reason)
    waiters = detach(cell)
    if waiters is None:
        return
    letters.flush(cell)
    extra = cell.extra
    if extra is not None:
        for watcher, watch in tuple(extra.watchers.items()):
            notify(cell, watcher, watch)
        extra.watchers.clear()
        error = letters.start_failed(cell)
        for starting in extra.start_waiters:
            starting.complete(None, error)
        extra.start_waiters.clear()
        if extra.thread is not None:
            extra.thread.finish()
    report.stopped(cell, reason)
    cell.actor = None
    cell.context = None
    tell_parent(cell, _CHILDREN_GONE)
    for future in waiters:
        future.complete(True, None)  # noqa: FBT003 - pykka's answer: it was alive
