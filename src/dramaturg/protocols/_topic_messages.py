"""What a topic understands itself, and what it tells; every other message is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from dramaturg.actors import (
    ActorRef,
    DramaturgError,
    LifecycleEvent,
    OptionError,
    PlainRequest,
    Refused,
    Request,
)
from dramaturg.protocols._topic_pattern import check_name, check_pattern
from dramaturg.protocols._topic_policies import SlowPolicy, check_slow

__all__ = [
    "Disconnected",
    "GetTopicStatistics",
    "GetTopicSubscriptions",
    "Interest",
    "Publish",
    "RequestPublishedError",
    "SlowSubscriberError",
    "Subscribe",
    "SubscriberDisconnected",
    "SubscriptionStatistics",
    "TopicStatistics",
    "TopicSubscription",
    "Unsubscribe",
    "interest_in",
    "is_request",
]


# -- what can be said to it


@final
@dataclass(frozen=True, slots=True)
class Publish(PlainRequest[int]):
    """Publish a message under a name.

    Subscribers get the message alone, as if it had been sent to them; those that asked
    for it ``with_name`` get this very value. Requested, it is answered with the number of
    subscribers that it was for, once it has been handed over, or waits for them, or was dropped.

    :param name: words with dots between them, ``"orders.eu.placed"``; default none at all.
    :raises OptionError: if the message is a request, which nobody would answer, or for a name
        that cannot be.
    """

    message: Any
    name: str | None = None

    def __post_init__(self) -> None:
        if is_request(self.message.__class__):
            raise OptionError(
                option="message",
                value=self.message,
                expected="no request: many would get it and nobody's answer would count",
            )
        check_name(self.name)


@final
@dataclass(frozen=True, slots=True)
class Interest:
    """What a subscriber wants: messages of one of these types whose name fits the pattern.

    A pattern of None is for every name, and for messages without one.
    """

    types: tuple[type, ...]
    pattern: str | None = None
    with_name: bool = False


@final
@dataclass(frozen=True, slots=True)
class TopicSubscription:
    """One subscriber: all that it is interested in, and what happens when it is slow."""

    ref: ActorRef[Any]
    interests: tuple[Interest, ...]
    slow: SlowPolicy


@final
@dataclass(frozen=True, slots=True, init=False)
class Subscribe(PlainRequest[TopicSubscription]):
    """Let an actor have what is published from now on, and is of interest to it.

    ::

        Subscribe(ref, OrderPlaced)                       # this type and its subclasses
        Subscribe(ref, pattern="orders.*.placed")         # these names
        Subscribe(ref, OrderPlaced, pattern="orders.#")   # both

    ``*`` stands for one word of the name, ``#`` for any number, none included: ``"#"`` fits
    every message, also those without a name. The type is looked for as a handler is:
    among the classes that the message's class is derived from.

    Subscribing again with other types or another pattern adds an interest; with the same ones it
    changes nothing, so an actor may do so whenever it starts. However many interests a
    message meets, the subscriber gets it once.

    Requested, it is answered with the :class:`TopicSubscription` as it then is. A topic
    refuses to subscribe to itself.

    :param types: one will do; with a pattern none need be given.
    :param slow: what happens when the subscriber does not keep up, for all of its interests;
        default what it said before, and at first :class:`Unlimited`.
    :param with_name: whether to have the whole :class:`Publish`, with its name.
    :raises OptionError: if it is no ref; if there is neither type nor pattern; for what is no
        class, or a class of requests; for a pattern or a policy that cannot be.
    """

    ref: ActorRef[Any]
    interest: Interest
    slow: SlowPolicy | None

    def __init__(
        self,
        ref: ActorRef[Any],
        *types: type,
        pattern: str | None = None,
        slow: SlowPolicy | None = None,
        with_name: bool = False,
    ) -> None:
        _check_ref(ref)
        if not types and pattern is None:
            raise OptionError(option="types", value=types, expected="a class, or a pattern")
        check_slow(slow)
        object.__setattr__(self, "ref", ref)
        object.__setattr__(self, "interest", interest_in(types, pattern, with_name=with_name))
        object.__setattr__(self, "slow", slow)


@final
@dataclass(frozen=True, slots=True, init=False)
class Unsubscribe(PlainRequest[bool]):
    """End the interest of these types and this pattern, or all if none is given.

    With the last interest the subscription ends. What waits for it at the topic is dropped
    then; what is in its mailbox it still gets. Requested, it is answered with whether there
    was anything to end.

    :raises OptionError: as :class:`Subscribe` does.
    """

    ref: ActorRef[Any]
    interest: Interest | None

    def __init__(self, ref: ActorRef[Any], *types: type, pattern: str | None = None) -> None:
        _check_ref(ref)
        given = bool(types) or pattern is not None
        interest = interest_in(types, pattern, with_name=False) if given else None
        object.__setattr__(self, "ref", ref)
        object.__setattr__(self, "interest", interest)


# -- what can be asked


@final
@dataclass(frozen=True, slots=True)
class GetTopicSubscriptions(PlainRequest[tuple[TopicSubscription, ...]]):
    """Say who has subscribed to what, the eldest first."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionStatistics:
    """The counts of one subscription since it began.

    ``published`` is what it was to get: what was ``delivered``, ``dropped``, or is ``waiting``.
    """

    ref: ActorRef[Any]
    published: int
    delivered: int
    """Handed over to the subscriber."""
    dropped: int
    """Dead letters instead: it was slow, or its mailbox would not take them."""
    parked: int
    """How many ever had to wait at the topic."""
    waiting: int
    """How many wait at the topic now."""
    unhandled: int
    """How many are with the subscriber now; not counted for :class:`Unlimited`."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TopicStatistics:
    """The counts of a topic since it was spawned, restarts and former subscribers included.

    ``published`` counts each message once, whatever the number of its subscribers; ``delivered``,
    ``dropped`` and ``parked`` are counted for each of them.
    """

    published: int
    unclaimed: int
    """Published, and nobody was interested."""
    delivered: int
    dropped: int
    parked: int
    disconnected: int
    """How many subscribers were unsubscribed for being slow."""
    subscriptions: tuple[SubscriptionStatistics, ...]


@final
@dataclass(frozen=True, slots=True)
class GetTopicStatistics(PlainRequest[TopicStatistics]):
    """Say how much went through the topic, and what became of it."""


# -- what it tells


@final
@dataclass(frozen=True, slots=True)
class Disconnected:
    """Tells a subscriber that it was too slow for its :class:`Disconnect`, and gets no more."""

    topic: ActorRef[Any]
    limit: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberDisconnected(LifecycleEvent):
    """A topic has unsubscribed a slow subscriber; ``path`` is the topic's."""

    subscriber: str
    limit: int


