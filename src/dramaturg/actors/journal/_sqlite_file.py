"""The SQLite file of a journal: its tables, and what its errors mean.

One table of events, keyed by a number for each persistence id and the sequence number; tags and
snapshots beside it. Each row of events carries a checksum over its place and its payload: what
SQLite does not notice (a page restored from elsewhere, a flipped bit) is noticed when it is read.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from dramaturg.actors.journal._errors import JournalDamaged, JournalUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator

    from dramaturg.actors.journal._errors import JournalError

__all__ = ["check_sum", "connect", "prepare", "translated", "translation"]

APPLICATION_ID = 0x44524D54
FORMAT = 1
TABLES = """
create table streams (
    stream integer primary key, name text not null unique, writer integer not null,
    label text not null default ''
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
    sequence integer not null, primary key (tag, position)
) without rowid, strict;
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


def translation(path: str, error: sqlite3.Error) -> JournalError:
    """Return this library's error for one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
    if code in _DAMAGED:
        return JournalDamaged(journal=path, place="the file", detail=str(error))
    problem = _PROBLEMS.get(code, "not writable")
    return JournalUnavailable(journal=path, problem=problem, detail=str(error))


@contextmanager
def translated(path: str) -> Generator[None]:
    """Let no error of SQLite's out."""
    try:
        yield
    except sqlite3.Error as error:
        raise translation(path, error) from error


def connect(path: str, *, read_only: bool, timeout: float, synchronous: str) -> sqlite3.Connection:
    """Open the file, which need not be there unless it is only read."""
    mode = "ro" if read_only else "rwc"
    uri = f"{Path(path).absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=timeout
    )
    db.execute(f"pragma synchronous={synchronous}")
    return db


def prepare(db: sqlite3.Connection, path: str, *, read_only: bool) -> None:
    """Make the tables in an empty file; check that any other is a journal.

    :raises JournalDamaged: if it is something else, or of another format.
    """
    empty = not db.execute("select count(*) from sqlite_master").fetchone()[0]
    if empty and not read_only:
        db.execute("pragma journal_mode=wal")
        # Two processes may be here at once, and `executescript` would commit first.
        db.execute("begin immediate")
        try:
            if not db.execute("select count(*) from sqlite_master").fetchone()[0]:
                _make_tables(db)
        finally:
            db.execute("commit")
    application = db.execute("pragma application_id").fetchone()[0]
    version = db.execute("pragma user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise JournalDamaged(journal=path, place="the file", detail="it is no journal")
    if version != FORMAT:
        detail = f"it has format {version}, and this version reads format {FORMAT}"
        raise JournalDamaged(journal=path, place="the file", detail=detail)


def _make_tables(db: sqlite3.Connection) -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            db.execute(statement)
    db.execute(f"pragma application_id={APPLICATION_ID}")
    db.execute(f"pragma user_version={FORMAT}")


def check_sum(stream: int, sequence: int, payload: bytes) -> int:
    """Return what tells whether a row is still what was written."""
    return crc32(payload, (stream * 0x9E3779B1 + sequence) & 0xFFFFFFFF)
