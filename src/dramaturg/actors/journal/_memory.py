"""A journal in memory: for tests, and for systems that only need to survive restarts of actors."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, final

from dramaturg.actors.journal._errors import ConcurrentWriter, JournalUnavailable
from dramaturg.actors.journal._journal import Journal
from dramaturg.actors.journal._stored import Head, Snapshot, StoredEvent, TaggedEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from dramaturg.actors.journal._stored import Append, SaveSnapshot

__all__ = ["MemoryJournal", "MemoryStore", "Shelf"]


@final
class Shelf:
    """What is there of one persistence id."""

    __slots__ = ("deleted", "events", "label", "snapshots", "tags", "writer")

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self.snapshots: list[Snapshot] = []
        self.label = ""
        self.deleted = 0
        """So many events came before those that are there."""
        self.tags: set[str] = set()
        """Those that any of its events had."""
        self.writer: object = None

    @property
    def head(self) -> int:
        """The sequence number of the last event."""
        return self.deleted + len(self.events)


@final
class MemoryStore:
    """What a journal in memory keeps; it outlives the journals that write to it."""

    def __init__(self) -> None:
        self.shelves: dict[str, Shelf] = {}
        self.tags: dict[str, list[TaggedEvent]] = {}
        self._ids: list[str] = []
        self._offset = 0

    def shelf(self, persistence_id: str) -> Shelf:
        """Return what is there of an id, which may be new."""
        shelf = self.shelves.get(persistence_id)
        if shelf is None:
            shelf = self.shelves[persistence_id] = Shelf()
            insort(self._ids, persistence_id)
        return shelf

    def _check(self, persistence_id: str, expected: int, writer: object) -> None:
        shelf = self.shelves.get(persistence_id)
        found = 0 if shelf is None else shelf.head
        check_writer(shelf, persistence_id, writer)
        if found != expected:
            raise ConcurrentWriter(persistence_id=persistence_id, expected=expected, found=found)

    def append(self, order: Append, writer: object) -> None:
        """Write the events of an order.

        :raises ConcurrentWriter: if it does not come from the one writer, who knows all events.
        """
        self._check(order.persistence_id, order.expected, writer)
        shelf = self.shelf(order.persistence_id)
        shelf.writer = writer
        if order.label is not None:
            shelf.label = order.label
        for index, payload in enumerate(order.payloads):
            event = StoredEvent(
                order.persistence_id, shelf.head + 1, payload, order.time, order.cause
            )
            shelf.events.append(event)
            for tag in order.tags[index] if order.tags else ():
                shelf.tags.add(tag)
                self._offset += 1
                self.tags.setdefault(tag, []).append(TaggedEvent(self._offset, event))

    def save(self, order: SaveSnapshot, writer: object) -> None:
        """Keep a snapshot, and let go of what it makes superfluous.

        :raises ConcurrentWriter: as for :meth:`append`.
        """
        new = order.snapshot
        shelf = self.shelves.get(new.persistence_id)
        head = 0 if shelf is None else shelf.head
        self._check(new.persistence_id, max(head, new.sequence), writer)
        shelf = self.shelf(new.persistence_id)
        shelf.writer = writer
        kept = [each for each in shelf.snapshots if each.sequence != new.sequence]
        shelf.snapshots = sorted([*kept, new], key=lambda each: -each.sequence)[: order.keep]
        if order.delete_events and len(shelf.snapshots) == order.keep:
            superfluous = max(0, shelf.snapshots[-1].sequence - shelf.deleted)
            gone = {id(each) for each in shelf.events[:superfluous]}
            del shelf.events[:superfluous]
            shelf.deleted += superfluous
            for tag in shelf.tags:
                self.tags[tag] = [each for each in self.tags[tag] if id(each.event) not in gone]

    def beginning(self, prefix: str, after: str) -> Iterator[str]:
        """Go through the ids after one that begin so, sorted."""
        first = max(bisect_right(self._ids, after), bisect_left(self._ids, prefix))
        for index in range(first, len(self._ids)):
            if not self._ids[index].startswith(prefix):
                return
            yield self._ids[index]


def check_writer(shelf: Shelf | None, persistence_id: str, writer: object) -> None:
    """Check that nobody else who lives writes to an id."""
    holder = None if shelf is None else shelf.writer
    if holder is None or holder is writer:
        return
    if isinstance(holder, Journal) and holder.is_open:
        raise ConcurrentWriter(
            persistence_id=persistence_id, expected=0, found=None, holder="another system"
        )


class MemoryJournal(Journal):
    """A journal whose events are kept as long as its store: ``MemoryJournal(other.store)``.

    It may be opened again after it was closed, also by another system, and everything is there.
    An append is acknowledged in the loop's next round, never before the call has returned.
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        super().__init__("in memory")
        self.store = MemoryStore() if store is None else store

    def _open(self) -> None:
        pass

    async def _close(self) -> None:
        pass

    def _close_now(self) -> None:
        pass

    def append(self, order: Append) -> Awaitable[None]:
        """Write the events of an order; see :meth:`Journal.append`."""
        self._check_open()
        self.store.append(order, self)
        return _soon()

    def save(self, order: SaveSnapshot) -> Awaitable[None]:
        """Keep a snapshot; see :meth:`Journal.save`."""
        self._check_open()
        self.store.save(order, self)
        return _soon()

    def _check_open(self) -> None:
        if not self._is_open:
            raise JournalUnavailable(journal=self.name, problem="closed", detail="open it first")

    async def head(self, persistence_id: str) -> Head:
        """Tell where the events of an id end; see :meth:`Journal.head`."""
        self._check_open()
        shelf = self.store.shelves.get(persistence_id)
        if shelf is None:
            return Head(0, 1)
        check_writer(shelf, persistence_id, self)
        return Head(shelf.head, shelf.deleted + 1, tuple(shelf.snapshots))

    async def page(self, persistence_id: str, after: int, limit: int) -> list[StoredEvent]:
        """Read events; see :meth:`Journal.page`."""
        self._check_open()
        shelf = self.store.shelves.get(persistence_id)
        if shelf is None:
            return []
        first = max(0, after - shelf.deleted)
        return shelf.events[first : first + limit]

    async def tagged(self, tag: str, after: int, limit: int) -> list[TaggedEvent]:
        """Read events by tag; see :meth:`Journal.tagged`."""
        self._check_open()
        found = self.store.tags.get(tag, [])
        first = bisect_right(found, after, key=attrgetter("offset"))
        return found[first : first + limit]

    async def ids(self, prefix: str, after: str, limit: int) -> list[str]:
        """Read ids; see :meth:`Journal.ids`."""
        self._check_open()
        return list(islice(self.store.beginning(prefix, after), limit))

    async def found(self, label: str, after: str, limit: int) -> list[str]:
        """Read ids by label; see :meth:`Journal.found`."""
        self._check_open()
        shelves = self.store.shelves
        all_ids = self.store.beginning("", after)
        wanted = (each for each in all_ids if label and shelves[each].label == label)
        return list(islice(wanted, limit))


def _soon() -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_soon(_settle, future)
    return future


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
