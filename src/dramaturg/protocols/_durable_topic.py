"""Durable topics: publish and subscribe over restarts, of actors and of the whole process.

What it stores is in ``_durable_topic_state``. Each subscription is a child, which reads the
journal on its own (``_durable_cursor``). Here is what the topic does with its messages, and how
it lets go of old ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast, final

from dramaturg.actors import (
    ActorRef,
    EncodeError,
    EventSourced,
    HandlerDefinitionError,
    OptionError,
    Props,
    Refused,
    RegisteredType,
    TypeRegistry,
    handler,
)
from dramaturg.actors.journal import Journal
from dramaturg.protocols._durable_cursor import Cursor, cursor_id
from dramaturg.protocols._durable_flight import GoOn, Progress, Standing
from dramaturg.protocols._durable_publishing import Ahead, events_of
from dramaturg.protocols._durable_tail import Reading, Tail
from dramaturg.protocols._durable_topic_errors import MessageRefused, UnknownSubscription
from dramaturg.protocols._durable_topic_messages import (
    LONGEST_KEY,
    Confirm,
    Delivery,
    DurableSubscription,
    FromNow,
    FromOffset,
    GetDurableSubscriptions,
    PublishDurably,
    Published,
    Resume,
    SubscribeDurably,
    UnsubscribeDurably,
)
from dramaturg.protocols._durable_topic_state import (
    TOPIC_TYPES,
    KeepAll,
    KeepFor,
    KeepLast,
    KeepUnconfirmed,
    Retention,
    SubscriptionBegun,
    SubscriptionEnded,
    TopicPublished,
    TopicState,
)
from dramaturg.protocols._outlasting import Outlasting, remembered
from dramaturg.protocols._topic_messages import RequestPublishedError, is_request

__all__ = ["DurableTopic"]

LONGEST_ID = 500 - LONGEST_KEY - 24
PAUSE = 0.5
LONGEST_PAUSE = 30.0


@final
@dataclass(frozen=True, slots=True)
class _CursorEnded:
    name: str


@final
@dataclass(frozen=True, slots=True)
class _BeginAgain:
    name: str


@final
class _Served(Outlasting):
    """Who gets the messages of which subscription; over restarts of the topic."""

    def __init__(self, owner: ActorRef[Any]) -> None:
        super().__init__(owner)
        self.given: dict[str, SubscribeDurably] = {}
        self.begun: set[str] = set()
        """Those that have had a cursor in this process."""


class DurableTopic(EventSourced[TopicState]):
    """A topic that stores each message, and whose subscribers go on where they have stopped.

    ::

        class Orders(DurableTopic):
            messages = (OrderPlaced, OrderPaid)

        orders = system.spawn(Orders, name="orders")
        await orders.request(SubscribeDurably("billing", ref, OrderPlaced))
        stored = await orders.request(PublishDurably(OrderPlaced(number=7), key="order 7"))

    Whatever it is told is published, but for the few messages that are for itself; a request is
    refused (:class:`RequestPublishedError`), and so is what is of none of its types
    (:class:`MessageRefused`). :class:`PublishDurably` is answered when the message is stored.

    A subscriber gets each message as a :class:`Delivery`, in the order of the offsets, at least
    once: after a restart of the subscriber, the topic or the process its subscription goes on
    behind the last message that is confirmed. What does not fit into its window waits in the
    journal. A message on which it fails as often as it said is a dead letter, whose message is
    the :class:`Delivery`; ``letter_types`` are what a durable store of letters needs for that.

    Subscriptions last until they are ended (:class:`UnsubscribeDurably`), also while nobody has
    subscribed under their names. Subscribers are served on over restarts of the topic; after its
    end for good they subscribe again.

    :raises HandlerDefinitionError: when a subclass has ``messages`` that cannot be stored, or an
        option that cannot be.
    """

    messages: ClassVar[tuple[type | RegisteredType | TypeRegistry, ...]] = ()
    """What it may publish, beside plain values. A registry stands for all of its types."""
    retention: ClassVar[Retention] = KeepAll()
    """What is deleted of old messages."""
    trim_every: ClassVar[int] = 100
    """It looks for what may be deleted after every so many messages and confirmations."""
    remember_keys: ClassVar[int] = 10_000
    """So many keys of publishers are remembered, and perhaps some more."""
    letter_types: ClassVar[TypeRegistry]
    """What the dead letters of its subscribers consist of."""

    types = TOPIC_TYPES
    initial = TopicState()
    snapshot_every = 1_000

    _served: _Served
    _cursors: dict[str, ActorRef[Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _check_options(cls)
        try:
            cls.types = TOPIC_TYPES.including(*cls.messages, *cls.upcasters)
            delivery = RegisteredType(Delivery, "dramaturg.topic.Delivery")
            own = [each for each in cls.types if each not in tuple(TOPIC_TYPES)]
            cls.letter_types = TypeRegistry(delivery, *own, *cls.upcasters)
        except (TypeError, AttributeError, ValueError) as error:
            problem = f"is {cls.messages!r}: {error}"
            raise HandlerDefinitionError(
                owner=cls.__qualname__, method="messages", problem=problem
            ) from error

    def apply(
        self, state: TopicState, event: TopicPublished | SubscriptionBegun | SubscriptionEnded
    ) -> TopicState:
        """Return the state after an event."""
        return state.after(event, remember=self.remember_keys)

    async def on_recovered(self) -> None:
        """Let the subscriptions go on.

        :raises OptionError: for a persistence id that leaves no room for their names.
        """
        persistence_id = self.persistence_id()
        if len(persistence_id) > LONGEST_ID:
            expected = f"at most {LONGEST_ID} characters"
            raise OptionError(option="persistence_id", value=persistence_id, expected=expected)
        self._since_trim = 0
        self._progress: dict[str, Progress] = {}
        self._pauses: dict[str, float] = {}
        self._served = remembered(self._cell, _Served)
        self._ahead = remembered(self._cell, Ahead)
        self._ahead.settle(self.sequence)
        self._tail = Tail()
        self._standings: dict[str, Standing] = {}
        self._cursors = {}
        for name in self.state.subscriptions:
            self._begin_cursor(name)

    async def persist(self, *events: Any) -> None:
        """Store events; what is stored the subscriptions find in memory."""
        await super().persist(*events)
        self._tail.add(events, self._stream.time)

    @property
    def _journal(self) -> Journal:
        journal = self.context.system.journal
        assert journal is not None  # noqa: S101 - it has recovered from it
        return journal

    # -- publishing

    @handler
    async def publish_plainly(self, message: Any) -> Published:
        """Publish a message that has no name."""
        if is_request(message.__class__):
            message_type = message.__class__.__qualname__
            raise RequestPublishedError(path=self.context.path, message_type=message_type)
        return await self._publish(PublishDurably(message))

    @handler
    async def publish(self, message: PublishDurably) -> Published:
        """Publish a message under its name, unless its key is known."""
        answer = self._ahead.answer(self._cell)
        if answer is not None:
            return answer
        known = None if message.key is None else self.state.find(message.key)
        if known is not None:
            return Published(known, is_duplicate=True)
        return await self._publish(message)

    async def _publish(self, given: PublishDurably) -> Published:
        items = [(self._cell.message, given)]
        if type(self).publish is DurableTopic.publish:  # else the subclass is to see each of them
            items += self._ahead.look(self._cell)
        try:
            return await self._store_all(items)
        except EncodeError as error:
            if len(items) > 1:
                return await self._publish(given)
            own = [each.name for each in self.letter_types if each.cls is not Delivery]
            raise MessageRefused(
                path=self.context.path,
                message_type=type(given.message).__qualname__,
                expected=f"{', '.join([*own, 'or a plain value'])} ({error})",
            ) from error

    async def _store_all(self, items: list[tuple[Any, PublishDurably]]) -> Published:
        """Store publications in one commit; return the answer to the first."""
        events, answers = events_of(items, self.sequence, self.state.find)
        self._ahead.begin(answers[1:], self.sequence + len(events))
        try:
            await self.persist(*events)
        except EncodeError:
            self._ahead.forget()
            raise
        self._ahead.settle(self.sequence)
        news = GoOn(events[-1].offset)
        for cursor in self._cursors.values():
            cursor.cell.post_internal(news)
        await self._trim_now_and_then(len(events))
        return answers[0][1]

    # -- subscriptions

    @handler
    async def subscribe(self, message: SubscribeDurably) -> DurableSubscription:
        """Begin a subscription, or let it go on."""
        if message.ref == self.actor_ref:
            raise Refused("a topic cannot subscribe to itself")
        if message.name not in self.state.subscriptions:
            start = self._start_of(message)
            await self.persist(SubscriptionBegun(self.sequence + 1, message.name, start))
            self._begin_cursor(message.name)
        self._served.given[message.name] = message
        return self.context.forward(self._cursors[message.name])

    def _start_of(self, message: SubscribeDurably) -> int:
        """Return the offset behind which a new subscription begins."""
        last = self.state.last_message
        match message.start:
            case FromNow():
                return self.sequence
            case FromOffset(offset):
                if offset > self.sequence + 1:
                    problem = f"offset {offset} is not there yet; the last is {last}"
                    raise Refused(problem)
                return max(offset - 1, self.oldest - 1)
            case _:
                return self.oldest - 1

    def _begin_cursor(self, name: str) -> None:
        begun = self.state.subscriptions[name]
        codec = self.context.system.journal_codec(self.types)
        reading = Reading(self._tail, self._journal, self.persistence_id(), codec)
        standing = self._standings.setdefault(name, Standing())
        is_first = name not in self._served.begun
        self._served.begun.add(name)
        made = Props(
            Cursor,
            self.actor_ref,
            begun,
            own_id=cursor_id(self.persistence_id(), begun),
            reading=reading,
            standing=standing,
            head=self.state.last_message,
            is_first=is_first,
        )
        ref = self.context.spawn(made, name=f"{name}-{begun.offset}-{self._next_serial()}")
        self._cursors[name] = ref
        self.context.watch(ref, _CursorEnded(name))
        given = self._served.given.get(name)
        if given is not None:
            ref.tell(given)

    def _next_serial(self) -> int:
        self._serial = getattr(self, "_serial", 0) + 1
        return self._serial

    @handler
    async def cursor_ended(self, message: _CursorEnded) -> None:
        """Begin it again after a while: it has failed, as when the journal was not to be had."""
        pause = self._pauses.get(message.name, PAUSE)
        self._pauses[message.name] = min(2 * pause, LONGEST_PAUSE)
        self.context.start_timer(message.name, _BeginAgain(message.name), after=pause)

    @handler
    async def begin_again(self, message: _BeginAgain) -> None:
        """Begin a cursor that has failed."""
        if message.name in self.state.subscriptions:
            self._begin_cursor(message.name)

    @handler
    async def unsubscribe(self, message: UnsubscribeDurably) -> bool:
        """End a subscription for good."""
        name = message.name
        if name not in self.state.subscriptions:
            return False
        await self.persist(SubscriptionEnded(self.sequence + 1, name))
        cursor = self._cursors.pop(name)
        self.context.unwatch(cursor)
        self.context.stop(cursor)
        self.context.cancel_timer(name)
        self._served.given.pop(name, None)
        self._progress.pop(name, None)
        self._standings.pop(name, None)
        await self._trim_now_and_then()
        return True

    @handler
    async def confirm(self, message: Confirm) -> DurableSubscription:
        """Pass it on to the subscription."""
        return self.context.forward(self._cursor_of(message.name))

    @handler
    async def resume(self, message: Resume) -> DurableSubscription:
        """Pass it on to the subscription."""
        return self.context.forward(self._cursor_of(message.name))

    def _cursor_of(self, name: str) -> ActorRef[Any]:
        cursor = self._cursors.get(name)
        if cursor is None:
            raise UnknownSubscription(path=self.context.path, name=name)
        return cursor

    @handler
    async def get_subscriptions(
        self,
        message: GetDurableSubscriptions,  # noqa: ARG002 - a handler takes its message
    ) -> tuple[DurableSubscription, ...]:
        """Answer with how the subscriptions stand."""
        return tuple(self._figures_of(name) for name in self.state.subscriptions)

    def _figures_of(self, name: str) -> DurableSubscription:
        standing = self._standings[name].figures
        begun = self.state.subscriptions[name]
        last = self.state.last_message
        if standing is None:
            return DurableSubscription(
                name=name,
                ref=None,
                confirmed=begun.start,
                lag=max(0, last - begun.start),
                in_flight=0,
                delivered=0,
                skipped=0,
                missed=0,
            )
        figures = standing()
        return DurableSubscription(
            name=name,
            ref=figures.ref,
            confirmed=figures.confirmed,
            lag=max(0, last - figures.confirmed),
            in_flight=figures.in_flight,
            delivered=figures.delivered,
            skipped=figures.skipped,
            missed=figures.missed,
            parked=figures.parked,
        )

    @handler
    async def progressed(self, message: Progress) -> None:
        """Take note of how far a subscription is."""
        name = message.name
        if name not in self.state.subscriptions:
            return
        self._progress[name] = message
        given = self._served.given.get(name)
        if message.ref is None and given is not None and not given.ref.is_alive():
            del self._served.given[name]
        self._pauses.pop(name, None)
        await self._trim_now_and_then()

    # -- letting go of old messages

    async def _trim_now_and_then(self, count: int = 1) -> None:
        self._since_trim += count
        if self._since_trim >= self.trim_every:
            self._since_trim = 0
            up_to = await self._superfluous()
            if up_to > 0:
                # What comes behind changes nothing in the state of now.
                self.let_go(up_to)
                self._tail.forget(up_to)

    async def _superfluous(self) -> int:
        """Return up to which offset nothing needs to be kept."""
        match self.retention:
            case KeepAll():
                return 0
            case KeepLast(count):
                return self.state.last_message - count
            case KeepFor(seconds):
                return await self._older_than(seconds)
            case KeepUnconfirmed():
                names = self.state.subscriptions
                if not names or any(name not in self._progress for name in names):
                    return 0
                return min(self._progress[name].written for name in names)

    async def _older_than(self, seconds: float) -> int:
        limit = self.context.clock.time().timestamp() - seconds
        up_to = self.oldest - 1
        while page := await self._journal.page(self.persistence_id(), up_to, 100):
            for stored in page:
                if stored.time > limit:
                    return up_to
                up_to = stored.sequence
        return up_to


def _check_options(cls: type[DurableTopic]) -> None:
    def wrong(option: str, expected: str) -> HandlerDefinitionError:
        problem = f"is {getattr(cls, option)!r}: expected {expected}"
        return HandlerDefinitionError(owner=cls.__qualname__, method=option, problem=problem)

    for option in ("trim_every", "remember_keys"):
        value: object = getattr(cls, option)
        if type(value) is not int or value < 1:
            raise wrong(option, "an int of at least 1")
    kinds = KeepAll | KeepUnconfirmed | KeepLast | KeepFor
    if not isinstance(cast("object", cls.retention), kinds):
        raise wrong("retention", "KeepAll(), KeepUnconfirmed(), KeepLast(n) or KeepFor(seconds)")
    messages: object = cls.messages
    given = cast("tuple[object, ...]", messages) if isinstance(messages, tuple) else None
    if given is None or not all(
        isinstance(each, type | RegisteredType | TypeRegistry) for each in given
    ):
        raise wrong("messages", "a tuple of types, or registries")
    if cls.delete_events:
        raise wrong("delete_events", "False: `retention` says what is deleted")
