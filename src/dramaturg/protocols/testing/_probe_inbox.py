"""What a probe has received, and the actor that receives it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dramaturg.actors import Actor, ActorStopped, handler
from dramaturg.actors._envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors import ActorContext, ActorRef
    from dramaturg.actors._envelope import ReplySlot

__all__ = ["Do", "Inbox", "ProbeActor", "Received", "matches"]


@dataclass(eq=False, slots=True)
class Received:
    """One message, who sent it, and where its reply goes."""

    message: Any
    sender: ActorRef[Any] | None = None
    slot: ReplySlot | None = None

    def answer(self, value: Any, error: BaseException | None) -> None:
        """Answer the request, once."""
        slot, self.slot = self.slot, None
        if slot is not None:
            slot.complete(value, error)


class Inbox:
    """Messages in the order in which they came; filled by the actor, emptied by the test."""

    def __init__(self) -> None:
        self.waiting: deque[Received] = deque()
        self.arrived: Callable[[], None] = _ignore
        """Called when something has come; in the actor's thread."""
        self._open: list[Received] = []

    def put(self, received: Received) -> None:
        """Add a message."""
        if received.slot is not None:
            self._open = [each for each in self._open if each.slot is not None]
            self._open.append(received)
        self.waiting.append(received)
        self.arrived()

    def close(self, path: str) -> None:
        """Tell those who wait for a reply that none will come."""
        for each in self._open:
            each.answer(None, ActorStopped(path=path, detail="the probe has stopped"))


@dataclass(frozen=True, slots=True)
class Do:
    """Something that a probe does as an actor."""

    work: Callable[[ActorContext], object]


class ProbeActor(Actor):
    """Puts everything it gets into an inbox, and leaves requests to be answered later."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    @handler
    def take(self, message: object) -> None:
        if isinstance(message, Do):
            message.work(self.context)
            return
        item: Any = self._cell.message
        if item.__class__ is not Envelope:
            self._inbox.put(Received(message))
            return
        if item.reply is not None:
            # Taking the message away tells the cell not to answer its request.
            self._cell.message = None
        self._inbox.put(Received(message, item.sender, item.reply))

    def on_stop(self) -> None:
        self._inbox.close(self.context.path)


def matches(expected: object, message: object) -> bool:
    """Tell whether a message is of the expected type, or equals the expected value."""
    if isinstance(expected, type):
        return isinstance(message, expected)
    return bool(message == expected)


def _ignore() -> None:
    return None
