"""An attempt that its process did not outlive is made again on the record, and not for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import ActorSystem, MemoryStore, OptionError
from dramaturg.protocols.workflows import (
    Call,
    Retry,
    Workflow,
    fan_out,
    recover,
    saga,
    sequence,
    step,
)
from dramaturg.protocols.workflows._records import Failed, Intended, MadeAgain
from tests.protocols.workflows.kit import LIMIT, Order, outcome, started, until, workflow
from tests.protocols.workflows.test_recovery import Recording

if TYPE_CHECKING:
    from dramaturg.protocols.workflows import HistoryEntry, Step


class Poison:
    """Is under way whenever its process ends."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, int]] = []
        self.undone: list[str] = []

    async def act(self, _: Any, call: Call) -> None:
        self.calls.append((call.key, call.attempt, call.restarts))
        await asyncio.Event().wait()

    async def undo(self, _: Any, call: Call) -> None:
        self.undone.append(call.address)


async def lives(flow: Workflow, poison: Poison, store: MemoryStore, count: int) -> None:
    """Have so many processes end in the poisoned step."""
    for _ in range(count):
        before = len(poison.calls)
        async with started(store) as system:
            await flow.start(system, Order(), id="1")

            async def under_way(before: int = before) -> bool:
                return len(poison.calls) > before

            await until(under_way)


async def told(flow: Workflow, store: MemoryStore) -> tuple[HistoryEntry, ...]:
    async with started(store) as system:
        return (await flow.history(system, "1")).entries


async def test_that_it_is_made_again_stands_in_the_history() -> None:
    poison, store = Poison(), MemoryStore()
    flow = workflow(step("a", poison.act))

    await lives(flow, poison, store, 3)
    assert poison.calls == [("test/1/a", 1, 0), ("test/1/a", 1, 1), ("test/1/a", 1, 2)]
    said = [each.what for each in await told(flow, store)]
    assert said[1:4] == [
        "attempt 1 intended",
        "attempt 1 made again, since the process ended meanwhile",
        "attempt 1 made again, since the process ended meanwhile (2 times by now)",
    ]


async def test_each_attempt_counts_for_itself() -> None:
    poison, store = Poison(), MemoryStore()
    failing = [True]

    async def act(value: Any, call: Call) -> None:
        if call.restarts == 1 and failing:
            failing.clear()
            raise ConnectionError("no")
        await poison.act(value, call)

    flow = workflow(step("a", act, retry=Retry(attempts=2, restarts=1)))
    await lives(flow, poison, store, 3)
    assert [(attempt, restarts) for _, attempt, restarts in poison.calls] == [
        (1, 0),
        (2, 0),
        (2, 1),
    ]


@pytest.mark.parametrize("restarts", [0, 1, 3])
async def test_a_step_that_ends_its_process_has_failed_at_last_and_is_undone(
    restarts: int,
) -> None:
    poison, store = Poison(), MemoryStore()
    poisoned = step(
        "a", poison.act, retry=Retry(attempts=3, restarts=restarts), compensate=poison.undo
    )
    flow = workflow(saga(step("b", lambda _: 1, compensate=poison.undo), poisoned))

    await lives(flow, poison, store, restarts + 1)
    async with started(store) as system:
        assert await outcome(flow, system) == "compensated"
        error = (await flow.status(system, "1")).error
    assert len(poison.calls) == restarts + 1
    assert poison.undone == ["a!undo", "b!undo"]
    assert error is not None
    assert (error.kind, error.type, error.attempts) == ("gone", "ProcessEnded", 1)
    assert f"Retry(restarts={restarts})" in error.text
    failed = [e.record for e in await told(flow, store) if isinstance(e.record, Failed)]
    assert [each.made_before for each in failed] == [True]


async def test_somebody_may_recover_from_it() -> None:
    poison, store = Poison(), MemoryStore()
    flow = workflow(step("a", poison.act, retry=Retry(restarts=1), on_error=recover(7)))

    await lives(flow, poison, store, 2)
    async with started(store) as system:
        assert await outcome(flow, system) == 7


async def test_a_compensation_that_ends_its_process_is_stuck_at_last() -> None:
    poison, store = Poison(), MemoryStore()

    def no(_: Any) -> None:
        raise ValueError("no")

    undo = step("undo", poison.act, retry=Retry(attempts=10, restarts=1))
    flow = workflow(saga(step("a", lambda _: 1, compensate=undo), step("no", no)))
    await lives(flow, poison, store, 2)
    async with started(store) as system:
        assert await outcome(flow, system) == "stuck"
        assert list((await flow.status(system, "1")).stuck) == ["a!undo"]
        assert await flow.resolve(system, "1", "a!undo", "retry", by="ann")

        async def again() -> bool:
            return poison.calls[-1] == ("test/1/a!undo", 1, 0) and len(poison.calls) == 3

        await until(again)


async def test_without_a_bound_it_is_made_again_for_ever() -> None:
    poison, store = Poison(), MemoryStore()
    flow = workflow(step("a", poison.act, retry=Retry(restarts=None)))

    await lives(flow, poison, store, 60)
    assert poison.calls[-1] == ("test/1/a", 1, 59)


async def test_the_bound_is_fifty_unless_it_is_said() -> None:
    poison, store = Poison(), MemoryStore()
    flow = workflow(step("a", poison.act))

    await lives(flow, poison, store, 51)
    async with started(store) as system:
        assert await outcome(flow, system) == "failed"


def many(poison: Poison) -> Step:
    return fan_out({f"s{index}": step(f"s{index}", poison.act) for index in range(20)})


async def test_all_that_are_made_again_are_one_commit() -> None:
    poison, journal = Poison(), Recording()
    flow = workflow(many(poison))
    await lives(flow, poison, journal.store, 1)
    again = Recording()
    again.store = journal.store

    async with ActorSystem("test", journal=again, seed=1) as system:
        assert await flow.resume(system) == ("1",)
        orders = [o for o in again.orders if any(b"MadeAgain" in each for each in o.payloads)]
    assert [len(each.payloads) for each in orders] == [20]


async def test_a_workflow_within_is_attached_to_and_made_again_by_nobody_else() -> None:
    poison, store = Poison(), MemoryStore()
    within = Workflow("within", step("a", poison.act, retry=Retry(restarts=None)), takes=Order)
    flow = workflow(step("in", within, retry=Retry(restarts=0)))

    await lives(flow, poison, store, 4)
    records = [each.record for each in await told(flow, store)]
    assert [type(each) for each in records[1:]] == [Intended]


async def test_what_was_not_under_way_is_not_made_again() -> None:
    poison, store = Poison(), MemoryStore()
    flow = workflow(sequence(step("before", lambda _: 1), step("a", poison.act)))

    await lives(flow, poison, store, 2)
    again = [e.record for e in await told(flow, store) if isinstance(e.record, MadeAgain)]
    assert {each.address for each in again} == {"a"}


@pytest.mark.parametrize("wrong", [-1, 1.5, True, "3"])
def test_a_bound_that_cannot_be_is_refused(wrong: Any) -> None:
    with pytest.raises(OptionError, match="restarts"):
        Retry(restarts=wrong)


async def test_what_is_recorded_is_drawn() -> None:
    poison, store = Poison(), MemoryStore()
    flow = workflow(step("a", poison.act))
    await lives(flow, poison, store, 2)
    async with started(store) as system:
        history = await asyncio.wait_for(flow.history(system, "1"), LIMIT)
    assert "made again" in history.to_mermaid()
