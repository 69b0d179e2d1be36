"""What travels with a message when there is more than the message to carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from dramaturg.actors._ref import ActorRef

__all__ = ["Envelope", "Headers", "RedeliverySlot", "ReplySlot", "UnaskedSlot"]


class ReplySlot(Protocol):
    """Where the answer to one request goes; completed exactly once."""

    def complete(self, value: Any, error: BaseException | None) -> None:
        """Hand over the answer. Any thread; later answers are dropped and counted."""


class RedeliverySlot:
    """Base of reply slots whose owner sees to a message that was not handled.

    It is no dead letter then: it may be delivered again.
    """

    __slots__ = ()

    def complete(self, value: Any, error: BaseException | None) -> None:
        """Take note of the end; see :class:`ReplySlot`."""
        raise NotImplementedError


class UnaskedSlot:
    """Base of reply slots of messages that were told: their owner looks on, and nobody asked."""

    __slots__ = ()

    def complete(self, value: Any, error: BaseException | None) -> None:
        """Take note of the end; see :class:`ReplySlot`."""
        raise NotImplementedError


class Headers(NamedTuple):
    """The place of a message in the chain of causes.

    ``correlation_id`` is the id of the first message of the chain,
    ``causation_id`` that of the message whose handler sent this one.
    """

    message_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    attempts: int


class Envelope:
    """A message with its reply slot, sender, deadline and headers.

    A plain ``tell`` of an untraced system travels without one.
    """

    __slots__ = ("deadline", "headers", "message", "reply", "sender")

    def __init__(
        self,
        message: Any,
        reply: ReplySlot | None,
        sender: ActorRef[Any] | None,
        deadline: float | None,
        headers: Headers | None = None,
    ) -> None:
        self.message = message
        self.reply = reply
        self.sender = sender
        self.deadline = deadline
        self.headers = headers

    def __repr__(self) -> str:
        return (
            f"Envelope({self.message!r}, sender={self.sender}, deadline={self.deadline},"
            f" headers={self.headers})"
        )
