"""The bulkhead around calls of functions."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, assert_type

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import (
    ActorSystem,
    BlockingCallError,
    DeadlineExceeded,
    DramaturgError,
    ManualClock,
    OptionError,
)
from dramaturg.supervision._bulkhead import Bulkhead
from dramaturg.supervision._bulkhead_messages import BulkheadStatus
from dramaturg.supervision._bulkhead_places import BulkheadFull, Places, ThreadTurn
from tests.actors.kit import Crash, Do, Puppet, in_threads, within
from tests.actors.messaging_kit import quick_switches, turns, until


@dataclass
class Bench:
    """A bulkhead for two, and two that wait, whose clock stands still."""

    clock: ManualClock
    system: ActorSystem
    bulkhead: Bulkhead
    begun: list[Any] = field(default_factory=list[Any])
    ends: dict[Any, asyncio.Event] = field(default_factory=dict[Any, asyncio.Event])

    async def work(self, name: Any) -> Any:
        self.begun.append(name)
        await self.ends[name].wait()
        return name

    def charge(self) -> None:
        """Call a plain function through the bulkhead, blocking."""
        self.bulkhead(self.begun.append)("plain")

    def start(self, name: Any) -> "asyncio.Task[Any]":
        """Begin a call, or wait for that."""
        self.ends[name] = asyncio.Event()
        return asyncio.ensure_future(self.bulkhead.call(self.work, name))

    async def started(self, *names: Any) -> list["asyncio.Task[Any]"]:
        calls = [self.start(name) for name in names]
        await turns()
        return calls

    async def end(self, *names: Any) -> None:
        for name in names:
            self.ends[name].set()
        await turns()

    @property
    def counts(self) -> tuple[int, int]:
        status = self.bulkhead.status()
        return status.in_flight, status.waiting


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    async with ActorSystem("test", clock=clock) as system:
        bulkhead = Bulkhead("gateway", system, max_in_flight=2, max_waiting=2, timeout=3.0)
        bench = Bench(clock, system, bulkhead)
        yield bench
        await bench.end(*bench.ends)
        assert bench.counts == (0, 0)
        assert clock.pending == 0


# -- calls -------------------------------------------------------------------------------


async def test_a_call_returns_what_the_function_does(bench: Bench) -> None:
    def add(left: int, *, right: int) -> int:
        return left + right

    async def later() -> str:
        return "done"

    done = await bench.bulkhead.call(later)
    added = await bench.bulkhead.call(add, 1, right=2)

    assert (assert_type(done, str), assert_type(added, int)) == ("done", 3)


async def test_a_call_that_fails_gives_its_place_back(bench: Bench) -> None:
    async def fail() -> None:
        raise Crash("ill")

    for _ in range(5):
        with pytest.raises(Crash):
            await bench.bulkhead.call(fail)

    assert bench.counts == (0, 0)


async def test_so_many_calls_are_under_way_and_others_wait(bench: Bench) -> None:
    await bench.started("a", "b", "c")

    assert bench.begun == ["a", "b"]
    assert bench.counts == (2, 1)


async def test_those_that_wait_are_let_in_first_in_first_out(bench: Bench) -> None:
    calls = await bench.started("a", "b", "c", "d")

    await bench.end("b")
    assert bench.begun == ["a", "b", "c"]
    await bench.end("a", "c")

    assert bench.begun == ["a", "b", "c", "d"]
    await bench.end("d")
    assert [await within(call) for call in calls] == ["a", "b", "c", "d"]


async def test_nobody_overtakes_who_waits(bench: Bench) -> None:
    await bench.started("a", "b", "c")

    bench.ends["a"].set()
    await bench.started("d")

    assert bench.begun == ["a", "b", "c"]
    assert bench.counts == (2, 1)


async def test_one_too_many_fails_at_once(bench: Bench) -> None:
    await bench.started("a", "b", "c", "d")

    with pytest.raises(BulkheadFull, match="gateway is full: 2 in flight and 2 waiting") as caught:
        await bench.start("e")

    error = caught.value
    assert (error.name, error.max_in_flight, error.max_waiting) == ("gateway", 2, 2)
    assert isinstance(error, DramaturgError)
    assert bench.counts == (2, 2)


async def test_who_waits_too_long_fails_and_leaves_the_queue(bench: Bench) -> None:
    _, _, third = await bench.started("a", "b", "c")
    bench.clock.advance(1.0)
    _, fourth = third, (await bench.started("d"))[0]

    bench.clock.advance(2.0)
    with pytest.raises(DeadlineExceeded, match="from the bulkhead gateway within 3 s"):
        await within(third)

    assert bench.counts == (2, 1)
    await bench.end("a", "d")
    assert await within(fourth) == "d"
    assert bench.begun == ["a", "b", "d"]


async def test_who_is_under_way_has_all_the_time(bench: Bench) -> None:
    [call] = await bench.started("a")

    bench.clock.advance(1e6)
    await bench.end("a")

    assert await within(call) == "a"


async def test_without_a_timeout_who_waits_has_the_systems(bench: Bench) -> None:
    bulkhead = Bulkhead("gateway", bench.system, max_in_flight=1, max_waiting=1)
    async with bulkhead:
        waiting = asyncio.ensure_future(bulkhead.call(int))
        await turns()
        bench.clock.advance(4.9)
        await turns()
        assert not waiting.done()
        bench.clock.advance(0.1)

        with pytest.raises(DeadlineExceeded, match="within 5 s"):
            await within(waiting)


async def test_by_default_nobody_waits(bench: Bench) -> None:
    bulkhead = Bulkhead("gateway", bench.system, max_in_flight=1)

    async with bulkhead:
        with pytest.raises(BulkheadFull):
            await bulkhead.call(int)


# -- cancellation ------------------------------------------------------------------------


async def test_a_cancelled_waiter_leaves_the_queue(bench: Bench) -> None:
    _, _, third, fourth = await bench.started("a", "b", "c", "d")

    third.cancel()
    await turns()
    assert bench.counts == (2, 1)
    await bench.end("a", "d")

    assert third.cancelled()
    assert await within(fourth) == "d"


async def test_a_waiter_that_is_cancelled_when_it_has_just_got_its_place_passes_it_on(
    bench: Bench,
) -> None:
    async with bench.bulkhead:
        _, third, fourth = await bench.started("b", "c", "d")
    third.cancel()  # it has its place, and has not run yet
    await turns()

    assert third.cancelled()
    assert bench.begun == ["b", "d"]
    assert not fourth.done()


async def test_a_waiter_that_got_its_place_as_its_time_ended_keeps_it(bench: Bench) -> None:
    async with bench.bulkhead:
        _, third = await bench.started("b", "c")
    bench.clock.advance(3.0)
    await turns()

    assert bench.begun == ["b", "c"]
    assert not third.done()


async def test_a_cancelled_call_gives_its_place_back(bench: Bench) -> None:
    first, *_ = await bench.started("a", "b", "c")

    first.cancel()
    await turns()

    assert bench.begun == ["a", "b", "c"]
    assert bench.counts == (2, 0)


@given(st.lists(st.tuples(st.sampled_from(["begin", "end", "cancel"]), st.integers(0, 9))))
def test_no_place_is_lost_and_nobody_is_forgotten(steps: list[tuple[str, int]]) -> None:
    places = Places("x", 2, 3)
    inside: list[int] = []
    queue: list[_Turn] = []

    for number, (step, which) in enumerate(steps):
        if step == "begin":
            if len(inside) == 2 and len(queue) == 3:
                with pytest.raises(BulkheadFull):
                    places.enter(pytest.fail)
            else:
                turn = places.enter(lambda number=number: _Turn(number, inside))  # type: ignore[misc]
                if turn is None:
                    inside.append(number)
                else:
                    queue.append(turn)
        elif step == "end" and inside:
            inside.pop(which % len(inside))
            expected = queue.pop(0) if queue else None
            places.leave()
            assert expected is None or inside[-1] == expected.number
        elif step == "cancel" and queue:
            assert not places.withdraw(queue.pop(which % len(queue)))

        status = places.status()
        assert (status.in_flight, status.waiting) == (len(inside), len(queue))


class _Turn:
    def __init__(self, number: int, inside: list[int]) -> None:
        self.number = number
        self.given = False
        self._inside = inside

    def wake(self) -> bool:
        self._inside.append(self.number)
        return True


def test_who_is_thrown_away_as_it_gets_its_place_gives_it_back_once() -> None:
    class Lost(_Turn):
        def wake(self) -> bool:
            assert places.withdraw(self)
            places.leave()
            return False

    places = Places("x", 1, 1)
    places.enter(pytest.fail)
    places.enter(lambda: Lost(1, []))

    places.leave()

    assert (places.status().in_flight, places.status().waiting) == (0, 0)


# -- blocks and decorators ---------------------------------------------------------------


async def test_a_block_takes_a_place(bench: Bench) -> None:
    async with bench.bulkhead:
        assert bench.counts == (1, 0)
        async with bench.bulkhead:
            assert bench.counts == (2, 0)

    assert bench.counts == (0, 0)


async def test_a_block_that_fails_gives_its_place_back(bench: Bench) -> None:
    with pytest.raises(Crash):
        async with bench.bulkhead:
            raise Crash("ill")

    assert bench.counts == (0, 0)


async def test_a_decorated_coroutine_function_needs_a_place(bench: Bench) -> None:
    @bench.bulkhead
    async def charge(amount: int) -> int:
        """Charge."""
        assert bench.counts == (1, 0)
        return amount

    assert assert_type(await charge(3), int) == 3
    assert (charge.__name__, charge.__doc__) == ("charge", "Charge.")
    await bench.started("a", "b", "c", "d")
    with pytest.raises(BulkheadFull):
        await charge(3)


async def test_a_decorated_function_needs_a_place(bench: Bench) -> None:
    @bench.bulkhead
    def charge(amount: int) -> int:
        assert bench.counts == (1, 0)
        return amount

    assert assert_type(charge(3), int) == 3
    await bench.started("a", "b", "c", "d")
    with pytest.raises(BulkheadFull):
        charge(3)


async def test_a_function_must_not_wait_on_a_thread_that_runs_actors(bench: Bench) -> None:
    await bench.started("a", "b")

    with pytest.raises(BlockingCallError):
        bench.bulkhead(int)()

    assert bench.counts == (2, 0)


async def test_a_function_waits_in_its_thread_behind_a_coroutine(bench: Bench) -> None:
    await bench.started("a", "b", "c")
    thread = asyncio.ensure_future(asyncio.to_thread(bench.bulkhead(bench.begun.append), "thread"))
    await until(lambda: bench.counts == (2, 2))

    await bench.end("a")
    await bench.end("b")
    await within(thread)

    assert bench.begun == ["a", "b", "c", "thread"]


async def test_a_function_waits_by_the_systems_clock(bench: Bench) -> None:
    await bench.started("a", "b")
    thread = asyncio.ensure_future(asyncio.to_thread(bench.charge))
    await until(lambda: bench.clock.pending == 1)

    bench.clock.advance(3.0)

    with pytest.raises(DeadlineExceeded, match="within 3 s"):
        await within(thread)
    assert bench.counts == (2, 0)


async def test_a_function_waits_by_the_machines_clock() -> None:
    async with ActorSystem("test") as system:
        bulkhead = Bulkhead("gateway", system, max_in_flight=1, max_waiting=1, timeout=1e-6)
        charge = bulkhead(list[int]().clear)
        async with bulkhead:
            with pytest.raises(DeadlineExceeded):
                await within(asyncio.to_thread(charge))

        assert (bulkhead.status().in_flight, bulkhead.status().waiting) == (0, 0)


async def test_a_coroutine_waits_by_the_machines_clock() -> None:
    async with ActorSystem("test") as system:
        bulkhead = Bulkhead("gateway", system, max_in_flight=1, max_waiting=1, timeout=1e-6)
        async with bulkhead:
            with pytest.raises(DeadlineExceeded):
                await within(bulkhead.call(int))

        assert (bulkhead.status().in_flight, bulkhead.status().waiting) == (0, 0)


async def test_a_thread_whose_wait_is_interrupted_leaves_the_queue(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_turn: ThreadTurn, _seconds: float | None) -> None:
        raise Crash("interrupted")

    monkeypatch.setattr(ThreadTurn, "wait", interrupt)
    await bench.started("a", "b")

    with pytest.raises(Crash):
        await within(asyncio.to_thread(bench.charge))

    assert bench.counts == (2, 0)


async def test_a_thread_that_is_interrupted_when_it_has_just_got_its_place_passes_it_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_turn: ThreadTurn, _seconds: float | None) -> None:
        bench.bulkhead._places.leave()
        raise Crash("interrupted")

    monkeypatch.setattr(ThreadTurn, "wait", interrupt)
    await bench.bulkhead.__aenter__()
    await bench.bulkhead.__aenter__()

    with pytest.raises(Crash):
        await within(asyncio.to_thread(bench.charge))

    assert bench.counts == (1, 0)
    bench.bulkhead._places.leave()


async def test_never_more_than_allowed_are_under_way_in_many_threads(bench: Bench) -> None:
    bulkhead = Bulkhead("gateway", bench.system, max_in_flight=3, max_waiting=100)
    inside: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    @bulkhead
    def charge() -> None:
        with lock:
            inside.append(1)
            most.append(len(inside))
        with lock:
            inside.pop()

    def charge_often() -> None:
        for _ in range(50):
            charge()

    with quick_switches():
        await in_threads(8, charge_often)

    assert len(most) == 400
    assert max(most) <= 3
    assert (bulkhead.status().in_flight, bulkhead.status().waiting) == (0, 0)


async def test_a_coroutine_on_another_loop_gets_its_place(bench: Bench) -> None:
    await bench.started("a", "b")

    async def work() -> str:
        return "other"

    other = asyncio.ensure_future(asyncio.to_thread(asyncio.run, bench.bulkhead.call(work)))
    await until(lambda: bench.counts == (2, 1))
    await bench.end("a")

    assert await within(other) == "other"


async def test_a_place_for_a_coroutine_whose_loop_is_closed_goes_to_the_next(
    bench: Bench,
) -> None:
    await bench.started("a", "b")
    kept: list[Any] = []

    def leave_behind() -> None:
        loop = asyncio.new_event_loop()
        waiting = bench.bulkhead.call(int)

        async def begin() -> None:
            await waiting

        task = loop.create_task(begin())
        loop.call_soon(loop.call_soon, loop.stop)
        loop.run_forever()
        kept.append((task, waiting))
        loop.close()

    await within(asyncio.to_thread(leave_behind))
    assert bench.counts == (2, 1)
    await bench.started("c")

    await bench.end("a")

    assert bench.begun == ["a", "b", "c"]
    task, waiting = kept.pop()
    waiting.close()
    task._log_destroy_pending = False
    assert bench.counts == (2, 0)


async def test_a_request_may_be_the_call(bench: Bench) -> None:
    puppet = bench.system.spawn(Puppet)

    assert await within(bench.bulkhead.call(puppet.request, Do(lambda _: "done"))) == "done"


# -- the rest ----------------------------------------------------------------------------


async def test_it_shows_who_is_there(bench: Bench) -> None:
    await bench.started("a", "b", "c")

    assert bench.bulkhead.status() == BulkheadStatus(
        name="gateway", in_flight=2, waiting=1, max_in_flight=2, max_waiting=2
    )
    assert repr(bench.bulkhead) == "<Bulkhead gateway in_flight=2/2 waiting=1/2>"


async def test_generators_cannot_be_decorated(bench: Bench) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    with pytest.raises(OptionError, match="def or async def"):
        bench.bulkhead(numbers)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_in_flight": 0}, "max_in_flight=0: expected an int of at least 1"),
        ({"max_in_flight": 1.0}, "max_in_flight=1.0: expected an int"),
        ({"max_waiting": -1}, "max_waiting=-1: expected an int of at least 0"),
        ({"max_waiting": True}, "max_waiting=True: expected an int"),
        ({"max_waiting": None}, "max_waiting=None: expected an int"),
        ({"timeout": -1}, "timeout=-1: expected seconds, at least 0"),
        ({"timeout": "1"}, "timeout='1': expected seconds"),
        ({"name": ""}, "name='': expected a text"),
        ({"name": 3}, "name=3: expected a text"),
        ({"system": None}, "system=None: expected an ActorSystem"),
    ],
    ids=str,
)
async def test_an_option_that_cannot_be_is_an_error(
    bench: Bench, options: Any, complaint: str
) -> None:
    given_options: dict[str, Any] = {"name": "gateway", "system": bench.system, "max_in_flight": 1}
    with pytest.raises(OptionError, match=complaint):
        Bulkhead(**(given_options | options))
