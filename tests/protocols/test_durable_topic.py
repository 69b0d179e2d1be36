"""Durable topics: what is stored, who gets it, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    HandlerDefinitionError,
    InvalidNameError,
    Message,
    OptionError,
    PlainRequest,
    handler,
)
from dramaturg.protocols import (
    Confirm,
    Confirmation,
    Delivery,
    DurableTopic,
    FromNow,
    FromOffset,
    GetDurableSubscriptions,
    KeepFor,
    KeepLast,
    MessageRefused,
    PublishDurably,
    Published,
    RequestPublishedError,
    SubscribeDurably,
    UnsubscribeDurably,
)
from tests.actors.kit import Crash, within
from tests.actors.messaging_kit import turns, until
from tests.ids import stable
from tests.protocols.durable_topic_kit import Lives, Order, Orders, Paid, once


@pytest.fixture(params=["memory", "sqlite"])
def lives(request: pytest.FixtureRequest, tmp_path: Path) -> Lives:
    return Lives(request.param, tmp_path)


# -- publishing ----------------------------------------------------------------------------------


async def test_a_publication_is_answered_with_its_offset_when_it_is_stored(lives: Lives) -> None:
    async with lives.life() as bench:
        assert await bench.publish(1, 2) == [1, 2]
    async with lives.life() as bench:
        assert await bench.publish(3) == [3]
        log = await bench.reading("r")
        await bench.caught_up("r")
        assert log == once(1, 2, 3)


async def test_a_message_whose_key_is_known_is_not_published_again(lives: Lives) -> None:
    first = PublishDurably(Order(number=1), key="a")
    async with lives.life() as bench:
        assert await within(bench.topic.request(first)) == Published(1)
        assert await within(bench.topic.request(first)) == Published(1, is_duplicate=True)
    async with lives.life() as bench:
        assert await within(bench.topic.request(first)) == Published(1, is_duplicate=True)
        other = PublishDurably(Order(number=1), key="b")
        assert await within(bench.topic.request(other)) == Published(2)


async def test_keys_are_forgotten_in_the_end() -> None:
    class Forgetful(Orders):
        remember_keys = 100

    async with Lives().life(Forgetful) as bench:
        for number in range(400):
            await bench.topic.request(PublishDurably(Order(number=number), key=f"{number}"))
        for number, known in ((0, False), (350, True), (399, True)):
            again = PublishDurably(Order(number=number), key=f"{number}")
            assert (await bench.topic.request(again)).is_duplicate is known


async def test_what_is_told_is_published_too() -> None:
    async with Lives().life() as bench:
        log = await bench.reading("r")
        bench.topic.tell(Order(number=1))
        await until(lambda: log == once(1))


class Unknown(Message):
    number: int = 1


class Asks(PlainRequest[int]): ...


async def test_a_message_of_another_type_or_a_request_is_refused_and_changes_nothing() -> None:
    async with Lives().life() as bench:
        with pytest.raises(MessageRefused) as raised:
            await within(bench.topic.request(PublishDurably(Unknown())))
        error = raised.value
        assert (error.path, error.message_type) == ("/orders", "Unknown")
        assert "orders.Order, orders.Paid" in error.expected
        with pytest.raises(RequestPublishedError):
            await within(bench.topic.request(Asks()))
        with pytest.raises(OptionError):
            PublishDurably(Asks())
        assert await bench.publish(1) == [1]


# -- subscribing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1, 2, 3, 4]),
        ({"start": FromNow()}, [3, 4]),
        ({"start": FromOffset(2)}, [2, 3, 4]),
        ({"start": FromOffset(3)}, [3, 4]),
        ({"pattern": "orders.*"}, [2, 4]),
        ({"pattern": "#"}, [1, 2, 3, 4]),
        ({"types": (Paid,)}, [3]),
        ({"types": (Order,), "pattern": "orders.eu"}, [2]),
    ],
)
async def test_a_subscriber_gets_what_it_wants_from_where_it_wants(
    lives: Lives, options: dict[str, Any], expected: list[int]
) -> None:
    options = dict(options)
    types = options.pop("types", ())
    async with lives.life() as bench:
        await bench.publish(1)
        await bench.publish(2, name="orders.eu")
        log = await bench.reading("r", *types, **options)
        await bench.topic.request(PublishDurably(Paid(number=3)))
        await bench.publish(4, name="orders.us")
        await bench.caught_up("r")
        assert log == once(*expected)


async def test_a_delivery_says_where_it_comes_from() -> None:
    seen: list[Delivery] = []

    class Keeps(Actor):
        @handler
        def delivered(self, message: Delivery) -> None:
            seen.append(message)

    lives = Lives()
    async with lives.life() as bench:
        await bench.subscribed("r", bench.system.spawn(Keeps))
        await bench.topic.request(PublishDurably(Order(number=1), "orders.eu", "k"))
        await until(lambda: len(seen) == 1)
        [found] = seen
        assert (found.offset, found.subscription, found.name, found.key) == (
            2,
            "r",
            "orders.eu",
            "k",
        )
        assert (found.topic, found.published) == (bench.topic, lives.clock.time())
        assert found.confirmation() == Confirm("r", 2)


async def test_a_subscription_goes_on_behind_what_is_confirmed_in_the_next_life(
    lives: Lives,
) -> None:
    async with lives.life() as bench:
        log = await bench.reading("r")
        await bench.publish(1, 2)
        await bench.caught_up("r")
    async with lives.life() as bench:
        await bench.publish(3)
        assert (await bench.figures("r")).lag > 0
        log = await bench.reading("r", start=FromNow())
        await bench.publish(4)
        await bench.caught_up("r")
    assert log[0] in [(3, False), (3, True)]
    assert log[1:] == once(4)


async def test_what_was_with_a_subscriber_at_the_end_is_delivered_again_and_says_so(
    lives: Lives,
) -> None:
    async with lives.life() as bench:
        log = await bench.reading("r", window=2, confirm=Confirmation.EXPLICIT)
        await bench.publish(1, 2, 3, 4, 5)
        await until(lambda: log == once(1, 2))
    async with lives.life() as bench:
        log = await bench.reading("r", window=2)
        await bench.publish(6)
        await bench.caught_up("r")
        assert log == [(1, True), (2, True), (3, True), (4, True), (5, False), (6, False)]


async def test_subscriptions_are_independent_and_have_their_own_pace(lives: Lives) -> None:
    async with lives.life() as bench:
        fast = await bench.reading("fast")
        bench.gate.clear()
        slow = await bench.reading("slow", window=2)
        await bench.publish(*range(20))
        await until(lambda: len(slow) == 1)
        figures = await bench.figures("slow")
        assert (figures.in_flight, figures.delivered) == (2, 2)
        bench.gate.set()
        await bench.caught_up("slow")
        await bench.caught_up("fast")
        assert fast == slow == once(*range(20))


class Fragile(Orders):
    messages = (Order, Paid, Unknown)

    @handler
    async def publish(self, message: PublishDurably) -> Published:
        if isinstance(message.message, Unknown):
            raise Crash
        return await super().publish(message)


async def test_a_restart_of_the_topic_loses_nothing(lives: Lives) -> None:
    async with lives.life(Fragile) as bench:
        log = await bench.reading("r")
        await bench.publish(1, 2)
        await bench.caught_up("r")
        with pytest.raises(ActorCrashed):
            await within(bench.topic.request(PublishDurably(Unknown())))
        await bench.publish(3)
        await bench.caught_up("r")
        assert log[:2] == once(1, 2)
        assert [number for number, _ in log[2:]] == [3]


async def test_the_actor_that_subscribes_last_has_the_subscription() -> None:
    async with Lives().life() as bench:
        bench.gate.clear()
        first = await bench.reading("r")
        await bench.publish(1, 2)
        await until(lambda: first == once(1))
        second = await bench.reading("r")
        bench.gate.set()
        await bench.caught_up("r")
        assert first == once(1)
        assert second == [(1, True), (2, False)]


async def test_a_subscriber_that_has_ended_is_waited_for() -> None:
    async with Lives().life() as bench:
        ref, log = bench.reader()
        await bench.subscribed("r", ref)
        await bench.publish(1)
        await bench.caught_up("r")
        await ref.stop(block=False)
        await bench.publish(2)
        await turns()
        figures = await bench.figures("r")
        assert figures.ref is None
        assert log == once(1)
        log = await bench.reading("r")
        await bench.caught_up("r")
        assert log == once(2)


async def test_a_subscription_that_is_ended_is_begun_anew_under_the_same_name(lives: Lives) -> None:
    async with lives.life() as bench:
        log = await bench.reading("r")
        await bench.publish(1)
        await bench.caught_up("r")
        assert await within(bench.topic.request(UnsubscribeDurably("r"))) is True
        assert await within(bench.topic.request(UnsubscribeDurably("r"))) is False
        await bench.publish(2)
        assert await within(bench.topic.request(GetDurableSubscriptions())) == ()
    async with lives.life() as bench:
        again = await bench.reading("r")
        await bench.caught_up("r")
        assert (log, again) == (once(1), once(1, 2))


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("messages", (3,)),
        ("messages", Order),
        ("messages", (object,)),
        ("retention", "all"),
        ("trim_every", 0),
        ("remember_keys", 0),
        ("delete_events", True),
    ],
    ids=stable,
)
def test_a_class_that_cannot_be_is_refused(option: str, value: Any) -> None:
    with pytest.raises(HandlerDefinitionError, match=option):
        type("Wrong", (DurableTopic,), {option: value})


@pytest.mark.parametrize(
    "options",
    [
        {"window": 0},
        {"attempts": 0},
        {"start": 3},
        {"confirm": "when handled"},
        {"backoff": 1.0},
        {"on_poison": "skip"},
        {"pattern": "a..b"},
    ],
    ids=stable,
)
async def test_a_subscription_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    async with Lives().life() as bench:
        with pytest.raises(OptionError):
            SubscribeDurably("r", bench.topic, **options)


async def test_names_offsets_and_keys_are_checked() -> None:
    async with Lives().life() as bench:
        for name in ("", "a/b", "a b", "x" * 201, 3):
            given: Any = name
            with pytest.raises((OptionError, InvalidNameError)):
                SubscribeDurably(given, bench.topic)
            with pytest.raises((OptionError, InvalidNameError)):
                UnsubscribeDurably(given)
    ref: Any = "r"
    with pytest.raises(OptionError):
        SubscribeDurably("r", ref)
    for wrong in (lambda: Confirm("r", 0), lambda: FromOffset(0), lambda: KeepLast(0)):
        with pytest.raises(OptionError):
            wrong()
    with pytest.raises(OptionError):
        KeepFor(0)
    with pytest.raises(OptionError):
        PublishDurably(Order(), key="")
    with pytest.raises(OptionError):
        PublishDurably(Order(), name="a..b")
