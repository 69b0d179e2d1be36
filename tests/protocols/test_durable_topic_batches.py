"""Publications that wait together are stored together, each answered in its turn."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorSystem,
    Directive,
    JournalUnavailable,
    ManualClock,
    MemoryJournal,
    Message,
    Props,
    handler,
)
from dramaturg.actors.journal import Append
from dramaturg.protocols import (
    DurableTopic,
    FromNow,
    MessageRefused,
    PublishDurably,
    Published,
    SubscribeDurably,
)
from tests.actors.kit import within
from tests.actors.messaging_kit import Captured, turns, until
from tests.protocols.durable_topic_kit import Bench, Order, Orders


class Slow(MemoryJournal):
    """Acknowledges appends when it is told to; counts those of the topic."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.commits: list[int] = []
        self.fails: str | None = None

    def append(self, order: Append) -> Any:
        if order.persistence_id == "/orders":
            self.commits.append(len(order.payloads))
            if self.fails == "before" and len(self.commits) == 2:
                raise JournalUnavailable(journal=self.name, problem="full", detail="no room")
        return self._later(order)

    async def _later(self, order: Append) -> None:
        await super().append(order)
        await self.gate.wait()
        if self.fails == "after" and len(self.commits) == 2:
            self.fails = None
            raise JournalUnavailable(journal=self.name, problem="failing", detail="nobody knows")


def opened(journal: MemoryJournal, **options: Any) -> ActorSystem:
    return ActorSystem(
        "shop", journal=journal, clock=ManualClock(), logger=Captured().log, **options
    )


def publications(topic: Any, *numbers: int, keys: bool = True) -> list[asyncio.Future[Any]]:
    return [
        asyncio.ensure_future(
            topic.request(PublishDurably(Order(number=n), key=f"{n}" if keys else None))
        )
        for n in numbers
    ]


@pytest.mark.parametrize("trace", [False, True])
async def test_what_waits_together_is_one_commit_and_keeps_its_order(trace: bool) -> None:
    journal = Slow()
    async with opened(journal, trace=trace) as system:
        bench = Bench(system, Orders)
        log = await bench.reading("r")
        journal.commits.clear()
        journal.gate.clear()
        [first] = publications(bench.topic, 0)
        await turns()
        rest = publications(bench.topic, *range(1, 200))
        await turns()
        journal.gate.set()
        found = await within(asyncio.gather(first, *rest))
        assert [each.offset for each in found] == [*range(2, 202)]
        assert journal.commits == [1, 199]
        await bench.caught_up("r")
        assert [number for number, _ in log] == [*range(200)]


async def test_what_comes_between_two_publications_is_handled_between_them() -> None:
    journal = Slow()
    async with opened(journal) as system:
        bench = Bench(system, Orders)
        ref, log = bench.reader()
        journal.gate.clear()
        calls = publications(bench.topic, 0)
        await turns()
        calls += publications(bench.topic, 1, 2)
        await turns()
        subscribed = asyncio.ensure_future(
            bench.topic.request(SubscribeDurably("r", ref, start=FromNow()))
        )
        await turns()
        calls += publications(bench.topic, 3, 4)
        await turns()
        journal.gate.set()
        await within(asyncio.gather(*calls, subscribed))
        await bench.caught_up("r")
        assert [number for number, _ in log] == [3, 4]
        assert journal.commits == [1, 2, 1, 2]


async def test_a_key_that_comes_twice_at_once_is_stored_once() -> None:
    journal = Slow()
    async with opened(journal) as system:
        bench = Bench(system, Orders)
        journal.gate.clear()
        calls = publications(bench.topic, 0)
        await turns()
        calls += publications(bench.topic, 1, 0, 1, 2)
        await turns()
        journal.gate.set()
        assert await within(asyncio.gather(*calls)) == [
            Published(1),
            Published(2),
            Published(1, is_duplicate=True),
            Published(2, is_duplicate=True),
            Published(3),
        ]


class Unknown(Message):
    number: int = 1


async def test_one_that_is_refused_takes_no_other_with_it() -> None:
    journal = Slow()
    async with opened(journal) as system:
        bench = Bench(system, Orders)
        journal.gate.clear()
        calls = publications(bench.topic, 0)
        await turns()
        calls += publications(bench.topic, 1)
        wrong = asyncio.ensure_future(bench.topic.request(PublishDurably(Unknown())))
        await turns()
        calls += publications(bench.topic, 2)
        await turns()
        journal.gate.set()
        found = await within(asyncio.gather(*calls))
        assert [each.offset for each in found] == [1, 2, 3]
        with pytest.raises(MessageRefused):
            await within(wrong)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_commit_that_fails_stores_nothing_twice_and_loses_nothing_that_is_answered(
    when: str,
) -> None:
    journal = Slow()
    async with opened(journal) as system:
        bench = Bench(system, Orders)
        journal.gate.clear()
        [zero] = publications(bench.topic, 0, keys=False)
        await turns()
        calls = publications(bench.topic, 1, 2, 3, keys=False)
        await turns()
        journal.fails = when
        journal.gate.set()
        await within(zero)
        found: list[Any] = await within(asyncio.gather(*calls, return_exceptions=True))
        assert isinstance(found[0], ActorCrashed)
        offsets = [each.offset for each in found[1:]]
        log = await bench.reading("r")
        await bench.caught_up("r")
        assert [number for number, _ in log] == ([0, 2, 3] if when == "before" else [0, 1, 2, 3])
        assert offsets == ([2, 3] if when == "before" else [3, 4])


async def test_a_subclass_sees_each_publication_before_it_is_stored() -> None:
    seen: list[tuple[int, int]] = []

    class Looks(Orders):
        @handler
        async def publish(self, message: PublishDurably) -> Published:
            seen.append((message.message.number, self.sequence))
            return await super().publish(message)

    journal = Slow()
    async with opened(journal) as system:
        bench = Bench(system, Looks)
        await within(asyncio.gather(*publications(bench.topic, 0, 1, 2, 3)))
    assert seen == [(0, 0), (1, 1), (2, 2), (3, 3)]


async def test_a_publisher_that_has_given_up_meanwhile_takes_no_other_with_it() -> None:
    journal, clock = Slow(), ManualClock()
    async with ActorSystem("shop", journal=journal, clock=clock, logger=Captured().log) as system:
        topic = system.spawn(
            Props[DurableTopic](Orders).using(policy=Directive.RESTART), name="orders"
        )
        journal.gate.clear()
        calls = publications(topic, 0)
        await turns()
        late = asyncio.ensure_future(topic.request(PublishDurably(Order(number=1)), timeout=1.0))
        await turns()
        calls += publications(topic, 2)
        clock.advance(2.0)
        await until(late.done)
        journal.gate.set()
        found = await within(asyncio.gather(*calls))
        assert isinstance(late.exception(), TimeoutError)
        assert [each.offset for each in found] == [1, 2]
