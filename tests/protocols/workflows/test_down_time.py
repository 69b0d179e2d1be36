"""What became due, or was stuck, while no process was there."""

from __future__ import annotations

import asyncio

import pytest

from dramaturg.actors import ManualClock, MemoryStore
from dramaturg.protocols.workflows import (
    Retry,
    WorkflowFailed,
    fan_out,
    partial,
    pause,
    recover,
    saga,
    sequence,
    step,
    wait_for,
)
from tests.protocols.workflows.attack_kit import does, runs
from tests.protocols.workflows.kit import LIMIT, Order, People, outcome, started, until, workflow

ONCE = Retry(attempts=1)


async def test_what_was_under_way_is_not_made_again_when_the_time_around_it_is_over() -> None:
    store, clock, who = MemoryStore(), ManualClock(), People()
    slow = step("slow", who.waits("slow"), compensate=who.undoes("slow"))
    flow = workflow(sequence(does(who, "a"), saga(slow, name="trip", timeout=60.0)))

    async with started(store, clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "slow")
    assert who.done == ["a", "slow"]
    clock.advance(61.0)
    async with started(store, clock=clock) as system:
        assert await outcome(flow, system) == "compensated"
    assert who.done == ["a", "slow"]
    assert who.undone == ["slow", "a"]


async def test_what_became_due_comes_in_the_order_of_its_times() -> None:
    store, clock, who = MemoryStore(), ManualClock(), People()
    inner = sequence(pause(5.0), step("b", who.does("b")), name="inner", timeout=10.0)
    race = fan_out(
        optional={"in": inner, "go": wait_for("go", timeout=7.0, on_error=recover("nobody"))},
        join=partial(20.0),
    )
    flow = workflow(sequence(race, step("c", lambda found: sorted(found.branches))))

    async with started(store, clock=clock) as system:
        await flow.start(system, Order(), id="1")
    clock.advance(100.0)
    async with started(store, clock=clock) as system:
        assert await outcome(flow, system) == ["go", "in"]
        history = await flow.history(system, "1")
    over = [f"{each.address} {each.what}" for each in history.entries if "over" in each.what]
    assert over == ["pause the pause is over", "go its time is over", "inner its time is over"]
    assert who.done == []


async def test_what_is_not_due_yet_is_waited_for() -> None:
    store, clock, who = MemoryStore(), ManualClock(), People()
    flow = workflow(sequence(pause(60.0), step("b", who.does("b"))))

    async with started(store, clock=clock) as system:
        await flow.start(system, Order(), id="1")
    clock.advance(59.0)
    async with started(store, clock=clock) as system:
        assert await flow.resume(system) == ("1",)
        assert (await flow.status(system, "1")).waiting == ("pause",)
        clock.advance(1.0)
        assert isinstance(await outcome(flow, system), Order)


@pytest.mark.parametrize("how", ["retry", "done"])
async def test_what_is_stuck_is_resolved_by_a_later_process_which_may_end_meanwhile(
    how: str,
) -> None:
    store, who = MemoryStore(), People()
    undo = step("undo b", who.fails("undo b", times=1), retry=ONCE)
    held = step("undo a", who.waits("undo a"), retry=ONCE)

    flow = workflow(
        saga(
            step("a", who.does("a"), compensate=held),
            step("b", who.does("b"), compensate=undo),
            step("no", who.refuses("no")),
        )
    )
    async with started(store) as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "a!undo")
    async with started(store) as system:
        # The one that is stuck does not keep the other from being undone.
        assert await flow.resume(system) == ("1",)
        await runs(flow.attach(system, "1"), "a!undo")
        who.gates["undo a"].set()
        with pytest.raises(WorkflowFailed) as failed:
            await asyncio.wait_for(flow.result(system, "1"), LIMIT)
        assert failed.value.stuck == ("b!undo",)
    async with started(store) as system:
        assert await flow.resume(system) == ()
        assert await flow.ids(system, "stuck") == ("1",)
        assert await flow.resolve(system, "1", "b!undo", how, by="ann")  # type: ignore[arg-type]
        # The process may end at once.
    async with started(store) as system:
        await flow.resume(system)

        async def over() -> bool:
            return await flow.ids(system, "compensated") == ("1",)

        await until(over)
        history = await flow.history(system, "1")
    assert [each.what for each in history.entries if "by ann" in each.what] == [
        f"resolved by ann: {how}"
    ]
    assert who.keys["undo b"] == {"test/1/b!undo"}