# -- errors


class RequestPublishedError(Refused):
    """A topic was sent a request; it publishes messages, and nobody's answer would count.

    See :class:`Publish`, which cannot even be made of a request.
    """

    def __init__(self, *, path: str, message_type: str) -> None:
        self.path = path
        self.message_type = message_type
        super().__init__(f"{path} publishes no requests, such as {message_type}")


class SlowSubscriberError(DramaturgError):
    """Why a message for a subscriber is a dead letter: it did not keep up with its topic.

    Never raised; it is the ``error`` of the letter, whose target is the subscriber.
    """

    def __init__(self, *, path: str, topic: str, slow: SlowPolicy) -> None:
        self.path = path
        self.topic = topic
        self.slow = slow
        super().__init__(f"{path} is too slow for {topic}: {slow}")


# -- checks


def is_request(cls: type) -> bool:
    """Tell whether messages of the class want an answer."""
    # Not by issubclass, which asks the class: a topic trusts nobody's code.
    return Request in cls.__mro__ or PlainRequest in cls.__mro__


def interest_in(
    types: tuple[type, ...], pattern: str | None, *, with_name: bool = False
) -> Interest:
    """Make an interest; without types it is in all of them.

    :raises OptionError: for what is no class, or a class of requests; or no pattern.
    """
    for each in types:
        if not isinstance(each, type) or is_request(each):
            raise OptionError(
                option="types", value=each, expected="a class of messages that are no requests"
            )
    check_pattern(pattern)
    # In one order, so that the same types are the same interest in whatever order they are given.
    distinct = sorted(set(types), key=lambda each: (each.__module__, each.__qualname__, id(each)))
    return Interest(tuple(distinct) or (object,), pattern, bool(with_name))


def _check_ref(ref: object) -> None:
    if not isinstance(ref, ActorRef):
        raise OptionError(option="ref", value=ref, expected="an ActorRef")
