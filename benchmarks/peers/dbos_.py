"""DBOS on SQLite: the same three steps as plain functions, its fastest form on one thread or many.

As it comes it keeps SQLite's own defaults, a rollback journal with ``synchronous=FULL``: a commit
waits for the disk several times. "dbos wal" is what a user makes of it who has put the file into
WAL mode beforehand, which lasts: then a commit waits once, as one of ours does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

import dbos
from sqlalchemy import Pool, event

from benchmarks._durable_sample import DurableRun, DurableSample, DurableSuite, Watch
from benchmarks._sample import expect

_PRAGMAS: Final = ("journal_mode", "synchronous")


@dbos.DBOS.step()
def _next(value: int) -> int:
    return value + 1


@dbos.DBOS.workflow()
def _three_steps(value: int) -> int:
    return _next(_next(_next(value)))


def _gain(number: int) -> int:
    return _three_steps(number) - number


def _run(concurrent: int, numbers: Iterable[int]) -> int:
    if concurrent == 1:
        return sum(map(_gain, numbers))
    with ThreadPoolExecutor(concurrent) as threads:
        return sum(threads.map(_gain, numbers))


class _Looker:
    """Asks DBOS's own connections, when they have been used, how they store."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def __call__(self, connection: Any, record: object) -> None:
        if connection is not None:
            for name in _PRAGMAS:
                self.found[name] = str(connection.execute(f"pragma {name}").fetchone()[0])


def _measured(concurrent: int, n: int, directory: Path, *, wal: bool) -> DurableSample:
    path = directory / "dbos.sqlite"
    if wal:
        with closing(sqlite3.connect(path)) as db:
            db.execute("pragma journal_mode=wal")
    looker = _Looker()
    event.listen(Pool, "checkin", looker)
    quiet = "CRITICAL"
    dbos.DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{path}",
            "log_level": quiet,
            "console_log_level": quiet,
        }
    )
    dbos.DBOS.launch()
    try:
        # The first ones pay for what is made once: connections, threads.
        _run(concurrent, range(n, n + concurrent))
        event.remove(Pool, "checkin", looker)
        with Watch() as watch:
            total = _run(concurrent, range(n))
    finally:
        dbos.DBOS.destroy()
    expect(3 * n, total)
    return DurableSample(n, watch.seconds, watch.cpu, storage=looker.found)


def _suite(*, wal: bool) -> DurableSuite:
    def made(concurrent: int) -> DurableRun:
        return partial(_measured, concurrent, wal=wal)

    return {f"workflows-{size}": made(size) for size in (1, 10, 100)}


CONTENDERS: Final[Mapping[str, DurableSuite]] = {
    "dbos": _suite(wal=False),
    "dbos wal": _suite(wal=True),
}
