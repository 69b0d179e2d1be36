"""What the tests of durable topics share: lives of a system on one journal, and subscribers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    Directive,
    Journal,
    ManualClock,
    MemoryJournal,
    MemoryStore,
    Message,
    Props,
    Refused,
    RegisteredType,
    SqliteJournal,
    TypeRegistry,
    handler,
)
from dramaturg.protocols import (
    Delivery,
    DurableSubscription,
    DurableTopic,
    GetDurableSubscriptions,
    MessagesMissed,
    PublishDurably,
    SubscribeDurably,
)
from tests.actors.kit import Crash, within
from tests.actors.messaging_kit import Captured, until


class Order(Message, name="orders.Order"):
    number: int = 0


class Paid(Order, name="orders.Paid"): ...


class Orders(DurableTopic):
    messages: ClassVar[tuple[type | RegisteredType | TypeRegistry, ...]] = (Order, Paid)


class Reader(Actor):
    """Notes what it is delivered; fails on the numbers that it is told to."""

    policy = Directive.RESTART

    def __init__(self, log: list[Any], fails: dict[int, int], gate: asyncio.Event) -> None:
        self.log = log
        self.fails = fails
        self.gate = gate

    @handler
    async def delivered(self, message: Delivery) -> None:
        self.log.append((message.message.number, message.redelivered))
        await self.gate.wait()
        number = message.message.number
        if self.fails.get(number, 0):
            self.fails[number] -= 1
            raise Crash(number)
        if number < 0:
            raise Refused("negative")

    @handler
    def missed(self, message: MessagesMissed) -> None:
        self.log.append((message.after, message.before))


class Bench:
    """A system with a durable topic."""

    def __init__(self, system: ActorSystem, kind: type[DurableTopic]) -> None:
        self.system = system
        self.topic: ActorRef[Any] = system.spawn(
            Props(kind).using(policy=Directive.RESTART), name="orders"
        )
        self.fails: dict[int, int] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    def reader(self, name: str | None = None) -> tuple[ActorRef[Any], list[Any]]:
        log: list[Any] = []
        return self.system.spawn(Props(Reader, log, self.fails, self.gate), name=name), log

    async def publish(self, *numbers: int, name: str | None = None) -> list[int]:
        found = [
            await within(self.topic.request(PublishDurably(Order(number=each), name)))
            for each in numbers
        ]
        return [each.offset for each in found]

    async def subscribed(
        self, name: str, ref: ActorRef[Any], *types: type, **options: Any
    ) -> DurableSubscription:
        message = SubscribeDurably(name, ref, *types, **options)
        return await within(self.topic.request(message))

    async def reading(self, name: str, *types: type, **options: Any) -> list[Any]:
        """Let a reader subscribe; return its log."""
        ref, log = self.reader()
        await self.subscribed(name, ref, *types, **options)
        return log

    async def figures(self, name: str) -> DurableSubscription:
        for each in await within(self.topic.request(GetDurableSubscriptions())):
            if each.name == name:
                return each
        raise LookupError(name)

    async def parked(self, name: str) -> int:
        while (parked := (await self.figures(name)).parked) is None:  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0)
        return parked

    async def caught_up(self, name: str) -> DurableSubscription:
        while (figures := await self.figures(name)).lag:  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0)
        return figures


class Lives:
    """The lives of a system, on one journal."""

    def __init__(self, kind: str = "memory", folder: Path = Path()) -> None:
        self.kind = kind
        self.path = folder / "topics.db"
        self.store = MemoryStore()
        self.clock = ManualClock()

    def journal(self) -> Journal:
        return MemoryJournal(self.store) if self.kind == "memory" else SqliteJournal(self.path)

    @asynccontextmanager
    async def life(
        self, kind: type[DurableTopic] = Orders, **options: Any
    ) -> AsyncGenerator[Bench]:
        async with ActorSystem(
            "shop", journal=self.journal(), clock=self.clock, logger=Captured().log, **options
        ) as system:
            yield Bench(system, kind)

    async def tick(self, log: list[Any], length: int) -> None:
        """Let time pass until a log has so many entries."""

        def passed() -> bool:
            self.clock.advance(1)
            return len(log) >= length

        await until(passed)


def once(*numbers: int) -> list[Any]:
    return [(number, False) for number in numbers]
