"""A coordinator that does not start says why, to everybody who has asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dramaturg.actors import (
    ActorSystem,
    JournalDamaged,
    JournalError,
    JournalUnavailable,
    ManualClock,
    MemoryJournal,
    MemoryStore,
)
from dramaturg.actors.journal import Append, Head, RecoveryFailed
from dramaturg.protocols.workflows import Workflow, step, wait_for
from dramaturg.protocols.workflows._records import Decided
from tests.protocols.workflows.kit import LIMIT, Order, People, started, until, workflow
from tests.protocols.workflows.test_elsewhere import ASKED


class Damaged(MemoryJournal):
    """Gives back nothing of one instance."""

    async def head(self, persistence_id: str) -> Head:
        if persistence_id == "workflow/test/1":
            raise JournalDamaged(journal=self.name, place=persistence_id, detail="a wrong byte")
        return await super().head(persistence_id)


@pytest.mark.parametrize("asked", sorted(ASKED))
async def test_whoever_asks_for_what_cannot_be_read_is_told_so(asked: str) -> None:
    store, flow = MemoryStore(), workflow(wait_for("go"))
    async with started(store) as system:
        await flow.start(system, Order(), id="1")
    async with ActorSystem("test", journal=Damaged(store), seed=1) as system:
        assert await flow.resume(system) == ()
        many = [ASKED[asked](flow, system) for _ in range(5)]
        told = await asyncio.wait_for(asyncio.gather(*many, return_exceptions=True), LIMIT)
    assert {type(each) for each in told} == {JournalDamaged}


async def test_records_that_lead_nowhere_are_told_as_such() -> None:
    store, flow = MemoryStore(), workflow(wait_for("go"))
    async with started(store) as system:
        await flow.start(system, Order(), id="1")
        journal: Any = system.journal
        codec = system.journal_codec(flow._family.registry)
        stray = codec.encode(Decided(address="nowhere", what="when", choice=True))
        shelf = store.shelf("workflow/test/1")
        event: Any = shelf.events[0]
        shelf.events.append(replace(event, sequence=2, payload=stray))
        assert (await journal.head("workflow/test/1")).sequence == 2
    async with started(store) as system:
        for asked in (flow.status, flow.history, flow.result):
            with pytest.raises(RecoveryFailed, match="nowhere"):
                await asyncio.wait_for(asked(system, "1"), LIMIT)


async def test_a_type_that_is_not_known_any_more_is_named() -> None:
    store = MemoryStore()
    async with started(store) as system:
        flow = workflow(step("a", lambda _: 1))
        await flow.run(system, Order(), id="1")
    async with started(store) as system:
        other = Workflow("test", step("a", lambda _: 1))
        with pytest.raises(JournalError, match=r"tests\.workflows\.Order"):
            await asyncio.wait_for(other.result(system, "1"), LIMIT)


class Full(MemoryJournal):
    """Stores nothing for a while."""

    is_full = True

    def append(self, order: Append) -> Any:
        if self.is_full:
            raise JournalUnavailable(journal=self.name, problem="full", detail="no room")
        return super().append(order)


async def test_what_waits_for_the_journal_has_been_brought_back() -> None:
    store, clock, who = MemoryStore(), ManualClock(), People()
    flow = workflow(step("a", who.waits("a")))
    async with started(store) as system:
        await flow.start(system, Order(), id="1")
        await until(lambda: is_there(who, 1))
    journal = Full(store)
    async with ActorSystem("test", journal=journal, clock=clock, seed=1) as system:
        assert await asyncio.wait_for(flow.resume(system), LIMIT) == ("1",)
        assert who.done == ["a"]
        journal.is_full = False
        clock.advance(10.0)
        await until(lambda: is_there(who, 2))


async def is_there(who: People, count: int) -> bool:
    return len(who.done) == count
