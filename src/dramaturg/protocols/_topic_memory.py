"""What a topic remembers over its restarts.

A restart makes a new instance, and whoever has subscribed is not told. So subscriptions must not
end with an instance: those who rely on them would wait for ever. They end when the topic does.

The memory is one of those who watch the topic: the runtime keeps watchers from one
incarnation to the next, whoever decides on the restart, and tells them once, when the end is for
good. It is found there by the next instance, and makes dead letters of what still waits at
the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast, final

from dramaturg.actors._letters import stopped_error
from dramaturg.actors._watch import Watch
from dramaturg.protocols._topic_messages import TopicStatistics

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._signals import Internal
    from dramaturg.protocols._topic_subscriber import Subscriber

__all__ = ["TopicMemory", "memory_of"]


@final
class TopicMemory:
    """The subscribers of one topic, and its counts."""

    def __init__(self, topic: ActorRef[Any]) -> None:
        self._topic = topic
        self.subscribers: dict[ActorRef[Any], Subscriber] = {}
        self.watching: dict[Cell, Any] = {}
        self.serial = 0
        self.published = 0
        self.unclaimed = 0
        self.disconnected = 0
        self._delivered = 0
        self._dropped = 0
        self._parked = 0

    def settle(self, subscriber: Subscriber) -> None:
        """Keep the counts of a subscriber that is gone."""
        self._delivered += subscriber.delivered
        self._dropped += subscriber.dropped
        self._parked += subscriber.parked

    def statistics(self) -> TopicStatistics:
        """Say how much went through, and what became of it."""
        each = tuple(subscriber.statistics() for subscriber in self.subscribers.values())
        return TopicStatistics(
            published=self.published,
            unclaimed=self.unclaimed,
            delivered=self._delivered + sum(one.delivered for one in each),
            dropped=self._dropped + sum(one.dropped for one in each),
            parked=self._parked + sum(one.parked for one in each),
            disconnected=self.disconnected,
            subscriptions=each,
        )

    # -- the face of a watcher

    def more(self) -> Self:
        """Say where is noted whom it watches."""
        return self

    def post_internal(self, notice: Internal) -> None:  # noqa: ARG002 - there is but one
        """Learn that the topic has ended for good."""
        error = stopped_error(self._topic.cell, "stopped before the message could be delivered")
        for subscriber in self.subscribers.values():
            subscriber.drop_all(error)
        self.subscribers = {}


def memory_of(topic: Cell) -> TopicMemory:
    """Return what earlier instances of the topic remembered, or a new memory."""
    for watcher in topic.more().watchers:
        remembered: object = watcher
        if isinstance(remembered, TopicMemory):
            return remembered
    memory = TopicMemory(topic.ref)
    # Not by `watch`, which is for actors. One whose instance is being made has not stopped.
    with topic.system.lock:
        topic.more().watchers[cast("Cell", memory)] = Watch("ended")
    return memory
