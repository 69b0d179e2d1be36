"""One subscriber of a topic: what is on its way to it, and what waits until it catches up.

Theory of operation
===================

*Credit.* A topic knows that a message has been handled by the way that requests know it: the
message travels with a reply slot, which the runtime completes exactly once, whatever becomes of the
message: handled, crashed upon, expired, refused, cut short, left in a stopped mailbox.
``handed`` holds the slots that are still open. So the subscriber need not take part, and
need not be on the loop; what it has stashed, passed on to a pool's worker, or is awaiting
something for, still counts. (The depth of its mailbox would not do: a pool has none, a fallback
that stands in has another one, and nobody tells when it has gone down.)

*Nobody waits.* The slot is closed in the subscriber's thread. It takes itself out of
``handed`` and then looks whether anything waits; the topic lets a message wait
and then looks whether there is room by now. One of them sees the other, so no
lock is needed and nothing is stranded. The first one to find that something waits
calls the topic, by a message of the runtime's own behind what is in its mailbox.

*Order.* While anything waits, what comes waits behind it, or is dropped.
"""

from __future__ import annotations

from collections import deque
from types import MethodType
from typing import TYPE_CHECKING, Any, assert_never, final

from dramaturg.actors import (
    ActorStopped,
    BlockingCallError,
    DeadLetterReason,
    DramaturgError,
    MailboxFull,
    Refused,
)
from dramaturg.actors._envelope import Envelope, UnaskedSlot
from dramaturg.actors._letters import bury
from dramaturg.actors._signals import Internal
from dramaturg.protocols._topic_messages import SlowSubscriberError, SubscriptionStatistics
from dramaturg.protocols._topic_policies import (
    Disconnect,
    DropNewest,
    DropOldest,
    Park,
    Unlimited,
)

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef
    from dramaturg.actors._cell import Cell
    from dramaturg.protocols._topic_messages import Interest
    from dramaturg.protocols._topic_policies import SlowPolicy

__all__ = ["Subscriber"]


class Subscriber:
    """A subscription, as its topic keeps it; but for slots, used in the topic's turn only."""

    __slots__ = (
        "behind",
        "called",
        "delivered",
        "dropped",
        "handed",
        "interests",
        "parked",
        "ref",
        "room",
        "serial",
        "slow",
        "topic",
        "waiting",
        "window",
    )

    def __init__(self, ref: ActorRef[Any], topic: ActorRef[Any], serial: int) -> None:
        self.ref = ref
        self.topic = topic
        self.serial = serial
        self.interests: list[Interest] = []
        self.handed: set[_Handed] = set()
        self.waiting: deque[Any] = deque()
        self.called = False
        """The topic has been told that it may go on."""
        self.behind = False
        """There is more for it than what waits here: who keeps that elsewhere is called too."""
        self.delivered = 0
        self.dropped = 0
        self.parked = 0
        self.slow: SlowPolicy = Unlimited()
        self.window: int | None = None
        """How many may be with the subscriber."""
        self.room = 0
        """How many may wait."""

    def __repr__(self) -> str:
        return (
            f"<Subscriber {self.ref} {self.slow} unhandled={len(self.handed)}"
            f" waiting={len(self.waiting)}>"
        )

    def set_policy(self, slow: SlowPolicy) -> None:
        """Follow another policy from now on; what waits goes on as that allows."""
        self.slow = slow
        match slow:
            case Unlimited():
                self.window, self.room = None, 0
            case DropNewest(limit) | Disconnect(limit):
                self.window, self.room = limit, 0
            case DropOldest(limit):
                self.window, self.room = 1, limit
            case Park(limit, parked):
                self.window, self.room = limit, parked
            case _:
                assert_never(slow)
        self.go_on()
        while len(self.waiting) > self.room:
            self._drop(self.waiting.popleft() if self._drops_oldest else self.waiting.pop())

    @property
    def _drops_oldest(self) -> bool:
        return isinstance(self.slow, DropOldest)

    # -- messages

    # An item is a message as it may be told: bare, or in an envelope without a reply slot.

    def offer(self, item: Any) -> bool:
        """Hand a message over, let it wait or drop it; tell whether the subscriber may stay."""
        window = self.window
        if window is None or (len(self.handed) < window and not self.waiting):
            self.put(item if window is None else self._with_slot(item))
            return True
        if not self.room:
            self._drop(item)
            return not isinstance(self.slow, Disconnect)
        if len(self.waiting) < self.room:
            self._wait(item)
        elif self._drops_oldest:
            self._drop(self.waiting.popleft())
            self._wait(item)
        else:
            self._drop(item)
        # It may have handled what it had since we looked.
        self.go_on()
        return True

    def put(self, item: Any) -> None:
        """Put into the mailbox what nobody here may wait for, whatever the limits."""
        if item.__class__ is Envelope and item.reply is None:
            # For each subscriber its own: whoever looks on marks what has been seen.
            item = Envelope(item.message, None, item.sender, None, item.headers)
        cell = self.ref.cell
        put: Any = cell.put
        try:
            put(item)
        except Exception as error:  # noqa: BLE001 - a priority's key is the user's function
            self.dropped += 1
            _missed(cell, item, error)
            return
        # A closed door has made a dead letter of it. What is no method costs less to tell from it.
        if put.__class__ is MethodType and put == cell.refuse:
            self.dropped += 1
        else:
            self.delivered += 1
        if cell.idle:
            cell.dispatcher.schedule(cell)

    def go_on(self) -> None:
        """Hand over what waits, as long as there is room."""
        waiting, handed, window = self.waiting, self.handed, self.window
        while waiting and (window is None or len(handed) < window):
            item = waiting.popleft()
            self.put(item if window is None else self._with_slot(item))

    def answer_call(self) -> None:
        """Go on, now that the subscriber has handled something."""
        # First: whoever is done from now on calls again.
        self.called = False
        self.go_on()

    def hand_all(self) -> None:
        """Hand over all that waits: the topic ends in peace."""
        while self.waiting:
            self.put(self.waiting.popleft())

    def drop_all(self, error: BaseException | None = None) -> None:
        """Make dead letters of what waits."""
        reason = DeadLetterReason.OVERFLOW if error is None else DeadLetterReason.STOPPED
        while self.waiting:
            self._drop(self.waiting.popleft(), error, reason)

    def statistics(self) -> SubscriptionStatistics:
        """Say what the subscription has had."""
        return SubscriptionStatistics(
            ref=self.ref,
            published=self.delivered + self.dropped + len(self.waiting),
            delivered=self.delivered,
            dropped=self.dropped,
            parked=self.parked,
            waiting=len(self.waiting),
            unhandled=len(self.handed),
        )

    def _wait(self, item: Any) -> None:
        self.waiting.append(item)
        self.parked += 1

    def _drop(
        self,
        item: Any,
        error: BaseException | None = None,
        reason: DeadLetterReason = DeadLetterReason.OVERFLOW,
    ) -> None:
        self.dropped += 1
        if error is None:
            path, topic = self.ref.path, self.topic.path
            error = SlowSubscriberError(path=path, topic=topic, slow=self.slow)
        bury(self.ref.cell, item, reason, error)

    def _with_slot(self, item: Any) -> Envelope:
        slot = _Handed(self, item)
        self.handed.add(slot)
        if item.__class__ is Envelope:
            return Envelope(item.message, slot, item.sender, None, item.headers)
        return Envelope(item, slot, None, None)


