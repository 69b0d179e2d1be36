"""Systems whose dead letters are in a journal, one after the other on the same journal."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    DurableDeadLetters,
    Journal,
    JournalUnavailable,
    ManualClock,
    MemoryJournal,
    MemoryStore,
    Message,
    Props,
    Refused,
    SqliteJournal,
    TypeRegistry,
    handler,
)
from dramaturg.actors.journal import Append
from tests.actors.kit import Crash, within
from tests.actors.messaging_kit import Captured


class Bill(Message, name="letters.Bill"):
    """What is paid, or not."""

    number: int
    how: str = "paid"


REGISTRY = TypeRegistry(Bill)


class Till(Actor):
    """Does with each bill what that says."""

    def __init__(self, paid: list[int]) -> None:
        self.paid = paid

    @handler
    def bill(self, message: Bill) -> None:
        if message.how == "crash":
            raise Crash
        if message.how == "refuse":
            raise Refused("no")
        self.paid.append(message.number)


class Broken(MemoryJournal):
    """Refuses to write as long as it is told to."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.problem: Exception | None = None
        self.writes_all_the_same = False

    def append(self, order: Append) -> Awaitable[None]:
        if self.problem is None:
            return super().append(order)
        if self.writes_all_the_same:
            super().append(order)
        raise self.problem


def full() -> JournalUnavailable:
    return JournalUnavailable(journal="in memory", problem="full", detail="no room")


class Life:
    """One life of a system."""

    def __init__(self, system: ActorSystem, store: DurableDeadLetters, log: Captured) -> None:
        self.system = system
        self.letters = store
        self.log = log
        self.paid: list[int] = []

    def till(self, name: str = "till") -> ActorRef[Till]:
        return self.system.spawn(Props(Till, self.paid), name=name)

    async def bury(self, *messages: Any, name: str = "gone") -> None:
        """Make dead letters of the messages."""
        ref = self.till(name)
        await ref.stop(block=False)
        for message in messages:
            ref.tell(message)

    async def stored(self) -> None:
        await within(self.letters.stored())

    def numbers(self, **options: Any) -> list[int]:
        return [letter.message.number for letter in self.letters.list(**options)]


class Lives:
    """The lives of a system, on one journal."""

    def __init__(self, kind: str = "memory", folder: Path = Path()) -> None:
        self.kind = kind
        self.path = folder / "letters.db"
        self.store = MemoryStore()
        self.clock = ManualClock()

    def journal(self) -> Journal:
        return Broken(self.store) if self.kind == "memory" else SqliteJournal(self.path)

    @asynccontextmanager
    async def life(
        self, journal: Journal | None = None, registry: TypeRegistry = REGISTRY, **options: Any
    ) -> AsyncGenerator[Life]:
        letters, log = DurableDeadLetters(registry, **options), Captured()
        async with ActorSystem(
            "shop",
            journal=journal or self.journal(),
            dead_letters=letters,
            clock=self.clock,
            logger=log.log,
        ) as system:
            yield Life(system, letters, log)
