"""A journal in memory: for tests, and for systems that only need to survive restarts of actors."""

from __future__ import annotations

import asyncio
from bisect import bisect_right, insort
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, final

from dramaturg.actors.journal._errors import ConcurrentWriter
from dramaturg.actors.journal._journal import Journal
from dramaturg.actors.journal._stored import Head, Snapshot, StoredEvent, TaggedEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dramaturg.actors.journal._stored import Append, SaveSnapshot

__all__ = ["MemoryJournal", "MemoryStore", "Shelf"]


@final
class Shelf:
    """What is there of one persistence id."""

    __slots__ = ("deleted", "events", "label", "snapshots", "writer")

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self.snapshots: list[Snapshot] = []
        self.label = ""
        self.deleted = 0
        """So many events came before those that are there."""
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

    def check(self, order: Append, writer: object) -> None:
        """Check that an order comes from the one writer, who knows all events."""
        shelf = self.shelves.get(order.persistence_id)
        found = 0 if shelf is None else shelf.head
        check_writer(shelf, order.persistence_id, writer)
        if found != order.expected:
            raise ConcurrentWriter(
                persistence_id=order.persistence_id, expected=order.expected, found=found
            )

    def append(self, order: Append, writer: object) -> None:
        """Carry out an order that was checked."""
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
                self._offset += 1
                self.tags.setdefault(tag, []).append(TaggedEvent(self._offset, event))

    def save(self, order: SaveSnapshot) -> None:
        """Keep a snapshot, and let go of what it makes superfluous."""
        new = order.snapshot
        shelf = self.shelf(new.persistence_id)
        kept = [each for each in shelf.snapshots if each.sequence != new.sequence]
        shelf.snapshots = sorted([*kept, new], key=lambda each: -each.sequence)[: order.keep]
        if order.delete_events and len(shelf.snapshots) == order.keep:
            superfluous = max(0, shelf.snapshots[-1].sequence - shelf.deleted)
            gone = {id(each) for each in shelf.events[:superfluous]}
            del shelf.events[:superfluous]
            shelf.deleted += superfluous
            if gone:
                for tag, found in self.tags.items():
                    self.tags[tag] = [each for each in found if id(each.event) not in gone]

    def ids(self, after: str, limit: int, wanted: Callable[[str], bool]) -> list[str]:
        """Return ids after one that are wanted, sorted."""
        found = (each for each in self._ids[bisect_right(self._ids, after) :] if wanted(each))
        return list(islice(found, limit))


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
        self.store.check(order, self)
        self.store.append(order, self)
        return _soon()

    def save(self, order: SaveSnapshot) -> Awaitable[None]:
        """Keep a snapshot; see :meth:`Journal.save`."""
        self.store.save(order)
        return _soon()

    async def head(self, persistence_id: str) -> Head:
        """Tell where the events of an id end; see :meth:`Journal.head`."""
        shelf = self.store.shelves.get(persistence_id)
        if shelf is None:
            return Head(0, 1)
        check_writer(shelf, persistence_id, self)
        return Head(shelf.head, shelf.deleted + 1, tuple(shelf.snapshots))

    async def page(self, persistence_id: str, after: int, limit: int) -> list[StoredEvent]:
        """Read events; see :meth:`Journal.page`."""
        shelf = self.store.shelves.get(persistence_id)
        if shelf is None:
            return []
        first = max(0, after - shelf.deleted)
        return shelf.events[first : first + limit]

    async def tagged(self, tag: str, after: int, limit: int) -> list[TaggedEvent]:
        """Read events by tag; see :meth:`Journal.tagged`."""
        found = self.store.tags.get(tag, [])
        first = bisect_right(found, after, key=attrgetter("offset"))
        return found[first : first + limit]

    async def ids(self, prefix: str, after: str, limit: int) -> list[str]:
        """Read ids; see :meth:`Journal.ids`."""
        return self.store.ids(after, limit, lambda each: each.startswith(prefix))

    async def found(self, label: str, after: str, limit: int) -> list[str]:
        """Read ids by label; see :meth:`Journal.found`."""
        shelves = self.store.shelves
        return self.store.ids(after, limit, lambda each: shelves[each].label == label)


def _soon() -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_soon(_settle, future)
    return future


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
