"""Subscribers and topics that crash, stop, restart and drain."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    Clock,
    DeadLetterReason,
    Directive,
    ManualClock,
    Props,
    handler,
)
from dramaturg.actors._state import State
from dramaturg.protocols import (
    DropNewest,
    DropOldest,
    Park,
    Publish,
    SlowPolicy,
    Subscribe,
    Topic,
    Unlimited,
    Unsubscribe,
)
from dramaturg.supervision import (
    Backoff,
    ChildSpec,
    RestartChild,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
)
from tests.actors.kit import Crash, Do, Puppet, within
from tests.actors.messaging_kit import turns, until
from tests.any_order import new_system
from tests.ids import stable
from tests.protocols.topic_kit import (
    Bench,
    Gate,
    Listener,
    Order,
    SlowTask,
    SlowThread,
    open_bench,
    opened,
    orders,
)
from tests.supervision.in_front_kit import Bomb

bench = pytest.fixture(open_bench)
pytestmark = pytest.mark.timeout(30)

STOPPED = DeadLetterReason.STOPPED


class Doomed(Actor):
    """Crashes on every message."""

    def __init__(self, begun: list[Any]) -> None:
        self.begun = begun

    @handler
    def order(self, message: Order) -> None:
        self.begun.append(message)
        raise Crash


def tree(*children: ChildSpec, **options: Any) -> Props[Supervisor]:
    return Props(Supervisor, SupervisorSpec(children, intensity=1_000, **options))


@asynccontextmanager
async def supervised(
    *children: ChildSpec,
    clock: Clock | None = None,
    backoff: Backoff | None = None,
    **options: Any,
) -> AsyncGenerator[Bench]:
    """Open a bench whose topic is a supervisor's child, behind others."""
    async with new_system(clock=clock) as system:
        topic = ChildSpec("topic", Topic, backoff=backoff)
        shop = system.spawn(tree(*children, topic, **options), name="shop")
        await within(shop.started())
        yield Bench(system, found(system, "/shop/topic"))


def found(system: ActorSystem, path: str) -> ActorRef[Any]:
    ref = system.lookup(path)
    assert ref is not None
    return ref


# -- subscribers


@pytest.mark.parametrize("slow", [Unlimited(), Park(1, 99), DropOldest(99)], ids=stable)
async def test_a_subscriber_that_crashes_on_each_message_stays_subscribed(slow: SlowPolicy) -> None:
    begun: list[Any] = []
    async with supervised(ChildSpec("doomed", Props(Doomed, begun))) as bench:
        doomed = found(bench.system, "/shop/doomed")
        await within(bench.topic.request(Subscribe(doomed, Order, slow=slow)))
        other = await bench.subscribed(Order)

        await bench.publish(*orders(1, 20))
        await until(lambda: len(begun) == 20)
        await turns()

        assert begun == other == orders(1, 20)
        assert await bench.subscribers() != []
        counts = await bench.counts(doomed)
        assert (counts.delivered, counts.unhandled, counts.waiting) == (20, 0, 0)
        letters = bench.system.dead_letters.list()
        assert [(each.message, each.target, each.reason) for each in letters] == [
            (order, "/shop/doomed", DeadLetterReason.CRASHED) for order in orders(1, 20)
        ]


async def test_what_a_restart_sends_to_the_dead_letters_makes_room() -> None:
    begun: list[Any] = []
    async with supervised(ChildSpec("doomed", Props(Doomed, begun), keep_mailbox=False)) as bench:
        doomed = found(bench.system, "/shop/doomed")
        await within(bench.topic.request(Subscribe(doomed, Order, slow=DropNewest(3))))

        for _ in range(5):
            await bench.publish(*orders(1, 3))
            await turns()

        counts = await bench.counts(doomed)
        assert (counts.delivered, counts.dropped, counts.unhandled) == (15, 0, 0)


