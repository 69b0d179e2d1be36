"""The journal of a simulated node: a file on its disk, record after record.

Each record has its length and a checksum in front, and is acknowledged when the disk has synced
it. So all that may befall a disk befalls a journal: a write that fails, one that is torn, one
that is lost with the node, and a crash before, between and after a write and its sync. What a
torn record leaves is cut off before anything else is written; so is what a failed write may have
left, before anybody reads.
"""

from __future__ import annotations

import asyncio
from struct import Struct
from typing import TYPE_CHECKING, Any, TypeAlias, final
from zlib import crc32

from dramaturg.actors import JournalUnavailable, MemoryJournal
from dramaturg.actors._msgpack import pack, unpack
from dramaturg.actors.journal import Append, SaveSnapshot, Snapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from dramaturg.actors.journal import Head, StoredEvent, TaggedEvent
    from dramaturg.protocols.testing._disk import Disk

__all__ = ["DiskJournal"]

FILE = "journal"
FRAME = Struct(">II")
_Order: TypeAlias = "Append | SaveSnapshot"


@final
class DiskJournal(MemoryJournal):
    """A journal on a node's :class:`Disk`; every node's system has one.

    It makes no event of the simulation before something is written to it.
    """

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self._disk = disk
        self._good = 0
        """So many bytes are acknowledged."""
        self._is_clean = True
        self._last: asyncio.Future[None] | None = None

    def _open(self) -> None:
        data = self._disk.read(FILE)
        self._good = 0
        while (order := _record_at(data, self._good)) is not None:
            self._apply(order)
            self._good += FRAME.size + FRAME.unpack_from(data, self._good)[0]
        self._is_clean = self._good == len(data)

    def _apply(self, order: _Order) -> None:
        if isinstance(order, Append):
            self.store.append(order, self)
        else:
            self.store.save(order, self)

    # -- writing ---------------------------------------------------------------------------

    def append(self, order: Append) -> Awaitable[None]:
        """Write the events of an order; see :meth:`Journal.append`."""
        return self._submit(order)

    def save(self, order: SaveSnapshot) -> Awaitable[None]:
        """Keep a snapshot; see :meth:`Journal.save`."""
        return self._submit(order)

    def _submit(self, order: _Order) -> asyncio.Future[None]:
        # A task of its own: whoever waits may be cut short, and the disk goes on all the same.
        self._last = asyncio.ensure_future(self._write(order, self._last))
        return self._last

    async def _write(self, order: _Order, before: asyncio.Future[None] | None) -> None:
        if before is not None and not before.done():
            await asyncio.wait([before])
        if isinstance(order, Append):
            self.store._check(order.persistence_id, order.expected, self)
        body = pack(_packed(order))
        data = FRAME.pack(len(body), crc32(body)) + body
        await self._clean()
        self._is_clean = False
        try:
            await self._disk.append(FILE, data)
            await self._disk.sync(FILE)
        except OSError as error:
            raise self._unavailable(error) from error
        self._is_clean = True
        self._good += len(data)
        self._apply(order)

    async def _clean(self) -> None:
        """Cut off what nobody was told to be there."""
        if not self._is_clean:
            try:
                await self._disk.truncate(FILE, self._good)
            except OSError as error:
                raise self._unavailable(error) from error
            self._is_clean = True

    def _unavailable(self, error: OSError) -> JournalUnavailable:
        return JournalUnavailable(journal=FILE, problem="not writable", detail=str(error))

    async def _settled(self) -> None:
        """Wait until it is known what is there."""
        while self._last is not None and not self._last.done():
            await asyncio.wait([self._last])
        await self._clean()

    # -- reading ---------------------------------------------------------------------------

    async def head(self, persistence_id: str) -> Head:
        """Tell where the events of an id end; see :meth:`Journal.head`."""
        await self._settled()
        return await super().head(persistence_id)

    async def page(self, persistence_id: str, after: int, limit: int) -> list[StoredEvent]:
        """Read events; see :meth:`Journal.page`."""
        await self._settled()
        return await super().page(persistence_id, after, limit)

    async def tagged(self, tag: str, after: int, limit: int) -> list[TaggedEvent]:
        """Read events by tag; see :meth:`Journal.tagged`."""
        await self._settled()
        return await super().tagged(tag, after, limit)


def _packed(order: _Order) -> list[Any]:
    if isinstance(order, Append):
        return [
            order.persistence_id,
            order.expected,
            list(order.payloads),
            order.time,
            [list(each) for each in order.tags],
            order.cause,
            order.label,
        ]
    kept = order.snapshot
    return [
        kept.persistence_id,
        kept.sequence,
        kept.payload,
        kept.time,
        order.keep,
        order.delete_events,
    ]


def _record_at(data: bytes, start: int) -> _Order | None:
    """Return the record that begins there; None if there is no whole one."""
    if len(data) < start + FRAME.size:
        return None
    length, checksum = FRAME.unpack_from(data, start)
    body = data[start + FRAME.size : start + FRAME.size + length]
    if len(body) < length or crc32(body) != checksum:
        return None
    fields: Any = unpack(body, lambda code, data: (code, data), lambda items: items)
    if isinstance(fields[2], list):
        persistence_id, expected, payloads, time, tags, cause, label = fields
        return Append(
            persistence_id,
            expected,
            tuple(payloads),
            time,
            tuple(tuple(each) for each in tags),
            cause,
            label,
        )
    persistence_id, sequence, payload, time, keep, delete_events = fields
    return SaveSnapshot(Snapshot(persistence_id, sequence, payload, time), keep, delete_events)
