"""Topics: publish and subscribe, as an actor with a mailbox.

Who wants a message is found in ``_topic_index``; what is on its way to one subscriber, and what
becomes of it if that is slow, in ``_topic_subscriber``; what outlives a restart in
``_topic_memory``. Here is what the actor does with its messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import (
    Actor,
    ActorRef,
    DeadLetterReason,
    OptionError,
    Refused,
    UnroutableError,
    handler,
)
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._letters import bury, stopped_error
from dramaturg.actors._lifecycle import DrainEnd
from dramaturg.protocols._topic_index import TopicIndex
from dramaturg.protocols._topic_memory import memory_of
from dramaturg.protocols._topic_messages import (
    Disconnected,
    GetTopicStatistics,
    GetTopicSubscriptions,
    Publish,
    RequestPublishedError,
    Subscribe,
    SubscriberDisconnected,
    TopicStatistics,
    TopicSubscription,
    Unsubscribe,
)
from dramaturg.protocols._topic_policies import Disconnect
from dramaturg.protocols._topic_subscriber import Subscriber

if TYPE_CHECKING:
    from dramaturg.protocols._topic_messages import Interest

__all__ = ["Topic"]


@final
@dataclass(frozen=True, slots=True)
class _Ended:
    """A subscriber has ended for good."""

    ref: ActorRef[Any]


@final
class Topic(Actor):
    """An actor that hands each message on to all who have subscribed to such messages.

    ::

        orders = system.spawn(Topic, name="orders")
        orders.tell(Subscribe(billing, OrderPlaced))
        orders.tell(Subscribe(audit, pattern="orders.#", slow=DropOldest(1_000)))

        orders.tell(Publish(OrderPlaced(number=7), name="orders.eu.placed"))
        orders.tell(OrderPlaced(number=8))  # the same without a name

    Whatever it is told is published, but for the few messages that are for itself: so its ref
    can stand wherever a ref is wanted, as a subscriber of another topic or of the
    system's events. Only requests are not published: :class:`RequestPublishedError`.

    Subscribers see a message as if it had been told them by who published it. The messages of
    one publisher arrive at each subscriber in the order in which they were published, as far as
    they arrive; each at most once.

    The topic never waits for a subscriber. One that does not keep up has what it asked for when
    it subscribed (:data:`SlowPolicy`); every message that it does not get so is a dead letter
    (``OVERFLOW``, with :class:`SlowSubscriberError`) whose target is the subscriber. What its own
    bounded mailbox has no room for is a dead letter too, also under ``Overflow.BLOCK``.

    A subscriber that has ended for good is removed, and what waits for it becomes dead letters; one
    that is restarted stays. Subscriptions, what waits and the counts outlive the topic's own
    restarts, and end with its end for good: what waits is dead letters then
    (``STOPPED``). Drained, it hands over all that waits first, whatever the limits.

    What nobody was interested in is counted.

    :param dead_letter_unclaimed: whether to make a dead letter (``UNROUTABLE``) of it, too.
    """

    def __init__(self, *, dead_letter_unclaimed: bool = False) -> None:
        given: object = dead_letter_unclaimed
        if not isinstance(given, bool):
            raise OptionError(option="dead_letter_unclaimed", value=given, expected="a bool")
        self._dead_letter_unclaimed = dead_letter_unclaimed
        self._index = TopicIndex()
        self._memory = memory_of(self._cell)
        for subscriber in self._memory.subscribers.values():
            for interest in subscriber.interests:
                self._index.add(subscriber, interest)
            self.context.watch(subscriber.ref, _Ended(subscriber.ref))
            # An earlier instance may have been called and have ended before it came to that.
            subscriber.answer_call()

    def __repr__(self) -> str:
        memory = self._memory
        return (
            f"<Topic subscribers={len(memory.subscribers)} published={memory.published}"
            f" unclaimed={memory.unclaimed}>"
        )

    # -- publishing

    @handler
    def publish_plainly(self, message: Any) -> int:
        """Publish a message that has no name."""
        return self._publish(message, None)

    @handler
    def publish(self, message: Publish) -> int:
        """Publish a message under its name."""
        return self._publish(message.message, message)

    def _publish(self, message: Any, given: Publish | None) -> int:
        cls = message.__class__
        route = self._index.route(cls, None if given is None else given.name)
        if route is None:
            raise RequestPublishedError(path=self.context.path, message_type=cls.__qualname__)
        self._memory.published += 1
        item = self._cell.message
        bare = _told(message, item)
        whole: Any = None
        for subscriber, with_name in route:
            if with_name and whole is None:
                whole = _told(Publish(message) if given is None else given, item)
            told = whole if with_name else bare
            if subscriber.window is None:
                subscriber.put(told)
            elif not subscriber.offer(told):
                self._disconnect(subscriber)
        if not route:
            self._unclaimed(_told(message if given is None else given, item))
        return len(route)

    def _unclaimed(self, item: Any) -> None:
        self._memory.unclaimed += 1
        if self._dead_letter_unclaimed:
            problem = "nobody has subscribed to such messages"
            error = UnroutableError(path=self.context.path, problem=problem)
            bury(self._cell, item, DeadLetterReason.UNROUTABLE, error)

    # -- subscribing

    @handler
    def subscribe(self, message: Subscribe) -> TopicSubscription:
        """Add an interest, and a subscriber if it is the first of its."""
        ref = message.ref
        if ref == self.actor_ref:
            raise Refused("a topic cannot subscribe to itself")
        memory = self._memory
        subscriber = memory.subscribers.get(ref)
        if subscriber is None:
            memory.serial += 1
            subscriber = memory.subscribers[ref] = Subscriber(ref, self.actor_ref, memory.serial)
            self.context.watch(ref, _Ended(ref))
        self._forget_interest(subscriber, message.interest)
        subscriber.interests.append(message.interest)
        self._index.add(subscriber, message.interest)
        if message.slow is not None:
            subscriber.set_policy(message.slow)
        return _seen(subscriber)

    @handler
    def unsubscribe(self, message: Unsubscribe) -> bool:
        """End an interest, or all."""
        subscriber = self._memory.subscribers.get(message.ref)
        if subscriber is None:
            return False
        known = message.interest is None or self._forget_interest(subscriber, message.interest)
        if message.interest is None or not subscriber.interests:
            self._remove(subscriber)
        return known

    @handler
    def get_subscriptions(self, message: GetTopicSubscriptions) -> tuple[TopicSubscription, ...]:  # noqa: ARG002 - a handler takes its message
        """Answer with the subscribers."""
        return tuple(_seen(each) for each in self._memory.subscribers.values())

    @handler
    def get_statistics(self, message: GetTopicStatistics) -> TopicStatistics:  # noqa: ARG002 - a handler takes its message
        """Answer with the counts."""
        return self._memory.statistics()

    @handler
    def subscriber_ended(self, message: _Ended) -> None:
        """Remove it."""
        # No notice is handled of one that was removed before: it is not watched any more.
        subscriber = self._memory.subscribers[message.ref]
        self._remove(subscriber, stopped_error(message.ref.cell))

    @handler
    def drained(self, message: DrainEnd) -> None:
        """Let nothing be lost that waits."""
        for subscriber in self._memory.subscribers.values():
            subscriber.hand_all()
        message.handle(self._cell)

    def _forget_interest(self, subscriber: Subscriber, interest: Interest) -> bool:
        """Forget the interest in the same types and pattern, if there is one."""
        for each in subscriber.interests:
            if (each.types, each.pattern) == (interest.types, interest.pattern):
                subscriber.interests.remove(each)
                self._index.remove(subscriber, each)
                return True
        return False

    def _remove(self, subscriber: Subscriber, error: BaseException | None = None) -> None:
        for interest in subscriber.interests:
            self._index.remove(subscriber, interest)
        del self._memory.subscribers[subscriber.ref]
        self.context.unwatch(subscriber.ref)
        subscriber.drop_all(error)
        self._memory.settle(subscriber)

    def _disconnect(self, subscriber: Subscriber) -> None:
        """Unsubscribe one that is slow, and say so."""
        slow = subscriber.slow
        limit = slow.limit if isinstance(slow, Disconnect) else 0
        self._remove(subscriber)
        self._memory.disconnected += 1
        subscriber.put(Disconnected(self.actor_ref, limit))
        system = self.context.system
        if system.events.wants(SubscriberDisconnected):
            system.events.publish(
                SubscriberDisconnected(
                    path=self.context.path,
                    time=system.clock.time(),
                    subscriber=subscriber.ref.path,
                    limit=limit,
                )
            )


def _told(message: Any, item: Any) -> Any:
    """Give a message what travelled with the one that published it, but for the reply slot.

    Nor the deadline: that is for when the publisher wants to know that it was published.
    """
    if item.__class__ is not Envelope:
        return message
    return Envelope(message, None, item.sender, None, item.headers)


def _seen(subscriber: Subscriber) -> TopicSubscription:
    return TopicSubscription(subscriber.ref, tuple(subscriber.interests), subscriber.slow)
