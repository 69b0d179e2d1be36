"""Callers at once, engines and coordinators that end: nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from dramaturg.actors import (
    ActorSystem,
    DramaturgError,
    MemoryJournal,
)
from dramaturg.protocols.workflows import (
    UnknownWorkflowInstance,
    WorkflowFailed,
    WorkflowIdConflict,
    fan_out,
    saga,
    sequence,
    step,
    wait_for,
)
from tests.protocols.workflows.kit import (
    LIMIT,
    Order,
    People,
    outcome,
    started,
    until,
    workflow,
)


def coordinators(system: ActorSystem) -> int:
    engine: Any = system.lookup("/workflows")
    return 0 if engine is None else len(engine.cell.children or ())


async def gone(system: ActorSystem) -> None:
    """Wait until no instance has an actor."""

    async def none() -> bool:
        return coordinators(system) == 0

    await until(none)


# -- at once -----------------------------------------------------------------------------------


async def test_all_who_start_one_id_at_once_get_its_result() -> None:
    who = People()
    flow = workflow(step("a", who.does("a", 7)))

    async with started() as system:
        runs = [flow.run(system, Order(), id="1") for _ in range(50)]
        assert await asyncio.gather(*runs) == [7] * 50
        again = [outcome(flow, system) for _ in range(1_500)]
        assert set(await asyncio.gather(*again)) == {7}
        await gone(system)

    assert who.done == ["a"]


async def test_everything_at_once_ends_once_and_answers_everybody() -> None:
    who = People()
    flow = workflow(saga(step("a", who.does("a"), compensate=who.undoes("a")), wait_for("go")))

    async with started() as system:
        calls: list[Any] = []
        for _ in range(20):
            calls += [
                flow.start(system, Order(), id="1"),
                flow.status(system, "1"),
                flow.signal(system, "1", "go", 1, signal="once"),
                flow.cancel(system, "1"),
                flow.result(system, "1"),
                flow.resolve(system, "1", "a!undo", "done", by="ann"),
                flow.history(system, "1"),
                flow.migrate(system, "1"),
                flow.resume(system),
            ]
        found = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), LIMIT)
        errors = [each for each in found if isinstance(each, BaseException)]
        assert all(isinstance(each, WorkflowFailed) for each in errors)
        history = await flow.history(system, "1")
        await gone(system)

    assert [type(each.record).__name__ for each in history.entries].count("Ended") == 1


def test_threads_at_once_get_one_result() -> None:
    who = People()
    flow = workflow(step("a", who.does("a", 7)))
    found: list[int] = []

    with ActorSystem("test", journal=MemoryJournal()) as system:
        shop = flow.blocking(system, timeout=LIMIT)
        threads = [
            threading.Thread(target=lambda: found.append(shop.run(Order(), id="1")))
            for _ in range(10)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(LIMIT)

    assert found == [7] * 10
    assert who.done == ["a"]


async def test_who_starts_what_another_has_looked_for_in_vain_is_not_told_so() -> None:
    flow = workflow(step("a", lambda _: 1))

    async with started() as system:
        await flow.resume(system)
        for number in range(20):
            name = str(number)
            looks = asyncio.ensure_future(flow.status(system, name))
            runs = asyncio.ensure_future(flow.run(system, Order(), id=name))
            assert await runs == 1
            with pytest.raises(UnknownWorkflowInstance):
                await looks
        await gone(system)


async def test_a_conflict_leaves_no_actor_behind() -> None:
    flow = workflow(step("a", lambda _: 1))

    async with started() as system:
        await outcome(flow, system)
        await gone(system)
        with pytest.raises(WorkflowIdConflict):
            await flow.run(system, Order(cents=9), id="1")
        await gone(system)


async def test_who_gives_up_waiting_is_forgotten() -> None:
    flow = workflow(wait_for("go"))

    async with started() as system:
        await flow.start(system, Order(), id="1")
        futures: set[int] = set()
        for _ in range(100):
            task = asyncio.ensure_future(flow.result(system, "1"))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        engine: Any = system.lookup("/workflows")
        waiting = engine.cell.actor._waiting["workflow/test/1"]
        futures.update(map(id, waiting))
        assert len(futures) < 10


# -- what ends -------------------------------------------------------------------------------


async def test_a_coordinator_that_is_killed_tells_who_waits_and_is_brought_back() -> None:
    who = People()
    flow = workflow(step("a", who.waits("a")))

    async with started() as system:
        waiting = asyncio.ensure_future(flow.run(system, Order(), id="1"))

        async def begun() -> bool:
            return who.done == ["a"]

        await until(begun)
        one: Any = system.lookup("/workflows/test:1")
        one.kill()
        with pytest.raises(DramaturgError):
            await asyncio.wait_for(waiting, LIMIT)
        await gone(system)
        who.gates["a"].set()
        assert isinstance(await outcome(flow, system), Order)

    assert who.keys == {"a": {"test/1/a"}}


async def test_an_engine_that_is_killed_tells_who_waits_and_is_there_again() -> None:
    who = People()
    flow = workflow(step("a", who.waits("a")))

    async with started() as system:
        waiting = [asyncio.ensure_future(flow.run(system, Order(), id=f"{n}")) for n in range(5)]

        async def begun() -> bool:
            return len(who.done) == 5

        await until(begun)
        engine: Any = system.lookup("/workflows")
        engine.kill()
        at_once = await asyncio.gather(
            *[flow.status(system, "1") for _ in range(3)], return_exceptions=True
        )
        assert all(
            isinstance(each, DramaturgError) or not isinstance(each, BaseException)
            for each in at_once
        )
        await asyncio.wait(waiting, timeout=LIMIT)
        assert all(isinstance(each.exception(), DramaturgError) for each in waiting)

        async def is_gone() -> bool:
            return system.lookup("/workflows") is None or not engine.is_alive()

        await until(is_gone)
        who.gates["a"].set()
        assert await flow.resume(system) == tuple(map(str, range(5)))
        for n in range(5):
            assert isinstance(await outcome(flow, system, f"{n}"), Order)


@pytest.mark.parametrize("rounds", range(12))
async def test_a_system_that_ends_in_the_midst_leaves_no_task_and_no_caller(rounds: int) -> None:
    who = People()
    slow = People()

    async def stubborn(order: Order) -> Order:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            raise ConnectionError("while it was cut short") from None
        return order

    steps = sequence(
        step("a", who.does("a"), compensate=who.undoes("a")),
        fan_out({"b": step("b", slow.waits("b")), "c": step("c", stubborn, timeout=50.0)}),
    )
    flow = workflow(steps)
    before = asyncio.all_tasks()
    async with started() as system:
        calls = [asyncio.ensure_future(flow.run(system, Order(), id=f"{n}")) for n in range(3)]
        for _ in range(rounds * 2):
            await asyncio.sleep(0)
        if rounds % 2:
            cancel = asyncio.ensure_future(flow.cancel(system, "1"))
            calls.append(cancel)
    done, pending = await asyncio.wait(calls, timeout=LIMIT)
    assert not pending
    for each in done:
        each.exception()

    async def no_task_is_left() -> bool:
        return asyncio.all_tasks() <= before | set(calls)

    await until(no_task_is_left)
