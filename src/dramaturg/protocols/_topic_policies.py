"""What a topic does for a subscriber that is slow: frozen values, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

from dramaturg.actors import OptionError

__all__ = [
    "Disconnect",
    "DropNewest",
    "DropOldest",
    "Park",
    "SlowPolicy",
    "Unlimited",
    "check_slow",
]


@final
@dataclass(frozen=True, slots=True)
class Unlimited:
    """Hand everything over at once, as ``tell`` does: it waits in the subscriber's mailbox.

    The default. Nothing is counted but what was handed over.
    """


@final
@dataclass(frozen=True, slots=True)
class DropNewest:
    """Drop what comes while ``limit`` messages are with the subscriber.

    With the subscriber is what was handed over to it and not handled yet, the one that it is
    just handling included.

    :raises OptionError: for a limit below 1.
    """

    limit: int

    def __post_init__(self) -> None:
        _check_count("limit", self.limit)


@final
@dataclass(frozen=True, slots=True)
class DropOldest:
    """Keep the newest ``limit`` messages, and drop the oldest of them when one more comes.

    They wait at the topic, and one at a time is with the subscriber: what is in its mailbox
    nobody could take out again. ``DropOldest(1)`` is for those who want the latest value only:
    of all that came while it handled one message, it gets the last.

    :raises OptionError: for a limit below 1.
    """

    limit: int

    def __post_init__(self) -> None:
        _check_count("limit", self.limit)


@final
@dataclass(frozen=True, slots=True)
class Park:
    """Keep what comes while ``limit`` messages are with the subscriber, until it catches up.

    Up to ``parked`` messages wait at the topic, and go to the subscriber in order, as it
    handles what it has. What comes when there is no room for it either is dropped, so that what it
    gets has no gap before the end.

    :raises OptionError: for a limit, or a number of parked messages, below 1.
    """

    limit: int
    parked: int

    def __post_init__(self) -> None:
        _check_count("limit", self.limit)
        _check_count("parked", self.parked)


@final
@dataclass(frozen=True, slots=True)
class Disconnect:
    """Unsubscribe whoever has ``limit`` messages when one more comes.

    It is told so by :class:`Disconnected`, behind what it has, and everybody else by the event
    :class:`SubscriberDisconnected`. It may subscribe again. The one message more is dropped.

    :raises OptionError: for a limit below 1.
    """

    limit: int

    def __post_init__(self) -> None:
        _check_count("limit", self.limit)


SlowPolicy: TypeAlias = Unlimited | DropNewest | DropOldest | Park | Disconnect
"""What becomes of messages for a subscriber that does not keep up."""


def check_slow(slow: object) -> None:
    """Check that it is a policy; None stands for none.

    :raises OptionError: if not.
    """
    if slow is not None and not isinstance(slow, SlowPolicy):
        raise OptionError(
            option="slow",
            value=slow,
            expected="Unlimited(), DropNewest(n), DropOldest(n), Park(n, m) or Disconnect(n)",
        )


def _check_count(option: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise OptionError(option=option, value=value, expected="an int of at least 1")
