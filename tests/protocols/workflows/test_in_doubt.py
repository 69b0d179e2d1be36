"""What a step has done that failed in doubt, and whose failure nobody minds, is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import ManualClock
from dramaturg.protocols.workflows import (
    Call,
    all_of,
    any_of,
    fan_out,
    for_each,
    partial,
    quorum,
    recover,
    saga,
    sequence,
    step,
)
from tests.protocols.workflows.attack_kit import does, runs, waits
from tests.protocols.workflows.kit import Order, People, ended, outcome, started, until, workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.workflows import Step


def fails(who: People, name: str, **options: Any) -> Step:
    return step(name, who.fails(name), compensate=who.undoes(name), **options)


ABSORBED: dict[str, Callable[[People], Step]] = {
    "an optional branch": lambda who: fan_out(optional={"a": fails(who, "a")}, name="all"),
    "a met quorum": lambda who: fan_out(
        {"a": fails(who, "a"), "b": does(who, "b")}, join=quorum(1), name="k", late="keep"
    ),
    "a partial join": lambda who: fan_out(
        {"b": does(who, "b")}, optional={"a": fails(who, "a")}, join=partial(60.0)
    ),
    "a value instead": lambda who: fails(who, "a", on_error=recover(1)),
    "a function instead": lambda who: fails(who, "a", on_error=who.does("instead")),
    "a value instead of what is around": lambda who: sequence(fails(who, "a"), on_error=recover(1)),
    "a collection that takes some": lambda who: for_each(
        lambda _: [1], fails(who, "a"), join=partial(60.0)
    ),
    "an optional branch of a saga": lambda who: saga(
        fan_out({"b": does(who, "b")}, optional={"a": fails(who, "a")}), does(who, "z")
    ),
}


@pytest.mark.parametrize("where", sorted(ABSORBED))
async def test_what_failed_in_doubt_is_undone_at_the_end(where: str) -> None:
    who = People()

    async with started() as system:
        flow = workflow(ABSORBED[where](who))
        await outcome(flow, system)
        assert (await flow.status(system, "1")).status == "completed"

    assert who.undone == ["a"]


async def test_an_optional_branch_that_ran_out_of_time_is_undone_at_the_end() -> None:
    who = People()
    slow = step("car", who.waits("car"), timeout=1.0, compensate=who.undoes("car"))
    flow = workflow(saga(fan_out({"f": does(who, "f")}, optional={"car": slow}), does(who, "z")))
    clock = ManualClock()

    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "car")
        clock.advance(2.0)
        await instance.result()

    assert who.undone == ["car"]


async def test_what_was_cut_short_by_the_time_of_a_group_is_undone_at_the_end() -> None:
    who = People()
    inner = sequence(does(who, "a"), waits(who, "b"), timeout=5.0, on_error=recover(1))
    flow = workflow(sequence(inner, does(who, "z")))
    clock = ManualClock()

    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "b")
        clock.advance(6.0)
        await instance.result()
        assert (await instance.status()).status == "completed"

    assert who.undone == ["b"]


async def test_it_is_undone_with_the_saga_around_it_if_that_fails() -> None:
    who = People()
    inner = saga(
        fails(who, "a", on_error=recover(1)),
        does(who, "b"),
        step("no", who.refuses("no")),
        on_error=who.does("after"),
    )

    await ended(sequence(inner, step("last", who.does("last", "end"))))

    assert who.undone == ["b", "a"]


@pytest.mark.parametrize("join", [all_of, any_of], ids=["all", "any"])
async def test_a_declared_no_whose_branch_is_not_needed_is_not_undone(join: Any) -> None:
    who = People()
    no = step("a", who.refuses("a"), compensate=who.undoes("a"))

    await ended(fan_out({"b": does(who, "b")}, optional={"a": no}, join=join(), late="keep"))

    assert who.undone == []


async def test_what_succeeded_in_a_branch_that_failed_stays() -> None:
    who = People()
    lost = sequence(does(who, "a"), fails(who, "b"))

    await ended(fan_out(optional={"lost": lost}))

    assert who.undone == ["b"]


async def test_a_late_branch_that_fails_behind_the_end_is_undone() -> None:
    who = People()
    gate = who.waits("gate")

    async def slow(value: Any, call: Call) -> None:
        await gate(value, call)
        raise ConnectionError("no")

    late = step("slow", slow, compensate=who.undoes("slow"))
    race = fan_out({"slow": late, "fast": does(who, "fast")}, join=any_of(), late="keep")
    flow = workflow(race)

    async with started() as system:
        await outcome(flow, system)
        assert who.undone == []
        who.gates["gate"].set()

        async def is_undone() -> bool:
            return who.undone == ["slow"]

        await until(is_undone)
        assert (await flow.status(system, "1")).status == "completed"


async def test_its_compensation_that_fails_leaves_the_instance_stuck() -> None:
    who = People()
    failing = step(
        "a",
        who.fails("a"),
        on_error=recover(1),
        compensate=step("undo", who.fails("undo")),
    )

    assert await ended(failing) == "stuck"


async def test_a_compensation_sees_what_was_found_instead() -> None:
    who = People()

    async def undo(_: Any, call: Call) -> None:
        who.undone.append(call.result("pay!find"))

    find = step("find", who.does("find", "it was paid"))

    await ended(step("pay", who.fails("pay"), on_error=find, compensate=undo))

    assert who.undone == ["it was paid"]
