"""The event stream: who subscribed gets what is published, and nobody else pays."""

import asyncio
import functools
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorEnded,
    ActorFailed,
    ActorRestarted,
    ActorStarted,
    ActorStopping,
    ActorSystem,
    Bounded,
    DeadLettered,
    Directive,
    IncarnationEnded,
    LateReply,
    LifecycleEvent,
    ManualClock,
    OptionError,
    Overflow,
    Props,
    SystemEnded,
    handler,
)
from tests.actors.kit import Fail
from tests.actors.messaging_kit import (
    AsyncBox,
    Box,
    Captured,
    Hold,
    Kept,
    Note,
    held,
    in_threads,
    quick_switches,
    turns,
)


@dataclass(frozen=True)
class Priced:
    amount: int


class Discounted(Priced):
    pass


class Collects(Actor):
    def __init__(self, got: list[Any]) -> None:
        self.got = got

    @handler
    def take(self, message: Any) -> None:
        self.got.append(message)


async def test_a_subscriber_gets_the_events_of_its_types_and_their_subclasses() -> None:
    async with ActorSystem() as system:
        base: list[Any] = []
        sub: list[Any] = []
        both: list[Any] = []
        system.events.subscribe(base.append, Priced)
        system.events.subscribe(sub.append, Discounted)
        system.events.subscribe(both.append, str, Discounted)
        for event in (Priced(1), Discounted(2), "text", 4):
            system.events.publish(event)

        assert base == [Priced(1), Discounted(2)]
        assert sub == [Discounted(2)]
        assert both == [Discounted(2), "text"]


async def test_an_event_that_fits_two_of_its_types_comes_once() -> None:
    async with ActorSystem() as system:
        got: list[Any] = []
        system.events.subscribe(got.append, Priced, Discounted, object)
        system.events.publish(Discounted(1))

        assert got == [Discounted(1)]


async def test_subscribers_are_called_in_the_order_of_their_subscription() -> None:
    async with ActorSystem() as system:
        order: list[int] = []
        for number in range(5):
            system.events.subscribe(functools.partial(_append, order, number), str)
        system.events.publish("event")

        assert order == [0, 1, 2, 3, 4]


def _append(order: list[int], number: int, event: object) -> None:
    order.append(number)


async def test_a_ref_gets_the_events_as_messages() -> None:
    async with ActorSystem() as system:
        got: list[Any] = []
        ref = system.spawn(Props(Collects, got))
        system.events.subscribe(ref, Priced)
        system.events.publish(Priced(1))
        await turns()

        assert got == [Priced(1)]


async def test_the_subscription_of_a_ref_ends_with_its_actor() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Collects, []))
        system.events.subscribe(ref, Priced)
        await ref.stop(block=False)
        system.events.publish(Priced(1))

        assert len(system.dead_letters) == 0
        assert not system.events.wants(Priced)


async def test_an_actor_that_has_stopped_already_does_not_subscribe() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Collects, []))
        await ref.stop(block=False)
        system.events.subscribe(ref, Priced)

        assert not system.events.wants(Priced)


async def test_a_cancelled_subscription_gets_nothing_more() -> None:
    async with ActorSystem() as system:
        got: list[Any] = []
        other: list[Any] = []
        subscription = system.events.subscribe(got.append, Priced)
        system.events.subscribe(other.append, Priced)
        system.events.publish(Priced(1))
        subscription.cancel()
        subscription.cancel()
        system.events.publish(Priced(2))

        assert got == [Priced(1)]
        assert other == [Priced(1), Priced(2)]


async def test_a_subscriber_may_cancel_itself_while_it_is_called() -> None:
    async with ActorSystem() as system:
        got: list[Any] = []

        def once(event: Priced) -> None:
            got.append(event)
            subscription.cancel()

        subscription = system.events.subscribe(once, Priced)
        for number in range(3):
            system.events.publish(Priced(number))

        assert got == [Priced(0)]


async def test_a_subscriber_that_raises_is_logged_and_the_others_still_run() -> None:
    captured = Captured()
    async with ActorSystem(logger=captured.log) as system:
        got: list[Any] = []
        error = ValueError("broken")

        def fail(event: object) -> None:
            raise error

        system.events.subscribe(fail, Priced)
        system.events.subscribe(got.append, Priced)
        system.events.publish(Priced(1))

        assert got == [Priced(1)]
        [entry] = captured.entries("subscriber_failed")
        assert entry["level"] == "error"
        assert entry["exc_info"] is error
        assert "fail" in entry["subscription"]


@pytest.mark.parametrize("types", [(), ("Priced",), (1,)])
async def test_a_subscription_to_no_type_is_refused(types: Any) -> None:
    async with ActorSystem() as system:
        with pytest.raises(OptionError, match="types="):
            system.events.subscribe(print, *types)


async def test_a_subscriber_that_cannot_be_called_is_refused() -> None:
    async with ActorSystem() as system:
        with pytest.raises(OptionError, match="subscriber='text'"):
            system.events.subscribe("text", Priced)


