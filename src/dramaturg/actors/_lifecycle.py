"""An actor's life: start, failure, restart, stop.

Everything here runs inside the turn of the cell it is about, so that it needs
no lock against the cell's own handlers. It is written once, as coroutines: for
an actor without ``async def`` methods none of the awaits ever waits.

::

    STARTING --on_start--> RUNNING --failure--> SUSPENDED --decision--> RESTARTING --> STARTING
                              |                                |
                              +----------- stop ---------------+--> STOPPING --> STOPPED

STOPPING and RESTARTING wait until the children have ended: a child never
outlives its parent, nor the incarnation that made it.
"""

from __future__ import annotations

import asyncio
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from dramaturg.actors import (
    _letters as letters,
    _pykka_contract as pykka_contract,
    _report as report,
)
from dramaturg.actors._errors import InternalError
from dramaturg.actors._failure import Directive, Failure
from dramaturg.actors._interrupts import is_from_signal
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import State
from dramaturg.actors._timers import cancel_all
from dramaturg.actors._tree import detach, living_actor, make_actor, release_senders, tell_parent
from dramaturg.actors._watch import notify, unwatch_all

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell

__all__ = [
    "ChildrenGone",
    "DrainEnd",
    "Escalated",
    "Kill",
    "Start",
    "Stop",
    "abandon",
    "attend",
    "begin_stop",
    "crash",
    "drain",
    "end",
    "is_stuck",
    "kill",
    "request_stop",
]


# -- signals -------------------------------------------------------------------


class Start:
    """Run ``on_start``."""

    __slots__ = ()

    async def apply(self, cell: Cell) -> None:
        if cell.state is State.STARTING:
            await _start(cell)


class Stop:
    """Stop after the current message; what is queued becomes dead letters."""

    __slots__ = ("reason",)

    def __init__(self, reason: str = "normal") -> None:
        self.reason = reason

    async def apply(self, cell: Cell) -> None:
        if cell.state < State.STOPPING:
            await begin_stop(cell, self.reason)


_STOP = Stop()


class Kill:
    """Stop without ``on_stop``; see :func:`kill`."""

    __slots__ = ()

    async def apply(self, cell: Cell) -> None:
        if cell.state < State.STOPPING:
            await begin_stop(cell, "killed")


class ChildrenGone:
    """The last child has ended: go on with what waited for that."""

    __slots__ = ()

    async def apply(self, cell: Cell) -> None:
        if cell.children:
            return
        if cell.state is State.STOPPING:
            await _finish(cell)
        elif cell.state is State.RESTARTING:
            await _start_again(cell)


_CHILDREN_GONE = ChildrenGone()


class Escalated:
    """A child's failure is to be this actor's own."""

    __slots__ = ("error", "incarnation")

    def __init__(self, error: BaseException, incarnation: int) -> None:
        self.error = error
        self.incarnation = incarnation

    async def apply(self, cell: Cell) -> None:
        # An incarnation that fails already, or has failed since, took its children with it.
        if cell.state < State.RESTARTING and cell.incarnation == self.incarnation:
            await crash(cell, self.error, phase="child")


class DrainEnd(Internal):
    """Marks the end of what a drain still handles."""

    __slots__ = ()

    def handle(self, cell: Cell) -> Any:
        cell.signal(Stop())


# -- the steps --------------------------------------------------------------------


async def attend(cell: Cell) -> bool:
    """See to the control lane; tell whether messages may be handled now."""
    # First: whoever signals from now on sets it again.
    cell.attention = False
    control = cell.control
    while control:
        await control.pop(0).apply(cell)
    if cell.state is not State.RUNNING:
        cell.attention = True
        return False
    extra = cell.extra
    if extra is not None and extra.receive_timeout is not None:
        # Keeps turns at one message each, so that every message restarts the period.
        cell.attention = True
        if cell.depth:
            extra.receive_timeout.restart()
    return True


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
    if cell.actor is None or not cell.actor._stops_plainly:
        return False
    control.clear()
    cell.put = cell.refuse
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


async def _call(result: Any) -> None:
    if result.__class__ is CoroutineType:
        await result


async def _start(cell: Cell) -> bool:
    """Run ``on_start``; tell whether the actor is up."""
    try:
        await _call(living_actor(cell).on_start())
    except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
        await crash(cell, error, phase="on_start")
        return False
    if not _enter(cell, State.RUNNING):
        return False
    report.started(cell)
    _tell_who_waits_for_the_start(cell)
    return True