@pytest.mark.parametrize("kind", [SlowTask, SlowThread])
async def test_what_a_killed_subscriber_had_is_done(kind: type[Any]) -> None:
    gate = Gate()
    async with supervised(ChildSpec("slow", Props[Any](kind, gate))) as bench:
        slow = found(bench.system, "/shop/slow")
        await within(bench.topic.request(Subscribe(slow, Order, slow=Park(2, 9))))
        await bench.publish(*orders(1, 4))
        await until(lambda: gate.begun == orders(1, 1))

        slow.kill()
        await until(lambda: len(gate.begun) == 2)
        gate.open(99)
        await until(lambda: gate.log[-1:] == orders(4, 4))
        await turns()

        counts = await bench.counts(slow)
        assert (counts.delivered, counts.unhandled, counts.waiting) == (4, 0, 0)
        assert bench.letters() == [(Order(1), "/shop/slow", DeadLetterReason.CANCELLED)]


async def test_a_subscriber_that_stops_is_removed_and_what_waits_for_it_is_dead_letters(
    bench: Bench,
) -> None:
    ref, gate = await bench.held(Park(1, 9))
    await bench.publish(*orders(1, 4))

    stopping = ref.stop(block=False)
    gate.open()
    await within(stopping)
    await turns()

    assert await bench.subscribers() == []
    assert bench.letters() == [(order, "/slow", STOPPED) for order in orders(2, 4)]
    error = bench.system.dead_letters.list()[0].error
    assert isinstance(error, ActorStopped)
    assert error.path == "/slow"
    statistics = await bench.statistics()
    # One may have reached its mailbox before that was closed.
    assert statistics.delivered + statistics.dropped == 4
    assert statistics.dropped >= 2
    assert await bench.publish(Order(5)) == [0]


@pytest.mark.parametrize("slow", [Unlimited(), Park(5, 5)], ids=stable)
async def test_what_one_that_is_draining_is_sent_is_dropped(bench: Bench, slow: SlowPolicy) -> None:
    ref, gate = await bench.held(slow)
    await bench.publish(Order(1))
    draining = ref.drain(block=False)

    await bench.publish(Order(2))

    counts = await bench.counts(ref)
    assert (counts.delivered, counts.dropped) == (1, 1)
    assert bench.letters() == [(Order(2), "/slow", STOPPED)]
    gate.open()
    await within(draining)


async def test_one_that_has_stopped_before_it_subscribes_is_removed_at_once(bench: Bench) -> None:
    ref, _ = bench.listener()
    await within(ref.stop(block=False))

    await within(bench.topic.request(Subscribe(ref, Order, slow=Park(1, 1))))
    await turns()

    assert await bench.subscribers() == []


async def test_the_end_of_one_that_has_unsubscribed_is_no_news(bench: Bench) -> None:
    ref, _ = bench.listener()
    for message in (Subscribe(ref, Order), Unsubscribe(ref), Subscribe(ref, Order)):
        await within(bench.topic.request(message))
    await within(bench.topic.request(Unsubscribe(ref)))

    await within(ref.stop(block=False))
    await turns()

    assert bench.topic.is_alive()
    assert bench.letters() == []


@pytest.mark.one_order("many thousand turns")
async def test_a_thousand_subscribers(bench: Bench) -> None:
    logs: list[list[Any]] = [[] for _ in range(1_000)]
    policies: list[SlowPolicy] = [Unlimited(), Park(1, 9), DropNewest(9), DropOldest(9)]
    refs: list[ActorRef[Any]] = []
    for number, log in enumerate(logs):
        refs.append(bench.system.spawn(Props(Listener, log)))
        pattern = f"orders.{number % 10}.#"
        slow = policies[number % len(policies)]
        bench.topic.tell(Subscribe(refs[-1], Order, pattern=pattern, slow=slow))

    assert await bench.publish(*orders(1, 3), name="orders.7.placed") == [100] * 3
    await until(lambda: all(len(log) == 3 for log in logs[7::10]))

    assert all(log == orders(1, 3) for log in logs[7::10])
    assert not any(log for number, log in enumerate(logs) if number % 10 != 7)
    for ref in refs:
        ref.request_stop()
    await until(lambda: not bench.topic.cell.more().watching)
    assert await bench.subscribers() == []
    assert bench.letters() == []


# -- the topic


