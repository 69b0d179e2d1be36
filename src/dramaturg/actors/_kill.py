"""Cutting an actor short, and giving one up that cannot be cut short.

An ``async def`` handler is cancelled where it waits. A thread cannot be killed,
nor a coroutine that ignores its cancellation: such an actor is *abandoned*. It
counts as ended, whatever it still returns is dropped, and if it has a
supervisor the next incarnation gets another cell, which takes over the ref.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dramaturg.actors import (
    _incarnation as incarnations,
    _letters as letters,
    _lifecycle as lifecycle,
    _report as report,
)
from dramaturg.actors._exit_reason import KILLED
from dramaturg.actors._state import DOWN, STOPPED, State
from dramaturg.actors._tree import is_supervised
from dramaturg.actors._waiting import ended_within

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._exit_reason import ExitReason
    from dramaturg.actors._ref import ActorRef

__all__ = ["PATIENCE", "abandon", "is_stuck", "kill", "kill_children", "kill_ref", "patience_for"]

PATIENCE = 1.0
"""Seconds that a killed actor gets to come to its end."""

ORPHANS_PATIENCE = 5.0
"""Seconds that the ``on_stop`` of a killed supervisor's children may take."""


class _Kill:
    """Stop without ``on_stop``."""

    __slots__ = ()

    async def apply(self, cell: Cell) -> None:
        if cell.state < State.STOPPING:
            await lifecycle.begin_stop(cell, KILLED)
        elif cell.state is DOWN:
            incarnations.settle_waiters(cell)


def kill(cell: Cell, reason: ExitReason = KILLED) -> None:
    """Stop the actor without waiting for its handler; on the loop's thread.

    An ``async def`` handler is cancelled where it waits. A thread cannot be
    cut short: a blocking actor is declared stopped and its thread abandoned.
    """
    if cell.state >= DOWN:
        return
    stuck = is_stuck(cell)
    cell.more().killing = reason
    cell.signal(_Kill())
    # One that has children has to wait for them.
    if not cell.dispatcher.interrupt(cell) and stuck and not cell.children:
        abandon(cell, for_good=False)


def kill_ref(ref: ActorRef[Any]) -> None:
    """Kill whatever cell the ref has by now."""
    kill(lifecycle.serving(ref.cell))


def is_stuck(cell: Cell) -> bool:
    """Tell whether it is a blocking actor in the middle of a turn."""
    return cell.extra is not None and cell.extra.thread is not None and not cell.idle


def abandon(cell: Cell, *, for_good: bool = True) -> None:
    """Declare an actor ended that does not come back; any thread.

    :param for_good: False leaves it to its supervisor whether another incarnation follows.
    """
    with cell.system.lock:
        if cell.state is STOPPED or (cell.state is DOWN and not for_good):
            return
        lifecycle.note_start(cell)
        if cell.state is not DOWN:
            cell.state = State.STOPPING
        rests = not for_good and is_supervised(cell)
        if not rests:
            cell.put = cell.refuse
    cell.attention = True
    if is_stuck(cell):
        report.thread_leaked(cell)
    dispatcher = cell.extra.thread if cell.extra is not None else None
    if rests:
        cell.more().lost = True
    if dispatcher is not None:
        item = dispatcher.give_up(cell)
    else:
        item, cell.message = cell.message, None
    letters.cut_short(cell, item)
    if rests:
        cell.more().exit_reason = KILLED
        incarnations.rest(cell, KILLED)
    else:
        lifecycle.end(cell, KILLED)


def patience_for(cell: Cell) -> float:
    """Return how many seconds a killed actor gets: a supervisor has to end its children first."""
    if not cell.actor_class._supervises:
        return PATIENCE
    children = tuple((cell.children or {}).values())
    return PATIENCE + ORPHANS_PATIENCE + max(map(patience_for, children), default=0.0)


async def kill_children(cell: Cell) -> None:
    """End the children of a killed supervisor, all at once.

    They are told that they are killed, run ``on_stop`` (as processes that trap
    exits do), and are killed themselves if that takes too long. Those in the
    middle of a start are cut short at once.
    """
    with cell.system.lock:
        children = list((cell.children or {}).values())
    stop = lifecycle.Stop(KILLED)
    for child in reversed(children):
        if child.state is State.STARTING:
            kill(child)
        else:
            lifecycle.order_stop(child, stop)
    until = cell.system.now() + ORPHANS_PATIENCE
    for child in children:
        await _end_orphan(child, until)


async def _end_orphan(child: Cell, until: float) -> None:
    try:
        if await ended_within(child, max(0.0, until - child.system.now())):
            return
        kill(child)
        if await ended_within(child, patience_for(child)):
            return
    except asyncio.CancelledError:  # no reason to leave a child behind
        pass
    abandon(child, for_good=False)
