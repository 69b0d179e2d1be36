"""How functions wait for a place in their threads, and coroutines on their loops."""

import asyncio
import threading
from typing import Any

import pytest

from dramaturg.actors import DeadlineExceeded
from dramaturg.supervision._bulkhead import Bulkhead
from dramaturg.supervision._bulkhead_places import ThreadTurn
from tests.actors.kit import Crash, in_threads, within
from tests.actors.messaging_kit import quick_switches, until
from tests.any_order import new_system
from tests.supervision.bulkhead_kit import Bench, open_bench

bench = pytest.fixture(open_bench)


@pytest.mark.one_order("threads")
async def test_a_function_waits_in_its_thread_behind_a_coroutine(bench: Bench) -> None:
    await bench.started("a", "b", "c")
    thread = asyncio.ensure_future(asyncio.to_thread(bench.bulkhead(bench.begun.append), "thread"))
    await until(lambda: bench.counts == (2, 2))

    await bench.end("a")
    await bench.end("b")
    await within(thread)

    assert bench.begun == ["a", "b", "c", "thread"]


@pytest.mark.one_order("threads")
async def test_a_function_waits_by_the_systems_clock(bench: Bench) -> None:
    await bench.started("a", "b")
    thread = asyncio.ensure_future(asyncio.to_thread(bench.charge))
    await until(lambda: bench.clock.pending == 1)

    bench.clock.advance(3.0)

    with pytest.raises(DeadlineExceeded, match="within 3 s"):
        await within(thread)
    assert bench.counts == (2, 0)


@pytest.mark.one_order("threads")
async def test_a_function_waits_by_the_machines_clock() -> None:
    async with new_system() as system:
        bulkhead = Bulkhead("gateway", system, max_in_flight=1, max_waiting=1, timeout=1e-6)
        charge = bulkhead(list[int]().clear)
        async with bulkhead:
            with pytest.raises(DeadlineExceeded):
                await within(asyncio.to_thread(charge))

        assert (bulkhead.status().in_flight, bulkhead.status().waiting) == (0, 0)


async def test_a_coroutine_waits_by_the_machines_clock() -> None:
    async with new_system() as system:
        bulkhead = Bulkhead("gateway", system, max_in_flight=1, max_waiting=1, timeout=1e-6)
        async with bulkhead:
            with pytest.raises(DeadlineExceeded):
                await within(bulkhead.call(int))

        assert (bulkhead.status().in_flight, bulkhead.status().waiting) == (0, 0)


@pytest.mark.one_order("threads")
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


@pytest.mark.one_order("threads")
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


@pytest.mark.one_order("threads")
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


@pytest.mark.one_order("threads")
async def test_a_coroutine_on_another_loop_gets_its_place(bench: Bench) -> None:
    await bench.started("a", "b")

    async def work() -> str:
        return "other"

    other = asyncio.ensure_future(asyncio.to_thread(asyncio.run, bench.bulkhead.call(work)))
    await until(lambda: bench.counts == (2, 1))
    await bench.end("a")

    assert await within(other) == "other"


@pytest.mark.one_order("threads")
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
