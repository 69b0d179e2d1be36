"""Circles of requests: who waits for whom, and who would wait for itself.

A waiting request of an actor is an edge from it to the actor that owes the
answer. A request that would close a circle of edges fails before it is sent. An
edge counts only while the actor is still held by the very message in whose
handling the request was made: what a task in the background waits for holds
nobody up. Who owes the answer stands in the reply slot, and changes when the
request is forwarded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import RequestCycleError
from dramaturg.actors._reply import Reply
from dramaturg.actors._state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.actors._cell import Cell

__all__ = ["begin_wait", "end_wait", "forwarded", "note_wait"]


def begin_wait(asker: Cell, reply: Reply) -> tuple[int, Reply]:
    """Note that the asker waits; fail if who owes the answer waits for it.

    :raises RequestCycleError: with the path of the whole circle.
    """
    edge = (asker.serial, reply)
    # Looked at and noted in one go: of two threads that close a circle the second one sees it.
    with asker.system.lock:
        _check(asker, reply.target)
        asker.system.waits_for.setdefault(asker, []).append(edge)
    return edge


def note_wait(asker: Cell, target: Cell) -> tuple[int, Reply]:
    """Note that the asker waits for what the target does, though not for a reply of it."""
    edge = (asker.serial, Reply(target))
    with asker.system.lock:
        asker.system.waits_for.setdefault(asker, []).append(edge)
    return edge


def end_wait(asker: Cell, edge: tuple[int, Reply]) -> None:
    """Take the note back."""
    with asker.system.lock:
        edges = asker.system.waits_for[asker]
        edges.remove(edge)
        if not edges:
            del asker.system.waits_for[asker]


def forwarded(item: Any, target: Cell) -> bool:
    """Note that the target owes the answer from now on; false if that closes a circle.

    The request has then failed with :class:`RequestCycleError`, and is not to be sent.
    """
    if item.__class__ is not Envelope or not isinstance(item.reply, Reply):
        return True
    reply = item.reply
    try:
        with target.system.lock:
            reply.target = target
            if item.sender is not None:
                _check(item.sender.cell, target)
    except RequestCycleError as error:
        reply.complete(None, error)
        return False
    return True


def _check(asker: Cell, target: Cell) -> None:
    if _is_held(asker):
        trail = [asker] if target is asker else _trail(target, asker, {target})
        if trail is not None:
            raise RequestCycleError(path=(asker.path, *(cell.path for cell in trail)))


def _is_held(cell: Cell) -> bool:
    """Tell whether the actor is in a handler or a hook."""
    return cell.message is not None or cell.state not in (State.RUNNING, State.STOPPED)


def _edges(start: Cell) -> Iterator[Cell]:
    """List for whom the actor waits, those included that run within its call just now."""
    system = start.system
    for serial, reply in system.waits_for.get(start, ()):
        if serial == start.serial:
            yield reply.target
    for sender, cell in system.tasks.handing:
        if sender is start.ref:
            yield cell


def _trail(start: Cell, goal: Cell, seen: set[Cell]) -> list[Cell] | None:
    if not _is_held(start):
        return None
    for cell in _edges(start):
        if cell is goal:
            return [start, goal]
        if cell not in seen:
            seen.add(cell)
            rest = _trail(cell, goal, seen)
            if rest is not None:
                return [start, *rest]
    return None
