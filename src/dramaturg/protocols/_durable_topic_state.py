"""What a durable topic stores, and the states that it leads to: pure values.

Each event of a topic says which number it has. Applied to a state that contains it already, it
changes nothing. So a later state may stand for an earlier one in the journal: a snapshot of
now, kept under the number up to which events are to go.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, final

from dramaturg.actors import OptionError, RegisteredType, TypeRegistry
from dramaturg.actors._timers import check_seconds
from dramaturg.protocols._durable_topic_messages import check_count

__all__ = [
    "POSITION_TYPES",
    "SETTLED",
    "TOPIC_TYPES",
    "CursorEvent",
    "CursorFailed",
    "CursorHanded",
    "CursorMoved",
    "CursorParked",
    "CursorResumed",
    "CursorReturned",
    "CursorServed",
    "KeepAll",
    "KeepFor",
    "KeepLast",
    "KeepUnconfirmed",
    "Position",
    "Retention",
    "SubscriptionBegun",
    "SubscriptionEnded",
    "TopicEvent",
    "TopicPublished",
    "TopicState",
]

BUNDLE = 128
"""So many keys are copied at most when one comes in."""


# -- the topic


@final
@dataclass(frozen=True, slots=True)
class TopicPublished:
    """A message was published."""

    offset: int
    message: Any
    name: str | None
    key: str | None


@final
@dataclass(frozen=True, slots=True)
class SubscriptionBegun:
    """There is a new subscription."""

    offset: int
    name: str
    start: int
    """It begins behind this offset."""


@final
@dataclass(frozen=True, slots=True)
class SubscriptionEnded:
    """A subscription is over."""

    offset: int
    name: str


TopicEvent: TypeAlias = TopicPublished | SubscriptionBegun | SubscriptionEnded


@final
@dataclass(frozen=True, slots=True)
class TopicState:
    """The subscriptions of a topic, and the keys of the latest messages."""

    last: int = 0
    """The number of the last event."""
    last_message: int = 0
    """The offset of the last message."""
    published: int = 0
    subscriptions: dict[str, SubscriptionBegun] = field(
        default_factory=dict[str, SubscriptionBegun]
    )
    keys: tuple[dict[str, int], ...] = ()
    """Where the messages with these keys are; in bundles, the newest last."""

    def find(self, key: str) -> int | None:
        """Return the offset of the message with a key, if it is remembered."""
        for bundle in reversed(self.keys):
            if key in bundle:
                return bundle[key]
        return None

    def after(self, event: TopicEvent, *, remember: int) -> TopicState:
        """Return the state after an event.

        :param remember: so many keys, and up to a bundle more.
        """
        if event.offset <= self.last:
            return self
        subscriptions = self.subscriptions
        if isinstance(event, TopicPublished):
            return TopicState(
                last=event.offset,
                last_message=event.offset,
                published=self.published + 1,
                subscriptions=subscriptions,
                keys=self.keys if event.key is None else self._with(event.key, event, remember),
            )
        subscriptions = {name: subscriptions[name] for name in subscriptions if name != event.name}
        if isinstance(event, SubscriptionBegun):
            subscriptions[event.name] = event
        return replace(self, last=event.offset, subscriptions=subscriptions)

    def _with(self, key: str, event: TopicPublished, remember: int) -> tuple[dict[str, int], ...]:
        if self.keys and len(self.keys[-1]) < BUNDLE:
            return (*self.keys[:-1], {**self.keys[-1], key: event.offset})
        bundles = -(-remember // BUNDLE)
        return (*self.keys[-bundles:], {key: event.offset})


TOPIC_TYPES = TypeRegistry(
    RegisteredType(TopicPublished, "dramaturg.topic.Published"),
    RegisteredType(SubscriptionBegun, "dramaturg.topic.SubscriptionBegun"),
    RegisteredType(SubscriptionEnded, "dramaturg.topic.SubscriptionEnded"),
    RegisteredType(TopicState, "dramaturg.topic.State"),
)


# -- how long messages stay


@final
@dataclass(frozen=True, slots=True)
class KeepAll:
    """Delete nothing."""


@final
@dataclass(frozen=True, slots=True)
class KeepUnconfirmed:
    """Delete what all subscriptions have confirmed; nothing as long as there is none."""


@final
@dataclass(frozen=True, slots=True)
class KeepLast:
    """Keep the last so many offsets.

    :raises OptionError: for a number below 1.
    """

    count: int

    def __post_init__(self) -> None:
        check_count("count", self.count)


@final
@dataclass(frozen=True, slots=True)
class KeepFor:
    """Keep messages so many seconds.

    :raises OptionError: for a time that is not above 0.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not check_seconds("seconds", self.seconds):
            raise OptionError(option="seconds", value=self.seconds, expected="above 0")


