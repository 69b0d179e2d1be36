"""Journals of both kinds, orders to write, and what the tests of journals read."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any, TypeVar

from dramaturg.actors.journal import (
    Append,
    Journal,
    MemoryJournal,
    MemoryStore,
    SaveSnapshot,
    Snapshot,
    SqliteJournal,
)
from tests.actors.kit import within

T = TypeVar("T")

KINDS = ["memory", "sqlite"]
NOON = 1_700_000_000.5


class Place:
    """Where journals of one kind keep what they keep; each journal is another one's next life."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.path = folder / "events.db"
        self._store = MemoryStore()

    def journal(self, **options: Any) -> Journal:
        """Make a journal on what is there."""
        if self.kind == "memory":
            return MemoryJournal(self._store)
        return SqliteJournal(self.path, **options)


def order(
    persistence_id: str,
    expected: int,
    *payloads: bytes,
    tags: tuple[tuple[str, ...], ...] = (),
    label: str | None = None,
    cause: str | None = None,
) -> Append:
    """Make an order to append."""
    return Append(persistence_id, expected, payloads, NOON, tags, cause, label)


def snapshot(
    persistence_id: str,
    sequence: int,
    payload: bytes = b"state",
    *,
    keep: int = 2,
    delete_events: bool = False,
) -> SaveSnapshot:
    """Make an order to keep a snapshot."""
    return SaveSnapshot(Snapshot(persistence_id, sequence, payload, NOON), keep, delete_events)


async def append(journal: Journal, *args: Any, **kwargs: Any) -> None:
    """Append, and wait until it is acknowledged."""
    await within(journal.append(order(*args, **kwargs)))


async def save(journal: Journal, *args: Any, **kwargs: Any) -> None:
    """Keep a snapshot, and wait until it is there."""
    await within(journal.save(snapshot(*args, **kwargs)))


async def payloads(journal: Journal, persistence_id: str, after: int = 0) -> list[bytes]:
    """Read what the events of an id hold."""
    return [event.payload async for event in journal.read(persistence_id, after=after)]


async def tagged(journal: Journal, tag: str, after: int = 0) -> list[bytes]:
    """Read what the events with a tag hold."""
    return [found.event.payload async for found in journal.read_tag(tag, after=after)]


async def listed(names: AsyncIterator[str]) -> list[str]:
    """Go through ids to the end."""
    return [name async for name in names]


def size(path: Path) -> int:
    """Return how many bytes a file has."""
    return path.stat().st_size


def cut(path: Path, to: int) -> None:
    """Cut a file off."""
    with path.open("r+b") as file:
        file.truncate(to)


def files(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the files that are called so, sorted."""
    return sorted(folder.glob(pattern))


async def outcome(awaitable: Awaitable[Any]) -> BaseException | None:
    """Wait for it, and return what it raises."""
    try:
        await within(awaitable)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    return None
