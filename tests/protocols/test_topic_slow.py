"""Subscribers that do not keep up: what is dropped, waits, or ends their subscription."""

import pickle
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    DeadLetterReason,
    DramaturgError,
    Props,
    Refused,
    RoundRobin,
    Router,
    handler,
)
from dramaturg.protocols import (
    Disconnect,
    Disconnected,
    DropNewest,
    DropOldest,
    Park,
    RequestPublishedError,
    SlowPolicy,
    SlowSubscriberError,
    Subscribe,
    SubscriberDisconnected,
    Unlimited,
    Unsubscribe,
)
from dramaturg.protocols._topic_memory import memory_of
from tests.actors.kit import Crash, Do, Events, within
from tests.actors.messaging_kit import turns, until
from tests.ids import stable
from tests.protocols.topic_kit import (
    SLOW,
    Bench,
    Gate,
    Order,
    Slow,
    SlowTask,
    dropped,
    open_bench,
    opened,
    orders,
)
from tests.supervision.in_front_kit import Lasting

bench = pytest.fixture(open_bench)
pytestmark = pytest.mark.timeout(20)


@pytest.mark.parametrize("kind", SLOW)
async def test_the_newest_are_dropped(bench: Bench, kind: Slow) -> None:
    ref, gate = await bench.held(DropNewest(3), kind)

    await bench.publish(*orders(1, 5))

    assert bench.letters() == dropped(4, 5)
    counts = await bench.counts(ref)
    assert (counts.published, counts.delivered, counts.dropped, counts.unhandled) == (5, 3, 2, 3)
    await bench.caught_up(gate, *orders(1, 3))
    await bench.publish(Order(6))
    await bench.caught_up(gate, *orders(1, 3), Order(6))


@pytest.mark.parametrize("kind", SLOW)
async def test_the_oldest_are_dropped(bench: Bench, kind: Slow) -> None:
    ref, gate = await bench.held(DropOldest(3), kind)

    await bench.publish(*orders(1, 7))

    assert bench.letters() == dropped(2, 3, 4)
    counts = await bench.counts(ref)
    assert (counts.published, counts.delivered, counts.dropped, counts.waiting) == (7, 1, 3, 3)
    await bench.caught_up(gate, Order(1), *orders(5, 7))


@pytest.mark.parametrize("kind", SLOW)
async def test_what_is_parked_is_delivered_when_the_subscriber_catches_up(
    bench: Bench, kind: Slow
) -> None:
    ref, gate = await bench.held(Park(2, 3), kind)

    await bench.publish(*orders(1, 6))

    assert bench.letters() == dropped(6)
    counts = await bench.counts(ref)
    assert (counts.delivered, counts.parked, counts.waiting, counts.dropped) == (2, 3, 3, 1)
    await bench.caught_up(gate, *orders(1, 5))
    counts = await bench.counts(ref)
    assert (counts.published, counts.delivered, counts.parked) == (6, 5, 3)
    assert (counts.waiting, counts.unhandled) == (0, 0)


async def test_each_message_that_is_handled_makes_room_for_one(bench: Bench) -> None:
    ref, gate = await bench.held(Park(2, 9))
    await bench.publish(*orders(1, 5))

    for handled in range(1, 4):
        gate.open()
        await until(lambda handled=handled: len(gate.log) == handled)  # type: ignore[misc]
        await turns()
        counts = await bench.counts(ref)
        assert (counts.unhandled, counts.waiting) == (2, 3 - handled)

    await bench.caught_up(gate, *orders(1, 5))


async def test_nothing_overtakes_what_is_parked(bench: Bench) -> None:
    _, gate = await bench.held(Park(1, 100))
    await bench.publish(*orders(1, 3))

    gate.open()
    await until(lambda: len(gate.log) == 1)
    await bench.publish(Order(4))

    await bench.caught_up(gate, *orders(1, 4))


@pytest.mark.parametrize("kind", SLOW)
async def test_a_slow_subscriber_is_disconnected(bench: Bench, kind: Slow) -> None:
    events = Events(bench.system, SubscriberDisconnected)
    _, gate = await bench.held(Disconnect(2), kind)
    other = await bench.subscribed(Order)

    await bench.publish(*orders(1, 4))

    assert bench.letters() == dropped(3)
    [event] = events.of(SubscriberDisconnected)
    assert (event.path, event.subscriber, event.limit) == ("/topic", "/slow", 2)
    statistics = await bench.statistics()
    assert statistics.disconnected == 1
    assert (statistics.delivered, statistics.dropped) == (6, 1)
    assert len(statistics.subscriptions) == 1
    await bench.caught_up(gate, *orders(1, 2), Disconnected(bench.topic, 2))
    assert other == orders(1, 4)


