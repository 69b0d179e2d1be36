"""Bugs in topics: what is lost, doubled, counted wrong or handed over in the wrong order."""

from typing import Any

from dramaturg.actors import DeadLetterReason
from dramaturg.actors._cell import Cell
from dramaturg.actors._lifecycle import DrainEnd
from dramaturg.protocols import DropOldest, Subscribe, Topic, Unsubscribe, _topic_memory as memories
from dramaturg.protocols._topic import _Ended
from dramaturg.protocols._topic_index import TopicIndex
from dramaturg.protocols._topic_memory import TopicMemory
from dramaturg.protocols._topic_messages import Disconnected
from dramaturg.protocols._topic_subscriber import Subscriber, _Handed
from tests.simulated.planted.plant import Bug, function, handling, method


def _overtakes_what_waits(offer: Any) -> Any:
    def buggy(self: Subscriber, item: Any) -> bool:
        if self.window is not None and len(self.handed) < self.window:
            self.put(self._with_slot(item))
            return True
        return bool(offer(self, item))

    return buggy


def _hands_over_backwards(go_on: Any) -> Any:
    def buggy(self: Subscriber) -> None:
        self.waiting.reverse()
        go_on(self)
        self.waiting.reverse()

    return buggy


def _hands_over_one_too_many(go_on: Any) -> Any:
    def buggy(self: Subscriber) -> None:
        go_on(self)
        if self.waiting and self.window is not None and len(self.handed) == self.window:
            self.put(self._with_slot(self.waiting.popleft()))

    return buggy


def _hands_over_nothing(go_on: Any) -> Any:
    def buggy(self: Subscriber) -> None:
        """Let what waits wait on."""

    return buggy


def _gives_no_credit_for_errors(complete: Any) -> Any:
    def buggy(self: _Handed, value: Any, error: BaseException | None) -> None:
        if error is None:
            complete(self, value, error)

    return buggy


def _gives_no_call(complete: Any) -> Any:
    def buggy(self: _Handed, value: Any, error: BaseException | None) -> None:
        self._subscriber.handed.discard(self)

    return buggy


def _stays_called(answer: Any) -> Any:
    def buggy(self: Subscriber) -> None:
        self.go_on()

    return buggy


def _answers_no_call_after_a_restart(answer: Any) -> Any:
    def buggy(self: Subscriber) -> None:
        # A new instance is about to go on with what the one before was called for.
        if self.topic.cell.message is not None:
            answer(self)

    return buggy


def _drops_the_newest(offer: Any) -> Any:
    def buggy(self: Subscriber, item: Any) -> bool:
        if isinstance(self.slow, DropOldest) and len(self.waiting) >= self.room:
            self._drop(item)
            return True
        return bool(offer(self, item))

    return buggy


def _drops_uncounted(drop: Any) -> Any:
    def buggy(self: Subscriber, item: Any, *args: Any) -> None:
        drop(self, item, *args)
        self.dropped -= 1

    return buggy


def _drops_in_silence(drop: Any) -> Any:
    def buggy(self: Subscriber, item: Any, *args: Any) -> None:
        self.dropped += 1

    return buggy


def _drops_for_another_reason(drop_all: Any) -> Any:
    def buggy(self: Subscriber, error: BaseException | None = None) -> None:
        while self.waiting:
            self._drop(self.waiting.popleft(), error, DeadLetterReason.OVERFLOW)

    return buggy


def _forgets_what_waits(drop_all: Any) -> Any:
    def buggy(self: Subscriber, error: BaseException | None = None) -> None:
        self.waiting.clear()

    return buggy


def _keeps_the_routes(remove: Any) -> Any:
    def buggy(self: TopicIndex, subscriber: Subscriber, interest: Any) -> None:
        routes = dict(self._routes)
        remove(self, subscriber, interest)
        self._routes.update(routes)

    return buggy


def _finds_some_twice(find: Any) -> Any:
    def buggy(self: TopicIndex, cls: type, name: str | None) -> Any:
        found: list[Any] = []
        for shelf in (self._unnamed, *self._shelves(name)):
            for base in cls.__mro__:
                found += [(each, interest.with_name) for each, interest in shelf.get(base, ())]
        return tuple(found)

    return buggy


def _finds_the_names_only(find: Any) -> Any:
    def buggy(self: TopicIndex, cls: type, name: str | None) -> Any:
        if name is None:
            return find(self, cls, name)
        unnamed, self._unnamed = self._unnamed, {}
        try:
            return find(self, cls, name)
        finally:
            self._unnamed = unnamed

    return buggy


def _remembers_nothing(memory_of: Any) -> Any:
    def buggy(topic: Cell) -> TopicMemory:
        for watcher in tuple(topic.more().watchers):
            remembered: object = watcher
            if isinstance(remembered, TopicMemory):
                del topic.more().watchers[watcher]
        return TopicMemory(topic.ref)

    return buggy


def _keeps_the_dead(ended: Any) -> Any:
    def buggy(topic: Any, message: _Ended) -> None:
        """Keep the subscription of one that has ended."""

    return buggy