def _enter(cell: Cell, state: State) -> bool:
    """Take the next step of a life; tell whether the cell may.

    Not if it was declared stopped from outside while its handler or hook ran on.
    """
    with cell.system.lock:
        if cell.state >= State.STOPPING:
            return False
        cell.state = state
        return True


def _tell_who_waits_for_the_start(cell: Cell) -> None:
    # Under the lock: a waiter either saw that the actor runs, or is seen here.
    with cell.system.lock:
        extra = cell.extra
        if extra is None:
            return
        waiters, extra.start_waiters = extra.start_waiters, []
    for future in waiters:
        future.complete(None, None)


async def crash(cell: Cell, error: BaseException, phase: str = "message") -> None:
    """See to a failure: report it, decide, and do what was decided."""
    item, cell.message = cell.message, None
    if is_from_signal(error):
        cell.system.interrupted(error)
    if cell.state >= State.STOPPING:
        # It was declared stopped meanwhile, and whoever waited has been told.
        return
    if cell.pykka_contract:
        await pykka_contract.crash(cell, item, error)
        return
    extra = cell.more()
    if extra.killing and isinstance(error, asyncio.CancelledError):
        letters.cut_short(cell, item)
        return
    if not _enter(cell, State.SUSPENDED):
        return
    if item is None and phase == "message" and extra.stash:
        # The handler has stashed it first: put back, it would crash the actor again and again.
        item = extra.stash.pop()
    cell.attention = True
    extra.failure = error
    if phase == "on_start" and cell.incarnation == 1:
        extra.never_up = True
    if item is not None:
        letters.crashed(cell, item, error)
    failure = Failure(
        ref=cell.ref,
        error=error,
        phase=phase,
        message=getattr(item, "message", item),
        incarnation=cell.incarnation,
        restarts=extra.restarts,
    )
    if phase != "__init__":
        await _tell_the_actor(cell, error)
    decision, decided = _decide(cell, failure)
    report.failed(cell, failure, item, decision, decided=decided)
    await _obey(cell, decision, error)


async def _tell_the_actor(cell: Cell, error: BaseException) -> None:
    if cell.actor is None:
        return
    try:
        await _call(cell.actor.on_failure(type(error), error, error.__traceback__))
    except BaseException as second:  # noqa: BLE001 - a hook may fail with anything
        report.hook_failed(cell, "on_failure", second)


def _decide(cell: Cell, failure: Failure) -> tuple[Directive, bool]:
    """Choose what becomes of the actor; tell also whether somebody had a say in it."""
    policy = cell.more().policy
    if policy is None:
        return Directive.STOP, False
    if isinstance(policy, Directive):
        decision = policy
    else:
        try:
            decision = Directive(policy(failure))
        except BaseException as error:  # noqa: BLE001 - the user's function
            report.hook_failed(cell, "policy", error)
            decision = Directive.ESCALATE
    if failure.phase != "message" and decision in (Directive.RESTART, Directive.RESUME):
        # It would fail to start again and again, or go on half started.
        decision = Directive.STOP if failure.phase != "child" else decision
    return decision, True


async def _obey(cell: Cell, decision: Directive, error: BaseException) -> None:
    if decision is Directive.RESUME:
        if _enter(cell, State.RUNNING):
            cell.more().failure = None
            _tell_who_waits_for_the_start(cell)
    elif decision is Directive.RESTART:
        await _begin_restart(cell)
    else:
        parent = cell.parent
        incarnation = 0 if parent is None else parent.incarnation
        await begin_stop(cell, "failed")
        if decision is Directive.ESCALATE and parent is not None:
            parent.signal(Escalated(error, incarnation))


# -- restart -------------------------------------------------------------------------


async def _begin_restart(cell: Cell) -> None:
    if not _enter(cell, State.RESTARTING):
        return
    extra = cell.more()
    cancel_all(cell)
    unwatch_all(cell)
    extra.behaviours.clear()
    if extra.stash:
        cell.put_back(extra.stash)
        extra.stash.clear()
    if not extra.keep_mailbox:
        letters.flush(cell)
        if cell.put == cell.refuse:
            # It drains: the mark of that has gone with the rest.
            cell.mailbox.append(DrainEnd())
    if not _stop_children(cell):
        await _start_again(cell)


async def _start_again(cell: Cell) -> None:
    extra = cell.more()
    cause = extra.failure or InternalError("an actor restarts that has not failed")
    if not _enter(cell, State.STARTING):
        return
    cell.incarnation += 1
    extra.restarts += 1
    phase = "__init__"
    try:
        make_actor(cell)
        phase = "on_restart"
        await _call(living_actor(cell).on_restart(cause))
    except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
        await crash(cell, error, phase=phase)
        return
    if await _start(cell):
        extra.failure = None
        report.restarted(cell)


