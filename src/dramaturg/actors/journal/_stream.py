"""What one incarnation of a persistent actor has to do with the journal: it reads, then writes.

Between an append that failed (or was cut short) and the next recovery nobody knows what is stored.
So a stream that has failed once refuses everything else, and says why.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._errors import DramaturgError, said
from dramaturg.actors.journal._errors import (
    ConcurrentWriter,
    JournalDamaged,
    JournalError,
    PersistCutShort,
    PersistOverlap,
    RecoveryFailed,
)
from dramaturg.actors.journal._stored import Append, SaveSnapshot, Snapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

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

    def __init__(
        self,
        journal: Journal,
        persistence_id: str,
        codec: Codec,
        cell: Cell,
        on_failure: Callable[[Stream], None],
    ) -> None:
        self.persistence_id = persistence_id
        self.sequence = 0
        """Of the last event that is known to be stored."""
        self.time = 0.0
        """When this stream stored one last: seconds since 1970."""
        self.failure: JournalError | None = None
        """Why this stream writes no more."""
        self.is_told = False
        """Whether a handler has passed that on."""
        self.deleted = 0
        """So many of its first events were ordered to go."""
        self._snapshots: list[int] = []
        """The numbers of those that are kept, the oldest first."""
        self._journal = journal
        self._codec = codec
        self.cell = cell
        self._on_failure = on_failure
        self.incarnation = cell.incarnation
        self._under_way: set[asyncio.Future[None]] = set()
        self._appends = False
        self._before: Stream | None = journal.hold(persistence_id, self)
        if self._before is not None:
            self._before.supersede(self)

    def __str__(self) -> str:
        return self.cell.path

    def is_held_against(self, other: Stream) -> bool:
        """Tell whether the actor lives, and is another than the other's."""
        # A cell that is lost leaves its ref to the next one.
        return self.cell.ref is not other.cell.ref and self.cell.ref.is_alive()

    def supersede(self, other: Stream) -> None:
        """Write no more: another incarnation has the id, though a task of this one may go on."""
        if self.failure is None:
            holder = f"{other}, incarnation {other.incarnation}"
            self.failure = ConcurrentWriter(
                persistence_id=self.persistence_id,
                expected=self.sequence,
                found=None,
                holder=holder,
            )

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
        self.deleted = head.oldest - 1
        self._snapshots = sorted(each.sequence for each in head.snapshots)
        after = 0
        if head.snapshots:
            state, after = self._from_snapshot(state, head)
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

    def _from_snapshot(self, state: Any, head: Head) -> tuple[Any, int]:
        """Take the newest snapshot that can be read and from which events lead on."""
        first: tuple[int, str, DramaturgError] | None = None
        for snapshot in head.snapshots:
            if snapshot.sequence < head.oldest - 1:
                continue
            try:
                found = self._codec.decode_value(snapshot.payload)
            except DramaturgError as error:
                first = first or (snapshot.sequence, "snapshot", error)
                self._say_unreadable(snapshot.sequence, error)
                continue
            self.sequence = snapshot.sequence
            return found, snapshot.sequence
        if head.oldest == 1:  # the events have it all
            return state, 0
        if first is None:
            raise self._failed(head.oldest - 1, "snapshot", LookupError("it is gone"))
        raise self._failed(*first) from first[2]

    def _say_unreadable(self, sequence: int, error: DramaturgError) -> None:
        self.cell.system.log.warning(
            "snapshot_unreadable",
            actor=self.cell.path,
            persistence_id=self.persistence_id,
            sequence=sequence,
            error=said(error),
        )

    def _failed(self, sequence: int, what: str, error: Exception) -> RecoveryFailed:
        return RecoveryFailed(
            persistence_id=self.persistence_id, sequence=sequence, what=what, cause=said(error)
        )

    # -- writing ---------------------------------------------------------------------------

    def order(
        self,
        events: Sequence[Any],
        tags: tuple[tuple[str, ...], ...] = (),
        *,
        cause: str | None = None,
        label: str | None = None,
    ) -> Append:
        """Make the order to write events next. Nothing is written by that.

        :raises EncodeError: if one cannot be stored.
        :raises OptionError: if a tag, the cause or the label is no printable text.
        :raises PersistOverlap: if an append is under way.
        :raises JournalError: if the stream has failed.
        """
        self.check()
        if self._appends:
            raise PersistOverlap(persistence_id=self.persistence_id)
        payloads = tuple([self._codec.encode(event) for event in events])
        time = self.cell.system.clock.time().timestamp()
        return Append(self.persistence_id, self.sequence, payloads, time, tags, cause, label)

    async def append(
        self, events: Sequence[Any], *, cause: str | None = None, label: str | None = None
    ) -> None:
        """Make an order and write it.

        :raises EncodeError: and what else :meth:`order` and :meth:`write` raise.
        """
        await self.write(self.order(events, cause=cause, label=label))

    async def write(self, order: Append) -> None:
        """Write the events of an order, all or none; they are durable when it returns.

        :raises JournalError: if they are not known to be stored; nothing can be written any more.
        """
        self._appends = True
        try:
            await self._written(asyncio.ensure_future(self._journal.append(order)))
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            self._appends = False
        self.sequence += len(order.payloads)
        self.time = order.time

    async def _written(self, future: asyncio.Future[None]) -> None:
        """Wait for it; if that is cut short it is still under way."""
        self._under_way.add(future)
        try:
            await asyncio.shield(future)
        finally:
            if future.done():
                self._under_way.discard(future)
            else:
                self._see_to(future)

    def _begun(self, write: Awaitable[None]) -> asyncio.Future[None]:
        future = asyncio.ensure_future(write)
        if not future.done():
            self._under_way.add(future)
            self._see_to(future)
        return future

    def _see_to(self, future: asyncio.Future[None]) -> None:
        # Also lets the stream live until then, and with it the journal's knowledge of it.
        future.add_done_callback(self._ended)

    def _ended(self, future: asyncio.Future[None]) -> None:
        """Look at the error, or asyncio would say that nobody did: the writer may be gone."""
        self._under_way.discard(future)
        if not future.cancelled():
            future.exception()

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, JournalError):
            self.failure = error
        else:
            self.failure = PersistCutShort(
                persistence_id=self.persistence_id, expected=self.sequence
            )
            self.failure.__cause__ = error
        self._on_failure(self)

    def check(self) -> None:
        """Refuse to go on after a failure.

        :raises JournalError: what failed then.
        """
        if self.failure is not None:
            raise self.failure

    async def settled(self) -> None:
        """Wait until nothing is under way any more, whatever becomes of it."""
        if self._before is not None:  # an incarnation that did not come to recover
            await self._before.settled()
        if self._under_way:
            await asyncio.wait(self._under_way)

    def save(self, state: Any, *, keep: int, delete_events: bool) -> asyncio.Future[None]:
        """Keep a state; what it replaces may go. Its order is taken at once.

        :raises JournalError: if it is not stored; nothing is lost by that. Or what is returned
            raises it.
        :raises EncodeError: if it cannot be.
        """
        return self._save(state, self.sequence, keep=keep, delete_events=delete_events)

    def let_go(self, state: Any, up_to: int) -> asyncio.Future[None]:
        """Delete the events up to a number, and keep a state in their place.

        The journal deletes what its oldest snapshot contains; so those behind it stay.

        :raises JournalError: and what else :meth:`save` raises.
        """
        later = sum(each > up_to for each in self._snapshots)
        return self._save(state, up_to, keep=later + 1, delete_events=True)

    def _save(
        self, state: Any, sequence: int, *, keep: int, delete_events: bool
    ) -> asyncio.Future[None]:
        time = self.cell.system.clock.time().timestamp()
        payload = self._codec.encode_value(state)
        snapshot = Snapshot(self.persistence_id, sequence, payload, time)
        saved = self._begun(self._journal.save(SaveSnapshot(snapshot, keep, delete_events)))
        self._snapshots = sorted({*self._snapshots, sequence})[-keep:]
        if delete_events and len(self._snapshots) == keep:
            self.deleted = max(self.deleted, self._snapshots[0])
        return saved
