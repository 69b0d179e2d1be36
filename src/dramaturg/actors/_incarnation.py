"""Between two incarnations: an actor below a supervisor is DOWN, and comes back or not.

The cell stays: it keeps ref, name, place in the tree and, unless the spec says
otherwise, the mailbox, whose door is open all the time. Its supervisor either
calls :func:`~dramaturg.actors._begin.begin`, and the next incarnation finds what
was sent meanwhile, or :func:`release`, and it has ended for good. One that was
released can still begin again (``RestartChild``): the ref comes back to life.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, cast, final

from dramaturg.actors import (
    _letters as letters,
    _lifecycle as lifecycle,
    _report as report,
)
from dramaturg.actors._errors import Ignore
from dramaturg.actors._exit_reason import IGNORED, failed as failed_with
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import DOWN, State
from dramaturg.actors._timers import cancel_all
from dramaturg.actors._tree import release_senders
from dramaturg.actors._watch import unwatch_all

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._exit_reason import ExitReason

__all__ = [
    "AT_A_TIME",
    "ChildExit",
    "Guardian",
    "fail_to_begin",
    "release",
    "release_children",
    "release_gently",
    "rest",
    "settle_waiters",
]


AT_A_TIME = 100
"""After so many children started, stopped or released the loop gets to its other work."""


class Guardian(Protocol):
    """What the runtime asks of an actor whose class says that it supervises."""

    async def _stop_children(self) -> None:
        """Stop the children by the guardian's rules, in the course of its own stop."""

    def _forget_plans(self) -> None:
        """Call off every restart that is still due: the guardian ends."""

    def _restarts_at_once(self, child: Cell) -> bool:
        """Decide, while the guardian is idle, that a failed child begins again; count it so.

        False if anything else is to be done, or not at once; then nothing has been counted.
        """
        ...

    def _child_exited(self, exit_: ChildExit) -> Any:
        """Decide what follows the end of an incarnation; may return a coroutine."""


@final
class ChildExit(Internal):
    """Tells a supervisor, in its mailbox, that an incarnation of a child is over."""

    __slots__ = ("cell", "incarnation", "reason")

    def __init__(self, cell: Cell, incarnation: int, reason: ExitReason) -> None:
        self.cell = cell
        self.incarnation = incarnation
        self.reason = reason

    def handle(self, cell: Cell) -> Any:
        return cast("Guardian", cell.actor)._child_exited(self)


def rest(cell: Cell, reason: ExitReason) -> None:
    """Let the cell be DOWN: the incarnation is over. Inside its own turn, or if that is lost."""
    extra = cell.more()
    with cell.system.lock:
        if cell.state >= DOWN or extra.rests:
            return
        extra.rests = True
    unwatch_all(cell)
    cancel_all(cell)
    extra.behaviours.clear()
    if extra.stash:
        cell.put_back(extra.stash)
        extra.stash.clear()
    if not extra.keep_mailbox:
        letters.flush(cell)
    # The runtime's own messages were for the incarnation that is over, the end of a drain too.
    cell.put_back([item for item in cell.take_rest() if not isinstance(item, Internal)])
    if cell.put == cell.refuse:
        cell.open()
    cell.attention = True
    if not extra.lost:  # else its thread may just have taken a message
        cell.actor = None
    cell.context = None
    report.incarnation_ended(cell, reason)
    parent = cell.parent
    cares = parent is not None and parent.state < State.STOPPING
    news = ChildExit(cell, cell.incarnation, reason)
    if cell.control:
        # Meant for the incarnation that is over.
        cell.control.clear()
    # From here on the supervisor, in another thread perhaps, may begin the next one.
    with cell.system.lock:
        extra.rests = False
        cell.state = DOWN
        starting, extra.start_waiters = extra.start_waiters, []
    for future in starting:
        future.complete(None, letters.start_failed(cell))
    settle_waiters(cell)
    if parent is not None and cares:
        parent.post_internal(news)


def fail_to_begin(cell: Cell, error: BaseException) -> None:
    """Let a cell be DOWN again whose ``__init__`` raised."""
    extra = cell.more()
    extra.failure = error
    for child in tuple((cell.children or {}).values()):
        if child.state is not DOWN:  # those are left from the incarnation before
            child.signal(lifecycle.Stop())
    if not isinstance(error, Ignore):
        report.failed(cell, error, "__init__", None, None, decided=True)
    reason = failed_with(error) if not isinstance(error, Ignore) else IGNORED
    extra.exit_reason = reason
    rest(cell, reason)


def settle_waiters(cell: Cell) -> None:
    """Tell whoever waits for the end of the incarnation that it is over."""
    with cell.system.lock:
        waiters, cell.waiters = cell.waiters, None
    for future in waiters or ():
        future.complete(True, None)  # noqa: FBT003 - pykka's answer: it was alive


def release(cell: Cell) -> None:
    """End for good a cell that is DOWN, and all that are DOWN below it."""
    release_children(cell)
    if cell.state is DOWN:
        _let_end(cell)


async def release_gently(cell: Cell) -> None:
    """Do what :func:`release` does, letting others have the loop meanwhile."""
    for done, child in enumerate(reversed(_all_down_below(cell))):
        _let_end(child)
        if done % AT_A_TIME == AT_A_TIME - 1:
            await asyncio.sleep(0)
    release(cell)


def release_children(cell: Cell) -> None:
    """End for good what is DOWN below the cell."""
    for child in reversed(_all_down_below(cell)):
        _let_end(child)


def _let_end(cell: Cell) -> None:
    with cell.system.lock:
        cell.put = cell.refuse
    release_senders(cell)
    lifecycle.end(cell, cell.more().exit_reason)


def _all_down_below(cell: Cell) -> list[Cell]:
    below = [cell]
    found: list[Cell] = []
    while below:
        children = below.pop().children
        for child in tuple((children or {}).values()):
            if child.state is DOWN:
                found.append(child)
                below.append(child)
    return found
