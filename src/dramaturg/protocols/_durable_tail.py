"""What a durable topic has stored last, in memory; and how its subscriptions read on.

A subscription that has caught up takes what was just stored from the tail, which all of them
share: after the commit, and not one read and one decoding for each. One that lags reads the
journal.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import deque
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, final
from uuid import UUID

from dramaturg.actors import Message
from dramaturg.actors.journal import StoredEvent
from dramaturg.protocols._durable_topic_state import TopicEvent, TopicPublished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dramaturg.actors._codec import Codec
    from dramaturg.actors.journal import Journal

__all__ = ["Entry", "Reading", "Tail"]

READ_AT_ONCE = 64
"""So many messages are read ahead."""
KEPT = 256
"""So many events are in the tail, and at most twice as many."""
UNCHANGING = (
    Message,
    Enum,
    *(bool, int, float, str, bytes, Decimal, UUID),
    *(dt.datetime, dt.date, dt.time, dt.timedelta, type(None)),
)


class Entry(NamedTuple):
    """An event of a topic, and when it was stored."""

    sequence: int
    event: Any
    time: dt.datetime


@final
class Tail:
    """The last events of a topic, without a gap; for those who read in the topic's own loop."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, events: Sequence[TopicEvent], time: float) -> None:
        """Take what was stored. What somebody might change stays in the journal alone."""
        stored = dt.datetime.fromtimestamp(time, dt.UTC)
        entries = self._entries
        for event in events:
            if isinstance(event, TopicPublished) and not _is_unchanging(event.message):
                entries.clear()
            else:
                entries.append(Entry(event.offset, event, stored))
        if len(entries) > 2 * KEPT:
            del entries[:-KEPT]

    def forget(self, up_to: int) -> None:
        """Let go of what is deleted."""
        entries = self._entries
        if entries:
            del entries[: max(0, up_to - entries[0].sequence + 1)]

    def behind(self, offset: int, limit: int) -> list[Entry]:
        """Return what comes right behind an offset; nothing if that is not known here."""
        entries = self._entries
        at = offset + 1 - entries[0].sequence if entries else -1
        return entries[at : at + limit] if at >= 0 else []


def _is_unchanging(message: object) -> bool:
    if isinstance(message, UNCHANGING):
        return not isinstance(message, Message) or bool(message.model_config.get("frozen"))
    if dataclasses.is_dataclass(message):
        return bool(getattr(type(message), "__dataclass_params__").frozen)  # noqa: B009 - untyped
    return False


@final
class Reading:
    """Where one subscription reads a topic: what was read ahead, and how it is read on."""

    __slots__ = ("_ahead", "_codec", "_journal", "_tail", "_topic_id")

    def __init__(self, tail: Tail, journal: Journal, topic_id: str, codec: Codec) -> None:
        self._tail = tail
        self._journal = journal
        self._topic_id = topic_id
        self._codec = codec
        self._ahead: deque[Entry | StoredEvent] = deque()

    def next(self, after: int, head: int) -> int | None:
        """Return the offset of what comes behind another; None if the journal has to say.

        :param head: up to where somebody reads.
        """
        ahead = self._ahead
        if not ahead:
            ahead.extend(self._tail.behind(after, min(READ_AT_ONCE, head - after)))
        return ahead[0].sequence if ahead else None

    async def read_on(self, after: int, head: int) -> int | None:
        """Read the journal on; return the offset of what comes next, None if nothing does."""
        page = await self._journal.page(self._topic_id, after, min(READ_AT_ONCE, head - after))
        self._ahead.extend(page)
        return page[0].sequence if page else None

    def take(self) -> Entry:
        """Take the next one.

        :raises DramaturgError: if it cannot be read.
        """
        first = self._ahead.popleft()
        if isinstance(first, Entry):
            return first
        event = self._codec.decode(first.payload, object)
        return Entry(first.sequence, event, dt.datetime.fromtimestamp(first.time, dt.UTC))

    def forget(self, up_to: int) -> None:
        """Drop what lies up to an offset."""
        while self._ahead and self._ahead[0].sequence <= up_to:
            self._ahead.popleft()

    def clear(self) -> None:
        """Drop what was read ahead."""
        self._ahead.clear()
