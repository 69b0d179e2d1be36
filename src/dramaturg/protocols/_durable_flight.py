"""What a durable subscription has under way: messages that are with a subscriber."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import (
    ActorRef,
    ActorStopped,
    BlockingCallError,
    DeadLetterReason,
    DeadlineExceeded,
    MailboxFull,
    Refused,
    UnhandledError,
    UnroutableError,
)
from dramaturg.actors._envelope import RedeliverySlot
from dramaturg.actors._resolve import invoke
from dramaturg.actors._signals import Internal

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell
    from dramaturg.protocols._durable_topic_messages import Delivery, DurableSubscription

__all__ = [
    "GO_ON",
    "Again",
    "Ended",
    "Flight",
    "GoOn",
    "Landings",
    "Progress",
    "Standing",
    "Unconfirmed",
    "WriteBehind",
    "has_failed",
    "reason_of",
]


@final
class Landings:
    """Where flights note that they are done, and whom they call then; any thread."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.done: deque[tuple[Flight, BaseException | None]] = deque()
        self.call = call


class GoOn(Internal):
    """Tells a cursor that there is something to do.

    :param head: the offset of the topic's last message.
    """

    def __init__(self, head: int = 0) -> None:
        self.head = head

    def handle(self, cell: Cell) -> Any:
        cell.message = self
        return invoke(cell, self)


GO_ON = GoOn()


class Progress(Internal):
    """Tells a topic that a cursor has written, or has somebody else to serve."""

    def __init__(self, name: str, ref: ActorRef[Any] | None, written: int) -> None:
        self.name = name
        self.ref = ref
        """Who gets the messages."""
        self.written = written
        """Up to where all is confirmed in the journal."""

    def handle(self, cell: Cell) -> Any:
        cell.message = self
        return invoke(cell, self)


@final
class Standing:
    """Where a topic looks up how far a subscription is; for the loop in which both live."""

    __slots__ = ("figures",)

    def __init__(self) -> None:
        self.figures: Callable[[], DurableSubscription] | None = None


@final
@dataclass(frozen=True, slots=True)
class WriteBehind:
    """Write what is confirmed."""


@final
@dataclass(frozen=True, slots=True)
class Again:
    """Deliver a message once more."""

    offset: int


@final
@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The time for confirming a message is over."""

    offset: int


@final
@dataclass(frozen=True, slots=True)
class Ended:
    """The subscriber has ended for good."""

    ref: ActorRef[Any]


@final
class Flight(RedeliverySlot):
    """A message that is with the subscriber: the reply slot of its delivery."""

    __slots__ = ("_landings", "delivery", "is_closed", "is_done", "is_in_doubt")

    def __init__(self, landings: Landings, delivery: Delivery, *, is_in_doubt: bool) -> None:
        self._landings = landings
        self.delivery = delivery
        self.is_in_doubt = is_in_doubt
        """An earlier process may have delivered it, and have ended by that."""
        self.is_closed = False
        """The subscriber is done with the message."""
        self.is_done = False
        """It need not be delivered again."""

    def complete(self, value: Any, error: BaseException | None) -> None:  # noqa: ARG002 - the protocol's
        """Take note of the end. Any thread; the first time counts."""
        if not self.is_closed:
            self.is_closed = True
            self._landings.done.append((self, error))
            self._landings.call()


def has_failed(error: BaseException) -> bool:
    """Tell whether the subscriber has failed on the message; else it has not had it."""
    if isinstance(error, ActorStopped):
        return error.detail == "was killed"
    return not isinstance(error, MailboxFull | BlockingCallError | UnroutableError)


def reason_of(error: BaseException | None) -> DeadLetterReason:
    """Return why a message is among the dead letters on which the subscriber has failed."""
    match error:
        case Refused():
            return DeadLetterReason.REFUSED
        case UnhandledError():
            return DeadLetterReason.UNHANDLED
        case ActorStopped():
            return DeadLetterReason.CANCELLED
        case DeadlineExceeded():
            return DeadLetterReason.EXPIRED
        case _:
            return DeadLetterReason.CRASHED
