"""What a machine can be asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Generic, TypeVar, final

from dramaturg.actors import Request
from dramaturg.protocols.state_machines._records import (
    Began,
    Done,
    Dropped,
    Moved,
    Postponed,
    Record,
)

__all__ = [
    "GetDiagram",
    "GetHistory",
    "GetStatus",
    "MachineHistory",
    "MachineHistoryEntry",
    "MachineStatus",
    "entry_of",
]

S = TypeVar("S", bound=Enum)
D = TypeVar("D")


@final
@dataclass(frozen=True, slots=True)
class MachineStatus(Generic[S, D]):
    """How a machine stands."""

    state: S
    data: D
    sequence: int
    """How many records its journal has had."""
    since: datetime
    """When the state was entered."""
    allowed: tuple[str, ...]
    """The events for which something is declared in the state; guards may yet say no."""
    timers: tuple[tuple[str, datetime], ...]
    """The timers that run, and when they end."""
    postponed: tuple[Any, ...]
    """The events that wait for another state, the oldest first."""


@final
@dataclass(frozen=True, slots=True)
class MachineHistoryEntry:
    """One thing that has happened."""

    sequence: int
    time: datetime
    source: str | None
    """The state before; None at the beginning, and for what is no transition."""
    event: Any
    """What was taken, postponed or dropped; None for the beginning and the end of an action."""
    target: str | None
    """The state behind a transition."""
    what: str
    """The entry in words."""
    cause: str | None
    """The id of the message that led to it, where it carried one (``trace=True``)."""

    def __str__(self) -> str:
        return f"{self.sequence:>4}  {self.time:%Y-%m-%d %H:%M:%S}  {self.what}"


@final
@dataclass(frozen=True, slots=True)
class MachineHistory:
    """All that has happened to a machine, in order; what was deleted behind snapshots is not."""

    persistence_id: str
    entries: tuple[MachineHistoryEntry, ...]

    @property
    def transitions(self) -> tuple[tuple[str, Any, str], ...]:
        """The transitions alone: from, event, to."""
        return tuple(
            (each.source, each.event, each.target)
            for each in self.entries
            if each.source is not None and each.target is not None
        )

    def __str__(self) -> str:
        return "\n".join([self.persistence_id, *map(str, self.entries)])


class GetStatus(Request[MachineStatus[Any, Any]], name="dramaturg.machine.GetStatus"):
    """Ask a machine how it stands."""


class GetHistory(Request[MachineHistory], name="dramaturg.machine.GetHistory"):
    """Ask a machine what has happened to it."""


class GetDiagram(Request[str], name="dramaturg.machine.GetDiagram"):
    """Ask a machine to draw itself, in Mermaid, its state marked."""


def entry_of(sequence: int, time: float, record: Record, cause: str | None) -> MachineHistoryEntry:
    """Describe a record."""
    source = record.source if isinstance(record, Moved) else None
    event = None if isinstance(record, Began | Done) else record.event
    target = record.target if isinstance(record, Moved) else None
    target = record.state if isinstance(record, Began) else target
    return MachineHistoryEntry(
        sequence=sequence,
        time=datetime.fromtimestamp(time, UTC),
        source=source,
        event=event,
        target=target,
        what=_what(record),
        cause=cause,
    )


def _what(record: Record) -> str:
    match record:
        case Began():
            return f"begins in {record.state}"
        case Moved():
            again = " (again)" if record.entered and record.source == record.target else ""
            return f"{record.source} -- {record.event!r} --> {record.target}{again}"
        case Done():
            no = "" if record.refused is None else f", refused: {record.refused}"
            return f"{record.action} is done{no}"
        case Postponed():
            return f"{record.event!r} is postponed"
        case Dropped():
            return f"{record.event!r} is dropped: {record.why}"
