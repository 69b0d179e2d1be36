"""What the tests of topics share: messages, subscribers that can be held up, and a bench."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    DeadLetterReason,
    Directive,
    Props,
    ThreadActor,
    handler,
)
from dramaturg.protocols import (
    GetTopicStatistics,
    GetTopicSubscriptions,
    Publish,
    SlowPolicy,
    Subscribe,
    SubscriptionStatistics,
    Topic,
    TopicStatistics,
)
from tests.actors.kit import LIMIT, Crash, within
from tests.actors.messaging_kit import turns, until
from tests.any_order import moment, new_system


@dataclass(frozen=True)
class Order:
    number: int = 0
    publisher: int = 0


@dataclass(frozen=True)
class Placed(Order):
    pass


@dataclass(frozen=True)
class Paid(Order):
    pass


class Listener(Actor):
    """Keeps whatever it is told."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    @handler
    def anything(self, message: object) -> None:
        self.log.append(message)


class Gate:
    """Lets a subscriber begin with a message, and handle it when the test says so; any thread."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.begun: list[Any] = []
        self.permits = threading.Semaphore(0)

    def open(self, count: int = 1) -> None:
        self.permits.release(count)


class SlowTask(Actor):
    """Handles a message when its gate opens, in a coroutine."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    @handler
    async def anything(self, message: object) -> None:
        self.gate.begun.append(message)
        async with asyncio.timeout(LIMIT):
            while not self.gate.permits.acquire(blocking=False):  # threads use it too
                await moment()
        self.gate.log.append(message)


class SlowThread(ThreadActor):
    """Handles a message when its gate opens, on a thread of its own."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    @handler
    def anything(self, message: object) -> None:
        self.gate.begun.append(message)
        assert self.gate.permits.acquire(timeout=LIMIT)
        self.gate.log.append(message)


class SlowCrasher(SlowTask):
    """Crashes on every message, when its gate opens; and begins again."""

    policy = Directive.RESTART

    @handler
    async def anything(self, message: object) -> None:
        await super().anything(message)
        raise Crash


Slow: TypeAlias = type[SlowTask] | type[SlowThread]
SLOW: list[Slow] = [SlowTask, SlowThread, SlowCrasher]


class Publisher(Actor):
    """Publishes what it is told."""

    def __init__(self, topic: ActorRef[Topic]) -> None:
        self.topic = topic

    @handler
    def publish(self, message: Publish) -> None:
        self.topic.tell(message)


@dataclass
class Bench:
    """A system with a topic."""

    system: ActorSystem
    topic: ActorRef[Topic]

    def listener(self, name: str | None = None) -> tuple[ActorRef[Listener], list[Any]]:
        log: list[Any] = []
        return self.system.spawn(Props(Listener, log), name=name), log

    async def subscribed(
        self, *types: type, pattern: str | None = None, slow: SlowPolicy | None = None
    ) -> list[Any]:
        """Let a listener subscribe; return its log."""
        ref, log = self.listener()
        await within(self.topic.request(Subscribe(ref, *types, pattern=pattern, slow=slow)))
        return log

    async def held(self, slow: SlowPolicy, kind: Slow = SlowTask) -> tuple[ActorRef[Any], Gate]:
        """Let a subscriber to everything subscribe that handles nothing before its gate opens."""
        gate = Gate()
        ref: ActorRef[Any] = self.system.spawn(Props[Any](kind, gate), name="slow")
        await within(self.topic.request(Subscribe(ref, object, slow=slow)))
        return ref, gate

    async def publish(self, *messages: Any, name: str | None = None) -> list[int]:
        """Publish, and let the loop go on; return how many subscribers each was for."""
        reached = [await within(self.topic.request(Publish(message, name))) for message in messages]
        await turns()
        return reached

    async def statistics(self) -> TopicStatistics:
        return await within(self.topic.request(GetTopicStatistics()))

    async def counts(self, ref: ActorRef[Any]) -> SubscriptionStatistics:
        [found] = [each for each in (await self.statistics()).subscriptions if each.ref == ref]
        return found

    async def subscribers(self) -> list[ActorRef[Any]]:
        return [each.ref for each in await within(self.topic.request(GetTopicSubscriptions()))]

    async def caught_up(self, gate: Gate, *expected: Any) -> None:
        """Open the gate for good, and wait until all that is expected has been handled."""
        gate.open(1_000)
        await until(lambda: len(gate.log) >= len(expected))
        await turns()
        assert gate.log == [*expected]

    def letters(self) -> list[tuple[Any, str, DeadLetterReason]]:
        return [
            (letter.message, letter.target, letter.reason)
            for letter in self.system.dead_letters.list()
            # What it crashed upon is the subscriber's own business.
            if letter.reason is not DeadLetterReason.CRASHED
        ]


@asynccontextmanager
async def opened(
    props: Props[Topic] | type[Topic] = Topic, **options: Any
) -> AsyncGenerator[Bench]:
    async with new_system(**options) as system:
        yield Bench(system, system.spawn(props, name="topic"))


async def open_bench() -> AsyncGenerator[Bench]:
    async with opened() as bench:
        yield bench


def orders(first: int, last: int) -> list[Order]:
    return [Order(number) for number in range(first, last + 1)]


def dropped(*numbers: int) -> list[Any]:
    """Return what a topic leaves of orders that a slow subscriber has missed."""
    return [(Order(number), "/slow", DeadLetterReason.OVERFLOW) for number in numbers]
