"""One life of a process: what it finds, what it promised, and what must be so in any of them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Protocol
from zlib import crc32

from dramaturg.actors import SqliteJournal
from tests.crash.effects import Effects, Notes
from tests.crash.killer import FULL_FOR, Kill

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

__all__ = ["PAUSE", "Life", "Story", "until"]

PAUSE = 0.002


async def until(check: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something holds that nobody tells of; whoever started this has a limit."""
    while True:
        found = check()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(PAUSE)


class Story(Protocol):
    """What runs while it is killed: goes on with what the life before has left, to the end."""

    commits: int
    """About so many does one life have that nobody kills."""
    withstands: bool
    """Whether it tries again what a full disk has refused."""

    async def live(self, life: Life) -> None:
        """Run to the end; what is wrong raises."""
        ...


class Life:
    """What one life of the process has at hand.

    :param directory: where the journal is, and what is remembered outside of it.
    """

    def __init__(self, directory: Path, kill: str = "never") -> None:
        self._directory = directory
        killing = Kill(kill)
        self.attempts = FULL_FOR if kill.startswith("full") else 1
        """So often this life may begin once more what an earlier one has begun."""
        self.effects = Effects(directory / "effects", killing.at)
        self.acknowledged = Notes(directory / "acknowledged", killing.at)
        """What somebody was told that it is done; of this and of earlier lives."""
        self._committed = Notes(directory / "committed")
        killing.arm(self._committed)

    def journal(self) -> SqliteJournal:
        """Make the journal; what is tested is the end of the process, the machine stays up."""
        return SqliteJournal(self._directory / "journal", synchronous="NORMAL")

    async def look(self) -> None:
        """Check that the journal is whole, and holds all that any life has seen in it."""
        if not (self._directory / "journal").exists():
            assert not self._committed.all
            return
        async with self.journal() as journal:
            await journal.verify()
            found: dict[str, dict[str, int]] = {}
            heads: dict[str, int] = {}
            async for name in journal.persistence_ids():
                head = await journal.head(name)
                heads[name] = head.sequence
                found[name] = {
                    str(each.sequence): crc32(each.payload)
                    async for each in journal.read(name, after=head.oldest - 1)
                }
                numbers = [int(each) for each in found[name]]
                assert numbers == [*range(head.oldest, head.sequence + 1)], name
        self._compare(found, heads)

    def _compare(self, found: dict[str, dict[str, int]], heads: dict[str, int]) -> None:
        for name, sequence in self._committed.all:
            assert heads.get(name, 0) >= sequence, f"{name} lost what was committed"
        seen_path = self._directory / "seen"
        if seen_path.exists():
            for name, events in json.loads(seen_path.read_text()).items():
                for sequence, checksum in events.items():
                    now = found.get(name, {}).get(sequence)
                    first = min(map(int, found.get(name, {})), default=heads.get(name, 0) + 1)
                    gone = int(sequence) < first
                    assert gone or now == checksum, f"{name} {sequence} was written anew"
        written = self._directory / "seen-next"
        written.write_text(json.dumps(found))
        written.rename(seen_path)