def _ends_one_interest(unsubscribe: Any) -> Any:
    def buggy(topic: Any, message: Unsubscribe) -> bool:
        subscriber = topic._memory.subscribers.get(message.ref)
        if subscriber is None:
            return False
        topic._forget_interest(subscriber, subscriber.interests[0])
        return True

    return buggy


def _forgets_the_policy(subscribe: Any) -> Any:
    def buggy(topic: Any, message: Subscribe) -> Any:
        seen = subscribe(topic, message)
        if message.slow is None:
            topic._memory.subscribers[message.ref].window = None
        return seen

    return buggy


def _stops_before_it_hands_over(drained: Any) -> Any:
    def buggy(topic: Any, message: DrainEnd) -> None:
        message.handle(topic._cell)

    return buggy


def _says_nothing(disconnect: Any) -> Any:
    def buggy(self: Topic, subscriber: Subscriber) -> None:
        self._remove(subscriber)
        self._memory.disconnected += 1

    return buggy


def _says_it_and_stays(disconnect: Any) -> Any:
    def buggy(self: Topic, subscriber: Subscriber) -> None:
        self._memory.disconnected += 1
        subscriber.put(Disconnected(self.actor_ref, 0))

    return buggy


def _window_of_one_more(with_slot: Any) -> Any:
    def buggy(self: Subscriber, slow: Any) -> None:
        with_slot(self, slow)
        if self.window is not None:
            self.window += 1

    return buggy


def _forgets_old_counts(settle: Any) -> Any:
    def buggy(self: TopicMemory, subscriber: Subscriber) -> None:
        """Count what those that are gone have had no more."""

    return buggy


PARKED, OLDEST, NEWEST = "topic/parked", "topic/dropping oldest", "topic/dropping newest"
BUGS = (
    Bug("topic/a message overtakes what waits", PARKED,
        method(Subscriber, "offer", _overtakes_what_waits)),
    Bug("topic/what waits comes backwards", PARKED,
        method(Subscriber, "go_on", _hands_over_backwards)),
    Bug("topic/one too many is handed over", PARKED,
        method(Subscriber, "go_on", _hands_over_one_too_many)),
    Bug("topic/what waits waits for ever", PARKED,
        method(Subscriber, "go_on", _hands_over_nothing)),
    Bug("topic/no credit for errors", "topic/subscriber restarted",
        method(_Handed, "complete", _gives_no_credit_for_errors)),
    Bug("topic/nobody calls", PARKED, method(_Handed, "complete", _gives_no_call)),
    Bug("topic/called once and for all", PARKED, method(Subscriber, "answer_call", _stays_called)),
    Bug("topic/a restart loses a call", "topic/restarted",
        method(Subscriber, "answer_call", _answers_no_call_after_a_restart)),
    Bug("topic/the newest is dropped for the oldest", OLDEST,
        method(Subscriber, "offer", _drops_the_newest)),
    Bug("topic/drops are not counted", NEWEST, method(Subscriber, "_drop", _drops_uncounted)),
    Bug("topic/drops leave no letter", NEWEST, method(Subscriber, "_drop", _drops_in_silence)),
    Bug("topic/an end is called an overflow", "topic/stopped",
        method(Subscriber, "drop_all", _drops_for_another_reason)),
    Bug("topic/an end loses what waits", "topic/stopped",
        method(Subscriber, "drop_all", _forgets_what_waits)),
    Bug("topic/routes are remembered too long", "topic/published",
        method(TopicIndex, "remove", _keeps_the_routes)),
    Bug("topic/two interests are two copies", "topic/published",
        method(TopicIndex, "_find", _finds_some_twice)),
    Bug("topic/a name hides who wants all", "topic/disconnected",
        method(TopicIndex, "_find", _finds_the_names_only)),
    Bug("topic/a restart forgets all", "topic/restarted",
        function(memories.memory_of, _remembers_nothing)),
    Bug("topic/the dead stay subscribed", "topic/subscriber ended",
        handling(Topic, _Ended, _keeps_the_dead)),
    Bug("topic/unsubscribing ends one interest", "topic/published, any sender first",
        handling(Topic, Unsubscribe, _ends_one_interest)),
    Bug("topic/another interest undoes the policy", NEWEST,
        handling(Topic, Subscribe, _forgets_the_policy)),
    Bug("topic/a drain is a stop", "topic/drained",
        handling(Topic, DrainEnd, _stops_before_it_hands_over)),
    Bug("topic/disconnected in silence", "topic/disconnected",
        method(Topic, "_disconnect", _says_nothing)),
    Bug("topic/disconnected in words only", "topic/disconnected",
        method(Topic, "_disconnect", _says_it_and_stays)),
    Bug("topic/the window is one too wide", NEWEST,
        method(Subscriber, "set_policy", _window_of_one_more)),
    Bug("topic/old counts are forgotten", "topic/published",
        method(TopicMemory, "settle", _forgets_old_counts)),
)  # fmt: skip
