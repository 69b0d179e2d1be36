"""What a durable topic understands, and what it tells; every other message is published."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias, cast, final

from dramaturg.actors import ActorRef, OptionError, PlainRequest
from dramaturg.actors._paths import check_name as check_actor_name
from dramaturg.actors._timers import check_seconds
from dramaturg.protocols._topic_messages import Interest, interest_in, is_request
from dramaturg.protocols._topic_pattern import check_name
from dramaturg.supervision import Backoff

__all__ = [
    "Confirm",
    "Confirmation",
    "Delivery",
    "DurableSubscription",
    "FromBeginning",
    "FromNow",
    "FromOffset",
    "GetDurableSubscriptions",
    "MessagesMissed",
    "OnPoison",
    "PublishDurably",
    "Published",
    "Resume",
    "StartAt",
    "SubscribeDurably",
    "UnsubscribeDurably",
    "check_count",
    "check_offset",
]

LONGEST_KEY = 200


# -- publishing


@final
@dataclass(frozen=True, slots=True)
class Published:
    """A message is in the topic's journal."""

    offset: int
    """Its place. Offsets grow; between two messages some may be left out."""
    is_duplicate: bool = False
    """Whether it was there before: a message with the same key had been published."""


@final
@dataclass(frozen=True, slots=True)
class PublishDurably(PlainRequest[Published]):
    """Publish a message; answered when it is stored.

    :param name: words with dots between them, ``"orders.eu.placed"``; default none at all.
    :param key: the publisher's own; a message whose key is known is not published again. So a
        publisher that got no answer asks once more with the same key.
    :raises OptionError: if the message is a request, which nobody would answer; for a name that
        cannot be; or for a key that is no printable text of 1 to 200 characters.
    """

    message: Any
    name: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if is_request(self.message.__class__):
            raise OptionError(
                option="message",
                value=self.message,
                expected="no request: many would get it and nobody's answer would count",
            )
        check_name(self.name)
        if self.key is not None:
            _check_text("key", self.key, LONGEST_KEY)


# -- subscribing


@final
@dataclass(frozen=True, slots=True)
class FromBeginning:
    """Begin with the oldest message that is there."""


@final
@dataclass(frozen=True, slots=True)
class FromNow:
    """Begin with the next message."""


@final
@dataclass(frozen=True, slots=True)
class FromOffset:
    """Begin with the message of an offset, or the first behind it.

    :raises OptionError: for an offset below 1.
    """

    offset: int

    def __post_init__(self) -> None:
        check_offset("offset", self.offset)


StartAt: TypeAlias = FromBeginning | FromNow | FromOffset
"""Where a new subscription begins."""


class Confirmation(Enum):
    """What counts as a confirmation."""

    WHEN_HANDLED = "when handled"
    """That the subscriber has handled the message and lives."""
    EXPLICIT = "explicit"
    """That somebody has told the topic: :class:`Confirm`."""


class OnPoison(Enum):
    """What becomes of a subscription whose subscriber fails on a message again and again."""

    SKIP = "skip"
    """It goes on behind that message."""
    PARK = "park"
    """It stands still until somebody tells the topic: :class:`Resume`."""


@final
@dataclass(frozen=True, slots=True)
class DurableSubscription:
    """One subscription, and how far it is."""

    name: str
    ref: ActorRef[Any] | None
    """Who gets the messages; None while nobody has subscribed since the last start."""
    confirmed: int
    """Nothing up to this offset will be delivered again."""
    lag: int
    """How many offsets it is behind the last message, whether it wants what is there or not."""
    in_flight: int
    """How many messages are with the subscriber, or wait to be delivered again."""
    delivered: int
    """How often a message was handed over since the topic has started."""
    skipped: int
    """How many messages went to the dead letters since the topic has started."""
    missed: int
    """How many offsets were deleted, since the topic has started, before it came to them."""
    parked: int | None = None
    """The offset of the message that it is parked at."""


