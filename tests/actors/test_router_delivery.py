import asyncio
import copy
import pickle
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorSystem,
    AddRoutee,
    Bounded,
    Broadcast,
    ConsistentHash,
    DeadLetterReason,
    DeadlineExceeded,
    GetRoutees,
    MailboxFull,
    ManualClock,
    Overflow,
    Priority,
    Props,
    Refused,
    RoundRobin,
    Router,
    RoutingLogic,
    RoutingState,
    ThreadActor,
    ToAll,
    UnroutableError,
    handler,
)
from dramaturg.actors._envelope import Envelope, Headers
from tests.actors.test_router import (
    Blocking,
    Desk,
    Fail,
    Hold,
    Job,
    Plain,
    Where,
    Worker,
    ended,
    group_of,
    held,
    jobs,
    names_of,
    pool_of,
)

pytestmark = pytest.mark.timeout(20)


# -- what travels ------------------------------------------------------------------------


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


# -- broadcasts --------------------------------------------------------------------------


async def test_a_broadcast_goes_to_all_whatever_the_logic() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, desk))
        pool.tell(Job(number=1))
        pool.tell(Broadcast(Job(number=2)))
        pool.tell(Job(number=3))
        await pool.drain(block=False)

    assert [desk.numbers(name) for name in ("$a", "$b", "$c")] == [[1, 2], [2, 3], [2]]


async def test_a_broadcast_request_is_answered_by_the_first_that_replies() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, desk))
        for _ in range(2):
            pool.tell(Hold())
        await held(desk, 2)

        assert await pool.request(Broadcast(Job())) == "$c"

        desk.let_go.set()
        await pool.drain(block=False)
        assert system.late_replies == 0
    assert desk.counts == {"$a": 1, "$b": 1, "$c": 1}


@pytest.mark.parametrize("logic", [ToAll(), RoundRobin()], ids=["to all", "broadcast"])
async def test_a_reply_counts_more_than_the_errors_before_it(logic: RoutingLogic) -> None:
    class Fussy(Worker):
        @handler
        def job(self, message: Job) -> str:
            if self.context.name != "$c":
                raise Refused("not mine")
            return self.context.name

    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Props(Fussy, Desk()), 3, logic))
        message = Job() if logic == ToAll() else Broadcast(Job())

        assert await pool.request(message) == "$c"


async def test_a_broadcast_request_fails_if_all_fail() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Blocking, 3, ToAll()))

        with pytest.raises(ActorCrashed):
            await pool.request(Fail())

        await ended(pool)
        assert system.dead_letters.counts[DeadLetterReason.CRASHED] == 3


def test_threads_that_answer_at_the_same_time_give_one_answer() -> None:
    barrier = threading.Barrier(4, timeout=10)

    class Racer(ThreadActor):
        @handler
        def job(self, message: Job) -> str:
            barrier.wait()
            return self.context.name

    with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Racer, 4, ToAll()))

        for job in jobs(100):
            assert pool.ask(job) in {"$a", "$b", "$c", "$d"}

        assert len(pool.ask(GetRoutees()).refs) == 4


# -- messages that cannot be routed ------------------------------------------------------


@pytest.mark.parametrize("message", [Job(), Broadcast(Job())], ids=["message", "broadcast"])
async def test_an_empty_group_makes_dead_letters(message: Any) -> None:
    async with ActorSystem("test") as system:
        group, (worker,) = group_of(system, Desk(), "a")
        await worker.stop(block=False)

        group.tell(message)
        with pytest.raises(UnroutableError, match="/group cannot route"):
            await group.request(message)

        letters = system.dead_letters.list(reason=DeadLetterReason.UNROUTABLE)
        assert [(letter.target, letter.message) for letter in letters] == [("/group", message)] * 2
        assert system.dead_letters.total == 2
        assert group.is_alive()


async def test_a_thread_that_asks_an_empty_group_gets_an_error() -> None:
    async with ActorSystem("test") as system:
        group, (worker,) = group_of(system, Desk(), "a")
        await worker.stop(block=False)

        with pytest.raises(UnroutableError):
            await asyncio.to_thread(group.ask, Job())


async def test_a_group_that_was_empty_works_again_with_a_new_routee() -> None:
    async with ActorSystem("test") as system:
        group, (worker,) = group_of(system, Desk(), "a")
        await worker.stop(block=False)

        await group.request(AddRoutee(system.spawn(Props(Worker, Desk()), name="b")))

        assert await group.request(Job()) == "b"


async def test_a_message_whose_key_cannot_be_had_is_a_dead_letter_and_the_router_lives() -> None:
    async with ActorSystem("test") as system:
        logic = ConsistentHash(key=lambda message: message.customer)
        pool = system.spawn(pool_of(2, Desk(), logic), name="pool")

        with pytest.raises(UnroutableError, match="no attribute 'customer'") as caught:
            await pool.request("not a job")

        assert isinstance(caught.value.__cause__, AttributeError)
        (letter,) = system.dead_letters.list()
        assert (letter.reason, letter.error) == (DeadLetterReason.UNROUTABLE, caught.value)
        assert len(await names_of(pool)) == 2


async def test_a_logic_that_chooses_nobody_makes_dead_letters() -> None:
    @dataclass(frozen=True)
    class Nobody:
        def choose(
            self, routees: tuple[ActorRef[Any], ...], message: Any, state: RoutingState
        ) -> Sequence[ActorRef[Any]]:
            return ()

    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(2, Desk(), Nobody()))

        with pytest.raises(UnroutableError):
            await pool.request(Job())


@pytest.mark.parametrize(
    "overflow", [Overflow.REJECT, Overflow.BLOCK, Overflow.DROP_NEWEST], ids=lambda o: o.value
)
async def test_a_full_routee_makes_dead_letters_and_holds_up_nobody(overflow: Overflow) -> None:
    desk = Desk()
    worker = Props(Worker, desk).using(mailbox=Bounded(1, overflow))
    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(worker, 1, RoundRobin()), name="pool")
        pool.tell(Hold())
        await held(desk)
        pool.tell(Job(number=1))

        pool.tell(Job(number=2))
        with pytest.raises(MailboxFull, match=r"/pool/\$a"):
            await pool.request(Job(number=3))

        letters = system.dead_letters.list(reason=DeadLetterReason.OVERFLOW)
        assert [letter.message.number for letter in letters] == [2, 3]
        desk.let_go.set()
        await pool.drain(block=False)
    assert desk.numbers("$a") == [1]


async def test_a_routee_whose_mailbox_cannot_take_a_message_costs_only_that_message() -> None:
    def urgency(message: Any) -> int:
        return 1 // int(message.number)

    worker = Props(Worker, Desk()).using(mailbox=Priority(urgency))
    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(worker, 2, RoundRobin()))

        with pytest.raises(UnroutableError, match="division"):
            await pool.request(Job(number=0))

        assert await pool.request(Job(number=1)) == "$b"


async def test_unroutable_messages_can_be_replayed() -> None:
    async with ActorSystem("test") as system:
        desk = Desk()
        group, (worker,) = group_of(system, desk, "a")
        await worker.stop(block=False)
        group.tell(Job(number=5))
        group.tell(AddRoutee(system.spawn(Props(Worker, desk), name="b")))
        await group.request(GetRoutees())

        replayed = system.dead_letters.replay()
        await group.request(Job(number=6))

    assert replayed.sent == 1
    assert desk.numbers("b") == [5, 6]


def test_the_error_survives_pickle_and_copy() -> None:
    error = UnroutableError(path="/pool", problem="it has no routee for it")

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert (str(twin), twin.path, twin.problem) == (str(error), "/pool", error.problem)
