"""Subscribers with mailboxes of their own: full ones, failing ones, and those of pykka's kind."""

from typing import Any

import pytest

from dramaturg.actors import (
    ActorRef,
    Bounded,
    DeadLetterReason,
    Overflow,
    Priority,
    Props,
    handler,
)
from dramaturg.actors._spawn import spawn_in_pykkas_way
from dramaturg.protocols import (
    DropNewest,
    Park,
    SlowPolicy,
    Subscribe,
    Topic,
    Unlimited,
)
from dramaturg.protocols._topic_subscriber import Subscriber
from tests.actors.kit import Crash, within
from tests.actors.messaging_kit import turns, until
from tests.ids import stable
from tests.protocols.topic_kit import (
    Bench,
    Gate,
    Listener,
    Order,
    Paid,
    SlowTask,
    dropped,
    open_bench,
    orders,
)

bench = pytest.fixture(open_bench)
pytestmark = pytest.mark.timeout(20)


@pytest.mark.parametrize("slow", [Unlimited(), DropNewest(5)], ids=stable)
@pytest.mark.parametrize("overflow", [Overflow.REJECT, Overflow.DROP_NEWEST, Overflow.BLOCK])
async def test_what_a_full_mailbox_turns_away_is_a_dead_letter_and_the_topic_goes_on(
    bench: Bench, overflow: Overflow, slow: SlowPolicy
) -> None:
    gate = Gate()
    props = Props(SlowTask, gate).using(mailbox=Bounded(1, overflow, timeout=1.0))
    ref = bench.system.spawn(props, name="slow")
    await within(bench.topic.request(Subscribe(ref, Order, slow=slow)))
    other = await bench.subscribed(Order)

    await bench.publish(*orders(1, 1))
    await until(lambda: gate.begun == orders(1, 1))
    await bench.publish(*orders(2, 4))

    assert bench.letters() == dropped(3, 4)
    assert other == orders(1, 4)
    counts = await bench.counts(ref)
    if overflow is not Overflow.DROP_NEWEST:  # which tells nobody
        assert (counts.delivered, counts.dropped) == (2, 2)
    assert counts.unhandled in (0, 2)
    await bench.caught_up(gate, *orders(1, 2))


async def test_a_mailbox_whose_key_raises_harms_nobody_else(bench: Bench) -> None:
    def key(message: Any) -> int:
        return int(message.nothing)

    log: list[Any] = []
    ref = bench.system.spawn(Props(Listener, log).using(mailbox=Priority(key)), name="slow")
    other = await bench.subscribed(Order)
    for slow in (Unlimited(), Park(1, 1)):
        await within(bench.topic.request(Subscribe(ref, Order, slow=slow)))
        await bench.publish(Order(1))

    assert bench.letters() == [(Order(1), "/slow", DeadLetterReason.UNROUTABLE)] * 2
    assert other == [Order(1)] * 2
    assert (await bench.counts(ref)).unhandled == 0


class Old(Listener):
    @handler
    def crash(self, message: Paid) -> None:
        raise Crash


def old_actor(bench: Bench) -> tuple[ActorRef[Any], list[Any]]:
    """Start an actor in pykka's way, though in the system of the test."""
    log: list[Any] = []
    return spawn_in_pykkas_way(bench.system, Old, (log,), {}), log


@pytest.mark.parametrize("slow", [Unlimited(), Park(1, 9)], ids=stable)
async def test_actors_under_pykkas_contract_may_subscribe(bench: Bench, slow: SlowPolicy) -> None:
    ref, log = old_actor(bench)
    await within(bench.topic.request(Subscribe(ref, Order, slow=slow)))

    await bench.publish(*orders(1, 3))
    assert log == orders(1, 3)
    await within(ref.stop(block=False))
    await turns()

    assert await bench.subscribers() == []


async def test_with_a_limit_an_actor_under_pykkas_contract_fails_as_if_it_had_been_asked(
    bench: Bench,
) -> None:
    ref, log = old_actor(bench)
    await within(bench.topic.request(Subscribe(ref, Order, slow=Park(1, 9))))

    await bench.publish(Paid(1), Order(2))

    assert log == [Order(2)]
    [letter] = bench.system.dead_letters.list()
    assert (letter.message, letter.reason) == (Paid(1), DeadLetterReason.CRASHED)


@pytest.mark.parametrize("slow", [Unlimited(), Park(1, 9)], ids=stable)
async def test_what_one_that_has_stopped_under_pykkas_contract_misses_is_a_dead_letter(
    bench: Bench, slow: SlowPolicy
) -> None:
    ref, _ = old_actor(bench)
    subscriber = Subscriber(ref, bench.topic, 1)
    subscriber.set_policy(slow)
    await within(ref.stop(block=False))

    subscriber.offer(Order(1))

    [letter] = bench.system.dead_letters.list()
    assert (letter.message, letter.reason) == (Order(1), DeadLetterReason.STOPPED)
    assert not subscriber.handed


async def test_a_topic_below_another_counts_as_done_when_it_has_published(bench: Bench) -> None:
    second = bench.system.spawn(Topic)
    await within(bench.topic.request(Subscribe(second, Order, slow=DropNewest(1))))
    ref, log = bench.listener()
    await within(second.request(Subscribe(ref, Order)))

    await bench.publish(*orders(1, 3))

    assert log == orders(1, 3)
