"""What a crash has left, torn by chance: all that was acknowledged, a beginning of it, or an error.

The file alone cannot tell a log that was cut off from a transaction that was never acknowledged; so
a damaged log may cost what it holds behind the damage, and nothing else, and never in silence half
of a transaction.
"""

import sys
from pathlib import Path
from random import Random

import pytest

from dramaturg.actors.journal import JournalError, SqliteJournal
from tests.actors.journal.kit import append, cut, payloads, size, tagged
from tests.actors.journal.test_sqlite_damage import crashed_copy, flip
from tests.actors.journal.test_sqlite_refusals import said_by

TRANSACTIONS = 60
CHECKPOINT = 40
"""After so many SQLite has moved the log into the file, and begins it anew."""
DRAWS = 20


def pair(number: int) -> tuple[bytes, bytes]:
    """Return the two events that are written together."""
    return b"%d left" % number * 60, b"%d right" % number * 60


WRITTEN = [each for number in range(TRANSACTIONS) for each in pair(number)]


async def crashed(folder: Path) -> Path:
    """Write in pairs; return what a crash leaves: a file, and a log with the second half."""
    path = folder / "events.db"
    async with SqliteJournal(path, synchronous="NORMAL") as journal:
        for number in range(TRANSACTIONS):
            await append(journal, "/a", number * 2, *pair(number), tags=(("t",), ()))
            if number + 1 == CHECKPOINT:
                journal._db.execute("pragma wal_checkpoint(restart)")
        left, _ = crashed_copy(path, folder / "crashed")
    return left


def copied(path: Path, folder: Path) -> Path:
    """Copy a crashed file with its log."""
    to = folder / "events.db"
    folder.mkdir()
    to.write_bytes(path.read_bytes())
    Path(f"{to}-wal").write_bytes(Path(f"{path}-wal").read_bytes())
    return to


def put(path: Path, content: bytes | None) -> None:
    """Let a file hold something else, or not be there."""
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)


async def found(path: Path) -> list[bytes]:
    """Read everything in each way that there is, check it, and go on behind it."""
    async with SqliteJournal(path) as journal:
        await journal.verify()
        events = await payloads(journal, "/a")
        assert (await journal.head("/a")).sequence == len(events)
        assert await tagged(journal, "t") == events[::2]
        await append(journal, "/a", len(events), b"next")
        assert await payloads(journal, "/a", after=len(events)) == [b"next"]
    return events


async def test_what_a_crash_leaves_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    assert await found(await crashed(tmp_path)) == WRITTEN


async def test_a_log_cut_off_anywhere_holds_whole_transactions_from_the_first_on(
    tmp_path: Path,
) -> None:
    left = await crashed(tmp_path)
    random = Random(1)
    lengths: set[int] = set()
    for draw in range(DRAWS):
        path = copied(left, tmp_path / f"{draw}")
        log = Path(f"{path}-wal")
        cut(log, random.randrange(size(log)))

        events = await found(path)

        assert events == WRITTEN[: len(events)]
        assert len(events) % 2 == 0
        assert len(events) >= CHECKPOINT * 2
        lengths.add(len(events))
    assert len(lengths) > 1


async def test_a_log_with_a_wrong_byte_anywhere_holds_whole_transactions_from_the_first_on(
    tmp_path: Path,
) -> None:
    left = await crashed(tmp_path)
    random = Random(2)
    for draw in range(DRAWS):
        path = copied(left, tmp_path / f"{draw}")
        log = Path(f"{path}-wal")
        flip(log, random.randrange(size(log)), 1 << random.randrange(8))
        try:
            events = await found(path)
        except JournalError:
            continue
        assert events == WRITTEN[: len(events)]
        assert len(events) % 2 == 0
        assert len(events) >= CHECKPOINT * 2


@pytest.mark.parametrize("log", ["deleted", "empty"])
async def test_without_its_log_a_file_has_what_was_moved_there_and_is_whole(
    tmp_path: Path, log: str
) -> None:
    path = await crashed(tmp_path)
    put(Path(f"{path}-wal"), None if log == "deleted" else b"")

    assert await found(path) == WRITTEN[: CHECKPOINT * 2]


async def test_a_file_cut_off_anywhere_beside_its_log_gives_all_or_an_error(
    tmp_path: Path,
) -> None:
    left = await crashed(tmp_path)
    random = Random(3)
    refused = 0
    for draw in range(DRAWS):
        path = copied(left, tmp_path / f"{draw}")
        cut(path, random.randrange(size(path)))
        try:
            assert await found(path) == WRITTEN
        except JournalError:
            refused += 1
    assert refused


async def test_a_file_with_wrong_bytes_beside_its_log_gives_all_or_an_error(
    tmp_path: Path,
) -> None:
    left = await crashed(tmp_path)
    random = Random(4)
    refused = 0
    for draw in range(DRAWS):
        path = copied(left, tmp_path / f"{draw}")
        for _ in range(5):
            flip(path, random.randrange(size(path)), 1 << random.randrange(8))
        try:
            assert await found(path) == WRITTEN
        except JournalError:
            refused += 1
    assert refused


@pytest.mark.parametrize("index", ["gone", "garbage", "short"])
async def test_the_index_of_the_log_is_made_anew(tmp_path: Path, index: str) -> None:
    path = await crashed(tmp_path)
    noise = Random(5).randbytes(32_768)
    put(Path(f"{path}-shm"), {"gone": None, "garbage": noise, "short": noise[:100]}[index])

    assert await found(path) == WRITTEN


# -- a disk that is full, or may only be read -----------------------------------------------------

FULL = """
import asyncio, ctypes, os, sys
from pathlib import Path
from dramaturg.actors.journal import JournalUnavailable, SqliteJournal
from tests.actors.journal.kit import append, payloads

folder = Path(sys.argv[1])
try:
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000 | 0x20000):  # CLONE_NEWUSER | CLONE_NEWNS
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    if libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, b"size=400k"):
        raise OSError(ctypes.get_errno(), "mount")
except OSError as error:
    print("cannot", error)
    sys.exit()

async def main():
    problems, acknowledged, path = set(), 0, folder / "events.db"
    async with SqliteJournal(path) as journal:
        for _ in range(200):
            try:
                await append(journal, "/a", acknowledged, b"%d" % acknowledged * 1_000)
                acknowledged += 1
            except JournalUnavailable as error:
                problems.add(error.problem)
                break
        kept = await payloads(journal, "/a")
    (folder / "ballast").unlink()
    if libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0x1 | 0x20, None):  # RDONLY | REMOUNT
        raise OSError(ctypes.get_errno(), "remount")
    for read_only in (False, True):
        try:
            async with SqliteJournal(path, read_only=read_only) as journal:
                seen = len(await payloads(journal, "/a"))
                await append(journal, "/a", acknowledged, b"x")
        except JournalUnavailable as error:
            print(error.problem, seen)
    libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0x20, None)
    async with SqliteJournal(path) as journal:
        await journal.verify()
        found = await payloads(journal, "/a")
        await append(journal, "/a", len(found), b"room")
    print(*problems, len(kept))
    print(acknowledged, len(found))

(folder / "ballast").write_bytes(b"x" * 150_000)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets anybody mount a small disk")
async def test_a_disk_that_is_full_or_may_only_be_read_has_all_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    said = said_by(FULL, str(tmp_path)).splitlines()
    if said[0].startswith("cannot"):
        pytest.skip(said[0])

    acknowledged, found = said.pop().split()

    assert sorted(said) == sorted([f"full {found}", f"read-only {found}", f"read-only {found}"])
    assert acknowledged == found != "0"
