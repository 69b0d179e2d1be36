"""What a journal keeps: events, snapshots, and orders to write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

__all__ = ["Append", "Head", "SaveSnapshot", "Snapshot", "StoredEvent", "TaggedEvent"]


@final
@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is stored."""

    persistence_id: str
    sequence: int
    """1 for the first event of its id, and one more with each."""
    payload: bytes
    """What :meth:`Codec.encode` made of it: type name, version and fields."""
    time: float
    """When it was written: seconds since 1970, by the system's clock."""
    cause: str | None = None
    """The id of the message that led to it, where it carried one."""


@final
@dataclass(frozen=True, slots=True)
class TaggedEvent:
    """One event found by its tag."""

    offset: int
    """Its place among all tagged events of the journal; go on reading behind it."""
    event: StoredEvent


@final
@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state after an event, as it is stored."""

    persistence_id: str
    sequence: int
    payload: bytes
    time: float


@final
@dataclass(frozen=True, slots=True)
class Head:
    """Where the events of an id end, and what to begin its recovery with."""

    sequence: int
    """Of the last event; 0 if there is none. Deleted events count."""
    oldest: int
    """Of the first event that is still there; ``sequence + 1`` if none is."""
    snapshots: tuple[Snapshot, ...] = ()
    """Those that are kept, the newest first."""


@final
@dataclass(frozen=True, slots=True)
class Append:
    """An order to write events of one id: all or none."""

    persistence_id: str
    expected: int
    """The sequence number behind which they come."""
    payloads: tuple[bytes, ...]
    time: float
    tags: tuple[tuple[str, ...], ...] = ()
    """Those of each event; empty if none has any."""
    cause: str | None = None
    label: str | None = None
    """What the id is to be found under from now on; None leaves that as it is, "" ends it."""


@final
@dataclass(frozen=True, slots=True)
class SaveSnapshot:
    """An order to keep a state, and to let go of what it makes superfluous.

    Only what lies before the oldest kept snapshot is ever deleted, in the same transaction.
    """

    snapshot: Snapshot
    keep: int = 2
    """So many snapshots stay."""
    delete_events: bool = False
    """Whether events go that the oldest kept snapshot contains."""