async def waiting(bench: Bench) -> tuple[ActorRef[Any], Gate, list[Any]]:
    """Let one subscriber have a message, with two more waiting, and another one keep up."""
    log = await bench.subscribed(Order, pattern="orders.#", slow=Park(1, 9))
    ref, gate = await bench.held(Park(1, 9))
    await bench.publish(*orders(1, 3), name="orders.eu")
    return ref, gate, log


async def all_is_as_it_was(bench: Bench, ref: ActorRef[Any], gate: Gate, log: list[Any]) -> None:
    """Check that a topic that has begun again goes on as if it had not."""
    await until(lambda: bench.topic.cell.incarnation == 2)
    assert (await bench.statistics()).published == 3
    counts = await bench.counts(ref)
    assert (counts.delivered, counts.waiting, counts.unhandled) == (1, 2, 1)

    await bench.publish(Order(4), name="orders.eu")
    await bench.caught_up(gate, *orders(1, 4))

    assert log == orders(1, 4)
    assert bench.letters() == []
    await within(ref.stop(block=False))
    await turns()
    assert len(await bench.subscribers()) == 1


async def test_subscriptions_and_what_waits_outlive_a_crash_of_the_topic() -> None:
    async with supervised() as bench:
        parts = await waiting(bench)

        bench.topic.cell.post_internal(Bomb())

        await all_is_as_it_was(bench, *parts)


async def test_they_outlive_a_restart_by_policy() -> None:
    async with opened(Props(Topic).using(policy=Directive.RESTART)) as bench:
        parts = await waiting(bench)

        bench.topic.cell.post_internal(Bomb())

        await all_is_as_it_was(bench, *parts)


async def test_they_outlive_a_kill_whoever_else_watches_the_topic() -> None:
    async with supervised() as bench:
        watcher = bench.system.spawn(Puppet)
        await within(watcher.request(Do(lambda actor: actor.context.watch(bench.topic))))
        bench.topic.cell.more().watchers = dict(reversed(bench.topic.cell.more().watchers.items()))
        parts = await waiting(bench)

        bench.topic.kill()

        await all_is_as_it_was(bench, *parts)


async def test_they_outlive_a_restart_of_its_group() -> None:
    sibling = ChildSpec("sibling", Props(Doomed, []))
    async with supervised(sibling, strategy="one_for_all") as bench:
        parts = await waiting(bench)

        found(bench.system, "/shop/sibling").tell(Order(0))

        await all_is_as_it_was(bench, *parts)


async def test_they_outlive_a_restart_of_its_supervisor() -> None:
    inner = SupervisorSpec(
        [ChildSpec("topic", Topic), ChildSpec("sibling", Props(Doomed, []))], intensity=0
    )
    async with new_system() as system:
        shop = system.spawn(tree(ChildSpec("inner", inner)), name="shop")
        await within(shop.started())
        bench = Bench(system, found(system, "/shop/inner/topic"))
        parts = await waiting(bench)

        found(system, "/shop/inner/sibling").tell(Order(0))

        await all_is_as_it_was(bench, *parts)


async def test_a_topic_without_subscribers_restarts_too() -> None:
    async with supervised() as bench:
        await bench.publish(Order(1))

        bench.topic.cell.post_internal(Bomb())
        await until(lambda: bench.topic.cell.incarnation == 2)
        log = await bench.subscribed(Order)
        await bench.publish(Order(2))

        assert log == [Order(2)]
        assert (await bench.statistics()).published == 2


async def test_what_was_handled_and_published_while_the_topic_was_down_is_seen_to() -> None:
    clock = ManualClock()
    backoff = Backoff(60.0, 60.0)
    async with supervised(clock=clock, backoff=backoff) as bench:
        _, gate, log = await waiting(bench)
        bench.topic.cell.post_internal(Bomb())
        await until(lambda: bench.topic.cell.state is State.DOWN)

        gate.open(1)
        await until(lambda: gate.log == orders(1, 1))
        bench.topic.tell(Publish(Order(4), "orders.eu"))
        await turns()
        assert gate.begun == orders(1, 1)
        clock.advance(60.0)

        await bench.caught_up(gate, *orders(1, 4))
        assert log == orders(1, 4)


