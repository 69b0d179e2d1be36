"""Who gets what is published, and in which form."""

from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorStarted,
    ActorSystem,
    DeadLetterReason,
    Message,
    OptionError,
    PlainRequest,
    Props,
    Request,
    UnroutableError,
    handler,
)
from dramaturg.protocols import (
    GetTopicStatistics,
    Publish,
    RequestPublishedError,
    Subscribe,
    Topic,
    Unsubscribe,
)
from tests.actors.kit import within
from tests.actors.messaging_kit import turns
from tests.ids import stable
from tests.protocols.topic_kit import (
    Bench,
    Listener,
    Order,
    Paid,
    Placed,
    Publisher,
    open_bench,
    opened,
)

bench = pytest.fixture(open_bench)


class Price(Request[int]):
    sku: str = "tea"


class Which(PlainRequest[int]):
    pass


class Note(Message):
    text: str


async def test_a_type_is_for_its_subclasses_too(bench: Bench) -> None:
    all_orders, paid = await bench.subscribed(Order), await bench.subscribed(Paid)

    await bench.publish(Placed(1), Paid(2), Note(text="x"))

    assert all_orders == [Placed(1), Paid(2)]
    assert paid == [Paid(2)]


async def test_one_may_subscribe_to_several_types_at_once(bench: Bench) -> None:
    log = await bench.subscribed(Paid, Note)

    await bench.publish(Placed(1), Paid(2), Note(text="x"))

    assert log == [Paid(2), Note(text="x")]


async def test_a_pattern_is_for_names(bench: Bench) -> None:
    europe, everything = (
        await bench.subscribed(pattern="orders.eu.*"),
        await bench.subscribed(pattern="#"),
    )

    await bench.publish(Order(1), name="orders.eu.placed")
    await bench.publish(Order(2), name="orders.us.placed")
    await bench.publish(Order(3))

    assert europe == [Order(1)]
    assert everything == [Order(1), Order(2), Order(3)]


async def test_with_a_type_and_a_pattern_both_have_to_fit(bench: Bench) -> None:
    log = await bench.subscribed(Paid, pattern="orders.#")

    for message in (Paid(1), Placed(2)):
        for name in ("orders.eu", "stock"):
            await bench.publish(message, name=name)

    assert log == [Paid(1)]


async def test_a_type_without_a_pattern_is_for_every_name_and_for_none(bench: Bench) -> None:
    log = await bench.subscribed(Order)

    await bench.publish(Order(1), name="orders.eu")
    await bench.publish(Order(2))
    bench.topic.tell(Order(3))
    await turns()

    assert log == orders_to(3)


def orders_to(last: int) -> list[Order]:
    return [Order(number) for number in range(1, last + 1)]


async def test_who_asked_for_the_name_gets_the_whole_publication(bench: Bench) -> None:
    ref, log = bench.listener()
    await within(bench.topic.request(Subscribe(ref, Order, with_name=True)))

    await bench.publish(Order(1), name="orders.eu")
    bench.topic.tell(Order(2))
    await turns()

    assert log == [Publish(Order(1), "orders.eu"), Publish(Order(2))]


async def test_who_meets_a_message_with_two_interests_gets_it_once(bench: Bench) -> None:
    ref, log = bench.listener()
    for subscribe in (
        Subscribe(ref, Order),
        Subscribe(ref, Placed, Paid),
        Subscribe(ref, pattern="orders.#", with_name=True),
    ):
        await within(bench.topic.request(subscribe))

    assert await bench.publish(Placed(1)) == [1]
    assert await bench.publish(Placed(2), name="orders.eu") == [1]

    assert log == [Placed(1), Publish(Placed(2), "orders.eu")]


async def test_a_publication_that_is_requested_says_for_how_many_it_was(bench: Bench) -> None:
    for _ in range(3):
        await bench.subscribed(Order)

    assert await within(bench.topic.request(Publish(Paid(1)))) == 3
    assert await within(bench.topic.request(Paid(1))) == 3
    assert await within(bench.topic.request(Publish("nobody's"))) == 0


async def test_what_interests_nobody_is_counted(bench: Bench) -> None:
    await bench.subscribed(Order)

    bench.topic.tell(Note(text="x"))
    await bench.publish(Note(text="y"), Order(1))

    counts = await bench.statistics()
    assert (counts.published, counts.unclaimed, counts.delivered) == (3, 2, 1)
    assert bench.system.dead_letters.total == 0


async def test_it_is_a_dead_letter_too_where_that_is_asked_for() -> None:
    async with opened(Props(Topic, dead_letter_unclaimed=True)) as bench:
        bench.topic.tell(Note(text="x"))
        reached = await bench.publish(Order(1), name="orders.eu")

        assert reached == [0]
        assert bench.letters() == [
            (Note(text="x"), "/topic", DeadLetterReason.UNROUTABLE),
            (Publish(Order(1), "orders.eu"), "/topic", DeadLetterReason.UNROUTABLE),
        ]
        error = bench.system.dead_letters.list()[0].error
        assert isinstance(error, UnroutableError)
        assert error.path == "/topic"


