"""A step whose own task is cancelled, by itself or by what it uses, has failed like any other."""

from __future__ import annotations

import asyncio
from typing import Any

from dramaturg.actors import ActorSystem, MemoryJournal, MemoryStore
from dramaturg.protocols.workflows import AttemptCancelled, Call, Retry, Workflow, step
from dramaturg.supervision import Backoff
from tests.protocols.workflows.kit import SOON, Order, outcome, started, workflow

TWICE = Retry(attempts=2, backoff=Backoff(0.001, 0.001))


def cancels_itself(*, times: int) -> Any:
    async def act(value: Any, call: Call) -> Any:
        if call.attempt <= times:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.Event().wait()
        return value

    return act


async def test_it_is_tried_again() -> None:
    flow = workflow(step("a", cancels_itself(times=1), retry=SOON))

    async with started() as system:
        assert await outcome(flow, system) == Order()


async def test_it_fails_for_good_and_says_why() -> None:
    flow = workflow(step("a", cancels_itself(times=9), retry=TWICE, timeout=60.0))

    async with started() as system:
        assert await outcome(flow, system) == "failed"
        error = (await flow.status(system, "1")).error

    assert error is not None
    assert (error.kind, error.type, error.attempts) == ("error", "AttemptCancelled", 2)
    assert error.text == "the task of a was cancelled, and not by its workflow"


async def test_it_is_told_by_an_exception_that_a_retry_may_name() -> None:
    never = Retry(attempts=9, fatal=(AttemptCancelled,))
    flow = workflow(step("a", cancels_itself(times=1), retry=never))

    async with started() as system:
        assert await outcome(flow, system) == "failed"


def test_a_loop_that_ends_under_it_leaves_it_to_the_next_process() -> None:
    store = MemoryStore()

    async def slow(value: Any) -> Any:
        gate.set()
        await hold.wait()
        return value

    flow = Workflow("test", step("a", slow), takes=Order)

    async def forgets_to_stop() -> None:
        system = ActorSystem("one", journal=journal, hold_limit=None)
        await system.__aenter__()
        await flow.start(system, Order(), id="1")
        await gate.wait()

    async def goes_on() -> Any:
        hold.set()
        async with ActorSystem("two", journal=MemoryJournal(store)) as system:
            return await flow.result(system, "1")

    journal = MemoryJournal(store)
    gate, hold = asyncio.Event(), asyncio.Event()
    asyncio.run(forgets_to_stop())
    journal.close_now()
    gate, hold = asyncio.Event(), asyncio.Event()
    assert asyncio.run(goes_on()) == Order()
