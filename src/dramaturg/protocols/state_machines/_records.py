"""What the journal of a machine holds, and what it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

from dramaturg.actors import Message, RegisteredType, TypeRegistry
from dramaturg.protocols.state_machines._timer import Kind, Timeout

__all__ = [
    "RECORDS",
    "Acting",
    "Began",
    "Done",
    "Dropped",
    "Moved",
    "Origin",
    "Postponed",
    "Record",
    "Running",
    "Situation",
    "TimerOrder",
    "Waiting",
]

Origin = Literal["mailbox", "inserted", "postponed", "timer"]
"""Where an event came from: that is where it is taken away."""


class TimerOrder(Message, name="dramaturg.machine.TimerOrder"):
    """What is done about a timer."""

    kind: Kind
    name: str
    what: Literal["start", "cancel", "update"]
    due: float = 0.0
    """Seconds since 1970."""
    at_once: bool = False
    content: Any = None


class Began(Message, name="dramaturg.machine.Began"):
    """The machine has entered its first state."""

    state: str
    data: Any
    at: float
    timers: tuple[TimerOrder, ...] = ()
    actions: tuple[str, ...] = ()


class Moved(Message, name="dramaturg.machine.Moved"):
    """An event was taken: the transition, and the actions that it is about to run."""

    source: str
    event: Any
    target: str
    rule: str
    entered: bool
    """Whether the target was entered, anew or again."""
    origin: Origin
    at: float
    timers: tuple[TimerOrder, ...] = ()
    inserts: tuple[Any, ...] = ()
    actions: tuple[str, ...] = ()


class Done(Message, name="dramaturg.machine.Done"):
    """An action has come to its end."""

    action: str
    inserts: tuple[Any, ...] = ()
    refused: str | None = None
    """What it said, if it said no."""


class Postponed(Message, name="dramaturg.machine.Postponed"):
    """An event was put aside until the state changes."""

    event: Any
    origin: Origin
    expires: float | None = None
    """When nobody waits for it any more: seconds since 1970."""


class Dropped(Message, name="dramaturg.machine.Dropped"):
    """An event that was accepted once has led nowhere, and is a dead letter."""

    event: Any
    origin: Origin
    why: str


Record: TypeAlias = Began | Moved | Done | Postponed | Dropped


@final
@dataclass(frozen=True, slots=True)
class Running:
    """A timer that runs."""

    kind: Kind
    name: str
    started: int
    """The sequence number with which it was started: tells it from others of its name."""
    due: float
    at_once: bool
    content: Any


@final
@dataclass(frozen=True, slots=True)
class Waiting:
    """A postponed event."""

    number: int
    event: Any
    expires: float | None


@final
@dataclass(frozen=True, slots=True)
class Acting:
    """A transition whose actions are not all done."""

    sequence: int
    event: Any
    source: str
    target: str
    rule: str
    """"" for the hooks of the first state."""
    entered: bool
    actions: tuple[str, ...]
    next: int
    inserts: tuple[Any, ...]


@final
@dataclass(frozen=True, slots=True)
class Situation:
    """All that a machine knows: what its records lead to."""

    state: str
    """Empty before the first record."""
    data: Any = None
    sequence: int = 0
    since: float = 0.0
    """When the state was entered."""
    timers: tuple[Running, ...] = ()
    """In the order in which they were started."""
    inserted: tuple[Any, ...] = ()
    postponed: tuple[Waiting, ...] = ()
    retrying: tuple[Waiting, ...] = ()
    """Once postponed, and to be taken up again before anything else comes."""
    acting: Acting | None = None


RECORDS = TypeRegistry(
    Began,
    Moved,
    Done,
    Postponed,
    Dropped,
    Timeout,
    RegisteredType(Running, "dramaturg.machine.Running"),
    RegisteredType(Waiting, "dramaturg.machine.Waiting"),
    RegisteredType(Acting, "dramaturg.machine.Acting"),
    RegisteredType(Situation, "dramaturg.machine.Situation"),
)
