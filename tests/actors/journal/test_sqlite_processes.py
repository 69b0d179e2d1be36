"""Several processes on one file, and processes that are killed."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dramaturg.actors.journal import ConcurrentWriter, Journal, SqliteJournal
from dramaturg.actors.journal._owners import Owners
from tests.actors.journal.kit import append, files, outcome, payloads, tagged

PROGRAM = "tests.actors.journal.writer_program"


@contextmanager
def writing(
    path: Path, persistence_id: str = "/a", *rounds: str
) -> Generator[subprocess.Popen[str]]:
    """Run the program that appends; kill it in the end, as a crash would."""
    with subprocess.Popen(
        [sys.executable, "-m", PROGRAM, str(path), persistence_id, *rounds],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line of a program."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "it has ended"
    return line.strip()


def rest_of(process: subprocess.Popen[str]) -> list[str]:
    """Kill a program, and return what it said that nobody has read."""
    process.kill()
    assert process.stdout is not None
    return process.stdout.read().split("\n")[:-1]


async def found_in(path: Path, persistence_id: str = "/a") -> list[bytes]:
    async with SqliteJournal(path) as journal:
        found = await payloads(journal, persistence_id)
        assert await tagged(journal, "t") == found
        await journal.verify()
        return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
async def test_what_killed_processes_have_acknowledged_is_there(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with writing(path, "/a", "20") as process:
        rounds = [tuple(map(int, said(process).split())) for _ in range(20)]
    found = await found_in(path)

    kept = [number for number, _ in rounds[1:]] + [len(found)]
    for (_, acknowledged), there in zip(rounds, kept, strict=True):
        assert there in {acknowledged, acknowledged + 1}  # the last may not have been said
    assert found == [b"%d" % number for number in range(len(found))]
    assert len(found) > 20
    assert files(tmp_path, "*-writer-*") != []

    async with SqliteJournal(path) as journal:
        await append(journal, "/b", 0, b"x")
        assert len(files(tmp_path, "*-writer-*")) == 1  # the dead are forgotten


async def test_an_id_belongs_to_the_process_that_writes_to_it_until_that_is_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.db"
    with writing(path) as process:
        said(process)
        async with SqliteJournal(path) as journal:
            for call in (journal.head("/a"), append(journal, "/a", 0, b"x")):
                error = await outcome(call)
                assert isinstance(error, ConcurrentWriter)
                assert error.holder is not None
                assert error.holder.startswith(f"process {process.pid} on ")
            await append(journal, "/b", 0, b"free")

            rest_of(process)
            process.wait()
            head = await journal.head("/a")
            await append(journal, "/a", head.sequence, b"taken over")
            assert (await payloads(journal, "/a"))[-1] == b"taken over"


async def test_two_processes_on_one_id_do_not_fork_it(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with writing(path) as first:
        said(first)
        with writing(path) as second:
            assert said(second).startswith(f"refused process {first.pid} on ")
        lines = [int(line) for line in rest_of(first)]

    assert len(await found_in(path)) in {lines[-1], lines[-1] + 1}


async def test_processes_with_ids_of_their_own_write_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with writing(path, "/a") as first, writing(path, "/b") as second:
        for _ in range(10):
            said(first)
            said(second)
        said_last = [rest_of(each) for each in (first, second)]

    async with SqliteJournal(path) as journal:
        for name, lines in zip(("/a", "/b"), said_last, strict=True):
            found = await payloads(journal, name)
            assert len(found) >= (int(lines[-1]) if lines else 10)
            assert found == [b"%d" % number for number in range(len(found))]


async def test_many_may_make_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events.db"

    def make(number: int) -> Journal:
        journal = SqliteJournal(path)
        journal.open()
        return journal

    made = await asyncio.gather(*[asyncio.to_thread(make, number) for number in range(8)])
    for number, journal in enumerate(made):
        await append(journal, f"/{number}", 0, b"x")
    assert len(files(tmp_path, "*-writer-*")) == 8
    for journal in made:
        await journal.close()

    assert [each.name for each in files(tmp_path)] == ["events.db"]


# -- owners ------------------------------------------------------------------------------------


def test_who_lives_is_named_and_who_left_is_not(tmp_path: Path) -> None:
    path = str(tmp_path / "events.db")
    one, other = Owners(path), Owners(path)
    assert one.enter(3)

    assert other.living(3) is not None
    assert f"process {os.getpid()} on " in str(other.living(3))
    assert one.living(3) is None  # oneself is no other

    one.leave()
    assert other.living(3) is None
    assert [*tmp_path.iterdir()] == []


def test_a_number_that_somebody_has_is_not_given_twice(tmp_path: Path) -> None:
    path = str(tmp_path / "events.db")
    one, other = Owners(path), Owners(path)
    assert one.enter(3)

    assert not other.enter(3)
    assert "process" in str(other.living(3))  # and its file is as it was
    assert other.enter(4)
    one.leave()
    other.leave()


def test_the_files_of_the_dead_are_removed_and_others_are_not(tmp_path: Path) -> None:
    path = str(tmp_path / "events.db")
    one, other = Owners(path), Owners(path)
    assert one.enter(1)
    assert other.enter(2)
    for name in ("events.db-writer-7", "events.db-writer-x", "more-events.db-writer-8"):
        (tmp_path / name).write_text("process 1\n")

    one.sweep()

    left = sorted(each.name for each in tmp_path.iterdir())
    expected = ["events.db-writer-1", "events.db-writer-2", "events.db-writer-x"]
    assert left == [*expected, "more-events.db-writer-8"]
    one.leave()
    other.leave()


def test_an_owner_that_cannot_be_looked_at_counts_as_living(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    (tmp_path / "events.db-writer-5").mkdir()

    assert "somebody" in str(Owners(str(path)).living(5))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks what is open")
async def test_an_owner_whose_file_somebody_removed_is_fenced_all_the_same(
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path) as first, SqliteJournal(path) as second:
        await append(first, "/a", 0, b"1")
        for each in files(tmp_path, "*-writer-*"):
            each.unlink()
        await append(second, "/a", 1, b"2")  # it looked as if nobody lived

        assert isinstance(await outcome(append(first, "/a", 1, b"x")), ConcurrentWriter)
        assert await payloads(first, "/a") == [b"1", b"2"]
