import asyncio
import copy
import pickle
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from uuid import UUID

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    AddRoutee,
    Bounded,
    Broadcast,
    ConsistentHash,
    DeadLetterReason,
    DeadlineExceeded,
    Directive,
    GetRoutees,
    LeastLoaded,
    MailboxFull,
    ManualClock,
    Message,
    OptionError,
    Overflow,
    Priority,
    Props,
    RandomChoice,
    Refused,
    RemoveRoutee,
    Request,
    Resize,
    RoundRobin,
    Routees,
    Router,
    RoutingLogic,
    RoutingState,
    StartFailed,
    ThreadActor,
    ToAll,
    UnroutableError,
    handler,
)
from dramaturg.actors._envelope import Envelope, Headers

pytestmark = pytest.mark.timeout(20)


class Job(Request[str]):
    """Answered with the name of the worker."""

    number: int = 0
    customer: str = ""


class Fail(Request[str]):
    pass


class Hold(Message):
    """Keep the worker busy until the test lets it go."""


class Where(Request[tuple[str | None, float | None]]):
    """Answered with sender and deadline, as the worker sees them."""


@dataclass
class Desk:
    """What workers share with their test."""

    done: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(name for name, _ in self.done))

    def numbers(self, name: str) -> list[int]:
        return [message.number for who, message in self.done if who == name]


class Worker(Actor):
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @handler
    def job(self, message: Job) -> str:
        self.desk.done.append((self.context.name, message))
        return self.context.name

    @handler
    def fail(self, message: Fail) -> str:
        raise ZeroDivisionError(self.context.name)

    @handler
    def where(self, message: Where) -> tuple[str | None, float | None]:
        sender = self.context.sender
        return sender and sender.path, self.context.deadline

    @handler
    async def hold(self, message: Hold) -> None:
        self.desk.held.release()
        await self.desk.let_go.wait()