def _missed(cell: Cell, item: Any, error: Exception) -> None:
    """Make a dead letter of what a mailbox would not take."""
    match error:
        case MailboxFull():
            pass  # it has done so itself
        case BlockingCallError():
            # A topic that waited for room would hold up all the other subscribers.
            cell.overflowed(item, cell.mailbox.full())
        case ActorStopped():  # pykka's contract: telling the dead raises
            bury(cell, item, DeadLetterReason.STOPPED, error)
        case _:
            bury(cell, item, DeadLetterReason.UNROUTABLE, error)


@final
class _Handed(UnaskedSlot):
    """The reply slot of one message that a subscriber has; what closes it is that it is done."""

    __slots__ = ("_item", "_subscriber")

    def __init__(self, subscriber: Subscriber, item: Any) -> None:
        self._subscriber = subscriber
        self._item = item

    def complete(self, value: Any, error: BaseException | None) -> None:  # noqa: ARG002 - the protocol's
        """Give the credit back. Any thread; once."""
        subscriber = self._subscriber
        try:
            subscriber.handed.remove(self)
        except KeyError:  # a thread that was given up has come back
            return
        if error is not None:
            self._see_to(error, subscriber.ref.cell)
        if (subscriber.waiting or subscriber.behind) and not subscriber.called:
            subscriber.called = True
            subscriber.topic.cell.post_internal(_CaughtUp(subscriber))

    def _see_to(self, error: BaseException, cell: Cell) -> None:
        """Record what leaves no dead letter when there is somebody to be told."""
        if isinstance(error, Refused):
            bury(cell, self._item, DeadLetterReason.REFUSED, error)
        elif cell.pykka_contract:
            # Under pykka's contract a caller's error is the caller's alone, and the actor lives.
            if not isinstance(error, DramaturgError):
                bury(cell, self._item, DeadLetterReason.CRASHED, error)
            elif isinstance(error, ActorStopped) and error.detail == "not found":
                bury(cell, self._item, DeadLetterReason.STOPPED, error)


@final
class _CaughtUp(Internal):
    """Tells the topic that a subscriber has handled something while something waits for it."""

    __slots__ = ("_subscriber",)

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber

    def handle(self, cell: Cell) -> Any:  # noqa: ARG002 - the base's
        self._subscriber.answer_call()
