"""The journal: typed events, appended for ever, one writer for each persistence id.

Theory of operation. A journal knows bytes and numbers; what the bytes mean is the business of
the :class:`Stream` of one actor, which has the codec. Three rules make a fork impossible:

- An append names the sequence number that it comes behind. The check and the write are one
  transaction, so of two writers with the same knowledge one fails.
- A persistence id belongs to the process that wrote to it last, as long as that lives. Another
  one fails at once, before it has shown its users anything.
- Within a process a second actor under the same id is refused as long as the first lives; and
  a new incarnation waits until what the old one had under way is settled.

An append is acknowledged when it would survive the end of the process (and of the machine,
where the storage promises so). After an error nobody knows whether it is there, so the writer
has to recover before it writes again; see `EventSourced`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

from dramaturg.actors.journal._errors import (
    ConcurrentWriter,
    EventsDeleted,
    JournalDamaged,
    JournalInUse,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from types import TracebackType

    from dramaturg.actors.journal._errors import JournalError
    from dramaturg.actors.journal._stored import (
        Append,
        Head,
        SaveSnapshot,
        StoredEvent,
        TaggedEvent,
    )

__all__ = ["PAGE", "Journal"]

PAGE = 1_000
"""So many events are read at once."""


class Journal(ABC):
    """Events of persistent actors, in the order in which they happened.

    Give it to a system: ``ActorSystem("shop", journal=SqliteJournal("shop.db"))``; the system
    opens it when it starts and closes it when all its actors have ended. To look into one
    without a system use it as ``async with``. One system at a time has a journal.

    All methods but :meth:`open` and :meth:`close_now` are for the loop on which it was opened.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        # An actor keeps its stream, and so does an append that is under way.
        self._holders: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self._is_open = False
        self._user = ""

    def __repr__(self) -> str:
        state = "open" if self._is_open else "closed"
        return f"<{type(self).__name__} {self.name} {state}>"

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return self._is_open

    @property
    def is_read_only(self) -> bool:
        """Whether it can only be looked into: every write is refused."""
        return False

    # -- life ------------------------------------------------------------------------------

    def open(self, *, user: str = "") -> None:
        """Open it; a system does so when it starts.

        :param user: the name of the system.
        :raises JournalInUse: if it is open already.
        :raises JournalUnavailable: if it cannot be opened.
        :raises JournalDamaged: if it is no journal.
        """
        if self._is_open:
            kind = type(self).__name__
            raise JournalInUse(journal=self.name, user=self._user, kind=kind)
        self._open()
        self._is_open = True
        self._user = user

    async def close(self) -> None:
        """Wait until everything under way is settled, and close it. Twice is harmless."""
        if self._is_open:
            self._is_open = False
            self._holders.clear()
            await self._close()

    def close_now(self) -> None:
        """Close it without a loop, from any thread: what is under way is still written."""
        if self._is_open:
            self._is_open = False
            self._holders.clear()
            self._close_now()

    # -- one writer ------------------------------------------------------------------------

    def hold(self, persistence_id: str, holder: Any) -> Any:
        """Let a holder have an id; return the one that had it before, or None.

        :raises ConcurrentWriter: if another that lives has it.
        """
        before = self._holders.get(persistence_id)
        if before is not None and before.is_held_against(holder):
            raise ConcurrentWriter(
                persistence_id=persistence_id, expected=0, found=None, holder=str(before)
            )
        self._holders[persistence_id] = holder
        return before

    # -- reading ---------------------------------------------------------------------------

    async def read(self, persistence_id: str, *, after: int = 0) -> AsyncIterator[StoredEvent]:
        """Go through the events of one id that come after a sequence number, oldest first.

        :param after: 0 begins with the oldest that is there: what a snapshot contains may have
            been deleted.
        :raises EventsDeleted: if those that come next have been deleted.
        :raises JournalDamaged: if one is missing or is not what was written.
        """
        while True:
            page = await self.page(persistence_id, after, PAGE)
            for event in page:
                if after and event.sequence != after + 1:
                    raise await self._gap(persistence_id, after, event.sequence)
                after = event.sequence
                yield event
            if len(page) < PAGE:
                return

    async def _gap(self, persistence_id: str, after: int, found: int) -> JournalError:
        oldest = await self.page(persistence_id, 0, 1)
        if oldest and oldest[0].sequence >= found:
            return EventsDeleted(
                persistence_id=persistence_id, after=after, oldest=oldest[0].sequence
            )
        return JournalDamaged(
            journal=self.name,
            place=f"{persistence_id!r}, event {after + 1}",
            detail=f"event {found} follows upon event {after}",
        )

    async def read_tag(self, tag: str, *, after: int = 0) -> AsyncIterator[TaggedEvent]:
        """Go through all events with a tag that come after an offset, in the order of commits.

        Events that are deleted are not found any more. To go on later, remember the offset.
        """
        while True:
            page = await self.tagged(tag, after, PAGE)
            for found in page:
                after = found.offset
                yield found
            if len(page) < PAGE:
                return

    async def labelled(self, label: str) -> AsyncIterator[str]:
        """Go through all ids whose last label is this one, sorted.

        A label is written in one transaction with events, so it says what these led to.
        """
        after = ""
        while True:
            page = await self.found(label, after, PAGE)
            for persistence_id in page:
                after = persistence_id
                yield persistence_id
            if len(page) < PAGE:
                return

    async def persistence_ids(self, prefix: str = "") -> AsyncIterator[str]:
        """Go through all ids that begin so, sorted."""
        after = ""
        while True:
            page = await self.ids(prefix, after, PAGE)
            for persistence_id in page:
                after = persistence_id
                yield persistence_id
            if len(page) < PAGE:
                return

    # -- what each kind of storage does ------------------------------------------------------

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    async def _close(self) -> None: ...

    @abstractmethod
    def _close_now(self) -> None: ...

    @abstractmethod
    def append(self, order: Append) -> Awaitable[None]:
        """Write the events of an order, all or none; awaited until they are durable.

        The order is taken at once, so calls are written in the order in which they are made.
        Errors come from the call or from what it returns.

        :raises ConcurrentWriter: if the id has other events, or another process writes to it.
        :raises JournalUnavailable: if the storage refuses; none was written.
        :raises JournalDamaged: if the storage is damaged.
        """

    @abstractmethod
    def save(self, order: SaveSnapshot) -> Awaitable[None]:
        """Keep a snapshot, of events that are there; errors as for :meth:`append`."""

    @abstractmethod
    async def head(self, persistence_id: str) -> Head:
        """Tell where the events of an id end; also for one that has none yet.

        :raises ConcurrentWriter: if another process that lives writes to it.
        """

    @abstractmethod
    async def page(self, persistence_id: str, after: int, limit: int) -> list[StoredEvent]:
        """Read at most so many events of an id after a sequence number."""

    @abstractmethod
    async def tagged(self, tag: str, after: int, limit: int) -> list[TaggedEvent]:
        """Read at most so many events with a tag after an offset."""

    @abstractmethod
    async def found(self, label: str, after: str, limit: int) -> list[str]:
        """Read at most so many ids after one, those with a label, sorted."""

    @abstractmethod
    async def ids(self, prefix: str, after: str, limit: int) -> list[str]:
        """Read at most so many ids after one, those that begin with a prefix, sorted."""
