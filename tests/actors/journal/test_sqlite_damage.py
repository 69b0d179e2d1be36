"""Files that are torn, cut, overwritten or no journals at all: a clear error, never a guess."""

import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from dramaturg.actors.journal import JournalDamaged, JournalError, SqliteJournal
from tests.actors.journal.kit import (
    append,
    cut,
    files,
    listed,
    outcome,
    payloads,
    save,
    size,
    tagged,
)

FRAME_HEADER = 24
PAGE_SIZE = 4096
FRAME = FRAME_HEADER + PAGE_SIZE


async def filled(path: Path) -> list[bytes]:
    """Make a journal, close it, and return the events of "/a"."""
    kept = [b"%d" % number * 200 for number in range(40)]
    async with SqliteJournal(path) as journal:
        for number, each in enumerate(kept):
            await append(journal, "/a", number, each, tags=(("t",),), cause=f"m-{number}")
        await append(journal, "/b", 0, b"b", label="open")
        await save(journal, "/a", 20)
    return kept


async def read_all(path: Path, *, verified: bool = False) -> list[bytes]:
    """Read in every way that there is, and write."""
    async with SqliteJournal(path) as journal:
        found = await payloads(journal, "/a")
        by_tag = await tagged(journal, "t")
        if verified:
            await journal.verify()
            assert by_tag == found
        assert await listed(journal.persistence_ids()) == ["/a", "/b"]
        assert await listed(journal.labelled("open")) == ["/b"]
        head = await journal.head("/a")
        assert (head.sequence, head.snapshots[0].sequence) == (len(found), 20)
        await append(journal, "/a", len(found), b"more")
        return found


def crashed_copy(path: Path, to: Path) -> tuple[Path, Path]:
    """Copy what a crash of the process would leave now; return file and log."""
    to.mkdir()
    shutil.copy(path, to)
    log = Path(f"{path}-wal")
    shutil.copy(log, to)
    return to / path.name, to / log.name


# -- the write-ahead log ---------------------------------------------------------------------


async def torn(folder: Path) -> tuple[Path, int, int, list[bytes]]:
    """Write ten transactions; return the file and where the log's last one begins and ends."""
    path, kept = folder / "events.db", [b"%d" % number * 3_000 for number in range(10)]
    async with SqliteJournal(path) as journal:
        for number, each in enumerate(kept[:-1]):
            await append(journal, "/a", number, each)
        before = size(Path(f"{path}-wal"))
        await append(journal, "/a", 9, kept[-1])
        after = size(Path(f"{path}-wal"))
        crashed_copy(path, folder / "crashed")
    return folder / "crashed" / path.name, before, after, kept


CUTS: dict[str, Callable[[int, int], int]] = {
    "nothing-of-it": lambda before, after: before,
    "first-byte": lambda before, after: before + 1,
    "within-a-frame-header": lambda before, after: before + FRAME_HEADER // 2,
    "a-frame-header": lambda before, after: before + FRAME_HEADER,
    "within-a-page": lambda before, after: before + FRAME_HEADER + 1_000,
    "all-but-the-last-byte-of-a-frame": lambda before, after: before + FRAME - 1,
    "one-frame": lambda before, after: before + FRAME,
    "all-but-the-last-frame": lambda before, after: after - FRAME,
    "within-the-last-frame-header": lambda before, after: after - PAGE_SIZE - 4,
    "all-but-the-last-page": lambda before, after: after - PAGE_SIZE,
    "all-but-the-last-byte": lambda before, after: after - 1,
}


@pytest.mark.parametrize("place", CUTS)
async def test_a_transaction_that_is_torn_is_not_there_and_those_before_are(
    tmp_path: Path, place: str
) -> None:
    path, before, after, kept = await torn(tmp_path)
    cut(Path(f"{path}-wal"), CUTS[place](before, after))

    async with SqliteJournal(path) as journal:
        assert await payloads(journal, "/a") == kept[:-1]
        assert (await journal.head("/a")).sequence == 9
        await append(journal, "/a", 9, b"again")

    async with SqliteJournal(path) as journal:
        assert await payloads(journal, "/a") == [*kept[:-1], b"again"]


