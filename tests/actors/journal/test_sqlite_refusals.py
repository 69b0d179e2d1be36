"""A storage that refuses: full, locked, read-only, gone. The error is typed; nothing is lost."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import OptionError
from dramaturg.actors.journal import ConcurrentWriter, JournalUnavailable, SqliteJournal
from tests.actors.journal.kit import append, files, listed, order, outcome, payloads, save
from tests.actors.kit import LIMIT, Latch, within


def unavailable(error: BaseException | None) -> str:
    """Return the problem of an error that has to be of this type."""
    assert isinstance(error, JournalUnavailable)
    assert error.journal
    assert error.detail
    return error.problem


async def test_a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path) as journal:
        await append(journal, "/a", 0, b"1")
        pages = journal._db.execute("pragma page_count").fetchone()[0]
        journal._db.execute(f"pragma max_page_count = {pages + 2}")

        large = await outcome(append(journal, "/a", 1, b"x" * 100_000))
        small = await outcome(append(journal, "/a", 1, b"2"))

        assert unavailable(large) == "full"
        assert small is None
        assert await payloads(journal, "/a") == [b"1", b"2"]
    async with SqliteJournal(path) as journal:
        assert await payloads(journal, "/a") == [b"1", b"2"]


async def test_all_that_were_to_be_written_together_fail_with_errors_of_their_own(
    tmp_path: Path,
) -> None:
    async with SqliteJournal(tmp_path / "events.db") as journal:
        await append(journal, "/a", 0, b"1")
        pages = journal._db.execute("pragma page_count").fetchone()[0]
        journal._db.execute(f"pragma max_page_count = {pages}")

        errors = await asyncio.gather(
            *[outcome(journal.append(order(f"/{n}", 0, b"x" * 50_000))) for n in range(4)]
        )

        assert [unavailable(each) for each in errors] == ["full"] * 4
        assert len(set(map(id, errors))) == 4
        journal._db.execute("pragma max_page_count = 100000")
        await append(journal, "/0", 0, b"x")
        assert await listed(journal.persistence_ids()) == ["/0", "/a"]


LIMITED = """
import asyncio, resource, sys
from dramaturg.actors.journal import JournalUnavailable, SqliteJournal
from tests.actors.journal.kit import append

async def main():
    async with SqliteJournal(sys.argv[1]) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        number = 0
        try:
            while number < 1_000:
                await append(journal, "/a", number, b"x" * 10_000)
                number += 1
        except JournalUnavailable as error:
            print(number, error.problem)

asyncio.run(main())
"""


def said_by(program: str, *args: str) -> str:
    """Run a program, and return what it says."""
    command = [sys.executable, "-c", program, *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True)
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
async def test_a_file_that_may_not_grow_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "events.db"

    number, problem = said_by(LIMITED, str(path)).split()

    assert problem in {"failing", "full"}
    async with SqliteJournal(path) as journal:
        found = await payloads(journal, "/a")
    # An input/output error leaves it open whether the last write is there.
    assert len(found) in {int(number), int(number) + 1}
    assert int(number) > 0


def locked(path: Path) -> sqlite3.Connection:
    """Hold the lock that writers need."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("begin immediate")
    return db


async def test_a_file_that_another_writes_to_for_too_long_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path, busy_timeout=0.01) as journal:
        await append(journal, "/a", 0, b"1")
        other = locked(path)

        error = await outcome(append(journal, "/a", 1, b"2"))
        reads = await payloads(journal, "/a")
        other.close()

        assert unavailable(error) == "locked"
        assert reads == [b"1"]
        await append(journal, "/a", 1, b"2")


async def test_the_first_append_to_a_locked_file_takes_no_number(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path, busy_timeout=0.01) as journal:
        other = locked(path)
        assert unavailable(await outcome(append(journal, "/a", 0, b"1"))) == "locked"
        other.close()

        await append(journal, "/a", 0, b"1")
        assert len(files(tmp_path, "*-writer-*")) == 1


async def test_a_new_file_that_is_locked_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("begin exclusive")

    with pytest.raises(JournalUnavailable) as raised:
        SqliteJournal(path, busy_timeout=0.01).open()
    db.close()

    assert raised.value.problem == "locked"


async def test_a_number_is_given_back_if_the_transaction_that_took_it_fails(
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path) as first, SqliteJournal(path) as second:
        first._db.execute("pragma query_only = on")
        assert unavailable(await outcome(append(first, "/a", 0, b"x"))) == "read-only"
        assert files(tmp_path, "*-writer-*") == []

        await append(second, "/b", 0, b"x")
        first._db.execute("pragma query_only = off")
        await append(first, "/a", 0, b"x")

        assert isinstance(await outcome(append(first, "/b", 1, b"x")), ConcurrentWriter)
        assert isinstance(await outcome(append(second, "/a", 1, b"x")), ConcurrentWriter)


