"""Subscribing, subscribing again, unsubscribing, and what is refused."""

from collections.abc import Callable
from typing import Any

import pykka
import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    Directive,
    Message,
    OptionError,
    PlainRequest,
    Props,
    Refused,
    Request,
    StartFailed,
    handler,
)
from dramaturg.protocols import (
    Disconnect,
    DropNewest,
    DropOldest,
    GetTopicSubscriptions,
    Interest,
    Park,
    Publish,
    Subscribe,
    Topic,
    TopicSubscription,
    Unlimited,
    Unsubscribe,
)
from tests.actors.kit import within
from tests.actors.messaging_kit import turns
from tests.protocols.topic_kit import Bench, Order, Paid, Placed, open_bench

bench = pytest.fixture(open_bench)


async def test_who_subscribes_is_told_what_it_has_subscribed_to(bench: Bench) -> None:
    ref, _ = bench.listener()

    first = await within(bench.topic.request(Subscribe(ref, Paid, slow=Park(1, 2))))
    second = await within(bench.topic.request(Subscribe(ref, pattern="a.#", with_name=True)))

    paid, named = Interest((Paid,)), Interest((object,), "a.#", with_name=True)
    assert first == TopicSubscription(ref, (paid,), Park(1, 2))
    assert second == TopicSubscription(ref, (paid, named), Park(1, 2))


async def test_subscribers_are_listed_the_eldest_first(bench: Bench) -> None:
    refs = [bench.listener()[0] for _ in range(3)]
    for ref in refs:
        bench.topic.tell(Subscribe(ref, Order))

    listed = await within(bench.topic.request(GetTopicSubscriptions()))

    assert listed == tuple(
        TopicSubscription(ref, (Interest((Order,)),), Unlimited()) for ref in refs
    )


@pytest.mark.parametrize("types", [(Paid, Placed), (Placed, Paid), (Paid, Placed, Paid)])
async def test_subscribing_twice_changes_nothing(bench: Bench, types: tuple[type, ...]) -> None:
    ref, log = bench.listener()
    once = await within(bench.topic.request(Subscribe(ref, Paid, Placed, pattern="a.*")))

    twice = await within(bench.topic.request(Subscribe(ref, *types, pattern="a.*")))
    await bench.publish(Paid(1), name="a.b")

    assert twice == once
    assert log == [Paid(1)]
    assert await within(bench.topic.request(Unsubscribe(ref, Placed, Paid, pattern="a.*")))
    assert await bench.subscribers() == []


async def test_subscribing_twice_can_change_the_form(bench: Bench) -> None:
    ref, log = bench.listener()
    for with_name in (True, False):
        bench.topic.tell(Subscribe(ref, Paid, with_name=with_name))

    await bench.publish(Paid(1))

    assert log == [Paid(1)]


async def test_a_policy_stays_until_another_one_is_given(bench: Bench) -> None:
    ref, _ = bench.listener()
    subscribes = [
        Subscribe(ref, Paid, slow=DropNewest(3)),
        Subscribe(ref, Placed),
        Subscribe(ref, Paid, slow=Disconnect(1)),
        Subscribe(ref, Paid, slow=Unlimited()),
    ]

    slow = [(await within(bench.topic.request(each))).slow for each in subscribes]

    assert slow == [DropNewest(3), DropNewest(3), Disconnect(1), Unlimited()]


async def test_one_interest_can_be_ended(bench: Bench) -> None:
    ref, log = bench.listener()
    for subscribe in (Subscribe(ref, Paid), Subscribe(ref, Placed), Subscribe(ref, pattern="a.b")):
        bench.topic.tell(subscribe)

    assert await within(bench.topic.request(Unsubscribe(ref, Paid)))
    assert await within(bench.topic.request(Unsubscribe(ref, pattern="a.b")))
    assert not await within(bench.topic.request(Unsubscribe(ref, Paid)))
    assert not await within(bench.topic.request(Unsubscribe(ref, pattern="a.*")))
    await bench.publish(Paid(1), Placed(2))
    await bench.publish("x", name="a.b")

    assert log == [Placed(2)]


async def test_all_interests_can_be_ended_at_once(bench: Bench) -> None:
    ref, log = bench.listener()
    other = await bench.subscribed(Paid)
    for subscribe in (Subscribe(ref, Paid), Subscribe(ref, pattern="#")):
        bench.topic.tell(subscribe)

    assert await within(bench.topic.request(Unsubscribe(ref)))
    assert not await within(bench.topic.request(Unsubscribe(ref)))
    await bench.publish(Paid(1))

    assert log == []
    assert other == [Paid(1)]


async def test_a_subscriber_may_unsubscribe_within_its_handler(bench: Bench) -> None:
    class Once(Actor):
        def __init__(self, topic: ActorRef[Topic], log: list[Any]) -> None:
            self.topic, self.log = topic, log

        @handler
        def order(self, message: Order) -> None:
            self.log.append(message)
            self.topic.tell(Unsubscribe(self.actor_ref))

    class OnceAsync(Actor):
        def __init__(self, topic: ActorRef[Topic], log: list[Any]) -> None:
            self.topic, self.log = topic, log

        @handler
        async def order(self, message: Order) -> None:
            self.log.append(message)
            assert await self.topic.request(Unsubscribe(self.actor_ref))

    logs: list[list[Any]] = [[], [], []]
    for cls, log in zip((Once, OnceAsync, Once), logs, strict=True):
        ref: ActorRef[Any] = bench.system.spawn(Props.partial(cls, bench.topic, log))
        slow = Park(1, 5) if log is logs[2] else Unlimited()
        await within(bench.topic.request(Subscribe(ref, Order, slow=slow)))

    await bench.publish(Order(1))
    await bench.publish(Order(2))

    assert logs == [[Order(1)]] * 3
    assert await bench.subscribers() == []
    assert bench.letters() == []


