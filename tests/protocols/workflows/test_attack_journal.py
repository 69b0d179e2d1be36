"""Journals that fail for a while: instances wait and go on, and nobody is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dramaturg.actors import (
    ActorSystem,
    ConcurrentWriter,
    DramaturgError,
    JournalUnavailable,
    MemoryJournal,
    MemoryStore,
)
from dramaturg.protocols.workflows import (
    saga,
    step,
    wait_for,
)
from tests.protocols.workflows.kit import (
    LIMIT,
    SOON,
    Order,
    People,
    outcome,
    until,
    workflow,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from dramaturg.actors.journal import Append
    from dramaturg.protocols.workflows import Workflow


class Failing(MemoryJournal):
    """Fails for a while: appends, or all that is asked of it."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        super().__init__(store)
        self.failures = 0
        self.reads = 0
        self.error: Exception = JournalUnavailable(journal="it", problem="full", detail="")

    def append(self, order: Append) -> Awaitable[None]:
        if self.failures:
            self.failures -= 1
            raise self.error
        return super().append(order)

    async def found(self, label: str, after: str, limit: int) -> list[str]:
        if self.reads:
            self.reads -= 1
            raise self.error
        return await super().found(label, after, limit)


@pytest.mark.parametrize("failing", range(8))
@pytest.mark.parametrize("times", [1, 3])
async def test_instances_wait_for_a_journal_and_go_on(failing: int, times: int) -> None:
    who = People()
    steps = saga(
        step("a", who.does("a"), compensate=who.undoes("a")),
        step("b", who.fails("b", times=1), retry=SOON),
        step("c", who.refuses("c")),
    )
    flow = workflow(steps)
    journal = Failing()
    async with ActorSystem("test", journal=journal, seed=1) as system:
        await flow.start(system, Order(), id="1")
        for _ in range(failing):
            await asyncio.sleep(0)
        journal.failures = times
        assert await outcome(flow, system) == "compensated"

    assert set(who.undone) == {"a"}
    assert all(len(keys) == 1 for keys in who.keys.values())


async def test_who_starts_while_the_journal_fails_is_told_and_may_try_again() -> None:
    flow = workflow(step("a", lambda _: 1))
    journal = Failing()

    async with ActorSystem("test", journal=journal, seed=1) as system:
        journal.failures = 1
        with pytest.raises(JournalUnavailable):
            await asyncio.wait_for(flow.run(system, Order(), id="1"), LIMIT)
        assert await outcome(flow, system) == 1


async def test_a_journal_that_cannot_be_searched_ends_nobody() -> None:
    first, second = workflow(wait_for("go")), Order()
    journal = Failing()
    other: Workflow = workflow(step("b", lambda _: 1), takes=None)

    async with ActorSystem("test", journal=journal, seed=1) as system:
        waiting = asyncio.ensure_future(first.run(system, second, id="1"))

        async def begun() -> bool:
            return await first.ids(system) == ("1",)

        await until(begun)
        journal.reads = 20
        for _ in range(20):
            with pytest.raises(JournalUnavailable):
                await other.resume(system)
        assert await first.signal(system, "1", "go", 1)
        assert await asyncio.wait_for(waiting, LIMIT) == 1


async def test_another_writer_ends_the_coordinator_and_tells_who_waits() -> None:
    flow = workflow(wait_for("go"))
    journal = Failing()
    journal.error = ConcurrentWriter(persistence_id="workflow/test/1", expected=1, found=2)

    async with ActorSystem("test", journal=journal, seed=1) as system:
        waiting = asyncio.ensure_future(flow.run(system, Order(), id="1"))

        async def begun() -> bool:
            return await flow.ids(system) == ("1",)

        await until(begun)
        journal.failures = 1
        with pytest.raises(ConcurrentWriter):
            await asyncio.wait_for(flow.signal(system, "1", "go", 1), LIMIT)
        with pytest.raises(DramaturgError):
            await asyncio.wait_for(waiting, LIMIT)
        assert await flow.signal(system, "1", "go", 2)
        assert await outcome(flow, system) == 2
