"""What one incarnation of a persistent actor has to do with the journal: it reads, then writes.

Between an append that failed (or was cut short) and the next recovery nobody knows what is stored.
So a stream that has failed once refuses everything else, and says why.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._errors import DramaturgError, said
from dramaturg.actors.journal._errors import JournalDamaged, RecoveryFailed
from dramaturg.actors.journal._stored import Append, SaveSnapshot, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._codec import Codec
    from dramaturg.actors.journal._journal import Journal
    from dramaturg.actors.journal._stored import Head

__all__ = ["Stream"]


@final
class Stream:
    """The events of one persistence id, in the hands of one incarnation of one actor.

    :raises ConcurrentWriter: if another living actor of the system holds the id.
    """

    def __init__(self, journal: Journal, persistence_id: str, codec: Codec, cell: Cell) -> None:
        self.persistence_id = persistence_id
        self.sequence = 0
        """Of the last event that is known to be stored."""
        self.failure: BaseException | None = None
        """Why this stream writes no more."""
        self._journal = journal
        self._codec = codec
        self._cell = cell
        self._incarnation = cell.incarnation
        self._under_way: asyncio.Future[None] | None = None
        self._before: Stream | None = journal.hold(persistence_id, self)

    def __str__(self) -> str:
        return self._cell.path

    def is_held_against(self, other: Stream) -> bool:
        """Tell whether the actor lives, and is another than the other's."""
        return self._cell is not other._cell and self._cell.ref.is_alive()

    def let_go(self) -> None:
        """Give the id back."""
        self._journal.let_go(self.persistence_id, self)

    # -- recovery --------------------------------------------------------------------------

    async def recover(self, state: Any, apply: Callable[[Any, Any], Any]) -> Any:
        """Return the state that snapshot and events lead to.

        :raises RecoveryFailed: if they lead nowhere.
        :raises JournalError: if they cannot be read.
        """
        if self._before is not None:
            await self._before.settled()
            self._before = None
        head = await self._journal.head(self.persistence_id)
        after = 0
        if head.snapshots:
            state, after = self._from_snapshot(head)
        elif head.oldest > 1 and head.sequence:
            raise JournalDamaged(
                journal=self._journal.name,
                place=f"{self.persistence_id!r}, event 1",
                detail=f"it begins with event {head.oldest}, and there is no snapshot",
            )
        if after < head.sequence:
            state = await self._replay(state, apply, after)
        if self.sequence < head.sequence:
            raise JournalDamaged(
                journal=self._journal.name,
                place=f"{self.persistence_id!r}, event {self.sequence + 1}",
                detail=f"it is missing; the last is {head.sequence}",
            )
        return state

    async def _replay(self, state: Any, apply: Callable[[Any, Any], Any], after: int) -> Any:
        decode = self._codec.decode
        async for stored in self._journal.read(self.persistence_id, after=after):
            try:
                state = apply(state, decode(stored.payload, object))
            except Exception as error:
                raise self._failed(stored.sequence, "event", error) from error
            self.sequence = stored.sequence
        return state

    def _from_snapshot(self, head: Head) -> tuple[Any, int]:
        """Take the newest snapshot that can be read and from which events lead on."""
        first: DramaturgError | None = None
        for snapshot in head.snapshots:
            try:
                state = self._codec.decode_value(snapshot.payload)
            except DramaturgError as error:
                first = first or self._failed(snapshot.sequence, "snapshot", error)
                continue
            if snapshot.sequence >= head.oldest - 1:
                self.sequence = snapshot.sequence
                return state, snapshot.sequence
        raise first or self._failed(head.oldest - 1, "snapshot", LookupError("it is gone"))

    def _failed(self, sequence: int, what: str, error: Exception) -> RecoveryFailed:
        return RecoveryFailed(
            persistence_id=self.persistence_id, sequence=sequence, what=what, cause=said(error)
        )

    # -- writing ---------------------------------------------------------------------------

    async def append(
        self,
        events: Sequence[Any],
        tags: tuple[tuple[str, ...], ...] = (),
        *,
        cause: str | None = None,
        label: str | None = None,
    ) -> None:
        """Write events, all or none; they are durable when it returns.

        :raises EncodeError: if one cannot be stored; then nothing is written, and the stream
            is as good as before.
        :raises JournalError: if it is not known to be stored; nothing can be written any more.
        """
        self.check()
        payloads = tuple([self._codec.encode(event) for event in events])
        time = self._cell.system.clock.time().timestamp()
        order = Append(self.persistence_id, self.sequence, payloads, time, tags, cause, label)
        try:
            self._under_way = asyncio.ensure_future(self._journal.append(order))
            await asyncio.shield(self._under_way)
        except BaseException as error:
            self.failure = error
            raise
        self.sequence += len(payloads)

    def check(self) -> None:
        """Refuse to go on after a failure.

        :raises JournalError: what failed then.
        """
        if self.failure is not None:
            raise self.failure

    async def settled(self) -> None:
        """Wait until nothing is under way any more, whatever becomes of it."""
        if self._under_way is not None and not self._under_way.done():
            await asyncio.wait([self._under_way])

    async def save(self, state: Any, *, keep: int, delete_events: bool) -> None:
        """Keep a state; what it replaces may go.

        :raises JournalError: if it is not stored; nothing is lost by that.
        :raises EncodeError: if it cannot be.
        """
        time = self._cell.system.clock.time().timestamp()
        payload = self._codec.encode_value(state)
        snapshot = Snapshot(self.persistence_id, self.sequence, payload, time)
        await self._journal.save(SaveSnapshot(snapshot, keep, delete_events))
