"""A step that blocks the loop is reported as a handler is: with its name, and where it stands."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from dramaturg.actors import ActorSystem, LoopHeld, MemoryJournal
from dramaturg.protocols.workflows import step
from tests.protocols.workflows.kit import LIMIT, Order, workflow


@pytest.mark.parametrize("is_async", [True, False], ids=["async def", "def"])
async def test_it_is_reported_with_workflow_instance_and_step(is_async: bool) -> None:
    came = threading.Event()
    reports: list[LoopHeld] = []

    def note(event: LoopHeld) -> None:
        reports.append(event)
        came.set()

    async def blocks(value: Any) -> Any:
        await asyncio.sleep(0)
        return blocks_at_once(value)

    def blocks_at_once(value: Any) -> Any:
        assert came.wait(LIMIT)
        return value

    flow = workflow(step("book", blocks if is_async else blocks_at_once))

    async with ActorSystem("test", journal=MemoryJournal(), hold_limit=0.01) as system:
        system.events.subscribe(note, LoopHeld)
        assert await flow.run(system, Order(), id="c1") == Order()

    assert reports[0].path == "/workflows/test:c1"
    assert reports[0].what == "step 'book' of 'test' 'c1'"
    assert "blocks_at_once" in reports[0].stack


async def test_a_step_that_waits_holds_nothing() -> None:
    reports: list[LoopHeld] = []
    looks = threading.Event()

    async def waits(value: Any) -> Any:
        await asyncio.to_thread(looks.wait, 0.1)
        return value

    async with ActorSystem("test", journal=MemoryJournal(), hold_limit=0.01) as system:
        system.events.subscribe(reports.append, LoopHeld)
        await workflow(step("a", waits)).run(system, Order(), id="1")

    assert [each.what for each in reports if each.what] == []


async def test_a_step_is_told_of_its_cancellation_and_may_go_on() -> None:
    told: list[str] = []

    async def is_told(value: Any) -> Any:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            told.append("its own time is over")
        return value

    async with ActorSystem("test", journal=MemoryJournal(), hold_limit=60.0) as system:
        assert await workflow(step("a", is_told)).run(system, Order(), id="1") == Order()

    assert told == ["its own time is over"]
