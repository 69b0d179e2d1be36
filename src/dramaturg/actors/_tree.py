"""A cell's place in the tree: the actor in it is made, it leaves, its parent is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors._errors import InternalError
from dramaturg.actors._mailbox import BoundedQueue
from dramaturg.actors._props import Props
from dramaturg.actors._state import State

if TYPE_CHECKING:
    from dramaturg.actors._actor import Actor
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._future import Future
    from dramaturg.actors._signals import Signal

__all__ = [
    "detach",
    "is_supervised",
    "living_actor",
    "make_actor",
    "release_senders",
    "tell_parent",
]


def make_actor(cell: Cell) -> None:
    """Make the instance, at the start and for each restart; its ``__init__`` may raise."""
    props = cell.props
    cls: type[Actor] = cell.actor_class
    args, kwargs = (props.args, props.kwargs) if isinstance(props, Props) else ((), {})
    actor: Actor = cls.__new__(cls)
    # The runtime is there when __init__ runs: context, ref and all.
    actor._cell = cell
    cell.actor = actor
    # Before `__init__`, which may call `become`.
    cell.handlers = cls._handlers
    actor.__init__(*args, **kwargs)  # type: ignore[misc]


def living_actor(cell: Cell) -> Actor:
    """Return the actor, where there has to be one."""
    if cell.actor is None:
        raise InternalError(f"{cell.path} has no actor")
    return cell.actor


def is_supervised(cell: Cell) -> bool:
    """Tell whether a supervisor decides what follows the end of the cell's incarnation."""
    parent = cell.parent
    return parent is not None and bool(parent.actor_class._supervises)


def release_senders(cell: Cell) -> None:
    """Wake senders that wait for room: the door has closed."""
    if isinstance(cell.mailbox, BoundedQueue):
        cell.mailbox.release_all()


def detach(cell: Cell) -> list[Future[bool]] | None:
    """Make the cell STOPPED and take it out of the tree; return who waits for that.

    None if it has stopped already: a cell that was declared stopped from
    outside comes here again when its handler or hook returns.
    """
    parent = cell.parent
    with cell.system.lock:
        if cell.state is State.STOPPED:
            return None
        cell.state = State.STOPPED
        waiters, cell.waiters = cell.waiters or [], None
        if parent is not None and parent.children is not None:
            parent.children.pop(cell.name, None)
            cell.system.actors_alive -= 1
    cell.idle = True
    return waiters


def tell_parent(cell: Cell, children_gone: Signal) -> None:
    """Let a parent go on that waits for the end of its children; the last act of a cell."""
    parent = cell.parent
    if (
        parent is not None
        and not parent.children
        and State.RESTARTING <= parent.state < State.DOWN
        and not parent.actor_class._supervises
    ):
        parent.signal(children_gone)