def test_events_published_while_others_subscribe_reach_everybody_who_was_there() -> None:
    with ActorSystem(hold_limit=None) as system, quick_switches():
        got: list[Any] = []
        system.events.subscribe(got.append, Priced)

        def work(number: int) -> None:
            for each in range(200):
                if number % 2:
                    system.events.publish(Priced(each))
                else:
                    system.events.subscribe(_ignore, Priced).cancel()

        in_threads(8, work)

        assert len(got) == 800


def _ignore(event: object) -> None:
    return None


def test_subscriptions_made_in_many_threads_are_all_there() -> None:
    with ActorSystem(hold_limit=None) as system, quick_switches():
        got: list[Any] = []

        def subscribe(_: int) -> None:
            for _ in range(50):
                system.events.subscribe(got.append, Priced)

        in_threads(8, subscribe)
        system.events.publish(Priced(1))

        assert len(got) == 400


# -- the runtime's events ------------------------------------------------------


async def test_the_life_of_an_actor_is_told_in_order() -> None:
    events: list[LifecycleEvent] = []
    clock = ManualClock()
    async with ActorSystem(clock=clock, logger=Captured().log) as system:
        system.events.subscribe(events.append, LifecycleEvent)
        ref = system.spawn(Props(Box).using(policy=Directive.RESTART), name="box")
        ref.tell(Fail(ValueError()))
        await ref.request(Kept())
        await ref.stop(block=False)
        ref.tell(Note(1))

    assert [type(event) for event in events if event.path == "/box"] == [
        ActorStarted,
        DeadLettered,
        ActorFailed,
        IncarnationEnded,
        ActorStarted,
        ActorRestarted,
        ActorStopping,
        IncarnationEnded,
        ActorEnded,
        DeadLettered,
    ]
    assert isinstance(events[-1], SystemEnded)
    assert {event.time for event in events} == {clock.time()}


async def test_a_dead_letter_that_is_such_an_event_makes_no_further_event() -> None:
    events: list[DeadLettered] = []
    async with ActorSystem(logger=Captured().log) as system:

        class Deaf(Actor):
            pass

        ref = system.spawn(Deaf)
        system.events.subscribe(events.append, DeadLettered)
        system.events.subscribe(ref, DeadLettered)
        ref.tell(Note(1))
        await turns(50)

        assert len(events) == 1
        assert [type(letter.message) for letter in system.dead_letters.list()] == [
            Note,
            DeadLettered,
        ]


async def test_a_subscriber_without_room_makes_no_flood_of_events() -> None:
    async with ActorSystem(logger=Captured().log) as system:
        props = Props(AsyncBox).using(mailbox=Bounded(1, Overflow.REJECT))
        ref, other = system.spawn(props), system.spawn(Box)
        hold = await held(system, ref)
        system.events.subscribe(ref, DeadLettered)
        await other.stop(block=False)
        for number in range(3):
            other.tell(Note(number))

        assert system.dead_letters.total == 5
        hold.release.set()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List the events that the runtime makes, by name."""
    names: list[str] = []

    def count(cls: Any) -> None:
        init: Any = cls.__init__

        def counting(self: Any, **fields: Any) -> None:
            names.append(cls.__name__)
            init(self, **fields)

        monkeypatch.setattr(cls, "__init__", counting)

    for cls in (ActorStarted, ActorRestarted, ActorEnded, DeadLettered, LateReply):
        count(cls)
    return names


async def live(system: ActorSystem) -> None:
    """Let an actor start, fail, restart, reply late and stop."""
    ref = system.spawn(Props(AsyncBox).using(policy=Directive.RESTART))
    ref.tell(Fail(ValueError()))
    hold = Hold()
    reply = asyncio.ensure_future(ref.request(hold))
    await hold.entered.wait()
    reply.cancel()
    await asyncio.wait([reply])
    hold.release.set()
    await ref.request(Kept())
    await ref.stop(block=False)


async def test_no_event_is_made_that_nobody_has_subscribed_to(made: list[str]) -> None:
    async with ActorSystem(logger=Captured().log) as system:
        await live(system)

    assert made == []


async def test_the_events_that_somebody_has_subscribed_to_are_made(made: list[str]) -> None:
    async with ActorSystem(logger=Captured().log) as system:
        system.events.subscribe(_ignore, ActorRestarted, LateReply)
        await live(system)

    assert sorted(made) == ["ActorRestarted", "LateReply"]


async def test_dead_letters_make_events_only_while_somebody_wants_them(made: list[str]) -> None:
    async with ActorSystem(logger=Captured().log) as system:
        ref = system.spawn(Box)
        await ref.stop(block=False)
        for number in range(15):
            ref.tell(Note(number))
        assert made == []

        system.events.subscribe(_ignore, DeadLettered)
        for number in range(15):
            ref.tell(Note(number))

        assert made == ["DeadLettered"] * 15
        assert system.dead_letters.total == 30
