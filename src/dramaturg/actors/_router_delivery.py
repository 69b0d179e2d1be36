"""How a router passes a message on: as it came, with all that travels with it.

The router puts the very item that it took from its own mailbox into that of the
routee, envelope and all, and forgets it. The routee answers the caller as if it
had been asked itself; nothing comes back to the router, so it waits for nothing.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._circles import forwarded
from dramaturg.actors._dead_letters import DeadLetterReason
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import BlockingCallError, GoneError, MailboxFull
from dramaturg.actors._letters import bury

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._envelope import ReplySlot
    from dramaturg.actors._ref import ActorRef

__all__ = ["UnroutableError", "is_closed", "pass_on", "unroutable"]


class UnroutableError(GoneError):
    """A router had no routee for the message, which is a dead letter now.

    It has no routees (left), or its logic could not choose one: then
    the logic's own exception is the ``__cause__``. Compare
    :class:`ActorStopped`: there a routee was chosen and had stopped.
    """

    def __init__(self, *, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path} cannot route the message: {problem}")


@final
class _FirstReply:
    """The reply slot of several receivers: the first reply counts, an error only if all fail."""

    __slots__ = ("_left", "_lock", "_slot")

    def __init__(self, slot: ReplySlot, receivers: int) -> None:
        self._left = receivers
        self._lock = threading.Lock()
        self._slot: ReplySlot | None = slot

    def complete(self, value: Any, error: BaseException | None) -> None:
        with self._lock:
            self._left -= 1
            if error is not None and self._left:
                return
            slot, self._slot = self._slot, None
        if slot is not None:
            slot.complete(value, error)


def is_closed(cell: Cell) -> bool:
    """Tell whether the actor has stopped or is about to: it takes no more messages."""
    return cell.put == cell.refuse


def pass_on(router: Cell, routees: Sequence[ActorRef[Any]], item: Any) -> None:
    """Pass an item of the router's mailbox on to the routees."""
    if len(routees) == 1:
        _put(router, routees[0].cell, item)
    elif not routees:
        unroutable(router, item, "it has no routee for it")
    else:
        for ref, copy in zip(routees, _copies(item, len(routees)), strict=True):
            _put(router, ref.cell, copy)


def unroutable(router: Cell, item: Any, problem: str, cause: BaseException | None = None) -> None:
    """Make a dead letter of an item and fail its request."""
    if cause is not None:
        problem = f"{problem}: {type(cause).__name__}: {cause}"
    error = UnroutableError(path=router.path, problem=problem)
    error.__cause__ = cause
    bury(router, item, DeadLetterReason.UNROUTABLE, error)


def _put(router: Cell, cell: Cell, item: Any) -> None:
    if not forwarded(item, cell):
        return
    try:
        cell.put(item)
    except MailboxFull:
        # The mailbox has made a dead letter of it, and has answered.
        return
    except BlockingCallError:
        # A router that waited for room would hold up all the other routees.
        cell.overflowed(item, cell.mailbox.full())
        return
    except Exception as error:  # noqa: BLE001 - a priority's key, the user's function
        unroutable(router, item, f"{cell.path} does not take it", error)
        return
    if cell.idle:
        cell.dispatcher.schedule(cell)


def _copies(item: Any, count: int) -> Sequence[Any]:
    """Give each receiver an envelope of its own: whoever answers, changes it."""
    if item.__class__ is not Envelope:
        return (item,) * count
    reply = None if item.reply is None else _FirstReply(item.reply, count)
    return [
        Envelope(item.message, reply, item.sender, item.deadline, item.headers)
        for _ in range(count)
    ]
