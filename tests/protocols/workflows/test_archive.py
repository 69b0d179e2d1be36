"""What has ended can be read whatever its definition is now; what goes on needs that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import MemoryStore, Refused
from dramaturg.protocols import by_request
from dramaturg.protocols.workflows import (
    Retry,
    Workflow,
    WorkflowChanged,
    WorkflowFailed,
    WorkflowIdConflict,
    saga,
    sequence,
    step,
    wait_for,
    workflow_asked,
)
from dramaturg.protocols.workflows._coordinator import Coordinator
from dramaturg.protocols.workflows._engine import Engine
from tests.protocols.monitor_kit import attached
from tests.protocols.workflows.kit import LIMIT, Order, outcome, started, workflow

if TYPE_CHECKING:
    from collections.abc import Callable


def before() -> Workflow:
    return workflow(step("a", lambda _: 5))


CHANGED: dict[str, Callable[[], Workflow]] = {
    "other steps": lambda: workflow(step("zz", lambda _: 6)),
    "no earlier": lambda: workflow(step("a", lambda _: 6), version=2),
    "other earlier": lambda: workflow(
        step("a", lambda _: 6), version=2, earlier=[workflow(step("b", lambda _: 6))]
    ),
}


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside one in flight"])
@pytest.mark.parametrize("changed", sorted(CHANGED))
async def test_what_has_ended_is_read_under_another_definition(changed: str, beside: bool) -> None:
    store = MemoryStore()
    async with started(store) as system:
        assert await outcome(before(), system) == 5
        history = await before().history(system, "1")
    if beside:
        async with started(store) as system:
            await workflow(sequence(wait_for("go"))).start(system, Order(), id="2")
    async with started(store) as system:
        flow = CHANGED[changed]()
        for _ in range(2):
            assert await outcome(flow, system) == 5
            assert (await flow.start(system, Order(), id="1")).id == "1"
            assert await flow.result(system, "1") == 5
            status = await flow.status(system, "1")
            assert (status.status, status.version, status.result) == ("completed", 1, 5)
            assert status.results == {"a": 5}
            assert (await flow.history(system, "1")).entries == history.entries
        assert not await flow.cancel(system, "1")
        assert not await flow.migrate(system, "1")
        assert not await flow.resolve(system, "1", "a!undo", "done", by="ann")
        with pytest.raises(WorkflowIdConflict):
            await flow.run(system, Order(sku="milk"), id="1")


async def test_all_who_ask_at_once_are_answered() -> None:
    store = MemoryStore()
    async with started(store) as system:
        assert await outcome(before(), system) == 5
    async with started(store) as system:
        flow = CHANGED["other steps"]()
        asked = [flow.result(system, "1") for _ in range(10)]
        assert await asyncio.wait_for(asyncio.gather(*asked), LIMIT) == [5] * 10


async def test_what_waits_in_another_definition_is_not_given_an_event() -> None:
    store = MemoryStore()
    async with started(store) as system:
        assert await outcome(before(), system) == 5
    async with started(store) as system:
        assert not await workflow(wait_for("go")).signal(system, "1", "go", 1)


async def test_a_failure_is_the_same_under_another_definition() -> None:
    store = MemoryStore()

    def no(_: Any) -> None:
        raise Refused("no")

    async with started(store) as system:
        assert await outcome(workflow(step("no", no)), system) == "failed"
    async with started(store) as system:
        flow = CHANGED["other steps"]()
        with pytest.raises(WorkflowFailed, match="no: Refused: no"):
            await flow.result(system, "1")
        error = (await flow.status(system, "1")).error
        assert error is not None
        assert error.step == "no"


def stuck(name: str = "a") -> Workflow:
    def cannot(_: Any) -> None:
        raise ConnectionError("no")

    def no(_: Any) -> None:
        raise Refused("no")

    undo = step("undo", cannot, retry=Retry(attempts=1))
    return workflow(saga(step(name, lambda _: 1, compensate=undo), step("no", no)))


async def test_what_is_stuck_is_told_and_needs_its_definition_to_be_resolved() -> None:
    store = MemoryStore()
    async with started(store) as system:
        assert await outcome(stuck(), system) == "stuck"
    async with started(store) as system:
        other = stuck("b")
        assert list((await other.status(system, "1")).stuck) == ["a!undo"]
        with pytest.raises(WorkflowChanged) as changed:
            await other.resolve(system, "1", "a!undo", "done", by="ann")
        assert changed.value.instances == ("1",)
    async with started(store) as system:
        assert await stuck().resolve(system, "1", "a!undo", "done", by="ann")
        assert await outcome(stuck(), system) == "compensated"


async def test_what_is_in_flight_needs_its_definition() -> None:
    store = MemoryStore()
    async with started(store) as system:
        await workflow(wait_for("go")).start(system, Order(), id="1")
    flow = CHANGED["other steps"]()
    asks: list[Callable[[Any], Any]] = [
        lambda system: flow.run(system, Order(), id="1"),
        lambda system: flow.result(system, "1"),
        lambda system: flow.status(system, "1"),
        lambda system: flow.history(system, "1"),
        lambda system: flow.cancel(system, "1"),
        lambda system: flow.migrate(system, "1"),
    ]
    async with started(store) as system:
        for ask in asks:
            with pytest.raises(WorkflowChanged):
                await asyncio.wait_for(ask(system), LIMIT)


async def test_what_is_read_so_keeps_the_protocol_of_workflows() -> None:
    store = MemoryStore()
    async with started(store) as system:
        assert await outcome(before(), system) == 5
        await workflow(sequence(wait_for("go"))).start(system, Order(), id="2")
    async with started(store) as system:
        flow = CHANGED["other steps"]()
        roles = {"client": None, "engine": Engine, "coordinator": Coordinator}
        with attached(system, workflow_asked(), roles, key=by_request) as (_, violations):
            assert await outcome(flow, system) == 5
            assert (await flow.status(system, "1")).result == 5
            assert (await flow.history(system, "1")).entries
            assert not await flow.cancel(system, "1")
            with pytest.raises(WorkflowChanged):
                await flow.status(system, "2")
        assert violations == []
