"""The one thread that writes to the file, and group commit.

While a transaction is made durable, the orders of other actors queue up; all that are there make
the next transaction. So the cost of a flush is shared by as many as wait for one, and nobody
waits for others to come. An order that is refused (another writer, an unexpected sequence
number) is refused alone. If the transaction itself fails, all its orders fail alike, and nothing
of them is there.

The thread remembers the last sequence number of the ids it wrote to lately; when another process
has changed the file, which SQLite tells, it forgets them.
"""

from __future__ import annotations

import sqlite3
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias, final

from dramaturg.actors.journal._errors import ConcurrentWriter, JournalUnavailable
from dramaturg.actors.journal._owners import Owners
from dramaturg.actors.journal._sqlite_file import check_sum, translation
from dramaturg.actors.journal._stored import Append, SaveSnapshot

if TYPE_CHECKING:
    import asyncio

__all__ = ["Writer"]

BATCH = 2_000
"""So many orders make one transaction at most."""
REMEMBERED = 10_000
"""Of so many ids the last sequence number is remembered."""

_Order: TypeAlias = "Append | SaveSnapshot"
_Job: TypeAlias = "tuple[_Order, asyncio.Future[None]]"


@final
class _Known:
    __slots__ = ("head", "stream")

    def __init__(self, stream: int, head: int) -> None:
        self.stream = stream
        self.head = head


