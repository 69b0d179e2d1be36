"""Joins of collections, and whose error a join has."""

from __future__ import annotations

import asyncio

import pytest

from dramaturg.actors import ManualClock
from dramaturg.protocols.workflows import (
    StepError,
    any_of,
    branch,
    fan_out,
    for_each,
    partial,
    quorum,
    recover,
    saga,
    sequence,
    step,
)
from tests.protocols.workflows.kit import (
    LIMIT,
    Order,
    People,
    ended,
    outcome,
    started,
    until,
    workflow,
)


async def test_a_collection_goes_on_with_the_items_that_are_there_in_time() -> None:
    who, clock = People(), ManualClock()
    body = branch(lambda n: n == 1, step("slow", who.waits("slow")), step("s", who.does("s")))
    flow = workflow(for_each(lambda _: range(3), body, join=partial(5.0)))

    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")

        async def waits() -> bool:
            return len((await instance.status()).running) == 1 and "slow" in who.done

        await until(waits)
        clock.advance(5.0)
        assert await outcome(flow, system) == [0, None, 2]


async def test_an_item_may_fail_where_the_time_decides() -> None:
    steps = for_each(lambda _: [1, 0], step("a", lambda n: 1 / n), join=partial(5.0))

    assert await ended(steps) == [1.0, None]


@pytest.mark.parametrize("number", range(3))
async def test_no_items_are_enough_only_where_none_is_needed(number: int) -> None:
    join = [None, partial(5.0), any_of()][number]
    end: object = "failed" if number == 2 else []

    assert await ended(for_each(lambda _: [], step("a", str), join=join)) == end


async def test_the_error_of_a_join_is_that_of_a_required_branch() -> None:
    who = People()
    found: list[StepError] = []
    steps = fan_out(
        {"a": step("a", who.refuses("a"))},
        optional={"b": sequence(step("b1", who.does("b1")), step("b2", who.fails("b2")))},
        on_error=step("told", found.append),
    )
    await asyncio.wait_for(ended(steps), LIMIT)
    assert [each.step for each in found] == ["a"]


async def test_a_quorum_that_cannot_be_reached_does_not_blame_the_time() -> None:
    who = People()
    branches = {name: step(name, who.refuses(name)) for name in "ab"}
    slow = {"slow": step("slow", who.waits("slow"))}
    found: list[StepError] = []
    await ended(fan_out(slow | branches, join=quorum(2), on_error=step("told", found.append)))

    assert [each.kind for each in found] == ["refused"]


async def test_a_saga_may_recover_with_nothing() -> None:
    assert await ended(saga(step("a", lambda _: 1 / 0), on_error=recover(None))) is None
