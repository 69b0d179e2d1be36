"""Many branches, many items, many instances: what is counted stays in proportion."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import ActorSystem, ManualClock, MemoryJournal
from dramaturg.protocols.workflows import (
    any_of,
    fan_out,
    for_each,
    partial,
    pause,
    quorum,
    saga,
    sequence,
    step,
    wait_for,
)
from dramaturg.protocols.workflows._coordinator import Coordinator
from dramaturg.protocols.workflows._run import Run
from tests.protocols.workflows.kit import Order, outcome, until, workflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from dramaturg.actors.journal import Append
    from dramaturg.protocols.workflows import Step


class Counting(MemoryJournal):
    """Counts its commits."""

    commits = 0

    def append(self, order: Append) -> Any:
        self.commits += 1
        return super().append(order)


async def act(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


async def undo(_: Any) -> None:
    await asyncio.sleep(0)


def wide(count: int) -> Step:
    return fan_out({f"b{n}": step(f"s{n}", act) for n in range(count)})


def a_quorum(count: int) -> Step:
    branches = {f"b{n}": step(f"s{n}", act, compensate=undo) for n in range(count)}
    return fan_out(branches, join=quorum(count // 2))


def items(count: int) -> Step:
    return for_each(lambda _: range(count), step("item", act))


def some_at_once(count: int) -> Step:
    return for_each(lambda _: range(count), step("item", act), limit=10)


def waiting(count: int) -> Step:
    return for_each(lambda _: range(count), pause(5.0), join=partial(1_000.0))


def undone(count: int) -> Step:
    def no(_: Any) -> None:
        raise ConnectionError

    each = for_each(lambda _: range(count), step("item", act, compensate=undo), limit=count)
    return saga(each, step("no", no))


def in_sagas(count: int) -> Step:
    return for_each(lambda _: range(count), saga(step("item", act, compensate=undo)))


async def played(make: Callable[[int], Step], count: int) -> tuple[int, int]:
    """Run it and return the commits, and the calls of functions of the engine."""
    flow = workflow(make(count))
    journal, clock = Counting(), ManualClock()
    calls = 0

    def seen(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call" and "protocols/workflows" in frame.f_code.co_filename

    async with ActorSystem("test", journal=journal, clock=clock, seed=1) as system:
        before = sys.getprofile()
        sys.setprofile(seen)
        try:
            running = asyncio.ensure_future(outcome(flow, system))
            while not running.done():
                await asyncio.sleep(0)
                if make is waiting:
                    clock.advance(1.0)
            await running
        finally:
            sys.setprofile(before)
    return journal.commits, calls


@pytest.mark.parametrize(
    "make",
    [wide, a_quorum, items, some_at_once, waiting, undone, in_sagas],
    ids=lambda each: each.__name__,
)
async def test_twice_as_many_cost_twice_as_much(make: Callable[[int], Step]) -> None:
    _, some = await played(make, 100)
    _, twice = await played(make, 200)

    assert twice < 2.3 * some


@pytest.mark.parametrize(("make", "count"), [(wide, 1_000), (items, 2_000)], ids=["wide", "items"])
async def test_what_comes_together_is_stored_together(
    make: Callable[[int], Step], count: int
) -> None:
    commits, _ = await played(make, count)

    assert commits < 10


async def test_events_that_came_early_are_no_tower_of_calls() -> None:
    flow = workflow(
        sequence(wait_for("go"), for_each(lambda _: range(900), wait_for("item"), limit=1))
    )
    async with ActorSystem("test", journal=MemoryJournal(), seed=1) as system:
        await flow.start(system, Order(), id="1")
        for number in range(900):
            await flow.signal(system, "1", "item", number)
        await flow.signal(system, "1", "go")
        assert await outcome(flow, system) == list(range(900))


async def test_instances_that_have_ended_leave_nothing() -> None:
    clock = ManualClock()
    flow = workflow(
        fan_out(
            {
                "a": step("a", act, timeout=1_000.0, compensate=undo),
                "b": pause(1e6),
                "c": wait_for("never", timeout=1e6),
            },
            join=any_of(),
            timeout=1e6,
        )
    )

    async with ActorSystem("test", journal=MemoryJournal(), clock=clock, seed=1) as system:
        for first in range(0, 2_000, 200):
            runs = [outcome(flow, system, str(first + n)) for n in range(200)]
            await asyncio.gather(*runs)
        engine: Any = system.lookup("/workflows")

        async def nothing_is_left() -> bool:
            return not engine.cell.children

        await until(nothing_is_left)
        tables = ("_coordinators", "_ids", "_ending", "_later", "_waiting", "_trouble", "_held")
        assert [each for each in tables if getattr(engine.cell.actor, each)] == []
        gc.collect()
        left = [each for each in gc.get_objects() if isinstance(each, Run | Coordinator)]
        assert len(left) < 20
        assert clock.pending < 20