async def test_who_was_disconnected_may_subscribe_again(bench: Bench) -> None:
    ref, gate = await bench.held(Disconnect(1))
    await bench.publish(*orders(1, 2))

    await within(bench.topic.request(Subscribe(ref, object, slow=Disconnect(1))))
    await bench.publish(Order(3))

    await bench.caught_up(gate, Order(1), Disconnected(bench.topic, 1), Order(3))
    assert bench.letters() == dropped(2)


async def test_a_subscriber_without_a_limit_has_all_in_its_mailbox(bench: Bench) -> None:
    ref, gate = await bench.held(Unlimited())

    await bench.publish(*orders(1, 100))

    assert (await bench.counts(ref)).delivered == 100
    assert ref.cell.depth == 99
    await bench.caught_up(gate, *orders(1, 100))


@pytest.mark.parametrize(
    "slow", [DropNewest(2), DropOldest(2), Park(2, 2), Disconnect(2)], ids=stable
)
async def test_one_that_never_takes_anything_harms_nobody_and_holds_no_more_than_its_limit(
    bench: Bench, slow: SlowPolicy
) -> None:
    ref, gate = await bench.held(slow)
    other = await bench.subscribed(Order, slow=Park(1, 1_000))

    await bench.publish(*orders(1, 200))
    await turns()

    assert other == orders(1, 200)
    statistics = await bench.statistics()
    assert statistics.published == 200
    assert ref.cell.depth <= 3
    assert sum(each.waiting for each in statistics.subscriptions) <= 2
    gate.open(1_000)


async def test_the_error_of_a_dropped_message_says_who_was_slow(bench: Bench) -> None:
    _, gate = await bench.held(DropNewest(1))
    await bench.publish(*orders(1, 2))

    [letter] = bench.system.dead_letters.list()

    assert isinstance(letter.error, SlowSubscriberError)
    assert (letter.error.path, letter.error.topic) == ("/slow", "/topic")
    assert letter.error.slow == DropNewest(1)
    assert str(letter.error) == "/slow is too slow for /topic: DropNewest(limit=1)"
    gate.open(9)


async def test_a_dropped_message_can_be_replayed_to_its_subscriber_alone(bench: Bench) -> None:
    _, gate = await bench.held(DropNewest(1))
    other = await bench.subscribed(Order)
    await bench.publish(*orders(1, 2))

    bench.system.dead_letters.replay()

    await bench.caught_up(gate, *orders(1, 2))
    assert other == orders(1, 2)


# -- another policy meanwhile


async def test_a_wider_limit_lets_go_what_waits(bench: Bench) -> None:
    ref, gate = await bench.held(Park(1, 9))
    await bench.publish(*orders(1, 5))

    await within(bench.topic.request(Subscribe(ref, object, slow=Park(3, 9))))
    assert (await bench.counts(ref)).waiting == 2
    await within(bench.topic.request(Subscribe(ref, object, slow=Unlimited())))
    assert (await bench.counts(ref)).waiting == 0

    await bench.caught_up(gate, *orders(1, 5))


@pytest.mark.parametrize(
    ("slow", "kept"),
    [(DropOldest(2), [1, 4, 5]), (Park(1, 2), [1, 2, 3]), (DropNewest(1), [1])],
    ids=stable,
)
async def test_a_narrower_one_drops_as_it_would_have(
    bench: Bench, slow: SlowPolicy, kept: list[int]
) -> None:
    ref, gate = await bench.held(Park(1, 9))
    await bench.publish(*orders(1, 5))

    await within(bench.topic.request(Subscribe(ref, object, slow=slow)))

    assert (await bench.counts(ref)).dropped == 5 - len(kept)
    await bench.caught_up(gate, *map(Order, kept))
    assert len(bench.letters()) == 5 - len(kept)


async def test_what_waits_for_one_that_unsubscribes_is_dropped(bench: Bench) -> None:
    ref, gate = await bench.held(Park(1, 9))
    await bench.publish(*orders(1, 3))

    await within(bench.topic.request(Unsubscribe(ref)))

    assert bench.letters() == dropped(2, 3)
    assert (await bench.statistics()).dropped == 2
    await bench.caught_up(gate, Order(1))


# -- how a message is known to have been handled


