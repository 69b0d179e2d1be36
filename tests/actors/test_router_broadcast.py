"""Broadcasts: who gets them, and which of many answers is the reply."""

import threading

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorSystem,
    Broadcast,
    DeadLetterReason,
    GetRoutees,
    Props,
    Refused,
    RoundRobin,
    Router,
    RoutingLogic,
    ThreadActor,
    ToAll,
    handler,
)
from tests.actors.kit import ended
from tests.actors.router_kit import Blocking, Desk, Fail, Hold, Job, Worker, held, jobs, pool_of

pytestmark = pytest.mark.timeout(20)


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
