"""What drawn workflows have shown whose process was killed: each as small as it gets."""

from __future__ import annotations

import asyncio

from dramaturg.protocols.workflows import any_of, fan_out, step
from tests.protocols.workflows.kit import LIMIT, Order, People, started, until, workflow


async def test_a_cancel_behind_the_last_step_is_refused_and_changes_nothing() -> None:
    who = People()
    held = step("undo slow", who.waits("held"))
    slow = step("slow", who.waits("slow"), compensate=held)
    flow = workflow(fan_out({"slow": slow, "fast": step("fast", who.does("fast"))}, join=any_of()))

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")

        async def undoing() -> bool:
            return "slow!undo" in (await instance.status()).running

        await until(undoing)
        assert not await instance.cancel()
        who.gates["held"].set()
        await asyncio.wait_for(instance.result(), LIMIT)

        assert (await instance.status()).status == "completed"
        history = await instance.history()
    assert not [each for each in history.entries if "cancel" in each.what]
