import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    AddRoutee,
    Broadcast,
    ConsistentHash,
    Directive,
    GetRoutees,
    LeastLoaded,
    Message,
    OptionError,
    Props,
    RandomChoice,
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
    handler,
)

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


# -- each logic, counted -----------------------------------------------------------------


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


# -- routees that end or fail ------------------------------------------------------------


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


async def test_draining_a_pool_leaves_a_routee_that_lives_elsewhere_alone() -> None:
    desk = Desk()
    async with ActorSystem("test") as system:
        foreign = system.spawn(Props(Worker, desk), name="foreign")
        pool = system.spawn(pool_of(1, desk))
        await pool.request(AddRoutee(foreign))
        for job in jobs(4):
            pool.tell(job)

        await pool.drain(block=False)

        assert foreign.is_alive()
        await foreign.drain(block=False)
    assert desk.counts == {"$a": 2, "foreign": 2}


async def test_a_pool_stops_when_its_last_routee_lived_elsewhere() -> None:
    async with ActorSystem("test") as system:
        foreign = system.spawn(Props(Worker, Desk()))
        pool = system.spawn(pool_of(1, Desk()))
        (own,) = (await pool.request(GetRoutees())).refs
        for message in (AddRoutee(foreign), RemoveRoutee(own)):
            await pool.request(message)

        await foreign.stop(block=False)

        await ended(pool)


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
