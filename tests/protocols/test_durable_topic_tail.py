"""What was just stored comes from memory, and confirmations are written together."""

import copy
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorSystem,
    ManualClock,
    MemoryJournal,
    MemoryStore,
    Message,
    Props,
    handler,
)
from dramaturg.actors.journal import Append, StoredEvent
from dramaturg.protocols import Confirmation, Delivery, SubscribeDurably
from dramaturg.protocols._durable_tail import KEPT, Tail
from dramaturg.protocols._durable_topic_state import SubscriptionBegun, TopicPublished
from tests.actors.kit import within
from tests.actors.messaging_kit import Captured, until
from tests.protocols.durable_topic_kit import Bench, Order, Orders, once


class Counting(MemoryJournal):
    """Counts what is read of the topic, and what its subscriptions write."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        super().__init__(store)
        self.pages = 0
        self.written = 0

    async def page(self, persistence_id: str, after: int, limit: int) -> list[StoredEvent]:
        self.pages += persistence_id == "/orders"
        return await super().page(persistence_id, after, limit)

    def append(self, order: Append) -> Any:
        self.written += order.persistence_id.startswith("/orders@")
        return super().append(order)


class Keeper(Actor):
    """Keeps its deliveries."""

    def __init__(self, kept: list[Delivery]) -> None:
        self.kept = kept

    @handler
    def delivered(self, message: Delivery) -> None:
        self.kept.append(message)


def opened(journal: MemoryJournal) -> ActorSystem:
    return ActorSystem("shop", journal=journal, clock=ManualClock(), logger=Captured().log)


def as_left_by_a_kill(store: MemoryStore) -> MemoryStore:
    left = copy.deepcopy(store)
    for shelf in left.shelves.values():
        shelf.writer = None
    return left


async def keeping(bench: Bench, name: str, **options: Any) -> list[Delivery]:
    kept: list[Delivery] = []
    await bench.subscribed(name, bench.system.spawn(Props(Keeper, kept)), **options)
    return kept


# -- reading


async def test_subscriptions_that_have_caught_up_read_nothing() -> None:
    journal = Counting()
    async with opened(journal) as system:
        bench = Bench(system, Orders)
        logs = [await bench.reading(f"r{each}", window=9) for each in range(3)]
        journal.pages = 0
        await bench.publish(*range(20))
        await until(lambda: all(len(log) == 20 for log in logs))

        assert logs == [once(*range(20))] * 3
        assert journal.pages == 0


async def test_one_that_comes_later_reads_the_journal_and_then_no_more() -> None:
    journal = Counting()
    async with opened(journal) as system:
        await Bench(system, Orders).publish(*range(5))
    journal = Counting(journal.store)
    async with opened(journal) as system:
        bench = Bench(system, Orders)
        log = await bench.reading("late")
        await until(lambda: len(log) == 5)
        read = journal.pages
        await bench.publish(5, 6)
        await until(lambda: len(log) == 7)

        assert log == once(*range(7))
        assert journal.pages == read


async def test_what_can_be_changed_each_subscriber_has_for_itself() -> None:
    async with opened(MemoryJournal()) as system:
        bench = Bench(system, Orders)
        first, second = await keeping(bench, "a"), await keeping(bench, "b")
        given = [1]
        bench.topic.tell(given)
        bench.topic.tell(Order(number=2))
        await until(lambda: len(first) == len(second) == 2)
        first[0].message.append(2)

        assert (given, second[0].message) == ([1], [1])
        assert first[1].message is second[1].message


async def test_a_message_says_the_same_from_memory_and_from_the_journal() -> None:
    store = MemoryStore()
    async with opened(MemoryJournal(store)) as system:
        bench = Bench(system, Orders)
        kept = await keeping(bench, "a")
        await bench.publish(1, name="one")
        await until(lambda: len(kept) == 1)
    async with opened(MemoryJournal(store)) as system:
        again = await keeping(Bench(system, Orders), "b")
        await until(lambda: len(again) == 1)

    for field in ("message", "offset", "name", "key", "published", "redelivered"):
        assert getattr(again[0], field) == getattr(kept[0], field)


def published(offset: int, message: Any = None) -> TopicPublished:
    return TopicPublished(offset, message, None, None)


def test_the_tail_keeps_the_last_ones_without_a_gap() -> None:
    tail = Tail()
    assert tail.behind(0, 9) == []
    for offset in range(1, 10 * KEPT):
        tail.add([published(offset)], 1.0)

    last = 10 * KEPT - 1
    assert tail.behind(0, 9) == []
    assert [each.sequence for each in tail.behind(last - 3, 2)] == [last - 2, last - 1]
    assert tail.behind(last, 9) == []
    assert len(tail.behind(last - KEPT, 9 * KEPT)) == KEPT
    assert tail.behind(last - 2 * KEPT - 1, 9) == []


def test_the_tail_begins_anew_behind_what_can_be_changed_and_what_is_deleted() -> None:
    class Loose(Message, frozen=False):
        """Can be changed."""

    tail = Tail()
    tail.add([published(1), SubscriptionBegun(2, "a", 0), published(3, Loose())], 1.0)
    tail.add([published(4), published(5), published(6)], 2.0)
    assert tail.behind(2, 9) == []
    assert [each.sequence for each in tail.behind(3, 9)] == [4, 5, 6]
    tail.forget(4)
    tail.forget(2)
    assert tail.behind(3, 9) == []
    assert [each.sequence for each in tail.behind(4, 9)] == [5, 6]


# -- confirmations


async def test_many_confirmations_are_one_record() -> None:
    journal = Counting()
    async with opened(journal) as system:
        bench = Bench(system, Orders)
        log = await bench.reading("r", window=100)
        before = journal.written
        await bench.publish(*range(20))
        await until(lambda: len(log) == 20)
        assert (await bench.caught_up("r")).confirmed == 21
        assert journal.written == before

        clock: Any = system.clock
        clock.advance(1)
        await until(lambda: journal.written == before + 1)


async def test_a_whole_window_is_written_at_once() -> None:
    journal = Counting()
    async with opened(journal) as system:
        bench = Bench(system, Orders)
        log = await bench.reading("r", window=4)
        before = journal.written
        await bench.publish(*range(4))
        await until(lambda: journal.written == before + 1)

        assert log == once(*range(4))


async def test_what_is_confirmed_by_hand_is_written_before_the_answer() -> None:
    journal = Counting()
    async with opened(journal) as system:
        bench = Bench(system, Orders)
        kept = await keeping(bench, "r", window=9, confirm=Confirmation.EXPLICIT)
        await bench.publish(1, 2)
        await until(lambda: len(kept) == 2)
        before = journal.written
        await within(bench.topic.request(kept[1].confirmation()))

        assert journal.written == before + 1


async def test_an_end_in_order_writes_what_is_confirmed() -> None:
    store = MemoryStore()
    async with opened(MemoryJournal(store)) as system:
        bench = Bench(system, Orders)
        log = await bench.reading("r", window=100)
        await bench.publish(1, 2)
        await until(lambda: len(log) == 2)
        await bench.caught_up("r")
    async with opened(MemoryJournal(store)) as system:
        bench = Bench(system, Orders)
        log = await bench.reading("r", window=100)
        await bench.publish(3)
        await until(lambda: len(log) == 1)

        assert log == [(3, False)]


@pytest.mark.parametrize("window", [1, 3, 10])
async def test_a_killed_process_repeats_no_more_than_two_windows(window: int) -> None:
    store = MemoryStore()
    async with opened(MemoryJournal(store)) as system:
        bench = Bench(system, Orders)
        log = await bench.reading("r", window=window)
        await bench.publish(*range(35))
        await until(lambda: len(log) == 35)
        left = as_left_by_a_kill(store)
    async with opened(MemoryJournal(left)) as system:
        bench = Bench(system, Orders)
        ref, log = bench.reader()
        await within(bench.topic.request(SubscribeDurably("r", ref, window=window)))
        await bench.publish(35)
        await until(lambda: bool(log) and log[-1][0] == 35)

    assert log[-1] == (35, False)
    assert len(log) <= 2 * window + 1
    assert [number for number, _ in log] == [*range(36 - len(log), 36)]
    assert all(redelivered for _, redelivered in log[:-1])
