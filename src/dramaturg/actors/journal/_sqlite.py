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
from dramaturg.actors.journal._sqlite_check import check_all
from dramaturg.actors.journal._sqlite_file import (
    check_sum,
    check_whole,
    connect,
    prepare,
    same_file,
    translated,
)
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

    :param path: of the file; it is made if it is not there, or empty.
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
        check_whole(self.name)
        timeout: Any = self._options["timeout"]
        with translated(self.name):
            self._db = self._connect(read_only=self._read_only)
            try:
                prepare(self._db, self.name, read_only=self._read_only, timeout=timeout)
                self._reading = self._connect(read_only=True)
                self._file = () if self._read_only else same_file(self.name)
            except BaseException:
                self._db.close()
                raise
        self._process = os.getpid()
        self._readers = ThreadPoolExecutor(1, thread_name_prefix=f"journal reads {self.name}")
        self._writer = None
        self._others = Owners(self.name)

    async def _close(self) -> None:
        try:
            if self._writer is not None:
                await self._writer.finished()
        finally:  # cancelled, too: the thread and the file are not left behind
            self._close_now()

    def _close_now(self) -> None:
        if self._writer is not None:
            self._writer.finish()
        self._readers.shutdown()
        self._reading.close()
        self._db.close()

    @property
    def is_read_only(self) -> bool:
        """Whether it was opened with ``read_only=True``."""
        return self._read_only

    @property
    def commits(self) -> int:
        """How many transactions have written since it was opened."""
        return 0 if self._writer is None else self._writer.commits

    async def verify(self) -> None:
        """Read the whole file and check all of it; some minutes for a large one.

        What is wrong with an event or a snapshot is noticed whenever it is read. Damage to the
        bookkeeping of tags may hide an event from :meth:`read_tag`; this finds it. Other reads
        wait meanwhile, writes do not.

        :raises JournalDamaged: at the first thing that is wrong.
        """
        await self._reads(lambda: check_all(self._reading, self.name))

    # -- writing ---------------------------------------------------------------------------

    def _writing(self) -> Writer:
        self._check_open()
        if self._read_only:
            raise JournalUnavailable(
                journal=self.name, problem="read-only", detail="it was opened with read_only=True"
            )
        if self._writer is None:
            self._writer = Writer(self._db, self.name, self._file, asyncio.get_running_loop())
            self._others = self._writer.owners
        return self._writer

    def _check_open(self) -> None:
        if not self._is_open:
            raise JournalUnavailable(journal=self.name, problem="closed", detail="open it first")
        if os.getpid() != self._process:
            # SQLite's files are not to be carried over a fork, and threads are not.
            raise JournalUnavailable(
                journal=self.name,
                problem="another process's",
                detail=f"process {self._process} has opened it, and this is {os.getpid()}",
            )

    def append(self, order: Append) -> Awaitable[None]:
        """Write the events of an order; see :meth:`Journal.append`."""
        return self._writing().submit(order)

    def save(self, order: SaveSnapshot) -> Awaitable[None]:
        """Keep a snapshot; see :meth:`Journal.save`."""
        return self._writing().submit(order)

    # -- reading, in the readers' thread -----------------------------------------------------

    async def _reads(self, read: Callable[[], T]) -> T:
        self._check_open()
        with translated(self.name):
            return await asyncio.get_running_loop().run_in_executor(
                self._readers, self._at_one_moment, read
            )

    def _at_one_moment(self, read: Callable[[], T]) -> T:
        """Read in one transaction: another process may be writing."""
        self._reading.execute("begin")
        try:
            return read()
        finally:
            if self._reading.in_transaction:
                self._reading.execute("rollback")

    def _stream(self, persistence_id: str) -> tuple[int, int, int]:
        query = "select stream, writer, head from streams where name = ?"
        row = self._reading.execute(query, (persistence_id,)).fetchone()
        return (0, 0, 0) if row is None else row

    async def head(self, persistence_id: str) -> Head:
        """Tell where the events of an id end; see :meth:`Journal.head`."""
        return await self._reads(lambda: self._head(persistence_id))

    def _head(self, persistence_id: str) -> Head:
        stream, writer, head = self._stream(persistence_id)
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
        self._check_last(persistence_id, stream, head, last)
        return Head(head, head + 1 if first is None else first, tuple(snapshots))

    def _check_last(self, persistence_id: str, stream: int, head: int, last: int | None) -> None:
        """Check that the last event is there, or that a snapshot has made it superfluous."""
        if last == head or (last is None and not head):
            return
        query = "select 1 from snapshots where stream = ? and sequence = ?"
        if last is None and self._reading.execute(query, (stream, head)).fetchone():
            return
        raise JournalDamaged(
            journal=self.name,
            place=f"{persistence_id!r}, event {head}",
            detail=f"it is the last that was written, and {last or 'none'} is found",
        )

    def _checked(self, found: Any, stream: int, checksum: int) -> Any:
        snapshot = isinstance(found, Snapshot)
        cause = None if snapshot else found.cause
        if check_sum(stream, found.sequence, found.time, found.payload, cause) != checksum:
            what = "snapshot" if snapshot else "event"
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
        stream, _, head = self._stream(persistence_id)
        query = (
            "select sequence, payload, time, cause, checksum from events"
            " where stream = ? and sequence > ? order by sequence limit ?"
        )
        found: list[StoredEvent] = [
            self._checked(
                StoredEvent(persistence_id, sequence, payload, time, cause), stream, checksum
            )
            for sequence, payload, time, cause, checksum in self._reading.execute(
                query, (stream, after, limit)
            )
        ]
        if len(found) < limit and after < head:
            last = found[-1].sequence if found else None
            self._check_last(persistence_id, stream, head, last)
        return found

    async def tagged(self, tag: str, after: int, limit: int) -> list[TaggedEvent]:
        """Read events by tag; see :meth:`Journal.tagged`."""
        return await self._reads(lambda: self._tagged(tag, after, limit))

    def _tagged(self, tag: str, after: int, limit: int) -> list[TaggedEvent]:
        query = (
            "select t.position, t.checksum, s.name, t.stream, t.sequence, e.payload, e.time,"
            " e.cause, e.checksum from tags t left join streams s using (stream)"
            " left join events e using (stream, sequence)"
            " where t.tag = ? and t.position > ? order by t.position limit ?"
        )
        return [
            self._tagged_event(tag, position, checksum, event)
            for position, checksum, *event in self._reading.execute(query, (tag, after, limit))
        ]

    def _tagged_event(
        self, tag: str, position: int, own_checksum: int, found: list[Any]
    ) -> TaggedEvent:
        name, stream, sequence, payload, time, cause, checksum = found
        fits = own_checksum == check_sum(stream, sequence, position, tag.encode())
        if not fits or name is None or checksum is None:
            detail = "its event is not there" if fits else "its checksum does not fit"
            place = f"tag {tag!r}, offset {position}"
            raise JournalDamaged(journal=self.name, place=place, detail=detail)
        event = StoredEvent(name, sequence, payload, time, cause)
        return TaggedEvent(position, self._checked(event, stream, checksum))

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
            # Nothing that is printable comes behind the last of all characters.
            query = (
                "select name from streams where name > ? and name >= ? and name < ?"
                " order by name limit ?"
            )
            rows = self._reading.execute(query, (after, prefix, prefix + chr(0x10FFFF), limit))
            return [name for (name,) in rows]

        return await self._reads(read)
