"""Routees that end, drain, fail or restart, and what their router then does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    AddRoutee,
    Broadcast,
    ConsistentHash,
    Directive,
    GetRoutees,
    Props,
    RemoveRoutee,
    RoundRobin,
    Router,
    RoutingState,
)
from tests.actors.kit import ended
from tests.actors.router_kit import (
    Blocking,
    Desk,
    Fail,
    Hold,
    Job,
    Worker,
    group_of,
    held,
    jobs,
    names_of,
    pool_of,
)

pytestmark = pytest.mark.timeout(20)


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