async def test_a_transaction_whose_last_byte_was_written_is_there(tmp_path: Path) -> None:
    path, _, after, kept = await torn(tmp_path)
    assert size(Path(f"{path}-wal")) == after

    async with SqliteJournal(path) as journal:
        assert await payloads(journal, "/a") == kept


@pytest.mark.parametrize("place", [0, FRAME_HEADER // 2, FRAME_HEADER + 5, FRAME - 1])
async def test_a_byte_that_is_wrong_in_the_last_transaction_undoes_it(
    tmp_path: Path, place: int
) -> None:
    path, before, _, kept = await torn(tmp_path)
    flip(Path(f"{path}-wal"), before + place)

    async with SqliteJournal(path) as journal:
        assert await payloads(journal, "/a") == kept[:-1]


@pytest.mark.parametrize("left", ["empty", "gone"])
async def test_a_log_without_its_file_is_not_thrown_away(tmp_path: Path, left: str) -> None:
    path, _, after, _ = await torn(tmp_path)
    path.write_bytes(b"")
    if left == "gone":
        path.unlink()

    with pytest.raises(JournalDamaged) as raised:
        SqliteJournal(path).open()

    assert raised.value.journal == str(path)
    assert size(Path(f"{path}-wal")) == after


# -- the file ----------------------------------------------------------------------------------


def flip(path: Path, place: int, bits: int = 0xFF) -> None:
    """Change a byte."""
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ bits]))


async def test_a_byte_that_is_wrong_in_an_event_is_noticed_when_it_is_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.db"
    kept = await filled(path)
    flip(path, path.read_bytes().index(kept[17]) + 50, bits=0x01)

    async with SqliteJournal(path) as journal:
        with pytest.raises(JournalDamaged) as raised:
            await payloads(journal, "/a")
        assert raised.value.place == "'/a', event 18"
        with pytest.raises(JournalDamaged):
            await tagged(journal, "t")
        assert await payloads(journal, "/b") == [b"b"]  # the others are as good as ever


async def test_a_byte_that_is_wrong_in_a_snapshot_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with SqliteJournal(path) as journal:
        await append(journal, "/a", 0, b"one")
        await save(journal, "/a", 1, b"what the state was")
    flip(path, path.read_bytes().index(b"what the state was"), bits=0x10)

    async with SqliteJournal(path) as journal:
        with pytest.raises(JournalDamaged) as raised:
            await journal.head("/a")
    assert raised.value.place == "'/a', snapshot 1"


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        ("delete from events where sequence = 10", "'/a', event 10"),
        ("delete from events where sequence > 30", "'/a', event 40"),
        ("delete from events", "'/a', event 40"),
        ("update events set sequence = 41 where sequence = 40", "'/a', event 41"),
        ("update events set time = time + 1 where sequence = 5", "'/a', event 5"),
        ("update events set cause = 'm-1' where sequence = 5", "'/a', event 5"),
        ("update streams set head = 39 where name = '/a'", "'/a', event 39"),
        ("update streams set head = 41 where name = '/a'", "'/a', event 41"),
        ("update tags set sequence = 6 where sequence = 5", "tag 't', offset 5"),
        ("delete from events where sequence = 40", "'/a', event 40"),
    ],
)
async def test_rows_that_somebody_has_changed_are_noticed(
    tmp_path: Path, damage: str, place: str
) -> None:
    path = tmp_path / "events.db"
    await filled(path)
    db = sqlite3.connect(path)
    with db:
        db.execute(damage)
    db.close()

    async with SqliteJournal(path) as journal:
        if place.startswith("tag"):
            reading: Awaitable[object] = tagged(journal, "t")
        else:
            reading = payloads(journal, "/a")
        error = await outcome(reading)
    assert isinstance(error, JournalDamaged)
    assert error.place == place


