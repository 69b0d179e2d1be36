"""Branches that go on when their join is over: undone with what is around them, or never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.protocols.workflows import (
    Retry,
    any_of,
    fan_out,
    recover,
    saga,
    sequence,
    step,
    wait_for,
)
from tests.protocols.workflows.attack_kit import does, runs, waits
from tests.protocols.workflows.kit import (
    Order,
    People,
    outcome,
    started,
    until,
    workflow,
)

if TYPE_CHECKING:
    from dramaturg.protocols.workflows import Step

ONCE = Retry(attempts=1)


def racing(who: People) -> Step:
    return fan_out(
        {
            "slow": sequence(waits(who, "s1"), does(who, "s2"), waits(who, "s3")),
            "fast": step("fast", who.does("fast")),
        },
        join=any_of(),
        late="keep",
    )


async def test_a_late_branch_of_a_saga_that_is_over_is_undone_with_the_one_around_it() -> None:
    who = People()
    steps = saga(
        saga(racing(who), name="inner"),
        step("held", who.waits("held")),
        step("no", who.refuses("no")),
        name="outer",
    )
    flow = workflow(steps)

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "held", "s1")
        who.gates["s1"].set()
        await runs(instance, "held", "s3")
        who.gates["held"].set()
        assert await outcome(flow, system) == "compensated"

    assert who.undone == ["s3", "s2", "s1"]


async def test_a_saga_that_fails_cuts_its_late_branches_short() -> None:
    who = People()
    steps = sequence(
        saga(racing(who), step("no", who.refuses("no")), on_error=recover(1)),
        step("last", who.does("last")),
    )
    flow = workflow(steps)

    async with started() as system:
        assert await outcome(flow, system) == 1
        assert (await flow.status(system, "1")).running == ()

    assert who.undone == ["s1"]


async def test_late_branches_are_cut_short_by_a_cancel_and_undone() -> None:
    who = People()
    flow = workflow(sequence(racing(who), wait_for("never")))

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "s1")
        await instance.cancel()
        assert await outcome(flow, system) == "compensated"

    assert who.undone == ["s1"]


async def test_a_late_branch_may_wait_for_an_event_when_all_else_is_over() -> None:
    who = People()
    steps = fan_out(
        {
            "late": sequence(wait_for("news"), step("told", who.does("told"))),
            "fast": step("fast", who.does("fast")),
        },
        join=any_of(),
        late="keep",
    )
    flow = workflow(steps)

    async with started() as system:
        await outcome(flow, system)
        assert await flow.ids(system) == ("1",)
        assert await flow.signal(system, "1", "news", 1)

        async def quiet() -> bool:
            return await flow.ids(system, "completed") == ("1",)

        await until(quiet)
        assert not await flow.signal(system, "1", "news", 1)

    assert who.done == ["fast", "told"]


async def test_a_late_saga_that_cannot_be_undone_makes_the_instance_stuck() -> None:
    who = People()
    stuck = step("undo a", who.undoes("a", fails=1), retry=ONCE)
    lost = saga(
        step("a", who.does("a"), compensate=stuck),
        step("held", who.waits("held")),
        step("no", who.refuses("no")),
    )
    steps = fan_out(
        {"late": lost, "fast": sequence(*[step(f"f{n}", who.does("f")) for n in range(5)])},
        join=any_of(),
        late="keep",
    )
    flow = workflow(steps)

    async with started() as system:
        assert set((await outcome(flow, system)).values) == {"fast"}
        who.gates["held"].set()

        async def is_stuck() -> bool:
            return await flow.ids(system, "stuck") == ("1",)

        await until(is_stuck)
        assert await flow.resolve(system, "1", "a!undo", "retry", by="ann")
        assert set((await outcome(flow, system)).values) == {"fast"}
