"""Instances that another process has are told as such, and are taken over when that is gone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import capture_logs

from dramaturg.actors import ActorSystem, ConcurrentWriter, ManualClock, MemoryJournal, MemoryStore
from dramaturg.protocols.workflows import Workflow, WorkflowFailed, sequence, step, wait_for
from tests.protocols.workflows.kit import LIMIT, Order, People, outcome, started, until, workflow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from dramaturg.actors import Journal


@asynccontextmanager
async def two(store: MemoryStore, clock: ManualClock) -> AsyncGenerator[tuple[Any, ...]]:
    """Run two systems on one store; the stack ends the first."""
    async with AsyncExitStack() as first, started(store, clock=clock) as second:
        yield await first.enter_async_context(started(store)), second, first


def waiting() -> Workflow:
    return workflow(wait_for("go"))


async def test_what_another_process_has_is_taken_over_when_that_is_gone() -> None:
    store, clock, who = MemoryStore(), ManualClock(), People()
    flow = workflow(step("a", who.waits("a")))

    def times(count: int) -> Callable[[], Awaitable[bool]]:
        async def done() -> bool:
            clock.advance(1.0)
            return len(who.done) == count

        return done

    async with two(store, clock) as (one, other, first):
        await flow.start(one, Order(), id="1")
        assert await flow.resume(other) == ()
        await until(times(1))
        for _ in range(100):
            clock.advance(1.0)
            await asyncio.sleep(0)
        assert who.done == ["a"]
        await first.aclose()
        await until(times(2))
        who.gates["a"].set()
        assert await outcome(flow, other) == Order()


async def test_that_another_process_has_one_is_logged_and_that_it_is_taken_over() -> None:
    store, clock, flow = MemoryStore(), ManualClock(), waiting()

    try:
        with capture_logs() as logs:
            async with two(store, clock) as (one, other, first):
                await flow.start(one, Order(), id="1")
                await flow.resume(other)
                await flow.resume(other)
                await first.aclose()
                await flow.resume(other)
    finally:
        structlog.reset_defaults()
    told = [each for each in logs if each["event"].startswith("workflow_")]
    assert [(each["event"], each["instance"]) for each in told] == [
        ("workflow_written_elsewhere", "workflow/test/1"),
        ("workflow_taken_over", "workflow/test/1"),
    ]
    assert told[0]["holder"] == "another system"


async def test_to_resume_once_more_tries_at_once_and_finds_what_was_begun_meanwhile() -> None:
    store, flow = MemoryStore(), waiting()

    async with two(store, ManualClock()) as (one, other, first):
        await flow.start(one, Order(), id="1")
        assert await flow.resume(other) == ()
        await flow.start(one, Order(), id="2")
        await first.aclose()
        assert await flow.resume(other) == ("1", "2")


ASKED: dict[str, Callable[[Workflow, ActorSystem], Awaitable[Any]]] = {
    "run": lambda flow, system: flow.run(system, Order(), id="1"),
    "start": lambda flow, system: flow.start(system, Order(), id="1"),
    "result": lambda flow, system: flow.result(system, "1"),
    "status": lambda flow, system: flow.status(system, "1"),
    "history": lambda flow, system: flow.history(system, "1"),
    "signal": lambda flow, system: flow.signal(system, "1", "go", 1),
    "cancel": lambda flow, system: flow.cancel(system, "1"),
    "resolve": lambda flow, system: flow.resolve(system, "1", "a!undo", "done", by="ann"),
    "migrate": lambda flow, system: flow.migrate(system, "1"),
}


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
@pytest.mark.parametrize("asked", sorted(ASKED))
async def test_whoever_asks_for_what_another_process_has_is_told_so(
    asked: str, known: bool
) -> None:
    store, flow = MemoryStore(), waiting()

    async with two(store, ManualClock()) as (one, other, _):
        if not known:
            await flow.resume(other)
        await flow.start(one, Order(), id="1")
        if known:
            await flow.resume(other)
        with pytest.raises(ConcurrentWriter) as raised:
            await asyncio.wait_for(ASKED[asked](flow, other), LIMIT)
        assert raised.value.holder == "another system"
        assert await flow.signal(one, "1", "go", 3)
        assert await outcome(flow, one) == 3


async def test_all_who_ask_at_once_are_told() -> None:
    store, flow = MemoryStore(), waiting()

    async with two(store, ManualClock()) as (one, other, _):
        await flow.resume(other)
        await flow.start(one, Order(), id="1")
        asking = [ASKED[each](flow, other) for each in sorted(ASKED) for _ in range(3)]
        told = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), LIMIT)
    assert {type(each) for each in told} == {ConcurrentWriter}


async def test_what_has_ended_in_another_process_can_be_read() -> None:
    store, flow = MemoryStore(), workflow(step("a", lambda _: 5))

    async with two(store, ManualClock()) as (one, other, _):
        await flow.resume(other)
        assert await outcome(flow, one) == 5
        for _ in range(2):
            assert await outcome(flow, other) == 5
            assert await flow.result(other, "1") == 5
            assert (await flow.status(other, "1")).results == {"a": 5}
            assert len((await flow.history(other, "1")).entries) == 4
            assert not await flow.cancel(other, "1")


async def test_a_step_waits_for_the_workflow_within_that_another_process_has() -> None:
    store, clock = MemoryStore(), ManualClock()
    within = waiting()
    outer = Workflow("outer", sequence(step("in", within)), takes=Order)
    key = "outer/1/in"

    async with two(store, clock) as (one, other, first):
        await within.start(one, Order(), id=key)
        running = asyncio.ensure_future(outer.run(other, Order(), id="1"))

        async def begun() -> bool:
            return await outer.ids(other) == ("1",)

        await until(begun)
        clock.advance(5.0)
        await asyncio.sleep(0)
        assert not running.done()
        await within.signal(one, key, "go", 9)
        await first.aclose()

        async def over() -> bool:
            clock.advance(1.0)
            return running.done()

        await until(over)
        assert await running == 9
        assert len((await outer.history(other, "1")).entries) == 4


class Looks(MemoryJournal):
    """Refuses to write, as a file that is opened to look into."""

    @property
    def is_read_only(self) -> bool:
        return True


async def test_a_system_that_only_looks_does_nothing_again() -> None:
    store, done = MemoryStore(), list[str]()
    gate = asyncio.Event()

    async def act(value: Any) -> Any:
        done.append("a")
        await gate.wait()
        return value

    flow = workflow(sequence(step("a", act), step("b", act)))
    async with started(store) as system:
        await flow.start(system, Order(), id="1")

        async def under_way() -> bool:
            return bool(done)

        await until(under_way)
    journal: Journal = Looks(store)
    async with ActorSystem("looks", journal=journal) as system:
        assert (await flow.status(system, "1")).running == ("a",)
        assert len((await flow.history(system, "1")).entries) == 2
        with pytest.raises(Exception, match="read-only"):
            await flow.resume(system)
    assert done == ["a"]


async def test_an_end_that_is_none_yet_stays_with_who_has_it() -> None:
    store, flow = MemoryStore(), waiting()

    async with two(store, ManualClock()) as (one, other, _):
        await flow.start(one, Order(), id="1")
        assert await flow.cancel(one, "1")
        with pytest.raises(WorkflowFailed) as failed:
            await asyncio.wait_for(flow.result(other, "1"), LIMIT)
        assert failed.value.status == "cancelled"
