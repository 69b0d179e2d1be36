"""What follows a failure: it is reported, something is decided, and that is done.

Runs inside the failed cell's turn; see :mod:`~dramaturg.actors._lifecycle`. Who
decides is the actor's own policy. Below a supervisor an actor without a policy
ends with the failure, and the supervisor decides whether another incarnation follows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING, Any, cast

from dramaturg.actors import (
    _incarnation as incarnations,
    _letters as letters,
    _lifecycle as lifecycle,
    _pykka_contract as pykka_contract,
    _report as report,
)
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import InternalError
from dramaturg.actors._events import (
    ActorFailed,
    ActorRestarted,
    ActorStarted,
    ActorStopping,
    IncarnationEnded,
)
from dramaturg.actors._exit_reason import failed as failed_with
from dramaturg.actors._failure import RESTARTS_REMEMBERED, Directive, Failure, Restart
from dramaturg.actors._interrupts import is_from_signal
from dramaturg.actors._state import RUNNING, State
from dramaturg.actors._timers import cancel_all
from dramaturg.actors._tree import is_supervised, make_actor
from dramaturg.actors._watch import unwatch_all

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._extra import Extra
    from dramaturg.actors._incarnation import Guardian

__all__ = ["Escalated", "crash", "note_restart", "restart_plainly", "start_again"]


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


class _RestartDue:
    """The pause before a restart is over."""

    __slots__ = ("incarnation",)

    def __init__(self, incarnation: int) -> None:
        self.incarnation = incarnation

    async def apply(self, cell: Cell) -> None:
        if cell.state is State.RESTARTING and cell.incarnation == self.incarnation:
            cell.more().restart_timer = None
            if not cell.children:
                await start_again(cell)


def restart_plainly(cell: Cell, error: BaseException) -> bool:
    """Let a failed actor without hooks begin again at once, if its supervisor may decide just now.

    What is below, in ``_incarnation``, in ``_begin`` and in the supervisor in steps, in one:
    the common case of a ``def`` actor below an idle one_for_one supervisor. False if it is
    not that plain, and then nothing is done.
    """
    extra = cell.extra
    parent = cell.parent
    if extra is None or parent is None or not _is_plain(cell, extra):
        return False
    guardian = parent.actor
    if (
        not parent.idle
        or parent.attention
        or parent.mailbox
        or parent.batch is not None
        or guardian is None
        or is_from_signal(error)
        or get_ident() != cell.system.host.ident
        or not cast("Guardian", guardian)._restarts_at_once(cell)
    ):
        return False
    item, cell.message = cell.message, None
    asked = item.__class__ is Envelope and item.reply is not None
    if item is not None:
        letters.crashed(cell, item, error)
    report.failed(cell, error, "message", item, None, decided=True)
    if not asked and not cell.system.events.wants(ActorFailed):
        # Nobody has seen the error. Its dead letter shall not keep the instance that crashed.
        letters.forget_frames(error)
    loud = cell.system.events.wants_any(_OF_A_RESTART)
    if loud:
        reason = failed_with(error)
        report.stopping(cell, reason)
        report.incarnation_ended(cell, reason)
    cell.context = None
    cell.incarnation += 1
    note_restart(cell)
    try:
        make_actor(cell)
    except BaseException as second:  # noqa: BLE001 - an actor may fail with anything
        incarnations.fail_to_begin(cell, second)
        return True
    if loud:
        report.started(cell)
        report.restarted(cell)
    return True


_OF_A_RESTART = (ActorStopping, IncarnationEnded, ActorStarted, ActorRestarted)


def _is_plain(cell: Cell, extra: Extra) -> bool:
    cls = cell.actor_class
    return (
        cls._starts_plainly
        and cls._restarts_plainly
        and cls._fails_plainly
        and is_supervised(cell)
        and cell.state is RUNNING
        and cell.waiters is None
        and not cell.children
        and not cell.control
        and extra.is_plain
        and cell.put != cell.refuse
    )


async def crash(cell: Cell, error: BaseException, phase: str = "message") -> None:
    """See to a failure: report it, decide, and do what was decided."""
    item, cell.message = cell.message, None
    if is_from_signal(error):
        cell.system.interrupted(error)
    if cell.state >= State.STOPPING:
        # It was declared stopped meanwhile, and whoever waited has been told. A message that its
        # thread took after that has met no actor.
        letters.cut_short(cell, item)
        return
    if cell.pykka_contract:
        await pykka_contract.crash(cell, item, error)
        return
    extra = cell.more()
    if extra.killing and isinstance(error, asyncio.CancelledError):
        letters.cut_short(cell, item)
        return
    if not lifecycle.enter(cell, State.SUSPENDED):
        letters.cut_short(cell, item)
        return
    cell.attention = True
    extra.failure = error
    item = _note_what_was_hit(cell, item, error, phase)
    supervised = extra.policy is None and is_supervised(cell)
    if supervised:
        report.failed(cell, error, phase, item, None, decided=True)
    if phase != "__init__":
        await _tell_the_actor(cell, error)
    if supervised:
        await lifecycle.begin_stop(cell, failed_with(error))
        return
    decision, decided = _decide(cell, error, phase, item)
    report.failed(cell, error, phase, item, decision, decided=decided)
    await _obey(cell, decision, error)


def _note_what_was_hit(cell: Cell, item: Any, error: BaseException, phase: str) -> Any:
    extra = cell.more()
    if item is None and phase == "message" and extra.stash:
        # The handler has stashed it first: put back, it would crash the actor again and again.
        item = extra.stash.pop()
    if phase == "on_start" and cell.incarnation == 1:
        extra.never_up = True
    if item is not None:
        letters.crashed(cell, item, error)
    return item


async def _tell_the_actor(cell: Cell, error: BaseException) -> None:
    if cell.actor is None:
        return
    try:
        await lifecycle.call(cell.actor.on_failure(type(error), error, error.__traceback__))
    except BaseException as second:  # noqa: BLE001 - a hook may fail with anything
        report.hook_failed(cell, "on_failure", second)


def _decide(
    cell: Cell, error: BaseException, phase: str, item: object
) -> tuple[Directive | Restart, bool]:
    """Choose what becomes of the actor; tell also whether somebody had a say in it."""
    policy = cell.more().policy
    if policy is None:
        return Directive.STOP, False
    if isinstance(policy, Directive):
        decision: Directive | Restart = policy
    else:
        try:
            chosen = policy(_failure(cell, error, phase, item))
            decision = chosen if isinstance(chosen, Restart) else Directive(chosen)
        except BaseException as second:  # noqa: BLE001 - the user's function
            report.hook_failed(cell, "policy", second)
            decision = Directive.ESCALATE
    starting = phase not in {"message", "child"}
    if starting and decision in (Directive.RESTART, Directive.RESUME):
        # It would fail to start again and again, or go on half started.
        return Directive.STOP, False
    return decision, True


def _failure(cell: Cell, error: BaseException, phase: str, item: object) -> Failure:
    extra = cell.more()
    return Failure(
        ref=cell.ref,
        error=error,
        phase=phase,
        message=getattr(item, "message", item),
        incarnation=cell.incarnation,
        restarts=extra.restarts,
        restarted_at=tuple(extra.restarted_at or ()),
        now=cell.system.now(),
        random=cell.system.random,
        in_a_row=extra.in_a_row,
    )


async def _obey(cell: Cell, decision: Directive | Restart, error: BaseException) -> None:
    if decision is Directive.RESUME:
        if lifecycle.enter(cell, State.RUNNING):
            cell.more().failure = None
            lifecycle.tell_who_waits_for_the_start(cell)
    elif decision is Directive.RESTART:
        await _begin_restart(cell, 0.0)
    elif isinstance(decision, Restart):
        cell.more().in_a_row = decision.in_a_row
        await _begin_restart(cell, decision.after)
    else:
        parent = cell.parent
        incarnation = 0 if parent is None else parent.incarnation
        await lifecycle.begin_stop(cell, failed_with(error))
        if decision is Directive.ESCALATE and parent is not None:
            parent.signal(Escalated(error, incarnation))


# -- restart -------------------------------------------------------------------------


async def _begin_restart(cell: Cell, after: float) -> None:
    if not lifecycle.enter(cell, State.RESTARTING):
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
            cell.mailbox.append(lifecycle.DrainEnd())
    if after > 0:
        system = cell.system
        due = _RestartDue(cell.incarnation)
        extra.restart_timer = system.clock.call_at(system.now() + after, cell.signal, due)
    if not lifecycle.stop_children(cell):
        await start_again(cell)


async def start_again(cell: Cell) -> None:
    """Make the next incarnation: the children have gone."""
    extra = cell.more()
    if extra.restart_timer is not None:
        return
    cause = extra.failure or InternalError("an actor restarts that has not failed")
    if not lifecycle.enter(cell, State.STARTING):
        return
    report.incarnation_ended(cell, failed_with(cause))
    cell.incarnation += 1
    note_restart(cell)
    try:
        make_actor(cell)
    except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
        await crash(cell, error, phase="__init__")
        return
    if await lifecycle.start(cell, cause):
        extra.failure = None


def note_restart(cell: Cell) -> None:
    """Count a restart, and remember when it was for policies that ask."""
    extra = cell.more()
    extra.restarts += 1
    if callable(extra.policy):
        if extra.restarted_at is None:
            extra.restarted_at = deque(maxlen=RESTARTS_REMEMBERED)
        extra.restarted_at.append(cell.system.now())
