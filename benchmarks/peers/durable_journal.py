"""dramaturg's journal: what is appended, and what is read back when an actor recovers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks._durable_sample import DurableSample, DurableSuite, Watch
from benchmarks._sample import expect
from dramaturg.actors import (
    ActorSystem,
    Codec,
    EventSourced,
    Message,
    PlainRequest,
    Props,
    SqliteJournal,
    handler,
)
from dramaturg.actors.journal import Append

SIZES: Final = (1, 10, 100, 1_000)
_LONG: Final = 600.0
_BATCH: Final = 1_000


class Added(Message, name="bench.Added"):
    """An event of the usual size."""

    amount: int
    by: str = "somebody"


class Add(PlainRequest[int]):
    """Persist so many events, one after the other."""

    __slots__ = ("times",)

    def __init__(self, times: int) -> None:
        self.times = times


class Account(EventSourced[int]):
    """A sum."""

    initial = 0

    def __init__(self, name: str) -> None:
        self._name = name

    def persistence_id(self) -> str:
        """Return the name it was given."""
        return self._name

    def apply(self, state: int, event: Added) -> int:
        """Add it."""
        return state + event.amount

    @handler
    async def add(self, message: Add) -> int:
        """Persist the events and answer with the sum."""
        for _ in range(message.times):
            await self.persist(Added(amount=1))
        return self.state


async def _actors(actors: int, n: int, directory: Path) -> DurableSample:
    journal, each = SqliteJournal(directory / "journal.db"), n // actors
    async with ActorSystem("bench", journal=journal) as system:
        refs = [system.spawn(Props(Account, f"account-{i}")) for i in range(actors)]
        await asyncio.gather(*(ref.request(Add(1)) for ref in refs))
        before = journal.commits
        with Watch() as watch:
            sums = await asyncio.gather(*(ref.request(Add(each), timeout=_LONG) for ref in refs))
        commits = journal.commits - before
    expect(actors * (each + 1), sum(sums))
    figures = {"commits": commits}
    return DurableSample(actors * each, watch.seconds, watch.cpu, figures=figures)


async def _orders(writers: int, n: int, directory: Path) -> DurableSample:
    """Append without actors: encoded events, by so many tasks."""
    each, codec = n // writers, Codec(Account.types)
    async with SqliteJournal(directory / "journal.db") as journal:

        async def write(name: str, first: int, last: int) -> None:
            for sequence in range(first, last):
                payload = codec.encode(Added(amount=1))
                await journal.append(Append(name, sequence, (payload,), time.time()))

        names = [f"account-{i}" for i in range(writers)]
        await asyncio.gather(*(write(name, 0, 1) for name in names))
        before = journal.commits
        with Watch() as watch:
            await asyncio.gather(*(write(name, 1, each + 1) for name in names))
        commits = journal.commits - before
        stored = [(await journal.head(name)).sequence for name in names]
    expect(writers * (each + 1), sum(stored))
    figures = {"commits": commits}
    return DurableSample(writers * each, watch.seconds, watch.cpu, figures=figures)


async def fill(path: Path, n: int) -> None:
    """Write a file with n events of one actor."""
    codec = Codec(Account.types)
    async with SqliteJournal(path) as journal:
        for first in range(0, n, _BATCH):
            amounts = range(first, min(first + _BATCH, n))
            events = tuple([codec.encode(Added(amount=amount)) for amount in amounts])
            await journal.append(Append("account", first, events, time.time()))


async def _recovery(n: int, directory: Path) -> DurableSample:
    path = directory / "journal.db"
    await fill(path, n)
    async with ActorSystem("bench", journal=SqliteJournal(path)) as system:
        with Watch() as watch:
            account = system.spawn(Props(Account, "account"))
            total = await account.request(Add(0), timeout=_LONG)
    expect(n * (n - 1) // 2, total)
    return DurableSample(n, watch.seconds, watch.cpu)


def _actors_run(actors: int, n: int, directory: Path) -> DurableSample:
    return asyncio.run(_actors(actors, n, directory))


def _orders_run(writers: int, n: int, directory: Path) -> DurableSample:
    return asyncio.run(_orders(writers, n, directory))


def _recovery_run(n: int, directory: Path) -> DurableSample:
    return asyncio.run(_recovery(n, directory))


SUITE: Final[DurableSuite] = {
    **{f"appends-{size}": partial(_actors_run, size) for size in SIZES},
    **{f"recovery-{size}": _recovery_run for size in (50_000, 100_000)},
}
JOURNAL_SUITE: Final[DurableSuite] = {
    f"appends-{size}": partial(_orders_run, size) for size in SIZES
}
CONTENDERS: Final[Mapping[str, DurableSuite]] = {
    "dramaturg": SUITE,
    "journal": JOURNAL_SUITE,
}