async def test_read_only_reads_what_another_writes_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path) as journal, SqliteJournal(path, read_only=True) as looker:
        assert (journal.is_read_only, looker.is_read_only) == (False, True)
        await append(journal, "/a", 0, b"1")

        assert await payloads(looker, "/a") == [b"1"]
        assert (await looker.head("/a")).sequence == 1  # it wants no place as the writer
        for call in (append(looker, "/a", 1, b"x"), save(looker, "/a", 1)):
            assert unavailable(await outcome(call)) == "read-only"
        assert await payloads(journal, "/a") == [b"1"]


def test_read_only_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable) as raised:
        SqliteJournal(tmp_path / "events.db", read_only=True).open()

    assert raised.value.problem == "not to be opened"
    assert [*tmp_path.iterdir()] == []


async def test_a_file_that_may_only_be_read_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path) as journal:
        await append(journal, "/a", 0, b"1")
        journal._db.execute("pragma query_only = on")  # file modes mean nothing to root

        error = await outcome(append(journal, "/a", 1, b"x"))

        assert unavailable(error) == "read-only"
        assert await payloads(journal, "/a") == [b"1"]


@pytest.mark.parametrize("place", ["no/such/folder/events.db", "."])
def test_what_cannot_be_a_file_is_not_opened(tmp_path: Path, place: str) -> None:
    with pytest.raises(JournalUnavailable) as raised:
        SqliteJournal(tmp_path / place).open()

    assert raised.value.problem == "not to be opened"


@pytest.mark.parametrize("what", ["deleted", "replaced", "without-its-log"])
async def test_nothing_is_written_for_nobody_to_find(tmp_path: Path, what: str) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path) as journal:
        await append(journal, "/a", 0, b"1")
        if what == "without-its-log":
            files(tmp_path, "*-wal")[0].unlink()
        else:
            path.rename(tmp_path / "moved.db")
        if what == "replaced":
            path.write_bytes(b"")

        error = await outcome(append(journal, "/a", 1, b"2"))

        assert unavailable(error) == "gone"


@pytest.mark.parametrize("what", ["deleted", "replaced"])
async def test_a_file_that_went_before_the_first_append_is_missed(
    tmp_path: Path, what: str
) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path) as journal:
        path.unlink()
        if what == "replaced":
            path.write_bytes(b"")

        assert unavailable(await outcome(append(journal, "/a", 0, b"1"))) == "gone"


async def test_normal_mode_writes_and_reads_as_the_other_does(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path, synchronous="NORMAL") as journal:
        assert journal._db.execute("pragma synchronous").fetchone()[0] == 1
        await append(journal, "/a", 0, b"1")
    async with SqliteJournal(path) as journal:
        assert journal._db.execute("pragma synchronous").fetchone()[0] == 2
        assert journal._db.execute("pragma journal_mode").fetchone()[0] == "wal"
        assert await payloads(journal, "/a") == [b"1"]


async def test_appends_of_many_actors_share_transactions(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path / "events.db") as journal:
        await append(journal, "/first", 0, b"x")
        before = journal.commits
        held = Latch()
        done = journal._db

        class Slow:
            def __getattr__(self, name: str) -> Any:
                return getattr(done, name)

            def execute(self, *args: Any) -> Any:
                if args[0] == "commit":
                    held.wait()
                return done.execute(*args)

        assert journal._writer is not None
        journal._writer.db = Slow()  # type: ignore[assignment]
        waiting = [
            asyncio.ensure_future(append(journal, f"/{number}", 0, b"x")) for number in range(50)
        ]
        await asyncio.sleep(0)
        held.open()
        await within(asyncio.gather(*waiting))

        assert journal.commits - before <= 2


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"path": ""}, "path"),
        ({"path": 1}, "path"),
        ({"path": b"x"}, "path"),
        ({"path": "x", "synchronous": "OFF"}, "synchronous"),
        ({"path": "x", "busy_timeout": -1}, "busy_timeout"),
    ],
    ids=["no-path", "number", "bytes", "synchronous", "timeout"],
)
def test_impossible_options_are_refused(options: dict[str, Any], option: str) -> None:
    with pytest.raises(OptionError) as raised:
        SqliteJournal(**options)

    assert raised.value.option == option


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "odd ?name#[1]%20'.db"
    journal = SqliteJournal(path)
    journal.open()
    journal.close_now()

    assert path.exists()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "nowhere" / "a.db")

    with pytest.raises(JournalUnavailable) as refused:
        journal.open()

    assert refused.value.problem == "not to be opened"
    assert refused.value.detail == f"its folder {tmp_path / 'nowhere'} is missing"


def test_an_open_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(JournalUnavailable):
            SqliteJournal(tmp_path).open()

    assert threading.active_count() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
async def test_a_forked_process_cannot_use_it(tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path / "events.db") as journal:
        await append(journal, "/a", 0, b"1")
        journal._process -= 1  # as it would be in a child

        for call in (append(journal, "/a", 1, b"x"), payloads(journal, "/a")):
            assert unavailable(await outcome(call)) == "another process's"
        journal._process += 1
