"""The sqlite3 module driven by hand: what the journal's work costs with nothing around it.

The same file settings (WAL, ``synchronous=FULL``) and the same table; msgpack by hand.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import zlib
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgpack

from benchmarks._durable_sample import DurableSample, DurableSuite, Watch
from benchmarks._sample import expect
from benchmarks.peers.durable_journal import SIZES, fill

_TABLES: Final = """
create table streams (
    stream integer primary key, name text not null unique, head integer not null default 0
) strict;
create table events (
    stream integer not null, sequence integer not null, time real not null, cause text,
    payload blob not null, checksum integer not null, primary key (stream, sequence)
) without rowid, strict;
"""
_INSERT: Final = "insert into events values (?, ?, ?, ?, ?, ?)"
_HEAD: Final = "update streams set head = ? where stream = ?"

_MSGPACK: Final[Any] = msgpack
"""It has no types."""

_Row = tuple[int, int, float, None, bytes, int]


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode=wal")
    db.execute("pragma synchronous=full")
    return db


def _row(stream: int, sequence: int) -> _Row:
    payload: bytes = _MSGPACK.packb(["bench.Added", 1, {"amount": 1, "by": "somebody"}])
    return stream, sequence, time.time(), None, payload, zlib.crc32(payload)


def _appends(writers: int, n: int, directory: Path, *, batched: bool) -> DurableSample:
    """Write one event of each stream in turn, and commit each, or all of one turn together."""
    each = n // writers
    with closing(_connect(directory / "hand.db")) as db:
        db.executescript(_TABLES)
        names = [(f"account-{i}",) for i in range(writers)]
        db.executemany("insert into streams (name) values (?)", names)
        with Watch() as watch:
            for sequence in range(1, each + 1):
                streams = range(1, writers + 1)
                if batched:
                    _write(db, [_row(stream, sequence) for stream in streams])
                else:
                    for stream in streams:
                        _write(db, [_row(stream, sequence)])
        (stored,) = db.execute("select count(*) from events").fetchone()
        (mode,) = db.execute("pragma journal_mode").fetchone()
        (synchronous,) = db.execute("pragma synchronous").fetchone()
    expect(writers * each, stored)
    storage = {"journal_mode": str(mode), "synchronous": str(synchronous)}
    return DurableSample(stored, watch.seconds, watch.cpu, storage=storage)


def _write(db: sqlite3.Connection, rows: list[_Row]) -> None:
    db.execute("begin immediate")
    db.executemany(_INSERT, rows)
    db.executemany(_HEAD, [(row[1], row[0]) for row in rows])
    db.execute("commit")


def _reading(n: int, directory: Path) -> DurableSample:
    path = directory / "journal.db"
    asyncio.run(fill(path, n))
    total = 0
    with Watch() as watch, closing(_connect(path)) as db:
        query = "select payload from events where stream = 1 order by sequence"
        for (payload,) in db.execute(query):
            _, _, fields = _MSGPACK.unpackb(payload)
            total += fields["amount"]
    expect(n * (n - 1) // 2, total)
    return DurableSample(n, watch.seconds, watch.cpu)


BATCHED: Final[DurableSuite] = {
    **{f"appends-{size}": partial(_appends, size, batched=True) for size in SIZES},
    **{f"recovery-{size}": _reading for size in (50_000, 100_000)},
}
SINGLE: Final[DurableSuite] = {
    f"appends-{size}": partial(_appends, size, batched=False) for size in SIZES
}
CONTENDERS: Final[Mapping[str, DurableSuite]] = {"sqlite": BATCHED, "sqlite single": SINGLE}