@pytest.mark.parametrize("table", ["counters", "streams"])
async def test_a_file_without_its_bookkeeping_is_damaged(tmp_path: Path, table: str) -> None:
    path = tmp_path / "events.db"
    await filled(path)
    db = sqlite3.connect(path)
    with db:
        db.execute(f"drop table {table}" if table == "streams" else "delete from counters")
    db.close()

    with pytest.raises(JournalDamaged):
        async with SqliteJournal(path) as journal:
            await append(journal, "/new", 0, b"x")


async def test_a_file_that_is_cut_off_is_never_half_read(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    await filled(path)
    whole = path.read_bytes()

    for left in [1, 50, 100, 4_095, *range(PAGE_SIZE, len(whole), PAGE_SIZE), len(whole) - 1]:
        part = tmp_path / f"cut-{left}.db"
        part.write_bytes(whole[:left])
        with pytest.raises(JournalError):
            await read_all(part)


@pytest.mark.parametrize("verified", [False, True], ids=["as-read", "verified"])
async def test_a_byte_that_is_wrong_anywhere_gives_what_was_written_or_an_error(
    tmp_path: Path, verified: bool
) -> None:
    path = tmp_path / "events.db"
    kept = await filled(path)
    whole = path.read_bytes()
    random = Random(7)
    noticed = 0
    for _ in range(60):
        place = random.randrange(len(whole))
        path.write_bytes(whole)
        flip(path, place, 1 << random.randrange(8))
        try:
            assert await read_all(path, verified=verified) == kept, place
        except JournalError:
            noticed += 1
        for leftover in files(tmp_path, f"{path.name}-*"):
            leftover.unlink()
    assert noticed


@pytest.mark.parametrize(
    "damage",
    [
        "update events set payload = x'00' where sequence = 3",
        "update snapshots set time = 1.5",
        "update tags set tag = 'u' where sequence = 3",
    ],
    ids=["event", "snapshot", "tag"],
)
async def test_verifying_finds_what_nobody_has_read(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "events.db"
    await filled(path)
    async with SqliteJournal(path) as journal:
        await journal.verify()
        with journal._db:
            journal._db.execute(damage)

        with pytest.raises(JournalDamaged) as raised:
            await journal.verify()
        assert "stream 1" in raised.value.place


async def test_after_damage_is_met_nothing_more_is_written(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    await filled(path)
    async with SqliteJournal(path) as journal:
        await append(journal, "/b", 1, b"x")
        writer = journal._writer
        assert writer is not None
        writer.db.execute("drop table events")
        for _ in range(2):
            with pytest.raises(JournalDamaged) as raised:
                await append(journal, "/b", 2, b"x")
            assert "no such table" in raised.value.detail


# -- other files ---------------------------------------------------------------------------------


def foreign(path: Path) -> None:
    db = sqlite3.connect(path)
    with db:
        db.execute("create table notes (text)")
    db.close()


def from_the_future(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.open()
    journal.close_now()
    db = sqlite3.connect(path)
    db.execute("pragma user_version = 2")
    db.close()


OTHERS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("once upon a time " * 400),
    "short-text": lambda path: path.write_text("hello"),
    "another-database": foreign,
    "a-later-format": from_the_future,
}


@pytest.mark.parametrize("read_only", [False, True], ids=["to-write", "read-only"])
@pytest.mark.parametrize("what", OTHERS)
def test_what_is_no_journal_is_refused_and_left_alone(
    tmp_path: Path, what: str, read_only: bool
) -> None:
    path = tmp_path / "other"
    OTHERS[what](path)
    before = path.read_bytes()

    with pytest.raises(JournalDamaged) as raised:
        SqliteJournal(path, read_only=read_only).open()

    assert raised.value.journal == str(path)
    assert path.read_bytes() == before


async def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.touch()

    async with SqliteJournal(path) as journal:
        await append(journal, "/a", 0, b"x")
    async with SqliteJournal(path) as journal:
        assert await payloads(journal, "/a") == [b"x"]