class Plain(Actor):
    """A worker without async methods; keeps what the runtime handed it."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    @handler
    def anything(self, message: object) -> str:
        self.items.append(self._cell.message)
        return self.context.name


class Blocking(ThreadActor):
    @handler
    def job(self, message: Job) -> str:
        return f"{self.context.name} on {threading.current_thread().name}"

    @handler
    def fail(self, message: Fail) -> str:
        raise ZeroDivisionError


def jobs(count: int) -> list[Job]:
    return [Job(number=number) for number in range(count)]


def pool_of(size: int, desk: Desk, logic: RoutingLogic | None = None) -> Props[Router]:
    return Router.pool(Props(Worker, desk), size, RoundRobin() if logic is None else logic)


def group_of(
    system: ActorSystem, desk: Desk, names: Sequence[str], logic: RoutingLogic | None = None
) -> tuple[ActorRef[Router], list[ActorRef[Worker]]]:
    workers = [system.spawn(Props(Worker, desk), name=name) for name in names]
    group = Router.group(workers, RoundRobin() if logic is None else logic)
    return system.spawn(group, name="group"), workers


async def names_of(router: ActorRef[Router]) -> list[str]:
    return [ref.name for ref in (await router.request(GetRoutees())).refs]


async def ended(ref: ActorRef[Any]) -> None:
    """Wait for an end that comes by itself."""
    stopped = asyncio.Event()
    async with asyncio.timeout(5):

        class Witness(Actor):
            def on_start(self) -> None:
                self.context.watch(ref, "ended")

            @handler
            def told(self, message: str) -> None:
                stopped.set()

        ref.cell.system.spawn(Witness)
        await stopped.wait()


async def held(desk: Desk, count: int = 1) -> None:
    async with asyncio.timeout(5):
        for _ in range(count):
            await desk.held.acquire()


# -- each logic, counted -----------------------------------------------------------


async def test_round_robin_gives_n_messages_to_n_routees_one_each() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(4, desk))

        for job in jobs(4):
            pool.tell(job)
        await pool.drain(block=False)

    assert desk.counts == {"$a": 1, "$b": 1, "$c": 1, "$d": 1}


async def test_random_choice_with_a_seed_is_the_same_in_each_run() -> None:
    runs: list[list[tuple[str, Any]]] = []
    for _ in range(2):
        desk = Desk()
        async with ActorSystem("test", seed=7) as system:
            pool = system.spawn(pool_of(3, desk, RandomChoice()))
            for job in jobs(60):
                await pool.request(job)
        runs.append(desk.done)

    assert runs[0] == runs[1]
    assert {name for name, _ in runs[0]} == {"$a", "$b", "$c"}


async def test_the_least_loaded_counts_the_message_in_hand() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, desk, LeastLoaded()))
        for _ in range(2):
            pool.tell(Hold())
        await held(desk, 2)

        answers = [await pool.request(job) for job in jobs(5)]
        desk.let_go.set()

    assert answers == ["$c"] * 5


async def test_the_least_loaded_gets_messages_until_it_is_as_loaded_as_others() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        group, (busy, idle) = group_of(system, desk, ("busy", "idle"), LeastLoaded())
        for message in (Hold(), *jobs(2)):
            busy.tell(message)
        await held(desk)
        idle.tell(Hold())
        await held(desk)

        for _ in range(4):
            group.tell(Job())
        await group.request(GetRoutees())

        assert (busy.cell.depth, idle.cell.depth) == (3, 3)
        desk.let_go.set()


async def test_a_consistent_hash_gives_a_customer_to_one_worker() -> None:
    desk = Desk()
    logic = ConsistentHash(key=lambda job: job.customer)
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(4, desk, logic), name="pool")
        for number in range(60):
            pool.tell(Job(customer=f"customer {number % 20}"))
        await pool.drain(block=False)

    pairs = {(name, message.customer) for name, message in desk.done}
    assert len(pairs) == 20
    assert len({name for name, _ in pairs}) == 4


async def test_a_consistent_hash_moves_only_the_customers_of_the_worker_that_ends() -> None:
    desk = Desk()
    customers = [f"customer {number}" for number in range(40)]
    async with ActorSystem("test") as system:
        group, workers = group_of(
            system, desk, "abcd", ConsistentHash(key=lambda job: job.customer)
        )
        before = [await group.request(Job(customer=each)) for each in customers]

        await workers[1].stop(block=False)

        after = [await group.request(Job(customer=each)) for each in customers]
    assert "b" in before
    assert "b" not in after
    assert all(new == old for old, new in zip(before, after, strict=True) if old != "b")


async def test_to_all_gives_each_message_to_everybody() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, desk, ToAll()))
        for job in jobs(5):
            pool.tell(job)
        await pool.drain(block=False)

    assert [desk.numbers(name) for name in ("$a", "$b", "$c")] == [[0, 1, 2, 3, 4]] * 3


async def test_a_logic_of_ones_own_chooses() -> None:
    @dataclass(frozen=True)
    class Last:
        def choose(
            self, routees: tuple[ActorRef[Any], ...], message: Any, state: RoutingState
        ) -> Sequence[ActorRef[Any]]:
            return routees[-1:]

    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, Desk(), Last()))

        assert [await pool.request(job) for job in jobs(2)] == ["$c", "$c"]


# -- what travels --------------------------------------------------------------------


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


# -- broadcasts ------------------------------------------------------------------------


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


# -- routees that end or fail ----------------------------------------------------------


async def test_a_routee_that_stops_is_removed() -> None:
    async with ActorSystem("test") as system:
        group, workers = group_of(system, Desk(), "abc")

        await workers[1].stop(block=False)

        assert await names_of(group) == ["a", "c"]
        assert [await group.request(job) for job in jobs(4)] == ["a", "c", "a", "c"]


@pytest.mark.parametrize("message", [Job(), Broadcast(Job())], ids=["message", "broadcast"])
async def test_a_routee_that_is_draining_gets_nothing_new(message: Any) -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        group, workers = group_of(system, desk, "ab")
        workers[0].tell(Hold())
        await held(desk)
        draining = workers[0].drain(block=False)

        for _ in range(4):
            group.tell(message)
        await group.request(GetRoutees())

        desk.let_go.set()
        await draining
        await group.stop(block=False)
        assert system.dead_letters.total == 0
        await workers[1].drain(block=False)
    assert desk.counts == {"b": 4}


async def test_a_stopped_routee_that_a_logic_clings_to_gets_its_messages_as_dead_letters() -> None:
    async with ActorSystem("test") as system:
        stray = system.spawn(Props(Worker, Desk()), name="stray")
        await stray.stop(block=False)

        @dataclass(frozen=True)
        class Clinging:
            def choose(
                self, routees: tuple[ActorRef[Any], ...], message: Any, state: RoutingState
            ) -> Sequence[ActorRef[Any]]:
                return [stray]

        pool = system.spawn(pool_of(2, Desk(), Clinging()))

        with pytest.raises(ActorStopped, match="/stray"):
            await pool.request(Job())


async def test_a_routee_that_restarts_keeps_its_place() -> None:
    desk = Desk()
    worker = Props(Worker, desk).using(policy=Directive.RESTART)
    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(worker, 3, RoundRobin()))
        before = await pool.request(GetRoutees())
        await pool.request(Job())

        with pytest.raises(ActorCrashed, match=r"\$b"):
            await pool.request(Fail())

        assert await pool.request(GetRoutees()) == before
        assert [await pool.request(job) for job in jobs(3)] == ["$c", "$a", "$b"]
        assert before.refs[1].cell.incarnation == 2


async def test_a_pool_stops_when_its_last_routee_stops() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(2, Desk()))
        for _ in range(2):
            with pytest.raises(ActorCrashed):
                await pool.request(Fail())

        await ended(pool)

        assert not pool.is_alive()


async def test_stopping_a_pool_stops_its_routees() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(2, Desk()))
        routees = await pool.request(GetRoutees())

        await pool.stop(block=False)

        assert not any(ref.is_alive() for ref in routees.refs)


async def test_draining_a_pool_lets_its_routees_handle_what_was_sent() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, desk))
        for _ in range(3):
            pool.tell(Hold())
        await held(desk, 3)
        for job in jobs(30):
            pool.tell(job)
        drained = pool.drain(block=False)
        pool.tell(Job())
        desk.let_go.set()

        assert await drained is True

        assert not pool.is_alive()
        assert system.dead_letters.total == 1
    assert desk.counts == {"$a": 10, "$b": 10, "$c": 10}


async def test_draining_a_pool_whose_routees_have_all_ended_ends_it() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(1, Desk()))
        (routee,) = (await pool.request(GetRoutees())).refs
        routee.request_stop()

        await pool.drain(block=False)

        assert not pool.is_alive()


def test_a_pool_of_threads_drains() -> None:
    with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Blocking, 3, RoundRobin()))
        futures = [pool.ask(job, block=False) for job in jobs(9)]

        assert pool.drain(timeout=10) is True

        assert all(future.get(timeout=5) for future in futures)


async def test_the_end_of_a_group_is_not_the_end_of_its_routees() -> None:
    async with ActorSystem("test") as system:
        first, workers = group_of(system, Desk(), "ab")
        second = system.spawn(Router.group(workers, RoundRobin()))

        await first.stop(block=False)
        await second.drain(block=False)

        assert all(worker.is_alive() for worker in workers)


async def test_a_group_that_restarts_has_the_refs_that_it_was_given() -> None:
    class DoomError(BaseException):
        pass

    def doom(message: Any) -> str:
        raise DoomError

    async with ActorSystem("test") as system:
        workers = [system.spawn(Props(Worker, Desk()), name=name) for name in "abc"]
        props = Router.group(workers[:2], ConsistentHash(key=doom))
        group = system.spawn(props.using(policy=Directive.RESTART))
        await group.request(AddRoutee(workers[2]))

        with pytest.raises(ActorCrashed):
            await group.request(Job())

        assert await names_of(group) == ["a", "b"]


async def test_a_pool_that_restarts_has_fresh_routees() -> None:
    worker = Props(Worker, Desk()).using(policy=Directive.ESCALATE)
    async with ActorSystem("test") as system:
        props = Router.pool(worker, 2, RoundRobin()).using(policy=Directive.RESTART)
        pool = system.spawn(props)
        old = await pool.request(GetRoutees())

        with pytest.raises(ActorCrashed):
            await pool.request(Fail())

        new = await pool.request(GetRoutees())
        assert [ref.name for ref in new.refs] == ["$a", "$b"]
        assert not set(new.refs) & set(old.refs)


# -- messages that cannot be routed -----------------------------------------------------


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
        return 1 // message.number

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


# -- management ----------------------------------------------------------------------------


async def test_a_pool_grows() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(1, Desk()))

        await pool.request(Resize(3))

        assert await names_of(pool) == ["$a", "$b", "$c"]


async def test_a_pool_that_shrinks_lets_the_youngest_finish_what_they_were_sent() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, desk))
        before = (await pool.request(GetRoutees())).refs
        pool.tell(Broadcast(Hold()))
        await held(desk, 3)
        for job in jobs(6):
            pool.tell(job)

        await pool.request(Resize(1))
        pool.tell(Job(number=6))

        assert await names_of(pool) == ["$a"]
        desk.let_go.set()
        for ref in before[1:]:
            await ended(ref)
        await pool.request(Job(number=7))
        assert system.dead_letters.total == 0
    assert [desk.numbers(name) for name in ("$a", "$b", "$c")] == [[0, 3, 6, 7], [1, 4], [2, 5]]


async def test_a_pool_that_shrinks_and_grows_gets_new_routees() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(3, Desk()))

        await pool.request(Resize(1))
        await pool.request(Resize(2))

        assert await names_of(pool) == ["$a", "$d"]


async def test_a_pool_has_the_names_of_akka() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(28, Desk()))

        assert (await names_of(pool))[-4:] == ["$y", "$z", "$aa", "$ab"]


async def test_a_pool_that_cannot_grow_stays_as_it_is() -> None:
    made = list[int]()

    class Limited(Actor):
        def __init__(self) -> None:
            made.append(1)
            if len(made) > 3:
                raise ValueError("no more")

    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(Limited, 2, RoundRobin()))

        with pytest.raises(Refused, match="did not start") as caught:
            await pool.request(Resize(5))

        assert "ValueError: no more" in caught.value.details["cause"]
        assert await names_of(pool) == ["$a", "$b"]


async def test_a_group_has_no_size() -> None:
    async with ActorSystem("test") as system:
        group, _ = group_of(system, Desk(), "ab")

        with pytest.raises(Refused):
            await group.request(Resize(3))

        assert await names_of(group) == ["a", "b"]


async def test_routees_can_be_added_and_removed() -> None:
    async with ActorSystem("test") as system:
        group, workers = group_of(system, Desk(), "ab")
        other = system.spawn(Props(Worker, Desk()), name="c")

        for message in (AddRoutee(other), AddRoutee(other), RemoveRoutee(workers[0])):
            await group.request(message)
        await group.request(RemoveRoutee(workers[0]))

        assert await names_of(group) == ["b", "c"]
        assert workers[0].is_alive()


async def test_a_routee_that_has_ended_can_be_added_and_gets_nothing() -> None:
    async with ActorSystem("test") as system:
        group, workers = group_of(system, Desk(), "ab")
        await workers[0].stop(block=False)

        await group.request(AddRoutee(workers[0]))

        assert [await group.request(job) for job in jobs(2)] == ["b", "b"]


async def test_a_router_does_not_become_its_own_routee() -> None:
    async with ActorSystem("test") as system:
        group, _ = group_of(system, Desk(), "ab")

        with pytest.raises(Refused):
            await group.request(AddRoutee(group))


async def test_a_pool_whose_last_child_is_removed_stops_once_that_has_finished() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(1, desk))
        (routee,) = (await pool.request(GetRoutees())).refs
        pool.tell(Hold())
        await held(desk)
        pool.tell(Job())

        await pool.request(RemoveRoutee(routee))
        with pytest.raises(UnroutableError):
            await pool.request(Job())
        desk.let_go.set()

        await ended(pool)
        assert desk.counts == {"$a": 1}


async def test_a_pool_whose_last_foreign_routee_is_removed_stops() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(1, Desk()))
        foreign = system.spawn(Props(Worker, Desk()))
        await pool.request(AddRoutee(foreign))
        with pytest.raises(ActorCrashed):
            await pool.request(Fail())
        assert await names_of(pool) == [foreign.name]

        pool.tell(RemoveRoutee(foreign))

        await ended(pool)
        assert foreign.is_alive()


async def test_a_router_shows_what_it_has() -> None:
    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(2, Desk()))
        await pool.request(Job())
        await pool.request(Resize(1))

        assert repr(pool.cell.actor) == "<Router RoundRobin() routees=1 leaving=1 routed=1>"


# -- what is checked ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
def test_a_size_has_to_be_a_number_from_1(size: Any) -> None:
    for make in (partial(Router.pool, Worker, size, RoundRobin()), partial(Resize, size)):
        with pytest.raises(OptionError, match=r"^size="):
            make()


@pytest.mark.parametrize("logic", [RoundRobin, None, "round robin"], ids=repr)
def test_a_logic_has_to_be_a_value_that_chooses(logic: Any) -> None:
    with pytest.raises(OptionError, match=r"^logic="):
        Router.pool(Worker, 1, logic)


def test_a_pool_is_made_of_actors() -> None:
    with pytest.raises(OptionError, match=r"^actor_class="):
        Router.pool(int, 1, RoundRobin())


Which = Literal["none", "same", "stranger"]


@pytest.mark.parametrize("which", ["none", "same", "stranger"])
async def test_a_group_needs_refs_each_once(which: Which) -> None:
    async with ActorSystem("test") as system:
        ref = system.spawn(Props(Worker, Desk()))
        refs: dict[Which, Iterable[Any]] = {
            "none": [],
            "same": [ref, ref],
            "stranger": [ref, "/worker"],
        }

        with pytest.raises(OptionError, match=r"^refs="):
            Router.group(refs[which], RoundRobin())


@pytest.mark.parametrize("make", [AddRoutee, RemoveRoutee])
def test_a_routee_is_a_ref(make: Callable[[Any], Any]) -> None:
    with pytest.raises(OptionError, match=r"^ref="):
        make("/worker")


async def test_a_pool_whose_routee_cannot_be_made_does_not_start() -> None:
    class Broken(Actor):
        def __init__(self) -> None:
            raise ValueError("broken")

    async with ActorSystem("test") as system:
        with pytest.raises(StartFailed, match="ValueError: broken"):
            system.spawn(Router.pool(Broken, 2, RoundRobin()), name="pool")

        assert system.lookup("/pool") is None


def test_routees_are_a_value() -> None:
    assert Routees(()) == Routees(())