async def test_a_call_that_a_crash_of_the_topic_swallows_is_answered_by_the_next_instance() -> None:
    async with supervised() as bench:
        ref, gate, _ = await waiting(bench)
        message: Any = ref.cell.message

        bench.topic.cell.post_internal(Bomb())
        message.reply.complete(None, None)
        await until(lambda: bench.topic.cell.incarnation == 2)
        await turns()

        assert (await bench.counts(ref)).delivered == 2
        await bench.caught_up(gate, *orders(1, 3))


async def test_a_subscriber_that_ended_while_the_topic_was_down_is_removed() -> None:
    async with supervised() as bench:
        ref, _ = bench.listener()
        await within(bench.topic.request(Subscribe(ref, Order)))

        bench.topic.cell.post_internal(Bomb())
        ref.request_stop()
        await until(lambda: bench.topic.cell.incarnation == 2)
        await turns()

        assert await bench.subscribers() == []


async def test_the_message_on_which_a_topic_crashes_is_a_dead_letter() -> None:
    class Evil(type):
        def __hash__(cls) -> int:
            raise Crash

    class Message(metaclass=Evil):
        pass

    async with supervised() as bench:
        log = await bench.subscribed(object)
        with pytest.raises(ActorCrashed):
            await within(bench.topic.request(Publish(Message())))

        await bench.publish(Order(1))

        assert log == [Order(1)]


async def test_a_topic_that_stops_makes_dead_letters_of_what_waits(bench: Bench) -> None:
    ref, gate, log = await waiting(bench)
    bench.topic.tell(Subscribe(ref, Order))
    await turns()

    await within(bench.topic.stop(block=False))

    assert bench.letters() == [(order, "/slow", STOPPED) for order in orders(2, 3)]
    error = bench.system.dead_letters.list()[0].error
    assert isinstance(error, ActorStopped)
    assert error.path == "/topic"
    await bench.caught_up(gate, Order(1))
    assert log == orders(1, 3)
    assert ref.is_alive()
    # Where it was meant for, it may still go.
    bench.system.dead_letters.replay()
    await bench.caught_up(gate, *orders(1, 3))


async def test_so_does_one_that_crashes_for_good(bench: Bench) -> None:
    _, gate, _ = await waiting(bench)

    bench.topic.cell.post_internal(Bomb())
    await until(lambda: not bench.topic.is_alive())

    assert bench.letters() == [(order, "/slow", STOPPED) for order in orders(2, 3)]
    gate.open(9)


async def test_when_its_system_stops_nothing_disappears_without_trace() -> None:
    async with supervised() as bench:
        _, gate, _ = await waiting(bench)
        gate.open(1)

    letters = bench.system.dead_letters.list(target="/slow")
    assert [*gate.log, *(each.message for each in letters)] == orders(1, 3)


async def test_one_that_is_drained_hands_over_what_waits(bench: Bench) -> None:
    ref, gate, log = await waiting(bench)
    bench.topic.tell(Order(4))

    await within(bench.topic.drain(block=False))

    assert bench.letters() == []
    assert ref.cell.depth == 3
    await bench.caught_up(gate, *orders(1, 4))
    assert log == orders(1, 3)


async def test_one_that_was_terminated_begins_anew_when_it_is_started_again() -> None:
    async with supervised() as bench:
        shop = found(bench.system, "/shop")
        _, gate, _ = await waiting(bench)
        await within(shop.request(TerminateChild("topic")))
        assert bench.letters() == [(order, "/slow", STOPPED) for order in orders(2, 3)]

        await within(shop.request(RestartChild("topic")))

        assert await bench.subscribers() == []
        assert (await bench.statistics()).published == 0
        assert await bench.publish(Order(4)) == [0]
        gate.open(9)


async def test_subscribers_of_a_topic_that_is_gone_hear_nothing_more(bench: Bench) -> None:
    _, gate, log = await waiting(bench)
    await within(bench.topic.stop(block=False))

    bench.topic.tell(Order(4))
    await bench.caught_up(gate, Order(1))

    assert log == orders(1, 3)
    assert bench.letters()[-1] == (Order(4), "/topic", STOPPED)
