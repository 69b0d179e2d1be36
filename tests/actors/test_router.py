"""Routers: whom each logic chooses, and what a pool or a group cannot be made of."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    AddRoutee,
    ConsistentHash,
    GetRoutees,
    LeastLoaded,
    OptionError,
    Props,
    RandomChoice,
    RemoveRoutee,
    Resize,
    RoundRobin,
    Routees,
    Router,
    RoutingState,
    StartFailed,
    ToAll,
)
from tests.actors.router_kit import Desk, Hold, Job, Worker, group_of, held, jobs, pool_of
from tests.ids import stable

pytestmark = pytest.mark.timeout(20)


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


# -- what is checked ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
def test_a_size_has_to_be_a_number_from_1(size: Any) -> None:
    for make in (partial(Router.pool, Worker, size, RoundRobin()), partial(Resize, size)):
        with pytest.raises(OptionError, match=r"^size="):
            make()


@pytest.mark.parametrize("logic", [RoundRobin, None, "round robin"], ids=stable)
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
