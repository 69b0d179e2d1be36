"""What the actors of all flavours say to each other.

Messages with fields are slotted and not frozen: a frozen dataclass takes twice as long to make,
and pykka's rows use bare tuples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dramaturg.actors import ActorRef, Message, Request


@dataclass(frozen=True, slots=True)
class Hit:
    """Counted by whoever gets it; one object says it all."""


@dataclass(slots=True)
class Token:
    left: int


@dataclass(slots=True)
class Item:
    value: int


@dataclass(slots=True)
class Echo:
    value: int


class HitModel(Message):
    weight: int


class TokenModel(Message):
    left: int


class ItemModel(Message):
    value: int


class EchoModel(Request[int]):
    value: int


@dataclass(frozen=True, slots=True)
class Link:
    """Name the next node of a ring."""

    following: ActorRef[Any]


@dataclass(frozen=True, slots=True)
class Produce:
    """Send so many hits; the reply says how many were sent."""

    times: int


@dataclass(frozen=True, slots=True)
class AskOther:
    """Make so many requests; the reply is the sum of the replies."""

    times: int


@dataclass(frozen=True, slots=True)
class Total:
    """Ask for the number of messages counted so far."""
