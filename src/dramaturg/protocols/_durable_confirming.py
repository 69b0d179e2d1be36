"""What a subscription of a durable topic writes: up to where all is confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors import EventSourced, handler
from dramaturg.protocols._durable_flight import Flight, WriteBehind
from dramaturg.protocols._durable_topic_state import (
    POSITION_TYPES,
    CursorEvent,
    CursorMoved,
    CursorReturned,
    Position,
)

if TYPE_CHECKING:
    from dramaturg.protocols._durable_topic_messages import SubscribeDurably
    from dramaturg.protocols._durable_topic_state import SubscriptionBegun

__all__ = ["Confirming"]

WRITE_AFTER = 0.2
"""So many seconds after a confirmation it is written at the latest."""
SKIPPED_AT_MOST = 256
"""After so many messages that are not wanted the position is written all the same."""


class Confirming(EventSourced[Position]):
    """The side of a cursor that writes; see ``_durable_cursor``."""

    initial = Position()
    types = POSITION_TYPES
    snapshot_every = 200
    keep_snapshots = 1
    delete_events = True

    def __init__(self, own_id: str, begun: SubscriptionBegun) -> None:
        self._own_id = own_id
        self._begun = begun
        self._given: SubscribeDurably | None = None
        self._flights: dict[int, Flight] = {}
        self._read = begun.start
        self._unwritten = 0  # so many were handed over and confirmed, and that is not written
        self._is_news = False
        self._is_timed = False
        self._has_clocks = False

    async def _advance(self, *, write: bool = False) -> None:
        """See to all that is to be done."""
        raise NotImplementedError

    # -- the journal

    def persistence_id(self) -> str:
        """Return what is the subscription's own."""
        return self._own_id

    def apply(self, state: Position, event: CursorEvent) -> Position:
        """Return the position after an event."""
        return state.after(event)

    @property
    def _confirmed(self) -> int:
        """Up to where all is confirmed, as is written."""
        return max(self._state.confirmed, self._begun.start)

    async def on_stop(self) -> None:
        """Write what is not written: it ends in order."""
        if self._stream.failure is not None:
            return
        if self._is_news and self._reached > self._confirmed:
            await self.persist(CursorMoved(self._reached))
        if self.state.handed:  # nothing of it has ended the process
            await self.persist(CursorReturned(self.state.handed))

    @handler
    async def write_behind(self, message: WriteBehind) -> None:  # noqa: ARG002 - a handler's
        """Write what was confirmed a moment ago."""
        self._is_timed = False
        await self._advance(write=True)

    async def _write(self, *, at_once: bool) -> bool:
        """Write up to where all is done, if it is time; tell whether that has made room.

        What nobody wanted alone is no reason to write.
        """
        if not (at_once or self._read - self._confirmed >= SKIPPED_AT_MOST):
            if not self._is_news:
                return False
            if self._may_wait():
                self._write_later()
                return False
        reached = self._reached
        if reached <= self._confirmed:
            return False
        had_room = self._has_room()
        self._is_news = False
        self._unwritten = 0
        await self.persist(CursorMoved(reached))
        return not had_room

    def _may_wait(self) -> bool:
        """Tell whether more is to be written with it: nobody is to take what is done for failed."""
        given, state = self._given, self._state
        if given is None or state.handed or state.failures:
            return False
        return self._unwritten < given.window

    def _write_later(self) -> None:
        if not self._is_timed:
            self._is_timed = True
            # All subscriptions of a system at the same moment: that is one commit.
            after = WRITE_AFTER - self.context.system.now() % WRITE_AFTER
            self.context.start_timer("write", WriteBehind(), after=after)

    # -- what is with the subscriber

    @property
    def _reached(self) -> int:
        """Up to where all is done."""
        open_ = next((at for at, each in self._flights.items() if not each.is_done), None)
        return self._read if open_ is None else open_ - 1

    def _has_room(self) -> bool:
        """Tell whether one more may be handed over: two windows are in doubt after a crash."""
        given, there = self._given, len(self._flights)
        if given is None or there >= given.window:
            return False
        return there + self._unwritten < 2 * given.window

    def _clear(self) -> bool:
        """Forget the flights up to which all is done; tell whether there are any."""
        if not self._flights:
            return False
        reached = self._reached
        finished = [at for at in self._flights if at <= reached]
        for offset in finished:
            del self._flights[offset]
            self._stop_clocks(offset)
        self._unwritten += len(finished)
        self._is_news = self._is_news or bool(finished)
        return bool(finished)

    def _stop_clocks(self, offset: int) -> None:
        if self._has_clocks:
            self.context.cancel_timer(offset)
            self.context.cancel_timer(("unconfirmed", offset))