@final
@dataclass(frozen=True, slots=True, init=False)
class SubscribeDurably(PlainRequest[DurableSubscription]):
    """Let an actor have, under a name that lasts, what is published.

    ::

        SubscribeDurably("billing", ref, OrderPlaced)
        SubscribeDurably("audit", ref, pattern="orders.#", start=FromNow(), window=10)

    The first time this begins a subscription, and ``start`` says where. Each later time the
    subscription goes on behind what is confirmed, with the actor, the filter and the policies
    that are given then. So an actor says it whenever it starts. One actor at a time has a
    subscription: the last one that has asked for it.

    Types and patterns are those of :class:`Subscribe`; with neither, all messages are wanted.
    The subscriber gets each as a :class:`Delivery`.

    :param window: how many messages may be with the subscriber. With one, the order holds
        also when a message is delivered again; with more, others may come before that.
    :param confirm: what counts as a confirmation.
    :param redeliver_after: seconds in which a message has to be confirmed explicitly, or else
        that delivery has failed, and it is delivered again; None: no limit.
    :param attempts: how often a message is delivered on which the subscriber fails; one that it
        refuses, or has no handler for, only once. The end of the process is a failure of what
        was with the subscriber, from the second delivery on.
    :param backoff: the pauses between these.
    :param on_poison: what follows when all attempts have failed; the message is a dead letter then.
    :raises OptionError: for what cannot be.
    :raises InvalidNameError: for a name that no actor could have.
    """

    name: str
    ref: ActorRef[Any]
    interest: Interest
    start: StartAt
    window: int
    confirm: Confirmation
    redeliver_after: float | None
    attempts: int
    backoff: Backoff
    on_poison: OnPoison

    def __init__(
        self,
        name: str,
        ref: ActorRef[Any],
        *types: type,
        pattern: str | None = None,
        start: StartAt = FromBeginning(),
        window: int = 1,
        confirm: Confirmation = Confirmation.WHEN_HANDLED,
        redeliver_after: float | None = None,
        attempts: int = 3,
        backoff: Backoff = Backoff(0.1, 5.0),  # noqa: B008 - a value
        on_poison: OnPoison = OnPoison.SKIP,
    ) -> None:
        _check_subscription_name(name)
        if not isinstance(cast("object", ref), ActorRef):
            raise OptionError(option="ref", value=ref, expected="an ActorRef")
        _check_kind("start", start, FromBeginning | FromNow | FromOffset)
        check_count("window", window)
        _check_kind("confirm", confirm, Confirmation)
        _check_redelivery(redeliver_after, confirm)
        check_count("attempts", attempts)
        _check_kind("backoff", backoff, Backoff)
        _check_kind("on_poison", on_poison, OnPoison)
        interest = interest_in(types, pattern)
        given = (
            name,
            ref,
            interest,
            start,
            window,
            confirm,
            redeliver_after,
            attempts,
            backoff,
            on_poison,
        )
        for field_name, value in zip(self.__slots__, given, strict=True):
            object.__setattr__(self, field_name, value)


@final
@dataclass(frozen=True, slots=True)
class UnsubscribeDurably(PlainRequest[bool]):
    """End a subscription for good; what it has not confirmed it will never get.

    Answered with whether there was one. What is with the subscriber it still handles.

    :raises OptionError: for a name that is no text.
    :raises InvalidNameError: for one that no subscription can have.
    """

    name: str

    def __post_init__(self) -> None:
        _check_subscription_name(self.name)


@final
@dataclass(frozen=True, slots=True)
class Confirm(PlainRequest[DurableSubscription]):
    """Confirm what a subscription was delivered, up to an offset; answered when that is stored.

    :raises OptionError: for an offset below 1.
    :raises InvalidNameError: for a name that no subscription can have.
    """

    name: str
    offset: int

    def __post_init__(self) -> None:
        _check_subscription_name(self.name)
        check_offset("offset", self.offset)


@final
@dataclass(frozen=True, slots=True)
class Resume(PlainRequest[DurableSubscription]):
    """Let a parked subscription go on behind the message that it is parked at.

    :param retry: whether to deliver that message again first, with all its attempts.
    :raises InvalidNameError: for a name that no subscription can have.
    """

    name: str
    retry: bool = False

    def __post_init__(self) -> None:
        _check_subscription_name(self.name)
        _check_kind("retry", self.retry, bool)


@final
@dataclass(frozen=True, slots=True)
class GetDurableSubscriptions(PlainRequest[tuple[DurableSubscription, ...]]):
    """Say how far each subscription is, the eldest first."""


# -- what it tells


@final
@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for a durable subscriber."""

    message: Any
    offset: int
    subscription: str
    name: str | None
    """The name under which it was published."""
    key: str | None
    """The publisher's key."""
    published: datetime
    topic: ActorRef[Any] = field(compare=False)
    redelivered: bool = False
    """Whether it was delivered before; or may have been, before a restart: that is said of the
    first two windows of what was stored by then."""

    def confirmation(self) -> Confirm:
        """Return what is to be told to ``topic`` to confirm this message and all before it."""
        return Confirm(self.subscription, self.offset)


@final
@dataclass(frozen=True, slots=True)
class MessagesMissed:
    """Tells a subscriber that messages were deleted before it came to them."""

    subscription: str
    after: int
    """The offset of the last one before them."""
    before: int
    """The offset of the first one behind them."""
    topic: ActorRef[Any] = field(compare=False)


# -- checks


def check_count(option: str, value: object) -> None:
    """Check a number of things.

    :raises OptionError: if it is no int of at least 1.
    """
    if type(value) is not int or value < 1:
        raise OptionError(option=option, value=value, expected="an int of at least 1")


def check_offset(option: str, value: object) -> None:
    """Check an offset.

    :raises OptionError: if it is none.
    """
    check_count(option, value)


def _check_subscription_name(name: object) -> None:
    _check_text("name", name, LONGEST_KEY)
    check_actor_name(name)


def _check_text(option: str, value: object, longest: int) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        expected = f"1 to {longest} printable characters"
        raise OptionError(option=option, value=value, expected=expected)


def _check_redelivery(seconds: float | None, confirm: Confirmation) -> None:
    if seconds is None:
        return
    explicit = confirm is Confirmation.EXPLICIT
    if isinstance(seconds, bool) or not check_seconds("redeliver_after", seconds) or not explicit:
        expected = "seconds above 0, with explicit confirmations; or None"
        raise OptionError(option="redeliver_after", value=seconds, expected=expected)


def _check_kind(option: str, value: object, kind: Any) -> None:
    if not isinstance(value, kind):
        name = getattr(kind, "__name__", str(kind))
        raise OptionError(option=option, value=value, expected=f"a {name}")