Retention: TypeAlias = KeepAll | KeepUnconfirmed | KeepLast | KeepFor
"""What is deleted of the messages of a durable topic, and when."""


# -- a subscription

SETTLED = 0
"""Instead of a number of failures: the message is not to be delivered any more."""


@final
@dataclass(frozen=True, slots=True)
class CursorServed:
    """Somebody gets messages, so many at a time."""

    window: int


@final
@dataclass(frozen=True, slots=True)
class CursorMoved:
    """All up to an offset is confirmed, or not wanted."""

    confirmed: int


@final
@dataclass(frozen=True, slots=True)
class CursorFailed:
    """The subscriber has failed on a message."""

    offset: int


@final
@dataclass(frozen=True, slots=True)
class CursorHanded:
    """A message is handed over that may have ended a process."""

    offset: int


@final
@dataclass(frozen=True, slots=True)
class CursorReturned:
    """Messages that were handed over have ended nothing."""

    offsets: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class CursorParked:
    """The subscription stands still."""

    offset: int


@final
@dataclass(frozen=True, slots=True)
class CursorResumed:
    """The subscription goes on: behind the message that it was parked at, or with it."""

    retry: bool


CursorEvent: TypeAlias = (
    CursorServed
    | CursorMoved
    | CursorFailed
    | CursorHanded
    | CursorReturned
    | CursorParked
    | CursorResumed
)


@final
@dataclass(frozen=True, slots=True)
class Position:
    """How far a subscription is."""

    confirmed: int = 0
    window: int = 0
    """So many messages at a time have been with a subscriber."""
    failures: dict[int, int] = field(default_factory=dict[int, int])
    """How often the subscriber has failed on messages that are not confirmed; or `SETTLED`."""
    parked: int | None = None
    handed: tuple[int, ...] = ()
    """What is with the subscriber of the messages that may end its process."""

    def after(self, event: CursorEvent) -> Position:
        """Return the position after an event."""
        match event:
            case CursorServed(window):
                return replace(self, window=max(window, self.window))
            case CursorMoved(confirmed):
                return self._confirmed_up_to(confirmed)
            case CursorFailed(offset):
                count = self.failures.get(offset, 0) + 1
                counted = replace(self, failures={**self.failures, offset: count})
                return counted._without((offset,))
            case CursorHanded() | CursorReturned():
                return self._after_handing(event)
            case CursorParked(offset):
                return replace(self, parked=offset)
            case CursorResumed():
                left = {at: self.failures[at] for at in self.failures if at != self.parked}
                if self.parked is not None and not event.retry:
                    left[self.parked] = SETTLED
                return replace(self, parked=None, failures=left)

    def _confirmed_up_to(self, confirmed: int) -> Position:
        if not (self.failures or self.handed):  # nearly always
            return Position(confirmed, self.window, parked=self.parked)
        left = {at: self.failures[at] for at in self.failures if at > confirmed}
        handed = tuple(at for at in self.handed if at > confirmed)
        return replace(self, confirmed=confirmed, failures=left, handed=handed)

    def _after_handing(self, event: CursorHanded | CursorReturned) -> Position:
        if isinstance(event, CursorReturned):
            return self._without(event.offsets)
        return replace(self, handed=(*self.handed, event.offset))

    def _without(self, offsets: tuple[int, ...]) -> Position:
        return replace(self, handed=tuple(at for at in self.handed if at not in offsets))


POSITION_TYPES = TypeRegistry(
    RegisteredType(CursorServed, "dramaturg.topic.CursorServed"),
    RegisteredType(CursorMoved, "dramaturg.topic.CursorMoved"),
    RegisteredType(CursorFailed, "dramaturg.topic.CursorFailed"),
    RegisteredType(CursorHanded, "dramaturg.topic.CursorHanded"),
    RegisteredType(CursorReturned, "dramaturg.topic.CursorReturned"),
    RegisteredType(CursorParked, "dramaturg.topic.CursorParked"),
    RegisteredType(CursorResumed, "dramaturg.topic.CursorResumed"),
    RegisteredType(Position, "dramaturg.topic.Position"),
)