async def test_a_dead_letter_that_nobody_wanted_can_be_published_again() -> None:
    async with opened(Props(Topic, dead_letter_unclaimed=True)) as bench:
        await bench.publish(Order(1), name="orders.eu")
        log = await bench.subscribed(pattern="orders.*")

        bench.system.dead_letters.replay()
        await turns()

        assert log == [Order(1)]


@pytest.mark.parametrize("request_", [Price(), Which(), GetTopicStatistics()], ids=stable)
def test_no_publication_is_made_of_a_request(request_: Any) -> None:
    with pytest.raises(OptionError) as caught:
        Publish(request_, "prices")

    assert (caught.value.option, caught.value.value) == ("message", request_)


@pytest.mark.parametrize("request_", [Price(), Which()], ids=stable)
async def test_a_request_is_refused_also_where_somebody_wants_everything(
    bench: Bench, request_: Any
) -> None:
    log = await bench.subscribed(object)

    with pytest.raises(RequestPublishedError) as caught:
        await within(bench.topic.request(request_))
    bench.topic.tell(request_)
    await turns()

    assert (caught.value.path, caught.value.message_type) == ("/topic", type(request_).__qualname__)
    assert log == []
    assert bench.letters() == [(request_, "/topic", DeadLetterReason.REFUSED)]
    assert (await bench.statistics()).published == 0


async def test_a_topic_may_subscribe_to_a_topic(bench: Bench) -> None:
    second = bench.system.spawn(Topic, name="second")
    await within(bench.topic.request(Subscribe(second, pattern="orders.#", with_name=True)))
    ref, log = bench.listener()
    await within(second.request(Subscribe(ref, Paid, pattern="*.eu")))

    await bench.publish(Paid(1), name="orders.eu")
    await bench.publish(Paid(2), name="orders.us")

    assert log == [Paid(1)]


async def test_a_topic_may_subscribe_to_the_events_of_its_system(bench: Bench) -> None:
    log = await bench.subscribed(ActorStarted)
    bench.system.events.subscribe(bench.topic, ActorStarted)

    bench.listener("new")
    await turns()

    assert [event.path for event in log] == ["/new"]


async def test_subscribers_of_another_system_are_served(bench: Bench) -> None:
    async with opened() as other:
        ref, log = other.listener()
        await within(bench.topic.request(Subscribe(ref, Order)))

        await bench.publish(Order(1))
        await turns()

        assert log == [Order(1)]
        await within(ref.stop(block=False))
        await turns()
    assert await bench.subscribers() == []


async def test_in_a_traced_system_the_sender_and_the_chain_of_causes_are_the_publishers() -> None:
    items: list[Any] = []

    class Curious(Actor):
        @handler
        def order(self, message: Order) -> None:
            items.append(self._cell.message)

    async with opened(trace=True) as bench:
        publisher = bench.system.spawn(Props(Publisher, bench.topic))
        for _ in range(2):
            curious = bench.system.spawn(Curious)
            await within(bench.topic.request(Subscribe(curious, Order)))

        publisher.tell(Publish(Order(1)))
        await turns()

    assert len(items) == len({id(item) for item in items}) == 2
    [(sender, headers, reply)] = {(i.sender, i.headers, i.reply) for i in items}
    assert sender == publisher
    assert headers.correlation_id == headers.causation_id != headers.message_id
    assert reply is None


async def test_what_was_requested_has_no_deadline_and_no_reply_slot_at_a_subscriber() -> None:
    seen: list[Any] = []

    class Curious(Actor):
        @handler
        def order(self, message: Order) -> str:
            seen.append((self.context.deadline, self.context.sender))
            return "nobody's answer counts"

    async with opened() as bench:
        curious = bench.system.spawn(Curious)
        await within(bench.topic.request(Subscribe(curious, Order)))

        assert await within(bench.topic.request(Publish(Order(1)), timeout=3.0)) == 1
        await turns()

    assert seen == [(None, None)]


async def test_what_is_for_the_topic_itself_cannot_be_published(bench: Bench) -> None:
    ref, _ = bench.listener()
    with pytest.raises(OptionError):
        Publish(Unsubscribe(ref))


def test_threads_publish_and_subscribe_without_a_loop_of_their_own() -> None:
    log: list[Any] = []
    with ActorSystem("test") as system:
        topic = system.spawn(Topic)
        ref = system.spawn(Props(Listener, log))
        topic.ask(Subscribe(ref, Order))

        assert topic.ask(Publish(Order(1))) == 1
        topic.tell(Order(2))
        assert topic.ask(GetTopicStatistics()).delivered == 2
        topic.drain(timeout=5)
        ref.drain(timeout=5)

    assert log == [Order(1), Order(2)]