# -- stop ------------------------------------------------------------------------------


def request_stop(cell: Cell) -> None:
    """Have the actor stop after its current message; any thread."""
    if cell.pykka_contract:
        drain(cell)
    elif cell.state is not State.STOPPED:
        cell.signal(_STOP, here=True)


def drain(cell: Cell) -> None:
    """Close the door, and stop once what is queued has been handled; any thread."""
    with cell.system.lock:
        if cell.state >= State.STOPPING or cell.put == cell.refuse:
            return
        cell.put = cell.refuse
    cell.mailbox.append(DrainEnd())
    if cell.idle:
        cell.dispatcher.schedule(cell)


def kill(cell: Cell) -> None:
    """Stop the actor without waiting for its handler; on the loop's thread.

    An ``async def`` handler is cancelled where it waits. A thread cannot be
    cut short: a blocking actor is declared stopped and its thread abandoned.
    """
    stuck = is_stuck(cell)
    cell.more().killing = True
    cell.signal(Kill())
    # One that has children has to wait for them.
    if not cell.dispatcher.interrupt(cell) and stuck and not cell.children:
        abandon(cell)


def is_stuck(cell: Cell) -> bool:
    """Tell whether it is a blocking actor in the middle of a turn."""
    return cell.extra is not None and cell.extra.thread is not None and not cell.idle


def abandon(cell: Cell) -> None:
    """Declare an actor ended that does not come back; any thread."""
    with cell.system.lock:
        if cell.state is State.STOPPED:
            return
        _note_start(cell)
        cell.state = State.STOPPING
        cell.put = cell.refuse
    cell.attention = True
    if is_stuck(cell):
        report.thread_leaked(cell)
    dispatcher = cell.extra.thread if cell.extra is not None else None
    if dispatcher is not None:
        dispatcher.abandoned = True
    item, cell.message = cell.message, None
    letters.cut_short(cell, item)
    end(cell, "killed")


async def begin_stop(cell: Cell, reason: str) -> None:
    """Close the door for good, bury what is queued, stop the children first."""
    with cell.system.lock:
        _note_start(cell)
        if not _enter(cell, State.STOPPING):
            return
        cell.put = cell.refuse
    cell.attention = True
    if cell.extra is not None and cell.extra.killing:
        reason = "killed"
    if reason != "normal" or cell.extra is not None:
        cell.more().stop_reason = reason
    release_senders(cell)
    cancel_all(cell)
    _bury_stash(cell)
    letters.flush(cell)
    if not _stop_children(cell):
        await _finish(cell)


def _note_start(cell: Cell) -> None:
    if cell.state is State.STARTING and cell.incarnation == 1:
        cell.more().never_up = True


def _stop_children(cell: Cell) -> bool:
    """Tell all children to stop, the youngest first; tell whether there are any."""
    with cell.system.lock:
        children = list(cell.children.values()) if cell.children else []
    for child in reversed(children):
        child.signal(Stop("shutdown"))
    return bool(cell.children)


def _bury_stash(cell: Cell) -> None:
    stash = cell.extra.stash if cell.extra is not None else None
    while stash:
        letters.undeliverable(cell, stash.popleft())


async def _finish(cell: Cell) -> None:
    """The last act: ``on_stop``, then tell everybody."""
    reason = cell.extra.stop_reason if cell.extra is not None else "normal"
    if cell.pykka_contract:
        await pykka_contract.stop(cell)
    elif reason != "killed" and not _has_failed(cell) and cell.actor is not None:
        try:
            await _call(cell.actor.on_stop())
        except BaseException as error:  # noqa: BLE001 - a hook may fail with anything
            report.hook_failed(cell, "on_stop", error)
    end(cell, reason)


def _has_failed(cell: Cell) -> bool:
    return cell.extra is not None and cell.extra.failure is not None


def end(cell: Cell, reason: str) -> None:
    """Leave the tree and tell everybody."""
    unwatch_all(cell)
    cancel_all(cell)
    waiters = detach(cell)
    if waiters is None:
        return
    letters.flush(cell)
    extra = cell.extra
    if extra is not None:
        for watcher, watch in tuple(extra.watchers.items()):
            notify(cell, watcher, watch)
        error = letters.start_failed(cell)
        for starting in extra.start_waiters:
            starting.complete(None, error)
        if extra.thread is not None:
            extra.thread.finish()
    report.stopped(cell, reason)
    cell.actor = None
    cell.context = None
    tell_parent(cell, _CHILDREN_GONE)
    for future in waiters:
        future.complete(True, None)  # noqa: FBT003 - pykka's answer: it was alive
