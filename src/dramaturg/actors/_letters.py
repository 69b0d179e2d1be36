"""Every way in which a message can miss its handler, each leading to the dead letters.

One function for each :class:`DeadLetterReason`. Each records the message and
completes its request, if it was one, with the error that fits.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from dramaturg.actors._dead_letters import DeadLetterReason
from dramaturg.actors._envelope import Envelope, RedeliverySlot, UnaskedSlot
from dramaturg.actors._errors import (
    ActorCrashed,
    ActorStopped,
    DeadlineExceeded,
    Refused,
    StartFailed,
    SystemStopped,
    UnhandledError,
    said,
)
from dramaturg.actors._signals import Internal

if TYPE_CHECKING:
    from types import CodeType

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._errors import MailboxFull

__all__ = [
    "bury",
    "crashed",
    "cut_short",
    "expired",
    "flush",
    "forget_frames",
    "overflowed",
    "refused",
    "settled",
    "start_failed",
    "stopped_error",
    "undeliverable",
    "unhandled",
]


def bury(cell: Cell, item: Any, reason: DeadLetterReason, error: BaseException | None) -> None:
    """Record a dead letter and complete its request with the error."""
    if isinstance(item, Internal):
        return
    if item.__class__ is Envelope:
        reply = item.reply
        if reply is None:
            cell.system.dead_letters.add(cell, item.message, item, reason, error)
        elif not _is_a(reply, RedeliverySlot):
            told = not _is_a(reply, UnaskedSlot)
            cell.system.dead_letters.add(cell, item.message, item, reason, error, told=told)
        if reply is not None:
            item.reply = None
            reply.complete(None, error)
    else:
        cell.system.dead_letters.add(cell, item, None, reason, error)


def _is_a(reply: Any, kind: type[RedeliverySlot | UnaskedSlot]) -> bool:
    """Tell whether a slot is one of a kind; taps and routers wrap slots."""
    while reply is not None:
        if isinstance(reply, kind):
            return True
        reply = getattr(reply, "_slot", None)
    return False


def stopped_error(cell: Cell, detail: str = "has stopped") -> ActorStopped:
    """Make the error for whoever asks an actor that is not there."""
    if cell.system.stopped or cell.parent is None:
        return SystemStopped(path=cell.path, detail="has stopped with its actor system")
    error = ActorStopped(path=cell.path, detail=detail)
    if cell.extra is not None:
        error.__cause__ = cell.extra.failure
    return error


def undeliverable(cell: Cell, item: Any) -> None:
    """The actor has closed its door.

    :raises ActorStopped: under pykka's contract, to whoever tells the dead.
    """
    if cell.pykka_contract and not cell.ref.is_alive():
        error = ActorStopped(path=str(cell.ref), detail="not found")
        if item.__class__ is not Envelope or item.reply is None:
            raise error
        item.reply.complete(None, error)
        return
    bury(cell, item, DeadLetterReason.STOPPED, stopped_error(cell))


def flush(cell: Cell) -> None:
    """Bury all that is queued; any thread, each item goes to one flusher."""
    for item in cell.take_rest():
        error = stopped_error(cell, "stopped before it came to the message")
        bury(cell, item, DeadLetterReason.STOPPED, error)


def expired(cell: Cell, envelope: Envelope) -> None:
    """The deadline passed while the message waited: it is not handled."""
    error = DeadlineExceeded(waiting_for=cell.path, timeout=None)
    bury(cell, envelope, DeadLetterReason.EXPIRED, error)


def overflowed(cell: Cell, item: Any, error: MailboxFull) -> None:
    """The mailbox had no room."""
    bury(cell, item, DeadLetterReason.OVERFLOW, error)


def settled(cell: Cell, error: BaseException) -> bool:
    """See to an exception that ends the request and not the actor; tell whether it is one.

    That is a refusal; and that time ran out within the request's own deadline, which
    the caller has set and the actor has inherited.
    """
    if isinstance(error, Refused):
        refused(cell, error)
        return True
    item = cell.message
    if (
        isinstance(error, DeadlineExceeded)
        and item.__class__ is Envelope
        and item.deadline is not None
        and cell.system.now() >= item.deadline
    ):
        cell.message = None
        bury(cell, item, DeadLetterReason.EXPIRED, error)
        return True
    return False


def refused(cell: Cell, error: Refused) -> None:
    """The handler said no: the caller's business, or a dead letter if nobody waits."""
    item = cell.message
    cell.message = None
    if item.__class__ is Envelope and item.reply is not None:
        item.reply.complete(None, error)
    elif item is not None:  # else the handler has stashed the message
        bury(cell, item, DeadLetterReason.REFUSED, error)


def unhandled(cell: Cell, message: Any) -> None:
    """The actor has no handler for the message, and lives on."""
    item = cell.message
    error = UnhandledError(path=cell.path, message_type=_type_of(message), handled=_handled(cell))
    # Taking the message away tells `deliver` that the reply has been seen to.
    cell.message = None
    bury(cell, message if item is None else item, DeadLetterReason.UNHANDLED, error)


def cut_short(cell: Cell, item: Any) -> None:
    """The actor was killed while it handled the message, if it had one."""
    if item is not None:
        bury(cell, item, DeadLetterReason.CANCELLED, stopped_error(cell, "was killed"))


def start_failed(cell: Cell) -> StartFailed:
    """Make the error for whoever waits for the actor to come up."""
    cause = cell.extra.failure if cell.extra is not None else None
    error = StartFailed(path=cell.path, cause=said(cause))
    error.__cause__ = cause
    return error


def _type_of(message: Any) -> str:
    if isinstance(message, type):
        return f"the class {message.__qualname__} (send an instance)"
    return type(message).__qualname__


def _handled(cell: Cell) -> tuple[str, ...]:
    declared = cell.actor_class._declared
    return tuple(sorted(each.__qualname__ for each in declared))


def crashed(cell: Cell, item: Any, cause: BaseException) -> None:
    """The actor failed on the message."""
    make_error = _Crashed(cell.path, cell.incarnation, cause)
    if item.__class__ is Envelope:
        if item.reply is not None:
            bury(cell, item, DeadLetterReason.CRASHED, make_error())
        else:
            message = item.message
            cell.system.dead_letters.add(cell, message, item, DeadLetterReason.CRASHED, make_error)
    elif not isinstance(item, Internal):
        cell.system.dead_letters.add(cell, item, None, DeadLetterReason.CRASHED, make_error)


class _Crashed:
    """Makes the error of a dead letter when somebody looks at it."""

    __slots__ = ("_cause", "_code", "_incarnation", "_line", "_path")

    def __init__(self, path: str, incarnation: int, cause: BaseException) -> None:
        self._path = path
        self._incarnation = incarnation
        self._cause = cause
        self._code: CodeType | None = None
        self._line: int | None = None
        innermost = cause.__traceback__
        if innermost is not None:
            while innermost.tb_next is not None:
                innermost = innermost.tb_next
            self._code = innermost.tb_frame.f_code
            self._line = innermost.tb_lineno

    def __call__(self) -> ActorCrashed:
        cause = self._cause
        code = self._code
        where = None
        if code is not None:
            where = f"{PurePath(code.co_filename).name}:{self._line} in {code.co_name}"
        error = ActorCrashed(
            path=self._path, cause=said(cause), incarnation=self._incarnation, where=where
        )
        error.__cause__ = cause
        return error


def forget_frames(error: BaseException) -> None:
    """Let go of what the frames of an error hold on to: all that was in local variables."""
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__context__
