"""The messages of one publisher stay in order for every subscriber, and each is accounted for."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from dramaturg.actors import ActorRef, DeadLetterReason, Props
from dramaturg.protocols import (
    Disconnect,
    Disconnected,
    DropNewest,
    DropOldest,
    Park,
    Publish,
    SlowPolicy,
    Subscribe,
    Unlimited,
)
from tests.actors.kit import in_threads, within
from tests.actors.messaging_kit import quick_switches, turns, until
from tests.protocols.topic_kit import (
    Bench,
    Gate,
    Listener,
    Order,
    Paid,
    Placed,
    Publisher,
    SlowTask,
    SlowThread,
    opened,
)

LIMITS = st.integers(1, 4)
POLICIES: st.SearchStrategy[SlowPolicy] = st.one_of(
    st.just(Unlimited()),
    LIMITS.map(DropNewest),
    LIMITS.map(DropOldest),
    st.builds(Park, LIMITS, LIMITS),
    LIMITS.map(Disconnect),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, 2), st.sampled_from([Order, Placed, Paid])),
        st.tuples(st.just("handle"), st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("pause"), st.integers(1, 12)),
    ),
    max_size=40,
)
INTERESTS: list[dict[str, Any]] = [
    {"types": (object,)},
    {"types": (Placed, Paid)},
    {"types": (Order,), "pattern": "orders.*"},
]


@dataclass
class World:
    bench: Bench
    publishers: list[ActorRef[Publisher]] = field(default_factory=list[ActorRef[Publisher]])
    subscribers: list[ActorRef[Any]] = field(default_factory=list[ActorRef[Any]])
    gates: list[Gate] = field(default_factory=list[Gate])

    async def fill(self, policies: list[SlowPolicy]) -> None:
        spawn = self.bench.system.spawn
        for number, (slow, interest) in enumerate(zip(policies, INTERESTS, strict=True)):
            gate = Gate()
            ref = spawn(Props(SlowTask, gate), name=f"subscriber-{number}")
            topic = self.bench.topic
            self.publishers.append(spawn(Props(Publisher, topic)))
            self.gates.append(gate)
            self.subscribers.append(ref)
            wanted = Subscribe(ref, *interest["types"], pattern=interest.get("pattern"), slow=slow)
            await within(topic.request(wanted))

    async def take(self, steps: list[tuple[Any, ...]]) -> list[list[Order]]:
        """Follow the script; return what each publisher has published."""
        published: list[list[Order]] = [[], [], []]
        for number, step in enumerate(steps):
            match step:
                case ("publish", int(who), cls):
                    message: Order = cls(number, who)
                    published[who].append(message)
                    # The third subscriber wants what the publishers 0 and 1 publish.
                    name = "orders.eu" if who < 2 else "stock"
                    self.publishers[who].tell(Publish(message, name))
                case ("handle", int(who), count):
                    self.gates[who].open(count)
                case _:
                    await turns(step[1])
        return published


@settings(max_examples=120)
@given(st.lists(POLICIES, min_size=3, max_size=3), STEPS)
async def test_every_message_arrives_in_its_publishers_order_or_is_a_dead_letter(
    policies: list[SlowPolicy], steps: list[tuple[Any, ...]]
) -> None:
    async with opened() as bench:
        world = World(bench)
        await world.fill(policies)
        published = await world.take(steps)
        for gate in world.gates:
            gate.open(1_000)
        await turns(30)
        for ref in world.subscribers:
            await until(lambda ref=ref: ref.cell.depth == 0 and ref.cell.message is None)  # type: ignore[misc]
        await turns(30)

        letters = bench.system.dead_letters.list(reason=DeadLetterReason.OVERFLOW)
        assert len(letters) == bench.system.dead_letters.total
        statistics = await bench.statistics()
        assert statistics.published == sum(map(len, published))
        for number, gate in enumerate(world.gates):
            had = [each for each in gate.log if isinstance(each, Order)]
            lost = [each.message for each in letters if each.target == f"/subscriber-{number}"]
            gone = len(had) < len(gate.log)
            assert gone == (
                Disconnected(bench.topic, getattr(policies[number], "limit", 0)) in gate.log
            )
            for who in range(3):
                wanted = [each for each in published[who] if wants(number, each)]
                assert in_order(wanted, [each for each in had if each.publisher == who])
                if not gone:
                    both = Counter(each for each in had + lost if each.publisher == who)
                    assert both == Counter(wanted)
        assert statistics.delivered == sum(
            isinstance(each, Order) for gate in world.gates for each in gate.log
        )
        assert statistics.dropped == len(letters)


def wants(subscriber: int, message: Order) -> bool:
    if subscriber == 1:
        return isinstance(message, Placed | Paid)
    return subscriber == 0 or message.publisher < 2


def in_order(published: list[Order], arrived: list[Order]) -> bool:
    """Tell whether what arrived is what was published, with gaps perhaps."""
    rest = iter(published)
    return all(each in rest for each in arrived)


@pytest.mark.one_order("threads")
async def test_sixteen_threads_publish_at_once() -> None:
    each, threads = 200, 16
    logs: list[list[Any]] = [[] for _ in range(4)]
    gate = Gate()
    gate.open(10**6)
    async with opened() as bench:
        policies: list[SlowPolicy] = [
            Unlimited(),
            Park(10, 10**6),
            DropNewest(50),
            DropOldest(5),
        ]
        for log, slow in zip(logs, policies, strict=True):
            ref = bench.system.spawn(Props(Listener, log))
            await within(bench.topic.request(Subscribe(ref, Order, slow=slow)))
        thread = bench.system.spawn(Props(SlowThread, gate))
        await within(bench.topic.request(Subscribe(thread, Order, slow=Park(7, 10**6))))
        numbers = iter(range(threads))

        def publish() -> None:
            publisher = next(numbers)
            for number in range(each):
                bench.topic.tell(Publish(Order(number, publisher), f"orders.{publisher}"))

        with quick_switches():
            await in_threads(threads, publish)
            total = each * threads
            await until(lambda: len(gate.log) == len(logs[1]) == len(logs[0]) == total)
            await asyncio.sleep(0)
            await turns(30)

        statistics = await bench.statistics()
        assert statistics.published == total
        assert statistics.dropped == len(bench.letters())
        for log, counts in zip([*logs, gate.log], statistics.subscriptions, strict=True):
            assert counts.published == total == counts.dropped + len(log)
            assert (counts.waiting, counts.unhandled) == (0, 0)
            for publisher in range(threads):
                mine = [order.number for order in log if order.publisher == publisher]
                assert mine == sorted(mine)
                assert len(set(mine)) == len(mine)


@pytest.mark.one_order("threads")
async def test_a_thread_that_catches_up_while_its_topic_publishes_is_never_forgotten() -> None:
    gate = Gate()
    gate.open(10**6)
    async with opened() as bench:
        thread = bench.system.spawn(Props(SlowThread, gate))
        await within(bench.topic.request(Subscribe(thread, Order, slow=Park(1, 10**6))))

        with quick_switches():
            for number in range(300):
                # Each one alone: whatever is stranded is not saved by the next.
                bench.topic.tell(Order(number))
                bench.topic.tell(Order(number))
                await until(lambda number=number: len(gate.log) == 2 * number + 2)  # type: ignore[misc]

    assert [order.number for order in gate.log] == [number // 2 for number in range(600)]
