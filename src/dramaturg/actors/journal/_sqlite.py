"""The embedded journal: one SQLite file."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from dramaturg.actors._errors import OptionError
from dramaturg.actors._timers import check_seconds
from dramaturg.actors.journal._errors import (
    ConcurrentWriter,
    JournalDamaged,
    JournalUnavailable,
)
from dramaturg.actors.journal._journal import Journal
from dramaturg.actors.journal._owners import Owners
from dramaturg.actors.journal._sqlite_file import check_sum, connect, prepare, translated
from dramaturg.actors.journal._sqlite_writer import Writer
from dramaturg.actors.journal._stored import Head, Snapshot, StoredEvent, TaggedEvent

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable

    from dramaturg.actors.journal._stored import Append, SaveSnapshot

__all__ = ["SqliteJournal"]

T = TypeVar("T")


class SqliteJournal(Journal):
    """A journal in one SQLite file (with ``-wal`` and ``-shm`` beside it), in WAL mode.

    One thread writes, with group commit across actors; another one reads. An append is
    acknowledged when SQLite has committed it:

    - ``synchronous="FULL"``, the default: it is on the disk, and survives the loss of power.
    - ``"NORMAL"``: it survives the end of the process, also by SIGKILL; the last few may be lost
      when the machine goes down, in order, and the file is never damaged by that. A lone
      append then does not wait for the disk.

    Several processes may use one file, each for its own persistence ids: an id belongs to
    the process that wrote to it last, as long as that lives (it holds a lock on
    ``<file>-writer-<number>``). Keep the file on a local disk.

    :param path: of the file; it is made if it is not there.
    :param busy_timeout: seconds to wait for another process that is writing.
    :param read_only: look, and write nothing.
    :raises OptionError: for a value that cannot be.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        busy_timeout: float = 5.0,
        read_only: bool = False,
    ) -> None:
        if not isinstance(cast("object", path), str | os.PathLike) or not os.fspath(path):
            raise OptionError(option="path", value=path, expected="the path of a file")
        if synchronous not in ("FULL", "NORMAL"):
            raise OptionError(
                option="synchronous", value=synchronous, expected='"FULL" or "NORMAL"'
            )
        super().__init__(os.fspath(path))
        self._options = {
            "timeout": check_seconds("busy_timeout", busy_timeout),
            "synchronous": synchronous,
        }
        self._read_only = read_only
        self._writer: Writer | None = None

    def _connect(self, *, read_only: bool) -> sqlite3.Connection:
        options: Any = self._options
        return connect(self.name, read_only=read_only, **options)

    def _open(self) -> None:
        with translated(self.name):
            self._db = self._connect(read_only=self._read_only)
            try:
                prepare(self._db, self.name, read_only=self._read_only)
                self._reading = self._connect(read_only=True)
            except BaseException:
                self._db.close()
                raise
        self._readers = ThreadPoolExecutor(1, thread_name_prefix=f"journal reads {self.name}")
        self._writer = None
        self._others = Owners(self.name)

    async def _close(self) -> None:
        if self._writer is not None:
            await self._writer.finished()
        self._close_now()

    def _close_now(self) -> None:
        if self._writer is not None:
            self._writer.finish()
        self._readers.shutdown()
        self._reading.close()
        self._db.close()

    @property
    def commits(self) -> int:
        """How many transactions have written since it was opened."""
        return 0 if self._writer is None else self._writer.commits

    # -- writing ---------------------------------------------------------------------------

    def _writing(self) -> Writer:
        if not self._is_open or self._read_only:
            problem = "read-only" if self._read_only else "closed"
            raise JournalUnavailable(
                journal=self.name, problem=problem, detail="see how it was opened"
            )
        if self._writer is None:
            self._writer = Writer(self._db, self.name, asyncio.get_running_loop())
            self._others = self._writer.owners
        return self._writer

    def append(self, order: Append) -> Awaitable[None]:
        """Write the events of an order; see :meth:`Journal.append`."""
        return self._writing().submit(order)

    def save(self, order: SaveSnapshot) -> Awaitable[None]:
        """Keep a snapshot; see :meth:`Journal.save`."""
        return self._writing().submit(order)

    # -- reading, in the readers' thread -----------------------------------------------------

    async def _reads(self, read: Callable[[], T]) -> T:
        if not self._is_open:
            raise JournalUnavailable(journal=self.name, problem="closed", detail="it was closed")
        with translated(self.name):
            return await asyncio.get_running_loop().run_in_executor(self._readers, read)

    def _stream(self, persistence_id: str) -> tuple[int, int]:
        query = "select stream, writer from streams where name = ?"
        row = self._reading.execute(query, (persistence_id,)).fetchone()
        return (0, 0) if row is None else row

    async def head(self, persistence_id: str) -> Head:
        """Tell where the events of an id end; see :meth:`Journal.head`."""
        return await self._reads(lambda: self._head(persistence_id))

    def _head(self, persistence_id: str) -> Head:
        stream, writer = self._stream(persistence_id)
        if not stream:
            return Head(0, 1)
        holder = None if self._read_only else self._others.living(writer)
        if holder is not None:
            raise ConcurrentWriter(
                persistence_id=persistence_id, expected=0, found=None, holder=holder
            )
        query = "select min(sequence), max(sequence) from events where stream = ?"
        first, last = self._reading.execute(query, (stream,)).fetchone()
        query = (
            "select sequence, time, payload, checksum from snapshots"
            " where stream = ? order by sequence desc"
        )
        snapshots = [
            self._checked(Snapshot(persistence_id, sequence, payload, time), stream, checksum)
            for sequence, time, payload, checksum in self._reading.execute(query, (stream,))
        ]
        head = max(last or 0, snapshots[0].sequence if snapshots else 0)
        return Head(head, head + 1 if first is None else first, tuple(snapshots))

    def _checked(self, found: Any, stream: int, checksum: int) -> Any:
        if check_sum(stream, found.sequence, found.payload) != checksum:
            what = "snapshot" if isinstance(found, Snapshot) else "event"
            raise JournalDamaged(
                journal=self.name,
                place=f"{found.persistence_id!r}, {what} {found.sequence}",
                detail="its checksum does not fit",
            )
        return found

    async def page(self, persistence_id: str, after: int, limit: int) -> list[StoredEvent]:
        """Read events; see :meth:`Journal.page`."""
        return await self._reads(lambda: self._page(persistence_id, after, limit))

    def _page(self, persistence_id: str, after: int, limit: int) -> list[StoredEvent]:
        stream, _ = self._stream(persistence_id)
        query = (
            "select sequence, payload, time, cause, checksum from events"
            " where stream = ? and sequence > ? order by sequence limit ?"
        )
        return [
            self._checked(
                StoredEvent(persistence_id, sequence, payload, time, cause), stream, checksum
            )
            for sequence, payload, time, cause, checksum in self._reading.execute(
                query, (stream, after, limit)
            )
        ]

    async def tagged(self, tag: str, after: int, limit: int) -> list[TaggedEvent]:
        """Read events by tag; see :meth:`Journal.tagged`."""
        return await self._reads(lambda: self._tagged(tag, after, limit))

    def _tagged(self, tag: str, after: int, limit: int) -> list[TaggedEvent]:
        query = (
            "select t.position, s.name, e.sequence, e.payload, e.time, e.cause, e.checksum,"
            " e.stream from tags t join streams s using (stream)"
            " join events e using (stream, sequence)"
            " where t.tag = ? and t.position > ? order by t.position limit ?"
        )
        return [
            TaggedEvent(
                position,
                self._checked(StoredEvent(name, sequence, payload, time, cause), stream, checksum),
            )
            for position, name, sequence, payload, time, cause, checksum, stream in (
                self._reading.execute(query, (tag, after, limit))
            )
        ]

    async def found(self, label: str, after: str, limit: int) -> list[str]:
        """Read ids by label; see :meth:`Journal.found`."""

        def read() -> list[str]:
            query = (
                "select name from streams where label = ? and label != '' and name > ?"
                " order by name limit ?"
            )
            return [name for (name,) in self._reading.execute(query, (label, after, limit))]

        return await self._reads(read)

    async def ids(self, prefix: str, after: str, limit: int) -> list[str]:
        """Read ids; see :meth:`Journal.ids`."""

        def read() -> list[str]:
            query = (
                "select name from streams where name > ? and substr(name, 1, ?) = ?"
                " order by name limit ?"
            )
            rows = self._reading.execute(query, (after, len(prefix), prefix, limit))
            return [name for (name,) in rows]

        return await self._reads(read)
