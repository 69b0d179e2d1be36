"""The SQLite file of a journal: its tables, and what its errors mean.

One table of events, keyed by a number for each persistence id and the sequence number; tags and
snapshots beside it. Each event, tag and snapshot carries a checksum over its place and all that
is in its row, and each stream the number of its last event: what SQLite does not notice (a page
restored from elsewhere, a flipped bit) is noticed when it is read.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from dramaturg.actors.journal._errors import JournalDamaged, JournalUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator

    from dramaturg.actors.journal._errors import JournalError

__all__ = [
    "check_sum",
    "check_whole",
    "connect",
    "prepare",
    "same_file",
    "translated",
    "translation",
]

APPLICATION_ID = 0x44524D54
FORMAT = 1
SMALLEST = 512
"""So many bytes a database has at least, unless it is empty."""
OLDEST = (3, 37)
"""This version of SQLite has the first strict tables."""
TABLES = """
create table streams (
    stream integer primary key, name text not null unique, writer integer not null,
    head integer not null default 0, label text not null default ''
) strict;
create index labels on streams (label, name) where label != '';
create table events (
    stream integer not null, sequence integer not null, time real not null, cause text,
    payload blob not null, checksum integer not null, primary key (stream, sequence)
) without rowid, strict;
create table snapshots (
    stream integer not null, sequence integer not null, time real not null,
    payload blob not null, checksum integer not null, primary key (stream, sequence)
) without rowid, strict;
create table tags (
    tag text not null, position integer not null, stream integer not null,
    sequence integer not null, checksum integer not null, primary key (tag, position)
) without rowid, strict;
create index tagged on tags (stream, sequence);
create table counters (name text primary key, value integer not null) without rowid, strict;
insert into counters values ('writer', 0), ('position', 0);
"""

_PROBLEMS = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_CANTOPEN: "not to be opened",
    sqlite3.SQLITE_PERM: "not to be opened",
    sqlite3.SQLITE_AUTH: "not to be opened",
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_PLACE = struct.Struct(">qqd")
AGAIN_AFTER = 0.01


def translation(path: str, error: sqlite3.Error) -> JournalError:
    """Return this library's error for one of SQLite's."""
    # What Python's own module finds wrong, such as a text that is no UTF-8, has no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if isinstance(error, sqlite3.ProgrammingError):
        return JournalUnavailable(journal=path, problem="closed", detail=str(error))
    if code in _DAMAGED:
        return JournalDamaged(journal=path, place="the file", detail=str(error))
    problem = _PROBLEMS.get(code, "failing")
    return JournalUnavailable(journal=path, problem=problem, detail=str(error))


@contextmanager
def translated(path: str) -> Generator[None]:
    """Let no error of SQLite's or of the operating system's out."""
    try:
        yield
    except UnicodeDecodeError as error:  # raised instead of an error whose text is damaged, too
        raise JournalDamaged(journal=path, place="the file", detail=str(error)) from error
    except sqlite3.Error as error:
        raise translation(path, error) from error
    except OSError as error:
        raise JournalUnavailable(journal=path, problem="gone", detail=str(error)) from error


def connect(path: str, *, read_only: bool, timeout: float, synchronous: str) -> sqlite3.Connection:
    """Open the file, which need not be there unless it is only read."""
    if sqlite3.sqlite_version_info < OLDEST:
        detail = f"SQLite {sqlite3.sqlite_version} is older than {'.'.join(map(str, OLDEST))}"
        raise JournalUnavailable(journal=path, problem="not to be opened", detail=detail)
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        detail = f"its folder {folder} is missing"
        raise JournalUnavailable(journal=path, problem="not to be opened", detail=detail)
    mode = "ro" if read_only else "rwc"
    uri = f"{Path(path).absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=timeout
    )
    try:
        db.execute(f"pragma synchronous={synchronous}")
    except BaseException:
        db.close()
        raise
    return db


def check_whole(path: str) -> None:
    """Check that the file is not cut down to what SQLite takes for an empty one.

    It would throw away a write-ahead log, which may hold all there is.

    :raises JournalDamaged: if it is.
    """
    size = _size(path)
    if size == 0 and _size(f"{path}-wal") > 0:
        detail = "it is empty or gone, and its write-ahead log is there"
        raise JournalDamaged(journal=path, place="the file", detail=detail)
    if 0 < size < SMALLEST:
        detail = f"it has {size} bytes, so it is no journal, or was cut off"
        raise JournalDamaged(journal=path, place="the file", detail=detail)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - as below
    except OSError:
        return 0


def same_file(path: str) -> tuple[int, ...]:
    """Return what tells whether a path still leads to the same file and the same log.

    :raises OSError: if either is gone.
    """
    found = (os.stat(path), os.stat(f"{path}-wal"))  # noqa: PTH116 - before each commit
    return tuple(number for each in found for number in (each.st_dev, each.st_ino))


def prepare(db: sqlite3.Connection, path: str, *, read_only: bool, timeout: float) -> None:
    """Make the tables in an empty file; check that any other is a journal.

    :raises JournalDamaged: if it is something else, or of another format.
    :raises JournalUnavailable: if the file system cannot do what is needed.
    """
    empty = not db.execute("select count(*) from sqlite_master").fetchone()[0]
    if empty and not read_only:
        _use_wal(db, path, timeout)
        # Two processes may be here at once, and `executescript` would commit first.
        db.execute("begin immediate")
        try:
            if not db.execute("select count(*) from sqlite_master").fetchone()[0]:
                _make_tables(db)
            db.execute("commit")
        except BaseException:
            if db.in_transaction:
                db.execute("rollback")
            raise
    application = db.execute("pragma application_id").fetchone()[0]
    version = db.execute("pragma user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise JournalDamaged(journal=path, place="the file", detail="it is no journal")
    if version != FORMAT:
        detail = f"it has format {version}, and this version reads format {FORMAT}"
        raise JournalDamaged(journal=path, place="the file", detail=detail)
    # An id that is not found has no events, so that its actor would begin anew: 2 us for each id.
    found = db.execute("pragma integrity_check('streams')").fetchone()[0]
    if found != "ok":
        raise JournalDamaged(journal=path, place="the table of ids", detail=str(found))


def _use_wal(db: sqlite3.Connection, path: str, timeout: float) -> None:
    # For this step SQLite does not wait for another process that is just taking it.
    left = int(timeout / AGAIN_AFTER)
    while True:
        try:
            mode = db.execute("pragma journal_mode=wal").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if (error.sqlite_errorcode & 0xFF) != sqlite3.SQLITE_BUSY or left == 0:
                raise
            left -= 1
            threading.Event().wait(AGAIN_AFTER)
    if mode != "wal":
        detail = f"SQLite has no write-ahead log there, but {mode!r}"
        raise JournalUnavailable(journal=path, problem="not to be opened", detail=detail)


def _make_tables(db: sqlite3.Connection) -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            db.execute(statement)
    db.execute(f"pragma application_id={APPLICATION_ID}")
    db.execute(f"pragma user_version={FORMAT}")


def check_sum(
    stream: int, sequence: int, time: float, payload: bytes, cause: str | None = None
) -> int:
    """Return what tells whether a row is still what was written."""
    place = crc32(_PLACE.pack(stream, sequence, time))
    return crc32(payload, place if cause is None else crc32(cause.encode(), place))
