"""Times and events from outside."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from dramaturg.actors import ManualClock, MemoryStore
from dramaturg.protocols.workflows import (
    UnknownWorkflowInstance,
    WorkflowInputError,
    pause,
    recover,
    sequence,
    step,
    wait_for,
)
from tests.protocols.workflows.kit import LIMIT, Order, People, outcome, started, until, workflow


async def test_an_event_from_outside_lets_it_go_on() -> None:
    flow = workflow(wait_for("decision", bool))

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        assert (await instance.status()).waiting == ("decision",)
        assert await instance.signal("decision", value=True)
        assert await outcome(flow, system) is True
        assert not await instance.signal("decision", value=False)


async def test_an_event_that_comes_early_is_kept() -> None:
    who = People()
    flow = workflow(sequence(step("a", who.waits("a")), wait_for("decision")))

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        await instance.signal("decision", 1)
        await instance.signal("decision", 2)
        who.gates["a"].set()
        assert await outcome(flow, system) == 1


async def test_the_same_signal_counts_once() -> None:
    flow = workflow(sequence(wait_for("one", name="first"), wait_for("one", name="second")))

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        assert await instance.signal("one", 1, signal="x")
        assert not await instance.signal("one", 1, signal="x")
        assert await instance.signal("one", 2, signal="y")
        assert await outcome(flow, system) == 2


async def test_an_event_nobody_waits_for_is_refused() -> None:
    flow = workflow(wait_for("decision", bool))

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        with pytest.raises(WorkflowInputError, match="'decision'"):
            await instance.signal("decisions", value=True)
        with pytest.raises(WorkflowInputError, match="bool"):
            await instance.signal("decision", "yes")
        with pytest.raises(UnknownWorkflowInstance):
            await flow.signal(system, "2", "decision", value=True)


async def test_waiting_ends_at_its_deadline() -> None:
    clock = ManualClock()
    flow = workflow(wait_for("decision", timeout=60.0, on_error=recover("nobody cared")))

    async with started(clock=clock) as system:
        await flow.start(system, Order(), id="1")
        clock.advance(60.0)
        assert await outcome(flow, system) == "nobody cared"


async def test_a_pause_goes_on_while_the_process_is_down() -> None:
    store = MemoryStore()
    clock = ManualClock()
    flow = workflow(sequence(pause(100.0), step("a", lambda _: "done")))

    async with started(store, clock=clock) as system:
        await flow.start(system, Order(), id="1")
        clock.advance(60.0)
    later = ManualClock(start=clock.time())
    async with started(store, clock=later) as system:
        instance = flow.attach(system, "1")
        assert (await instance.status()).waiting == ("pause",)
        later.advance(39.0)
        assert (await instance.status()).status == "running"
        later.advance(1.0)
        assert await outcome(flow, system) == "done"


async def test_an_attempt_that_takes_too_long_has_failed() -> None:
    clock = ManualClock()
    who = People()
    flow = workflow(step("a", who.waits("a"), timeout=5.0))

    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")

        async def begun() -> bool:
            return bool((await instance.status()).running and who.done)

        await until(begun)
        clock.advance(5.0)
        assert await outcome(flow, system) == "failed"
        error = (await instance.status()).error
        who.gates["a"].set()

    assert error is not None
    assert error.kind == "timeout"


async def test_a_step_that_returns_after_its_deadline_changes_nothing() -> None:
    clock = ManualClock()
    began, held = asyncio.Event(), asyncio.Event()

    async def stubborn(order: Order) -> str:
        began.set()
        with contextlib.suppress(asyncio.CancelledError):
            await held.wait()
        return "too late"

    flow = workflow(step("a", stubborn, timeout=5.0, on_error=recover("in time")))

    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")
        await asyncio.wait_for(began.wait(), LIMIT)
        clock.advance(5.0)
        assert await outcome(flow, system) == "in time"
        history = str(await instance.history())

    assert "too late" not in history
