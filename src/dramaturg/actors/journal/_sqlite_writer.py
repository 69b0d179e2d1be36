"""The one thread that writes to the file, and group commit.

While a transaction is made durable, the orders of other actors queue up; all that are there make
the next transaction. So the cost of a flush is shared by as many as wait for one, and nobody
waits for others to come. An order that is refused (another writer, an unexpected sequence
number) is refused alone. If the transaction itself fails, all its orders fail alike, and nothing
of them is there.

The thread remembers the last sequence number of the ids it wrote to lately; when another process
has changed the file, which SQLite tells, it forgets them.

A file that is deleted or moved while it is open goes on to take what is written, for nobody to
find. So each transaction looks first whether the path still leads there.
"""

from __future__ import annotations

import sqlite3
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias, final

from dramaturg.actors.journal._errors import (
    ConcurrentWriter,
    JournalDamaged,
    JournalUnavailable,
)
from dramaturg.actors.journal._owners import Owners
from dramaturg.actors.journal._sqlite_file import check_sum, same_file, translation
from dramaturg.actors.journal._stored import Append, SaveSnapshot

if TYPE_CHECKING:
    import asyncio

__all__ = ["Writer"]

BATCH = 2_000
"""So many orders make one transaction at most."""
REMEMBERED = 10_000
"""Of so many ids the last sequence number is remembered."""
AT_ONCE = (256, 64, 16, 4, 1)
"""So many rows go into one statement: few sizes, so that SQLite need not read it anew."""
INSERT_EVENTS = "insert into events values {}"
UPDATE_HEADS = (
    "update streams set head = column2 from (values {}) as given where stream = given.column1"
)
UPDATE_LABELS = (
    "update streams set label = column2 from (values {}) as given where stream = given.column1"
)

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

    def __init__(
        self,
        db: sqlite3.Connection,
        path: str,
        file: tuple[int, ...],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
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
        self._file = file
        self._damage: JournalDamaged | None = None
        self._end: asyncio.Future[None] | None = None
        self._door = threading.Lock()
        self._closed = False
        self._rows: list[tuple[Any, ...]] = []
        self._tags: list[tuple[str, int, int, int, int]] = []
        self._heads: dict[int, int] = {}
        self._labels: dict[int, str] = {}
        self._thread = threading.Thread(target=self._run, name=f"journal {path}", daemon=True)
        self._thread.start()

    def submit(self, order: _Order) -> asyncio.Future[None]:
        """Take an order; on the loop.

        :raises JournalUnavailable: if it takes none any more.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        # Another thread may be closing; behind its mark nobody would look.
        with self._door:
            if self._closed:
                raise JournalUnavailable(
                    journal=self._path, problem="closed", detail="it was closed"
                )
            self._jobs.put((order, future))
        return future

    def _close_door(self) -> None:
        with self._door:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)

    async def finished(self) -> None:
        """Carry out what was taken, and end; on the loop, which goes on meanwhile."""
        self._end = self._loop.create_future()
        self._close_door()
        await self._end

    def finish(self) -> None:
        """Carry out what was taken, and end; blocks for as long as that takes."""
        self._close_door()
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
            self._check_usable()
            self._begin()
            for order in orders:
                try:
                    self._carry_out(order)
                except ConcurrentWriter as refusal:
                    outcomes.append(refusal.with_traceback(None))
                else:
                    outcomes.append(None)
            self._write_rows()
            self.db.execute("commit")
            self.commits += 1
        except Exception as error:  # noqa: BLE001 - whoever waits is to hear of it
            self._roll_back()
            if not isinstance(error, JournalDamaged | JournalUnavailable):
                error.__traceback__ = None  # it would keep all orders
            # Each its own: what is raised in several actors would collect their tracebacks.
            return [self._failure(error) for _ in orders]
        return outcomes

    def _failure(self, error: Exception) -> Exception:
        if isinstance(error, JournalDamaged):
            return JournalDamaged(journal=self._path, place=error.place, detail=error.detail)
        if isinstance(error, JournalUnavailable):
            return JournalUnavailable(
                journal=self._path, problem=error.problem, detail=error.detail
            )
        if isinstance(error, sqlite3.Error):
            failure: Exception = translation(self._path, error)
            if isinstance(failure, JournalDamaged):
                self._damage = failure
        elif isinstance(error, OSError):
            failure = JournalUnavailable(journal=self._path, problem="failing", detail=str(error))
        else:
            return error
        failure.__cause__ = error
        return failure

    def _check_usable(self) -> None:
        if self._damage is not None:
            raise self._damage
        try:
            found = same_file(self._path)
        except OSError as error:
            raise JournalUnavailable(
                journal=self._path, problem="gone", detail=str(error)
            ) from error
        if found != self._file:
            detail = "another file is in its place"
            raise JournalUnavailable(journal=self._path, problem="gone", detail=detail)

    def _enter(self) -> None:
        """Take a number of one's own, and forget the dead."""
        db = self.db
        db.execute("begin immediate")
        query = "update counters set value = value + 1 where name = 'writer' returning value"
        try:
            # A file that was restored from a copy gives numbers a second time.
            while not self.owners.enter(self._counter(query)):
                pass
            self.owners.sweep()
            db.execute("commit")
        except BaseException:
            self.owners.leave()
            raise

    def _counter(self, query: str) -> int:
        rows = self.db.execute(query).fetchall()
        if not rows:
            detail = "its counters are not there"
            raise JournalDamaged(journal=self._path, place="the file", detail=detail)
        return int(rows[0][0])

    def _begin(self) -> None:
        db = self.db
        if not self.owners.own:
            self._enter()
        db.execute("begin immediate")
        version = db.execute("pragma data_version").fetchone()[0]
        if version != self._data_version:
            self._data_version = version
            self._known.clear()
            query = "select value from counters where name = 'position'"
            self._position = self._counter(query)
        elif len(self._known) > REMEMBERED:
            for name in list(self._known)[: REMEMBERED // 2]:
                del self._known[name]

    def _roll_back(self) -> None:
        self._rows.clear()
        self._tags.clear()
        self._heads.clear()
        self._labels.clear()
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
        known = self._claim(order.persistence_id, order.expected)
        stream, sequence = known.stream, known.head
        for index, payload in enumerate(order.payloads):
            sequence += 1
            checksum = check_sum(stream, sequence, order.time, payload, order.cause)
            self._rows.append((stream, sequence, order.time, order.cause, payload, checksum))
            for tag in order.tags[index] if order.tags else ():
                self._position += 1
                checksum = check_sum(stream, sequence, self._position, tag.encode())
                self._tags.append((tag, self._position, stream, sequence, checksum))
        known.head = sequence
        if order.payloads:
            self._heads[stream] = sequence
        if order.label is not None:
            self._labels[stream] = order.label

    def _write_rows(self) -> None:
        if self._rows:
            _execute_all(self.db, INSERT_EVENTS, self._rows)
            self._rows.clear()
        if self._heads:
            _execute_all(self.db, UPDATE_HEADS, [*self._heads.items()])
            self._heads.clear()
        if self._labels:
            _execute_all(self.db, UPDATE_LABELS, [*self._labels.items()])
            self._labels.clear()
        if self._tags:
            self.db.executemany("insert into tags values (?, ?, ?, ?, ?)", self._tags)
            self._tags.clear()
            change = "update counters set value = ? where name = 'position'"
            self.db.execute(change, (self._position,))

    def _save(self, order: SaveSnapshot) -> None:
        new = order.snapshot
        stream = self._claim(new.persistence_id, new.sequence, beyond=True).stream
        self._write_rows()
        db = self.db
        checksum = check_sum(stream, new.sequence, new.time, new.payload)
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

    def _claim(self, persistence_id: str, expected: int, *, beyond: bool = False) -> _Known:
        """Return what is known of an id, which belongs to this writer from now on.

        :param beyond: whether there may be more events than expected.
        :raises ConcurrentWriter: if it is another's, or has other events; nothing was changed.
        """
        known = self._known.get(persistence_id)
        own = self.owners.own
        writer = own
        if known is None:
            known, writer = self._look_up(persistence_id)
        if known.head < expected or (known.head > expected and not beyond):
            raise ConcurrentWriter(
                persistence_id=persistence_id, expected=expected, found=known.head
            )
        if not known.stream:
            insert = "insert into streams (name, writer) values (?, ?)"
            known.stream = self.db.execute(insert, (persistence_id, own)).lastrowid or 0
        elif writer != own:
            change = "update streams set writer = ? where stream = ?"
            self.db.execute(change, (own, known.stream))
        self._known[persistence_id] = known
        return known

    def _look_up(self, persistence_id: str) -> tuple[_Known, int]:
        db, own = self.db, self.owners.own
        query = "select stream, writer, head from streams where name = ?"
        row = db.execute(query, (persistence_id,)).fetchone()
        if row is None:
            return _Known(0, 0), own
        stream, writer, head = row
        if writer != own:
            holder = self.owners.living(writer)
            if holder is not None:
                raise ConcurrentWriter(
                    persistence_id=persistence_id, expected=0, found=None, holder=holder
                )
        return _Known(stream, head), writer


def _execute_all(db: sqlite3.Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Carry out a statement for rows of values, many at once.

    Each call of SQLite lets go of the interpreter, and a loop that is busy gives it back after
    milliseconds only.
    """
    done = 0
    row = f"({', '.join('?' * len(rows[0]))})"
    for size in AT_ONCE:
        while len(rows) - done >= size:
            values = [value for each in rows[done : done + size] for value in each]
            db.execute(statement.format(", ".join([row] * size)), values)
            done += size


def _settle(settled: list[tuple[asyncio.Future[None], BaseException | None]]) -> None:
    for future, error in settled:
        if future.done():
            continue  # whoever waited was cancelled
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