@final
class Writer:
    """The writing side of an open file."""

    def __init__(self, db: sqlite3.Connection, path: str, loop: asyncio.AbstractEventLoop) -> None:
        self.db = db
        self.commits = 0
        """How many transactions there were."""
        self.owners = Owners(path)
        self._path = path
        self._loop = loop
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._known: dict[str, _Known] = {}
        self._position = 0
        self._data_version = -1
        self._end: asyncio.Future[None] | None = None
        self._rows: list[tuple[Any, ...]] = []
        self._tags: list[tuple[str, int, int, int]] = []
        self._thread = threading.Thread(target=self._run, name=f"journal {path}", daemon=True)
        self._thread.start()

    def submit(self, order: _Order) -> asyncio.Future[None]:
        """Take an order; on the loop."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._jobs.put((order, future))
        return future

    async def finished(self) -> None:
        """Carry out what was taken, and end; on the loop, which goes on meanwhile."""
        self._end = self._loop.create_future()
        self._jobs.put(None)
        await self._end

    def finish(self) -> None:
        """Carry out what was taken, and end; blocks for as long as that takes."""
        if self._end is None:
            self._jobs.put(None)
        self._thread.join()
        self.owners.leave()

    # -- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        going = True
        while going:
            jobs: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == BATCH:
                    break
                try:
                    job = self._jobs.get_nowait()
                except Empty:
                    break
            going = job is not None
            if jobs:
                outcomes = self._commit([order for order, _ in jobs])
                self._tell([*zip((future for _, future in jobs), outcomes, strict=True)])
        if self._end is not None:
            self._tell([(self._end, None)])

    def _tell(self, settled: list[tuple[asyncio.Future[None], BaseException | None]]) -> None:
        try:
            self._loop.call_soon_threadsafe(_settle, settled)
        except RuntimeError:  # the loop was closed: nobody is there to hear it
            if not self._loop.is_closed():
                raise

    def _commit(self, orders: list[_Order]) -> list[BaseException | None]:
        outcomes: list[BaseException | None] = []
        try:
            self._begin()
            for order in orders:
                try:
                    self._carry_out(order)
                except ConcurrentWriter as refusal:
                    outcomes.append(refusal)
                else:
                    outcomes.append(None)
            self._write_rows()
            self.db.execute("commit")
            self.commits += 1
        except Exception as error:  # noqa: BLE001 - whoever waits is to hear of it
            self._roll_back()
            failure = self._failure(error)
            return [failure.with_traceback(None)] * len(orders)
        return outcomes

    def _failure(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.Error):
            failure: Exception = translation(self._path, error)
        elif isinstance(error, OSError):
            failure = JournalUnavailable(
                journal=self._path, problem="not writable", detail=str(error)
            )
        else:
            return error
        failure.__cause__ = error
        return failure

    def _begin(self) -> None:
        db = self.db
        if not self.owners.own:
            db.execute("begin immediate")
            db.execute("update counters set value = value + 1 where name = 'writer'")
            number = db.execute("select value from counters where name = 'writer'").fetchone()[0]
            self.owners.enter(number)
            db.execute("commit")
        db.execute("begin immediate")
        version = db.execute("pragma data_version").fetchone()[0]
        if version != self._data_version:
            self._data_version = version
            self._known.clear()
            query = "select value from counters where name = 'position'"
            self._position = db.execute(query).fetchone()[0]
        elif len(self._known) > REMEMBERED:
            for name in list(self._known)[: REMEMBERED // 2]:
                del self._known[name]

    def _roll_back(self) -> None:
        self._rows.clear()
        self._tags.clear()
        self._known.clear()
        self._data_version = -1
        try:
            if self.db.in_transaction:
                self.db.execute("rollback")
        except sqlite3.Error:
            pass  # the next transaction will say what is the matter

    # -- one order -------------------------------------------------------------------------

    def _carry_out(self, order: _Order) -> None:
        if isinstance(order, Append):
            self._append(order)
        else:
            self._save(order)

    def _append(self, order: Append) -> None:
        known = self._stream(order.persistence_id)
        if known.head != order.expected:
            raise ConcurrentWriter(
                persistence_id=order.persistence_id, expected=order.expected, found=known.head
            )
        stream, sequence = known.stream, known.head
        for index, payload in enumerate(order.payloads):
            sequence += 1
            checksum = check_sum(stream, sequence, payload)
            self._rows.append((stream, sequence, order.time, order.cause, payload, checksum))
            for tag in order.tags[index] if order.tags else ():
                self._position += 1
                self._tags.append((tag, self._position, stream, sequence))
        known.head = sequence
        if order.label is not None:
            self.db.execute("update streams set label = ? where stream = ?", (order.label, stream))

    def _write_rows(self) -> None:
        if self._rows:
            self.db.executemany("insert into events values (?, ?, ?, ?, ?, ?)", self._rows)
            self._rows.clear()
        if self._tags:
            self.db.executemany("insert into tags values (?, ?, ?, ?)", self._tags)
            self._tags.clear()
            change = "update counters set value = ? where name = 'position'"
            self.db.execute(change, (self._position,))

    def _save(self, order: SaveSnapshot) -> None:
        new = order.snapshot
        stream = self._stream(new.persistence_id).stream
        self._write_rows()
        db = self.db
        checksum = check_sum(stream, new.sequence, new.payload)
        row = (stream, new.sequence, new.time, new.payload, checksum)
        db.execute("insert or replace into snapshots values (?, ?, ?, ?, ?)", row)
        query = (
            "select sequence from snapshots where stream = ?"
            " order by sequence desc limit 1 offset ?"
        )
        oldest = db.execute(query, (stream, order.keep - 1)).fetchone()
        if oldest is None:
            return
        db.execute("delete from snapshots where stream = ? and sequence < ?", (stream, *oldest))
        if order.delete_events:
            db.execute("delete from events where stream = ? and sequence <= ?", (stream, *oldest))
            db.execute("delete from tags where stream = ? and sequence <= ?", (stream, *oldest))

    def _stream(self, persistence_id: str) -> _Known:
        known = self._known.get(persistence_id)
        if known is None:
            known = self._known[persistence_id] = self._look_up(persistence_id)
        return known

    def _look_up(self, persistence_id: str) -> _Known:
        db, own = self.db, self.owners.own
        query = "select stream, writer from streams where name = ?"
        row = db.execute(query, (persistence_id,)).fetchone()
        if row is None:
            insert = "insert into streams (name, writer) values (?, ?)"
            return _Known(db.execute(insert, (persistence_id, own)).lastrowid or 0, 0)
        stream, writer = row
        if writer != own:
            holder = self.owners.living(writer)
            if holder is not None:
                raise ConcurrentWriter(
                    persistence_id=persistence_id, expected=0, found=None, holder=holder
                )
            db.execute("update streams set writer = ? where stream = ?", (own, stream))
        query = (
            "select max(coalesce((select max(sequence) from events where stream = ?1), 0),"
            " coalesce((select max(sequence) from snapshots where stream = ?1), 0))"
        )
        return _Known(stream, db.execute(query, (stream,)).fetchone()[0])


def _settle(settled: list[tuple[asyncio.Future[None], BaseException | None]]) -> None:
    for future, error in settled:
        if future.done():
            continue  # whoever waited was cancelled
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
