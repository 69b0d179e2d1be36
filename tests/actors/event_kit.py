"""An account, its commands and events, and journals that do as they are told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from dramaturg.actors import ActorSystem, EventSourced, Message, Request, handler
from dramaturg.actors.journal import Append, JournalUnavailable, MemoryJournal, SaveSnapshot
from tests.actors.kit import Do


class Deposited(Message, name="bank.deposited"):
    cents: int


class Withdrawn(Message, name="bank.withdrawn"):
    cents: int


class Balance(Message, name="bank.balance"):
    cents: int = 0
    events: int = 0


class Deposit(Request[Balance]):
    cents: int


class Show(Request[Balance]):
    pass


class Account(EventSourced[Balance]):
    """Does also what it is told, and notes what happens to it."""

    initial = Balance()

    def __init__(self, log: list[Any] | None = None) -> None:
        self.log: list[Any] = [] if log is None else log

    def persistence_id(self) -> str:
        return "account-1"

    def apply(self, state: Balance, event: Deposited | Withdrawn) -> Balance:
        change = event.cents if isinstance(event, Deposited) else -event.cents
        return Balance(cents=state.cents + change, events=state.events + 1)

    def on_recovered(self) -> Any:
        self.log.append(f"recovered {self.state.cents}")

    @handler
    async def deposit(self, command: Deposit) -> Balance:
        await self.persist(Deposited(cents=command.cents))
        self.log.append(f"deposited {command.cents}")
        return self.state

    @handler
    async def show(self, command: Show) -> Balance:
        return self.state

    @handler
    async def do(self, command: Do) -> Any:
        result = command.what(self)
        return await result if asyncio.iscoroutine(result) else result


class Snapping(Account):
    snapshot_every = 3
    delete_events = True


class Gated(MemoryJournal):
    """A journal whose acknowledgements wait until a test lets them through, or fail."""

    def __init__(self, other: MemoryJournal | None = None) -> None:
        super().__init__(None if other is None else other.store)
        self.refuse_appends: JournalUnavailable | None = None
        self.refuse_saves: JournalUnavailable | None = None
        self.gate: asyncio.Event | None = None
        self.reads = 0
        self.appended = asyncio.Event()

    def append(self, order: Append) -> Awaitable[None]:
        if self.refuse_appends is not None:
            return self._late(None, self.refuse_appends)
        if self.gate is None:
            return super().append(order)
        return self._late(lambda: super(Gated, self).append(order), None)

    def save(self, order: SaveSnapshot) -> Awaitable[None]:
        if self.refuse_saves is not None:
            return self._late(None, self.refuse_saves)
        return super().save(order)

    async def head(self, persistence_id: str) -> Any:
        self.reads += 1
        return await super().head(persistence_id)

    async def _late(
        self, write: Callable[[], Awaitable[None]] | None, error: BaseException | None
    ) -> None:
        self.appended.set()
        if self.gate is not None:
            await self.gate.wait()
        if error is not None:
            raise error
        assert write is not None
        await write()


def full() -> JournalUnavailable:
    """Make an error of a full disk."""
    return JournalUnavailable(journal="test", problem="full", detail="no room")


def bank(journal: MemoryJournal | None = None, **options: Any) -> ActorSystem:
    """Make a system whose journal is this one."""
    return ActorSystem("bank", journal=MemoryJournal() if journal is None else journal, **options)


async def stored(journal: MemoryJournal, persistence_id: str = "account-1") -> list[str]:
    """Read which types of events there are, in an open journal."""
    shelf = journal.store.shelves.get(persistence_id)
    return [] if shelf is None else [each.payload.decode("latin-1") for each in shelf.events]
