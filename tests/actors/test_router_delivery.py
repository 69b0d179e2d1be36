"""A message through a router: its order, its reply, and all that the routee is told of it."""

import asyncio
import threading
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorSystem,
    Broadcast,
    DeadLetterReason,
    DeadlineExceeded,
    GetRoutees,
    ManualClock,
    Props,
    RoundRobin,
    Router,
    handler,
)
from dramaturg.actors._envelope import Envelope, Headers
from tests.actors.router_kit import (
    Blocking,
    Desk,
    Fail,
    Hold,
    Job,
    Plain,
    Where,
    held,
    jobs,
    pool_of,
)

pytestmark = pytest.mark.timeout(20)


async def test_messages_of_one_sender_to_one_routee_keep_their_order() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, desk))
        for job in jobs(1_000):
            pool.tell(job)
        await pool.drain(block=False)

    assert [desk.numbers(name) for name in ("$a", "$b", "$c")] == [
        list(range(first, 1_000, 3)) for first in range(3)
    ]


async def test_messages_of_many_threads_keep_their_order() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, desk))

        def send(thread: int) -> None:
            for number in range(300):
                pool.tell(Job(number=number, customer=str(thread)))

        await asyncio.gather(*(asyncio.to_thread(send, thread) for thread in range(4)))
        await pool.drain(block=False)

    assert len(desk.done) == 1_200
    for name in ("$a", "$b", "$c"):
        for thread in "0123":
            numbers = [m.number for who, m in desk.done if (who, m.customer) == (name, thread)]
            assert numbers == sorted(numbers)


async def test_a_coroutine_gets_the_reply_of_the_routee() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(2, Desk()))

        assert [await pool.request(job) for job in jobs(3)] == ["$a", "$b", "$a"]


async def test_an_idle_router_of_idle_def_actors_replies_too() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Props(Plain, []), 2, RoundRobin()))

        assert [await pool.request(job) for job in jobs(3)] == ["$a", "$b", "$a"]


def test_a_thread_gets_the_reply_of_the_routee() -> None:
    with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Props(Plain, []), 2, RoundRobin()))
        asynchronous = system.spawn(pool_of(2, Desk()))

        assert [pool.ask(job) for job in jobs(3)] == ["$a", "$b", "$a"]
        assert [asynchronous.ask(job) for job in jobs(3)] == ["$a", "$b", "$a"]
        assert pool.ask(Job(), block=False).get(timeout=5) == "$b"


def test_many_threads_ask_through_one_router() -> None:
    with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Props(Plain, []), 4, RoundRobin()))
        answers = list[str]()
        threads = [
            threading.Thread(target=lambda: answers.extend(pool.ask(job) for job in jobs(100)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(15)

    assert Counter(answers) == {"$a": 200, "$b": 200, "$c": 200, "$d": 200}


async def test_blocking_actors_may_be_routees() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Blocking, 2, RoundRobin()))

        answers = [await pool.request(job) for job in jobs(3)]

    assert [answer.split()[0] for answer in answers] == ["$a", "$b", "$a"]
    assert answers[0] == answers[2] != answers[1]


async def test_the_routee_sees_sender_and_deadline_of_the_request() -> None:
    class Asker(Actor):
        def __init__(self, pool: ActorRef[Router]) -> None:
            self.pool = pool

        @handler
        async def where(self, message: Where) -> tuple[str | None, float | None]:
            return await self.pool.request(message, timeout=3.0)

    clock = ManualClock()
    async with ActorSystem("test", clock=clock) as system:
        pool = system.spawn(pool_of(2, Desk()))
        asker = system.spawn(Props(Asker, pool), name="asker")

        answer = await asker.request(Where(), timeout=30.0)

        assert answer == ("/asker", clock.monotonic() + 3.0)


@pytest.mark.parametrize("trace", [False, True])
async def test_an_envelope_is_passed_on_unopened(trace: bool) -> None:
    items: list[Any] = []
    headers = Headers(UUID(int=1), UUID(int=2), UUID(int=3), 2)
    async with ActorSystem("test", trace=trace) as system:
        pool = system.spawn(Router.pool(Props(Plain, items), 1, RoundRobin()))
        envelope = Envelope("hello", None, None, None, headers)

        pool.tell(envelope)
        await pool.drain(block=False)

    assert len(items) == 1
    assert items[0] is envelope
    assert items[0].headers == headers


async def test_a_copy_for_several_routees_has_all_that_the_original_had() -> None:
    items: list[Any] = []
    headers = Headers(UUID(int=1), UUID(int=2), UUID(int=3), 2)
    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Props(Plain, items), 2, RoundRobin()))
        envelope = Envelope(Broadcast("hello"), None, pool, 1e9, headers)

        pool.tell(envelope)
        await pool.drain(block=False)

    assert [(i.message, i.sender, i.deadline, i.headers) for i in items] == [
        ("hello", pool, 1e9, headers)
    ] * 2


async def test_a_request_whose_deadline_passes_at_the_routee_is_a_dead_letter_there() -> None:
    desk, clock = Desk(), ManualClock()
    async with ActorSystem("test", clock=clock) as system:
        pool = system.spawn(pool_of(1, desk), name="pool")
        pool.tell(Hold())
        await held(desk)
        reply = pool.ask(Job(), block=False, timeout=1.0)
        await pool.request(GetRoutees())

        clock.advance(1.5)
        with pytest.raises(DeadlineExceeded):
            await reply
        desk.let_go.set()
        await pool.drain(block=False)

        (letter,) = system.dead_letters.list()
    assert (letter.reason, letter.target) == (DeadLetterReason.EXPIRED, "/pool/$a")
    assert desk.done == []


async def test_a_request_whose_deadline_passes_at_the_router_is_a_dead_letter_there() -> None:
    clock = ManualClock()
    async with ActorSystem("test", clock=clock) as system:
        pool = system.spawn(pool_of(1, Desk()), name="pool")

        pool.tell(Envelope(Job(), None, None, clock.monotonic() - 1))
        await pool.drain(block=False)

        (letter,) = system.dead_letters.list()
    assert (letter.reason, letter.target) == (DeadLetterReason.EXPIRED, "/pool")


async def test_a_router_waits_for_no_reply() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(2, desk))
        pool.tell(Hold())
        await held(desk)

        assert await pool.request(Job()) == "$b"
        desk.let_go.set()


async def test_a_crash_of_the_routee_is_the_error_of_the_request() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(2, Desk()), name="pool")

        with pytest.raises(ActorCrashed, match=r"/pool/\$a"):
            await pool.request(Fail())


async def test_routers_may_be_routees_of_routers() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        outer = system.spawn(Router.pool(pool_of(2, desk), 2, RoundRobin()))

        for job in jobs(4):
            outer.tell(job)
        outer.tell(Broadcast(Broadcast(Job(number=9))))
        await outer.drain(block=False)

    assert sorted(message.number for _, message in desk.done) == [0, 1, 2, 3, 9, 9, 9, 9]
