"""Sagas at depth: cut short, timed out, cancelled half undone."""

from __future__ import annotations

from dramaturg.actors import ManualClock
from dramaturg.protocols.workflows import (
    Retry,
    any_of,
    branch,
    fan_out,
    for_each,
    recover,
    saga,
    sequence,
    step,
)
from tests.protocols.workflows.attack_kit import does, runs, waits
from tests.protocols.workflows.kit import (
    Order,
    People,
    ended,
    outcome,
    started,
    until,
    workflow,
)

ONCE = Retry(attempts=1)


async def test_a_saga_that_loses_a_race_is_undone_although_all_goes_well() -> None:
    who = People()
    steps = fan_out(
        {
            "slow": saga(does(who, "a"), does(who, "b"), waits(who, "c"), name="slow"),
            "fast": sequence(
                step("f1", who.does("f1")), step("f2", who.does("f2")), step("f3", who.does("f3"))
            ),
        },
        join=any_of(),
    )

    found = await ended(steps)

    assert set(found.values) == {"fast"}
    assert who.undone == [each for each in ("c", "b", "a") if each in who.done]
    assert "a" in who.undone


async def test_a_plain_step_that_loses_a_race_is_undone_although_all_goes_well() -> None:
    who = People()
    race = fan_out(
        {"slow": waits(who, "slow"), "fast": does(who, "fast")}, join=any_of(), name="race"
    )

    assert "fast" in (await ended(race)).values
    assert who.undone == ["slow"]


async def test_what_a_race_leaves_is_undone_in_its_place_when_the_saga_fails_later() -> None:
    who = People()
    race = fan_out({"slow": waits(who, "slow"), "fast": does(who, "fast")}, join=any_of())
    steps = saga(does(who, "a"), race, does(who, "z"), step("no", who.refuses("no")))

    assert await ended(steps) == "compensated"
    assert who.undone[0] == "z"
    assert set(who.undone[1:3]) == {"slow", "fast"}
    assert who.undone[3:] == ["a"]


async def test_items_that_are_cut_short_are_undone_each_once() -> None:
    who = People()
    steps = for_each(
        lambda _: range(3),
        branch(lambda n: n > 0, waits(who, "slow"), step("fast", who.does("fast"))),
        join=any_of(),
    )

    assert await ended(steps) == [0, None, None]
    assert who.undone == ["slow", "slow"]


async def test_a_deadline_around_a_saga_that_is_being_undone_lets_that_go_on() -> None:
    who, clock = People(), ManualClock()
    held = step("undo b", who.waits("held"))
    inner = saga(
        does(who, "a"), step("b", who.does("b"), compensate=held), step("no", who.refuses("no"))
    )
    steps = sequence(
        sequence(inner, timeout=5.0, on_error=recover("late")), step("c", who.does("c"))
    )
    flow = workflow(steps)

    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "b!undo")
        clock.advance(5.0)

        async def gone_on() -> bool:
            return "c" in who.done

        await until(gone_on)
        assert who.undone == []
        assert (await instance.status()).running == ("b!undo",)
        who.gates["held"].set()
        assert await outcome(flow, system) == "late"
        history = await instance.history()

    assert who.undone == ["a"]
    assert who.done.count("held") == 1
    assert len([each for each in history.entries if type(each.record).__name__ == "Ended"]) == 1


async def test_cancelling_while_a_saga_is_being_undone_undoes_each_once() -> None:
    who = People()
    held = step("undo b", who.waits("held"))
    steps = sequence(
        does(who, "first"),
        saga(
            does(who, "a"),
            step("b", who.does("b"), compensate=held),
            step("no", who.refuses("no")),
            on_error=recover(1),
        ),
    )
    flow = workflow(steps)

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "b!undo")
        assert await instance.cancel()
        who.gates["held"].set()
        assert await outcome(flow, system) == "compensated"

    assert who.done.count("held") == 1
    assert who.undone == ["a", "first"]


async def test_a_cancel_does_not_hide_why_the_whole_has_failed() -> None:
    who = People()
    held = step("undo b", who.waits("held"))
    inner = saga(step("b", who.does("b"), compensate=held), step("no", who.refuses("no")))
    flow = workflow(saga(does(who, "first"), sequence(inner, name="group")))

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "b!undo")
        assert not await instance.cancel()
        who.gates["held"].set()
        assert await outcome(flow, system) == "compensated"
        error = (await instance.status()).error

    assert error is not None
    assert (error.step, error.kind) == ("no", "refused")


async def test_a_nested_saga_half_undone_is_undone_with_the_one_around_it() -> None:
    who, clock = People(), ManualClock()
    held = step("undo b", who.waits("held"))
    inner = saga(
        does(who, "a"),
        step("b", who.does("b"), compensate=held),
        step("no", who.refuses("no")),
        name="inner",
    )
    steps = saga(does(who, "first"), sequence(inner, name="group"), name="outer", timeout=5.0)

    async with started(clock=clock) as system:
        flow = workflow(steps)
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "b!undo")
        clock.advance(5.0)

        async def timed_out() -> bool:
            return "its time is over" in str(await instance.history())

        await until(timed_out)
        assert who.undone == []
        who.gates["held"].set()
        assert await outcome(flow, system) == "compensated"

    assert who.undone == ["a", "first"]
