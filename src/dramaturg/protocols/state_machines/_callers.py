"""Who waits for the answer to an event: the side of a machine that no journal can keep."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import DeadLetterReason
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._letters import bury

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell

__all__ = ["Held", "answer", "expiry", "hold", "is_asked", "release", "unhurried"]


@final
@dataclass(frozen=True, slots=True)
class Held:
    """A postponed event, as who asked for it waits: in the stash, and after a restart again.

    Among the dead letters it stands for an event that is still in the journal.
    """

    number: int
    event: Any


def is_asked(item: Any) -> bool:
    """Tell whether somebody waits for the answer."""
    return item.__class__ is Envelope and item.reply is not None


def unhurried(item: Any) -> Any:
    """Return the message without its deadline, which ends the wait of who asked and no more.

    What follows from an event that is stored has to be done, however late it has become.
    """
    if item.__class__ is not Envelope or item.deadline is None:
        return item
    return Envelope(item.message, item.reply, item.sender, None, item.headers)


def expiry(cell: Cell, item: Any) -> float | None:
    """Return when nobody waits any more, in seconds since 1970; None if nobody says."""
    if item.__class__ is not Envelope or item.deadline is None:
        return None
    now: float = cell.system.clock.time().timestamp()
    return now + float(item.deadline) - cell.system.now()


def answer(cell: Cell, item: Any, value: Any, error: BaseException | None) -> None:
    """Answer who waits; an error for which nobody waits is a dead letter."""
    if is_asked(item):
        item.reply.complete(value, error)
    elif error is not None:
        bury(cell, item, DeadLetterReason.REFUSED, error)


def hold(cell: Cell, item: Any, number: int) -> None:
    """Let who asked wait: the request goes into the stash, its message as :class:`Held`."""
    extra = cell.more()
    if extra.stash is None:
        extra.stash = deque()
    if not isinstance(item.message, Held):
        item.message = Held(number, item.message)
    extra.stash.append(item)


def release(cell: Cell, number: int) -> Any:
    """Take who waits for a postponed event out of the stash; None if nobody does."""
    stash = cell.extra.stash if cell.extra is not None else None
    for item in stash or ():
        held = item.message if item.__class__ is Envelope else None
        if stash is not None and isinstance(held, Held) and held.number == number:
            stash.remove(item)
            item.message = held.event
            return item
    return None
