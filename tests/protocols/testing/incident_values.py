"""Messages that hold all kinds of values, for tests of what an exported test looks like."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from dramaturg.actors import Actor, ActorRef, Message, handler
from dramaturg.protocols.testing import Simulation


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Outer:
    """Holds a message type."""

    @dataclass(frozen=True)
    class Inner:
        text: str


@dataclass(frozen=True)
class Outside:
    """Has the name of something that an exported test imports."""

    number: int


class Parcel(Message):
    size: Size
    price: Decimal
    sent: dt.datetime
    within: dt.timedelta
    id: UUID
    tags: frozenset[str]
    places: dict[str, tuple[int, ...]]
    inner: Outer.Inner
    note: str = ""


@dataclass(frozen=True)
class Hand:
    to: ActorRef[Any]


class Box(Actor):
    @handler
    def take(self, message: object) -> None: ...


def box(sim: Simulation) -> None:
    sim.system.spawn(Box, name="box")
