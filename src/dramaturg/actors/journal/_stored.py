"""What a journal keeps: events, snapshots, and orders to write them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast, final

from dramaturg.actors._errors import OptionError

__all__ = ["Append", "Head", "SaveSnapshot", "Snapshot", "StoredEvent", "TaggedEvent", "check_text"]

LONGEST_TEXT = 500


def check_text(option: str, value: object) -> str:
    """Check a persistence id or a tag.

    :raises OptionError: if it is no text of 1 to 500 printable characters.
    """
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        raise OptionError(option=option, value=value, expected="1 to 500 printable characters")
    return value


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
    """An order to write events of one id: all or none.

    :raises OptionError: for a value that cannot be. Orders of many actors are written together,
        so that a wrong one must not get that far.
    """

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

    def __post_init__(self) -> None:
        check_text("persistence_id", self.persistence_id)
        _check_number("expected", self.expected, 0)
        _check_payloads(self.payloads)
        _check_time(self.time)
        if self.tags:
            if len(self.tags) != len(self.payloads):
                expected = f"those of each of {len(self.payloads)} events, or ()"
                raise OptionError(option="tags", value=self.tags, expected=expected)
            for tags in self.tags:
                _check_tags(tags)
        if self.cause is not None:
            check_text("cause", self.cause)
        if self.label:
            check_text("label", self.label)


@final
@dataclass(frozen=True, slots=True)
class SaveSnapshot:
    """An order to keep a state, and to let go of what it makes superfluous.

    Only what lies before the oldest kept snapshot is ever deleted, in the same transaction.

    :raises OptionError: for a value that cannot be.
    """

    snapshot: Snapshot
    keep: int = 2
    """So many snapshots stay."""
    delete_events: bool = False
    """Whether events go that the oldest kept snapshot contains."""

    def __post_init__(self) -> None:
        check_text("persistence_id", self.snapshot.persistence_id)
        _check_number("sequence", self.snapshot.sequence, 0)
        _check_payloads((self.snapshot.payload,))
        _check_time(self.snapshot.time)
        _check_number("keep", self.keep, 1)


def _check_number(option: str, value: object, least: int) -> None:
    if type(value) is not int or not least <= value < 1 << 62:
        raise OptionError(option=option, value=value, expected=f"a whole number from {least}")


def _check_payloads(payloads: object) -> None:
    found = cast("tuple[object, ...]", payloads)
    if not isinstance(payloads, tuple) or not all(type(each) is bytes for each in found):
        raise OptionError(option="payloads", value=found, expected="a tuple of bytes")


def _check_tags(tags: object) -> None:
    expected = "a tuple of different texts for each event"
    if not isinstance(tags, tuple):
        raise OptionError(option="tags", value=tags, expected=expected)
    known = cast("tuple[object, ...]", tags)
    if len({check_text("tag", tag) for tag in known}) != len(known):
        raise OptionError(option="tags", value=known, expected=expected)


def _check_time(value: object) -> None:
    if type(value) is not float or not math.isfinite(value):
        raise OptionError(option="time", value=value, expected="finite seconds since 1970")
