"""A workflow within that has a result and is stuck: nothing that it did is left behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import MemoryStore
from dramaturg.protocols.workflows import (
    Call,
    Retry,
    Workflow,
    WorkflowFailed,
    any_of,
    fan_out,
    saga,
    sequence,
    step,
)
from tests.protocols.workflows.kit import LIMIT, Order, People, started, until

if TYPE_CHECKING:
    from dramaturg.actors import ActorSystem

ONCE = Retry(attempts=1)
KEY = "outer/1/in"


class Shop:
    """Charges within a race whose loser cannot be released."""

    def __init__(self) -> None:
        self.who = People()
        self.broken = True

    async def release(self, _: Any, call: Call) -> None:
        if self.broken:
            raise ConnectionError("no")
        self.who.undone.append(call.address)

    @property
    def within(self) -> Workflow:
        who = self.who
        slow = step("slow", who.waits("slow"), compensate=step("r", self.release, retry=ONCE))
        race = fan_out(
            {
                "fast": step(
                    "fast",
                    who.waits("fast"),
                ),
                "slow": slow,
            },
            join=any_of(),
        )
        charge = step("charge", who.does("charge"), compensate=who.undoes("charge"))
        return Workflow("inner", saga(charge, race, step("done", lambda _: "paid")), takes=Order)

    @property
    def outer(self) -> Workflow:
        who = self.who
        first = step("first", who.does("first"), compensate=who.undoes("first"))
        return Workflow("outer", saga(first, step("in", self.within)), takes=Order)


async def stuck(shop: Shop, system: ActorSystem) -> None:
    """Let the workflow within have its result, and be stuck."""

    async def racing() -> bool:
        return {"fast", "slow"} <= {*shop.who.done}

    await until(racing)
    shop.who.gates["fast"].set()

    async def is_stuck() -> bool:
        return await shop.within.ids(system, "stuck") == (KEY,)

    await until(is_stuck)


async def test_the_step_waits_until_it_is_resolved_and_has_its_result() -> None:
    shop = Shop()
    async with started() as system:
        running = asyncio.ensure_future(shop.outer.run(system, Order(), id="1"))
        await stuck(shop, system)
        assert (await shop.outer.status(system, "1")).running == ("in",)
        with pytest.raises(WorkflowFailed, match="slow!undo"):
            await asyncio.wait_for(shop.within.result(system, KEY), LIMIT)
        assert not running.done()
        assert await shop.within.resolve(system, KEY, "slow!undo", "done", by="ann")
        assert await asyncio.wait_for(running, LIMIT) == "paid"
        assert await shop.within.ids(system, "completed") == (KEY,)
    assert shop.who.undone == []


async def test_so_it_does_in_the_next_process() -> None:
    shop, store = Shop(), MemoryStore()
    async with started(store) as system:
        await shop.outer.start(system, Order(), id="1")
        await stuck(shop, system)
    async with started(store) as system:
        assert await shop.outer.resume(system) == ("1",)
        assert (await shop.outer.status(system, "1")).running == ("in",)
        shop.broken = False
        assert await shop.within.resolve(system, KEY, "slow!undo", "retry", by="ann")
        assert await asyncio.wait_for(shop.outer.result(system, "1"), LIMIT) == "paid"
    assert shop.who.undone == ["slow!undo"]


@pytest.mark.parametrize("restarts", [False, True], ids=["at once", "in the next process"])
async def test_what_it_did_is_undone_if_the_workflow_around_it_goes_on_without_it(
    restarts: bool,
) -> None:
    shop, store = Shop(), MemoryStore()
    async with started(store) as system:
        await shop.outer.start(system, Order(), id="1")
        await stuck(shop, system)
        assert await shop.outer.cancel(system, "1")

        async def undone() -> bool:
            return {*shop.who.undone} == {"charge", "first"}

        if not restarts:
            await until(undone)
    async with started(store) as system:
        await shop.outer.resume(system)
        await until(undone)
        with pytest.raises(WorkflowFailed) as failed:
            await asyncio.wait_for(shop.outer.result(system, "1"), LIMIT)
        assert failed.value.stuck == ("in!undo",)
        assert await shop.within.ids(system, "stuck") == (KEY,)
        assert await shop.within.resolve(system, KEY, "slow!undo", "done", by="ann")
        with pytest.raises(WorkflowFailed) as failed:
            await asyncio.wait_for(shop.within.result(system, KEY), LIMIT)
        assert failed.value.status == "compensated"
        assert await shop.outer.resolve(system, "1", "in!undo", "retry", by="ann")
        with pytest.raises(WorkflowFailed) as failed:
            await asyncio.wait_for(shop.outer.result(system, "1"), LIMIT)
        assert failed.value.status == "compensated"
    assert {*shop.who.undone} == {"charge", "first"}


async def test_an_operator_comes_too_late_to_cancel_it() -> None:
    shop = Shop()
    async with started() as system:
        running = asyncio.ensure_future(shop.outer.run(system, Order(), id="1"))
        await stuck(shop, system)
        assert not await shop.within.cancel(system, KEY)
        assert await shop.within.resolve(system, KEY, "slow!undo", "done", by="ann")
        assert await asyncio.wait_for(running, LIMIT) == "paid"


async def test_one_that_has_failed_and_is_stuck_lets_the_step_fail_at_once() -> None:
    shop = Shop()
    who = shop.who
    charge = step("charge", who.does("charge"), compensate=step("r", shop.release, retry=ONCE))
    within = Workflow("inner", saga(charge, step("no", who.refuses("no"))), takes=Order)
    first = step("first", who.does("first"), compensate=who.undoes("first"))
    outer = Workflow("outer", sequence(saga(first, step("in", within))), takes=Order)
    async with started() as system:
        with pytest.raises(WorkflowFailed, match="is stuck"):
            await asyncio.wait_for(outer.run(system, Order(), id="1"), LIMIT)
        assert await within.resolve(system, KEY, "charge!undo", "done", by="ann")
        assert await within.ids(system, "compensated") == (KEY,)
        assert (await outer.status(system, "1")).status == "stuck"
        assert await outer.resolve(system, "1", "in!undo", "retry", by="ann")
        with pytest.raises(WorkflowFailed, match="is compensated"):
            await asyncio.wait_for(outer.result(system, "1"), LIMIT)
    assert who.undone == ["first"]
