"""The first and each further incarnation of an actor below a supervisor.

Nobody runs a cell that is DOWN: ``attention`` is set and its state lets no
message through. So a supervisor may make the next instance in its own turn. It
sets the state last; a sender's turn that looks in between just leaves again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors import (
    _crash as crashing,
    _incarnation as incarnations,
    _lifecycle as lifecycle,
    _report as report,
)
from dramaturg.actors._errors import DuplicateNameError, StartFailed, said
from dramaturg.actors._exit_reason import NORMAL
from dramaturg.actors._letters import stopped_error
from dramaturg.actors._spawn import take_over
from dramaturg.actors._state import RUNNING, STOPPED, State
from dramaturg.actors._tree import make_actor

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell

__all__ = ["begin", "usable"]


def usable(cell: Cell) -> Cell:
    """Return the cell, or one that has taken over its ref.

    What was abandoned may still be in the old one.
    """
    extra = cell.more()
    if extra.lost or (cell.state is STOPPED and extra.thread is not None):
        return take_over(cell)
    return cell


def begin(cell: Cell, cause: BaseException | None = None) -> None:
    """Make the next incarnation of a cell that is DOWN or was released, and :func:`usable`.

    In the turn of its supervisor, ``__init__`` included; the hooks run in the cell's
    own turn. Await ``endings.started(...)`` to know whether they came through.

    :param cause: the failure that the new instance's ``on_restart`` is to see.
    :raises StartFailed: if ``__init__`` raised; the cell is as it was.
    :raises DuplicateNameError: if it was released and another child has its name now.
    :raises ActorStopped: if its supervisor is stopping.
    """
    extra = cell.more()
    if cell.control:
        # Orders that came while it was DOWN were for the incarnation that is over.
        cell.control.clear()
        incarnations.settle_waiters(cell)
    _come_back(cell)
    extra.killing = None
    extra.exit_reason = NORMAL
    extra.failure = None
    extra.start_info = None
    extra.never_up = True
    cell.incarnation += 1
    if cell.incarnation > 1:
        crashing.note_restart(cell)
    try:
        if extra.thread is not None and extra.thread.thread.ident is None:
            extra.thread.start()
        make_actor(cell)
    except BaseException as error:
        incarnations.fail_to_begin(cell, error)
        if not isinstance(error, Exception):
            raise
        failed = StartFailed(path=cell.path, cause=said(error))
        raise failed from error
    _go(cell, cause)


def _come_back(cell: Cell) -> None:
    parent = cell.parent
    with cell.system.lock:
        if cell.system.stopped or parent is None or parent.state >= State.RESTARTING:
            raise stopped_error(cell if parent is None else parent)
        if cell.state is STOPPED:
            if parent.children is None:
                parent.children = {}
            if parent.children.setdefault(cell.name, cell) is not cell:
                raise DuplicateNameError(path=cell.path)
            cell.system.count_one_more()
            cell.open()
        # Not RUNNING before everything is there: until then turns just leave.
        cell.state = State.STARTING


def _go(cell: Cell, cause: BaseException | None) -> None:
    cls = cell.actor_class
    if cls._starts_plainly and (cause is None or cls._restarts_plainly):
        cell.state = RUNNING
        cell.attention = False
        extra = cell.more()
        # Its `__init__` may have set a receive timeout, which every message is to restart.
        if cell.control or extra.stand_in is not None or extra.receive_timeout is not None:
            cell.attention = True
        report.started(cell)
        lifecycle.tell_who_waits_for_the_start(cell)
        if cell.incarnation > 1:
            report.restarted(cell)
        if (cell.mailbox or cell.control or cell.batch is not None) and cell.idle:
            cell.dispatcher.schedule(cell)
    else:
        cell.signal(lifecycle.Start(cause), here=True)
