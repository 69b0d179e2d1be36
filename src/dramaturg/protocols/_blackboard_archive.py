"""What a blackboard was: read from the journal, beside the board, which goes on meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import Actor, Directive, handler
from dramaturg.actors.journal import EventsDeleted
from dramaturg.protocols._blackboard_entry import BoardChange, BoardView
from dramaturg.protocols._blackboard_errors import VersionGone
from dramaturg.protocols._blackboard_messages import At, History
from dramaturg.protocols._blackboard_state import EMPTY, BoardEvent, BoardState

if TYPE_CHECKING:
    from dramaturg.actors._codec import Codec
    from dramaturg.actors.journal import Head, Journal, Snapshot

__all__ = ["Archive", "tag_of"]


def tag_of(persistence_id: str, key: str) -> str:
    """Return the tag under which the journal finds the writes to a key."""
    return f"{persistence_id}#{key}"


@final
class Archive(Actor):
    """Answers what is asked of a board's past; a child of the board."""

    policy = Directive.RESTART

    def __init__(self, board: str, persistence_id: str, journal: Journal, codec: Codec) -> None:
        self._board = board
        self._id = persistence_id
        self._journal = journal
        self._codec = codec

    @handler
    async def history(self, message: History) -> tuple[BoardChange, ...]:
        """Answer with what was written under a key."""
        found: list[BoardChange] = []
        async for tagged in self._journal.read_tag(tag_of(self._id, message.key)):
            stored = tagged.event
            if stored.persistence_id != self._id or stored.sequence <= message.after:
                continue
            changes = self._decoded(stored.payload).changes(stored.sequence)
            found += [each for each in changes if each.key == message.key]
            if len(found) == message.limit:
                break
        return tuple(found)

    @handler
    async def at(self, message: At) -> BoardView:
        """Answer with the board as it was."""
        state = await self._state_before(message)
        try:
            async for version, event in self._events(state.version):
                if _is_later(message, version, event):
                    break
                state = state.after(event)
        except EventsDeleted as error:  # just now, by the board
            raise self._gone(message, error.oldest) from error
        return BoardView(state.version, tuple(state.fitting(message.pattern)))

    async def _state_before(self, message: At) -> BoardState:
        """Begin with a snapshot where that is needed, or spares reading what came before."""
        head = await self._journal.head(self._id)
        for snapshot in head.snapshots:
            state = self._usable(snapshot, head, message)
            if state is not None:
                return state
        if head.oldest == 1:
            return EMPTY
        raise self._gone(message, head.oldest)

    def _usable(self, snapshot: Snapshot, head: Head, message: At) -> BoardState | None:
        if snapshot.sequence < head.oldest - 1:
            return None
        if message.version is not None and snapshot.sequence > message.version:
            return None
        if message.time is not None and (
            # Only what is gone is taken from it: a clock that was set back would show here.
            head.oldest == 1 or snapshot.time > message.time.timestamp()
        ):
            return None
        state: BoardState = self._codec.decode_value(snapshot.payload)
        return state

    async def _events(self, after: int) -> AsyncIterator[tuple[int, BoardEvent]]:
        async for stored in self._journal.read(self._id, after=after):
            yield stored.sequence, self._decoded(stored.payload)

    def _decoded(self, payload: bytes) -> Any:
        return self._codec.decode(payload, object)

    def _gone(self, message: At, oldest: int) -> VersionGone:
        wanted: int | datetime | None = message.time
        if message.version is not None:
            wanted = message.version
        return VersionGone(path=self._board, wanted=wanted, oldest=oldest)


def _is_later(message: At, version: int, event: BoardEvent) -> bool:
    if message.version is not None:
        return version > message.version
    return message.time is not None and event.by.time > message.time