async def test_what_a_subscriber_has_stashed_is_still_with_it(bench: Bench) -> None:
    class Stasher(Lasting):
        ready = False

        @handler
        def order(self, message: Order) -> None:
            if self.ready:
                self.log.append(message)
            else:
                self.context.stash()

        def let_go(self) -> None:
            self.ready = True
            self.context.unstash_all()

    log: list[Any] = []
    ref = bench.system.spawn(Props(Stasher, log))
    await within(bench.topic.request(Subscribe(ref, Order, slow=Park(2, 9))))
    await bench.publish(*orders(1, 4))
    assert ((await bench.counts(ref)).unhandled, (await bench.counts(ref)).waiting) == (2, 2)

    await within(ref.request(Do(Stasher.let_go)))
    await turns()

    assert log == orders(1, 4)
    assert (await bench.counts(ref)).unhandled == 0


@pytest.mark.one_order("two poll")
async def test_what_a_pool_has_passed_on_is_still_with_it(bench: Bench) -> None:
    gate = Gate()
    pool = bench.system.spawn(Router.pool(Props(SlowTask, gate), 2, RoundRobin()), name="slow")
    await within(bench.topic.request(Subscribe(pool, Order, slow=Park(2, 9))))

    await bench.publish(*orders(1, 4))

    assert gate.begun == orders(1, 2)
    assert (await bench.counts(pool)).waiting == 2
    gate.open(4)
    await until(lambda: len(gate.log) == 4)
    assert sorted(gate.log, key=lambda order: order.number) == orders(1, 4)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(Refused("no"), DeadLetterReason.REFUSED), (Crash(), DeadLetterReason.CRASHED)],
    ids=stable,
)
async def test_a_message_that_fails_at_its_subscriber_is_done_and_a_dead_letter(
    bench: Bench, error: Exception, reason: DeadLetterReason
) -> None:
    class Unwilling(Lasting):
        @handler
        def order(self, message: Order) -> None:
            raise error

    ref = bench.system.spawn(Props(Unwilling), name="unwilling")
    await within(bench.topic.request(Subscribe(ref, Order, slow=Park(1, 9))))

    await bench.publish(*orders(1, 3))
    await turns()

    letters = bench.system.dead_letters.list()
    assert [(each.message, each.target, each.reason) for each in letters] == [
        (order, "/unwilling", reason) for order in orders(1, 3)
    ]
    assert (await bench.counts(ref)).unhandled == 0


async def test_a_message_that_nobody_handles_there_is_done_and_a_dead_letter(bench: Bench) -> None:
    ref = bench.system.spawn(Actor, name="deaf")
    await within(bench.topic.request(Subscribe(ref, Order, slow=Park(1, 9))))

    await bench.publish(*orders(1, 3))
    await turns()

    assert bench.letters() == [
        (order, "/deaf", DeadLetterReason.UNHANDLED) for order in orders(1, 3)
    ]


async def test_in_a_traced_system_a_limit_loses_nobody_its_sender() -> None:
    seen: list[Any] = []

    class Curious(Actor):
        @handler
        def order(self, message: Order) -> None:
            item: Any = self._cell.message
            seen.append((item.sender, item.headers.causation_id, self.context.deadline))

    async with opened(trace=True) as bench:
        curious = bench.system.spawn(Curious)
        await within(bench.topic.request(Subscribe(curious, Order, slow=Park(1, 3))))
        await bench.publish(*orders(1, 3))

    assert seen == [(None, None, None)] * 3


async def test_an_answer_that_comes_twice_gives_back_one_credit(bench: Bench) -> None:
    ref, gate = await bench.held(DropNewest(2))
    await bench.publish(*orders(1, 2))
    message: Any = ref.cell.message

    for _ in range(2):
        message.reply.complete(None, None)

    assert (await bench.counts(ref)).unhandled == 1
    await bench.publish(*orders(3, 4))
    assert bench.letters() == dropped(4)
    gate.open(9)


async def test_a_subscription_shows_what_it_has(bench: Bench) -> None:
    ref, gate = await bench.held(Park(1, 5))
    await bench.publish(*orders(1, 3))

    [held] = memory_of(bench.topic.cell).subscribers.values()

    shown = "<Subscriber SlowTask /slow Park(limit=1, parked=5) unhandled=1 waiting=2>"
    assert repr(held) == shown
    assert held.ref == ref
    gate.open(9)


@pytest.mark.parametrize(
    "error",
    [
        SlowSubscriberError(path="/slow", topic="/topic", slow=Park(1, 2)),
        RequestPublishedError(path="/topic", message_type="Price"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_a_trip_elsewhere(error: DramaturgError) -> None:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
