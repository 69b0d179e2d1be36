import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorSystem,
    AddRoutee,
    Broadcast,
    GetRoutees,
    Props,
    Refused,
    RemoveRoutee,
    Resize,
    RoundRobin,
    Router,
    UnroutableError,
)
from tests.actors.kit import ended
from tests.actors.router_kit import (
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


# -- management --------------------------------------------------------------------------


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
