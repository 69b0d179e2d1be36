"""A workflow that is a step is undone with what is around it, also when it has ended long ago."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from dramaturg.actors import ActorSystem, ManualClock
from dramaturg.protocols.workflows import Workflow, WorkflowFailed, branch, fan_out, saga, step
from tests.protocols.workflows.kit import LIMIT, Order, People, ended, outcome, started, workflow
from tests.protocols.workflows.test_recovery import Recording

KEY = "outer/1/in"


def paid(who: People) -> Workflow:
    """Make a workflow that does two things, each of which can be undone."""
    pay = step("pay", who.does("pay"), compensate=who.undoes("pay"))
    note = step("note", who.does("note"), compensate=who.undoes("note"))
    return Workflow("inner", saga(pay, note), takes=Order)


async def test_one_that_has_completed_is_undone_with_the_saga_around_it() -> None:
    who = People()
    first = step("first", who.does("first"), compensate=who.undoes("first"))
    last = step("last", who.does("last"), compensate=who.undoes("last"))
    within = paid(who)
    steps = saga(first, step("in", within), last, step("no", who.refuses("no")))

    async with started() as system:
        assert await outcome(Workflow("outer", steps, takes=Order), system) == "compensated"
        assert await within.ids(system, "compensated") == (KEY,)
        with pytest.raises(WorkflowFailed, match="is compensated"):
            await within.result(system, KEY)

    assert who.undone == ["last", "note", "pay", "first"]


async def test_a_compensation_of_the_step_takes_the_place_of_its_own() -> None:
    who = People()
    steps = saga(step("in", paid(who), compensate=who.undoes("in")), step("no", who.refuses("no")))

    assert await ended(steps) == "compensated"
    assert who.undone == ["in"]


async def test_one_that_has_nothing_to_undo_is_left_alone() -> None:
    who = People()
    within = Workflow("inner", step("look", who.does("look")), takes=Order)
    steps = saga(step("in", within), step("no", who.refuses("no")))

    async with started() as system:
        assert await outcome(workflow(steps), system) == "compensated"
        assert len(await within.ids(system, "completed")) == 1


async def test_it_is_undone_at_any_depth() -> None:
    who = People()
    middle = Workflow("middle", branch(lambda _: True, step("in", paid(who))), takes=Order)
    both = fan_out({"a": step("a", middle), "b": step("b", who.does("b"))})
    steps = saga(both, step("no", who.refuses("no")))

    async with started() as system:
        assert await outcome(Workflow("outer", steps, takes=Order), system) == "compensated"
        assert len(await middle.ids(system, "compensated")) == 1

    assert who.undone == ["note", "pay"]


async def test_one_whose_end_came_too_late_for_the_step_around_it_is_undone() -> None:
    """The process dies when its end is stored, and the next one finds that the time is over."""
    who, clock, journal = People(), ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Recording()
    within = paid(who)
    root = saga(saga(step("in", within), name="timed", timeout=5.0), name="root")
    outer = Workflow("outer", root, takes=Order)
    async with ActorSystem("test", journal=journal, clock=clock, seed=1) as system:
        assert await outer.run(system, Order(), id="1") == Order()
    last = [n for n, each in enumerate(journal.orders) if each.persistence_id.endswith(KEY)][-1]

    clock.advance(10.0)
    async with started(journal.cut(last + 1), clock=clock) as system:
        assert await within.ids(system, "completed") == (KEY,)
        await outer.resume(system)
        with pytest.raises(WorkflowFailed, match="not done within 5 s"):
            await asyncio.wait_for(outer.result(system, "1"), LIMIT)
        assert await within.ids(system, "compensated") == (KEY,)
    assert who.undone == ["note", "pay"]
    assert who.keys["pay"] == {"inner/outer%2F1%2Fin/pay"}


async def test_the_next_process_goes_on_undoing_it() -> None:
    who, journal = People(), Recording()
    within = paid(who)
    steps = saga(step("in", within), step("no", who.refuses("no")))
    outer = Workflow("outer", steps, takes=Order)
    async with ActorSystem("test", journal=journal, seed=1) as system:
        assert await outcome(outer, system) == "compensated"

    for count in range(1, len(journal.orders)):
        who.undone.clear()
        async with started(journal.cut(count)) as system:
            assert await outcome(outer, system) == "compensated"
            assert await within.ids(system, "compensated") == (KEY,)
        assert len(who.undone) == len(set(who.undone)), count
