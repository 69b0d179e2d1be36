"""What one transaction writes: many orders in few statements, in their order, all of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors.journal import SqliteJournal
from tests.actors.journal.kit import append, listed, order, payloads
from tests.actors.kit import Latch, within

COUNTS = [1, 3, 4, 5, 17, 255, 256, 257, 341, 1_000]


class Held:
    """A database that commits when it is let go."""

    def __init__(self, db: Any) -> None:
        self.latch = Latch()
        self._db = db

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, *args: Any) -> Any:
        if args[0] == "commit":
            self.latch.wait()
        return self._db.execute(*args)


def hold(journal: SqliteJournal) -> Held:
    """Let what is ordered from now on queue up behind the next order."""
    held = Held(journal._db)
    assert journal._writer is not None
    journal._writer.db = held  # type: ignore[assignment]
    return held


@pytest.mark.parametrize("count", COUNTS)
async def test_any_number_of_events_is_stored_in_order(tmp_path: Path, count: int) -> None:
    events = [str(number).encode() for number in range(count)]
    async with SqliteJournal(tmp_path / "events.db") as journal:
        await append(journal, "/a", 0, *events)

        assert await payloads(journal, "/a") == events
        await journal.verify()


async def test_a_transaction_of_many_events_takes_few_statements(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path / "events.db") as journal:
        await append(journal, "/a", 0, b"x")
        statements: list[str] = []
        journal._db.set_trace_callback(statements.append)
        await append(journal, "/a", 1, *[b"x"] * 1_000)
        journal._db.set_trace_callback(None)

    assert sum(each.startswith("insert into events") for each in statements) < 15
    assert len(statements) < 20


async def test_heads_and_labels_of_many_ids_are_written_in_one_transaction(tmp_path: Path) -> None:
    names = sorted(f"/{number}" for number in range(100))
    async with SqliteJournal(tmp_path / "events.db") as journal:
        await append(journal, "/first", 0, b"x")
        held = hold(journal)
        before = journal.commits
        first = asyncio.ensure_future(append(journal, "/first", 1, b"x"))
        waiting = [
            asyncio.ensure_future(within(journal.append(each)))
            for name in names
            for each in (
                order(name, 0, b"1", label="open"),
                order(name, 1, b"2", label="done" if name < "/5" else None),
            )
        ]
        await asyncio.sleep(0)
        held.latch.open()
        await within(asyncio.gather(first, *waiting))

        assert journal.commits - before <= 2
        assert await listed(journal.labelled("done")) == [each for each in names if each < "/5"]
        assert await listed(journal.labelled("open")) == [each for each in names if each >= "/5"]
        assert {(await journal.head(each)).sequence for each in names} == {2}
        await journal.verify()


async def test_what_was_refused_leaves_no_head_or_label_for_the_next_transaction(
    tmp_path: Path,
) -> None:
    async with SqliteJournal(tmp_path / "events.db") as journal:
        await append(journal, "/a", 0, b"1", label="open")
        pages = journal._db.execute("pragma page_count").fetchone()[0]
        journal._db.execute(f"pragma max_page_count = {pages}")
        refused = asyncio.gather(
            append(journal, "/a", 1, b"x" * 100_000, label="done"), return_exceptions=True
        )
        assert [type(each).__name__ for each in await refused] == ["JournalUnavailable"]
        journal._db.execute("pragma max_page_count = 100000")

        await append(journal, "/b", 0, b"1")

        assert await listed(journal.labelled("open")) == ["/a"]
        assert await listed(journal.labelled("done")) == []
        assert await payloads(journal, "/a") == [b"1"]
        await journal.verify()