async def test_a_subscriber_may_subscribe_itself_whenever_it_starts(bench: Bench) -> None:
    log: list[Any] = []

    class Eager(Actor):
        def __init__(self) -> None:
            bench.topic.tell(Subscribe(self.actor_ref, Order))

        @handler
        def order(self, message: Order) -> None:
            if message.number == 1:
                raise ZeroDivisionError
            log.append(message)

    bench.system.spawn(Props(Eager).using(policy=Directive.RESTART))
    await turns()

    await bench.publish(Order(1), Order(2))

    assert log == [Order(2)]
    assert len(await bench.subscribers()) == 1


async def test_a_topic_refuses_to_subscribe_to_itself(bench: Bench) -> None:
    with pytest.raises(Refused):
        await within(bench.topic.request(Subscribe(bench.topic, Order)))

    assert await bench.subscribers() == []


class Price(Request[int]):
    pass


class Which(PlainRequest[int]):
    pass


class Foreign(pykka.ThreadingActor):
    pass


BAD: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "no type": ("types", Subscribe),
    "an instance": ("types", lambda ref: Subscribe(ref, Order(1))),  # type: ignore[arg-type]
    "a union": ("types", lambda ref: Subscribe(ref, Paid | Placed)),  # type: ignore[arg-type]
    "a name for a type": ("types", lambda ref: Subscribe(ref, "Order")),  # type: ignore[arg-type]
    "a list of int": ("types", lambda ref: Subscribe(ref, list[int])),
    "a request": ("types", lambda ref: Subscribe(ref, Message, Price)),
    "a plain request": ("types", lambda ref: Subscribe(ref, Which)),
    "no pattern": ("pattern", lambda ref: Subscribe(ref, Order, pattern="")),
    "no ref": ("ref", lambda ref: Subscribe(None, Order)),  # type: ignore[arg-type]
    "a class": ("ref", lambda ref: Subscribe(Actor, Order)),  # type: ignore[arg-type]
    "a ref of pykka's": ("ref", lambda ref: Subscribe(Foreign.start(), Order)),  # type: ignore[arg-type]
    "no policy": ("slow", lambda ref: Subscribe(ref, Order, slow="drop")),  # type: ignore[arg-type]
    "a class of policies": ("slow", lambda ref: Subscribe(ref, Order, slow=Park)),  # type: ignore[arg-type]
    "a negative limit": ("limit", lambda ref: DropNewest(-1)),
    "no limit": ("limit", lambda ref: DropOldest(0)),
    "half a message": ("limit", lambda ref: Disconnect(1.5)),  # type: ignore[arg-type]
    "a bool": ("limit", lambda ref: Disconnect(True)),
    "a negative limit of park": ("limit", lambda ref: Park(-1, 5)),
    "no room": ("parked", lambda ref: Park(1, 0)),
    "to unsubscribe nobody": ("ref", lambda ref: Unsubscribe("me", Order)),  # type: ignore[arg-type]
    "to unsubscribe no type": ("types", lambda ref: Unsubscribe(ref, Order(1))),  # type: ignore[arg-type]
    "to unsubscribe no pattern": ("pattern", lambda ref: Unsubscribe(ref, pattern="a..b")),
}


@pytest.mark.one_order("threads of pykka")
@pytest.mark.parametrize("what", BAD)
async def test_what_cannot_be_is_refused_where_it_is_made(bench: Bench, what: str) -> None:
    ref, log = bench.listener()
    before = await within(bench.topic.request(Subscribe(ref, Order)))
    option, make = BAD[what]

    with pytest.raises(OptionError) as caught:
        make(ref)
    pykka.ActorRegistry.stop_all()

    assert caught.value.option == option
    assert await within(bench.topic.request(GetTopicSubscriptions())) == (before,)
    await bench.publish(Order(1))
    assert log == [Order(1)]


async def test_an_option_of_a_topic_that_cannot_be_keeps_it_from_starting(bench: Bench) -> None:
    props = Props.partial(Topic, dead_letter_unclaimed="yes")
    with pytest.raises(StartFailed) as caught:
        bench.system.spawn(props)

    assert isinstance(caught.value.__cause__, OptionError)
    assert caught.value.__cause__.option == "dead_letter_unclaimed"


async def test_a_topic_shows_what_it_has(bench: Bench) -> None:
    log = await bench.subscribed(Order)
    await bench.publish(Order(1), "x")

    assert log == [Order(1)]
    assert repr(bench.topic.cell.actor) == "<Topic subscribers=1 published=2 unclaimed=1>"


def test_requests_to_a_topic_are_values() -> None:
    assert Publish(Order(1), "a") == Publish(Order(1), "a")
    assert hash(Publish(Order(1), "a")) == hash(Publish(Order(1), "a"))
