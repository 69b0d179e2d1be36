"""What is undone, in which order, and what is left when it cannot be."""

from __future__ import annotations

import asyncio

import pytest

from dramaturg.actors import Refused
from dramaturg.protocols.workflows import (
    Call,
    Retry,
    WorkflowFailed,
    branch,
    fan_out,
    for_each,
    recover,
    saga,
    sequence,
    step,
    wait_for,
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


async def test_what_is_done_is_undone_the_last_first() -> None:
    who = People()
    steps = saga(
        step("a", who.does("a"), compensate=who.undoes("a")),
        step("b", who.does("b"), compensate=who.undoes("b")),
        step("c", who.refuses("c"), compensate=who.undoes("c")),
    )

    assert await ended(steps) == "compensated"
    assert who.undone == ["b", "a"]


async def test_a_compensation_that_gives_what_cannot_be_stored_has_undone_it_all_the_same() -> None:
    undone: list[str | None] = []

    def undo(_: Order, call: Call) -> object:
        undone.append(call.undoes)
        return object()

    who = People()
    steps = saga(step("a", who.does("a"), compensate=undo), step("b", who.refuses("b")))

    assert await ended(steps) == "compensated"
    assert len(undone) == 1


async def test_the_order_is_that_of_completion() -> None:
    who = People()
    steps = saga(
        fan_out(
            {
                "slow": step("slow", who.waits("slow"), compensate=who.undoes("slow")),
                "fast": step("fast", who.does("fast"), compensate=who.undoes("fast")),
            }
        ),
        step("no", who.refuses("no")),
    )

    async with started() as system:
        flow = workflow(steps)
        instance = await flow.start(system, Order(), id="1")

        async def one_is_through() -> bool:
            return "fast" in (await instance.status()).results

        await until(one_is_through)
        who.gates["slow"].set()
        assert await outcome(flow, system) == "compensated"

    assert who.undone == ["slow", "fast"]


async def test_a_failure_that_may_have_had_its_effect_is_undone_too() -> None:
    who = People()

    assert await ended(saga(step("a", who.fails("a"), compensate=who.undoes("a")))) == "compensated"
    assert who.undone == ["a"]


async def test_a_no_after_an_error_is_undone_too() -> None:
    who = People()
    tries = [Refused("no"), ConnectionError("perhaps it was done")]

    async def act(_: Order) -> Order:
        raise tries.pop()

    steps = saga(step("a", act, retry=Retry(attempts=2), compensate=who.undoes("a")))

    assert await ended(steps) == "compensated"
    assert who.undone == ["a"]


async def test_a_compensation_is_tried_again_under_one_key() -> None:
    who = People()
    steps = saga(
        step(
            "a",
            who.does("a"),
            compensate=step("undo a", who.undoes("a", fails=2), retry=Retry(attempts=3)),
        ),
        step("b", who.refuses("b")),
    )

    assert await ended(steps) == "compensated"
    assert who.undone == ["a"]


async def test_a_compensation_knows_key_and_result_of_what_it_undoes() -> None:
    found: list[object] = []
    who = People()

    def undo(value: Order, call: Call) -> None:
        found.append((value, call.key, call.undoes, call.undone))

    steps = saga(step("a", lambda order: order.cents, compensate=undo), step("b", who.refuses("b")))
    await ended(steps)

    assert found == [(Order(), "test/1/a!undo", "test/1/a", 5)]


async def test_one_that_is_stuck_does_not_keep_the_others_from_being_undone() -> None:
    who = People()
    once = Retry(attempts=1)
    steps = saga(
        step("a", who.does("a"), compensate=who.undoes("a")),
        step("b", who.does("b"), compensate=step("undo b", who.undoes("b", fails=1), retry=once)),
        step("c", who.does("c"), compensate=who.undoes("c")),
        step("d", who.refuses("d")),
    )
    flow = workflow(steps)

    async with started() as system:
        assert await outcome(flow, system) == "stuck"
        assert who.undone == ["c", "a"]
        assert await flow.ids(system, "stuck") == ("1",)
        assert list((await flow.status(system, "1")).stuck) == ["b!undo"]

        assert await flow.resolve(system, "1", "b!undo", "retry", by="anna")
        assert await outcome(flow, system) == "compensated"
        assert who.undone == ["c", "a", "b"]
        assert await flow.ids(system, "stuck") == ()
        assert not await flow.resolve(system, "1", "b!undo", "retry", by="anna")
        assert "resolved by anna: retry" in str(await flow.history(system, "1"))


async def test_an_operator_may_say_that_it_is_done() -> None:
    who = People()
    steps = saga(
        step("a", who.does("a"), compensate=step("undo a", who.undoes("a", fails=99))),
        step("b", who.refuses("b")),
    )
    flow = workflow(steps)

    async with started() as system:
        assert await outcome(flow, system) == "stuck"
        assert await flow.resolve(system, "1", "a!undo", "done", by="anna")
        assert await outcome(flow, system) == "compensated"

    assert who.undone == []


async def test_a_saga_that_recovers_lets_the_workflow_complete() -> None:
    who = People()
    inner = saga(
        step("a", who.does("a"), compensate=who.undoes("a")),
        step("b", who.refuses("b")),
        on_error=recover("no trip"),
    )

    assert await ended(sequence(inner, step("c", who.does("c")))) == "no trip"
    assert who.undone == ["a"]


async def test_a_saga_that_succeeded_is_undone_with_the_one_around_it() -> None:
    who = People()
    steps = saga(
        step("a", who.does("a"), compensate=who.undoes("a")),
        saga(step("b", who.does("b"), compensate=who.undoes("b")), name="inner"),
        step("c", who.refuses("c")),
    )

    assert await ended(steps) == "compensated"
    assert who.undone == ["b", "a"]


async def test_a_saga_in_a_fan_out_in_a_branch_undoes_only_its_own() -> None:
    who = People()
    lost = saga(
        step("car", who.does("car"), compensate=who.undoes("car")), step("no", who.refuses("no"))
    )
    kept = step("hotel", who.does("hotel"), compensate=who.undoes("hotel"))
    steps = branch(lambda _: True, fan_out({"kept": kept}, optional={"lost": lost}))

    found = await ended(steps)

    assert list(found.values) == ["kept"]
    assert who.undone == ["car"]


async def test_items_of_a_collection_are_undone_one_by_one() -> None:
    who = People()
    steps = saga(
        for_each(lambda _: range(3), step("line", who.does("line"), compensate=who.undoes("line"))),
        step("no", who.refuses("no")),
    )

    assert await ended(steps) == "compensated"
    assert who.undone == ["line"] * 3
    assert who.keys["line"] == {f"test/1/for_each line[{n}]/line" for n in range(3)}


async def test_cancelling_undoes_what_was_done_and_what_is_under_way() -> None:
    who = People()
    steps = sequence(
        step("a", who.does("a"), compensate=who.undoes("a")),
        step("b", who.waits("b"), compensate=who.undoes("b")),
    )
    flow = workflow(steps)

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")

        async def at_b() -> bool:
            return "b" in (await instance.status()).running

        await until(at_b)
        assert await instance.cancel(reason="changed my mind")
        with pytest.raises(WorkflowFailed) as failed:
            await asyncio.wait_for(instance.result(), LIMIT)
        assert not await instance.cancel()

    assert failed.value.status == "compensated"
    assert failed.value.error is not None
    assert failed.value.error.text == "changed my mind"
    assert who.undone == ["b", "a"]


async def test_cancelling_what_undoes_nothing_is_told_as_such() -> None:
    flow = workflow(wait_for("never"))

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        await instance.cancel()
        assert await outcome(flow, system) == "cancelled"


async def test_a_saga_that_completed_is_not_undone() -> None:
    who = People()

    assert await ended(saga(step("a", who.does("a", 1), compensate=who.undoes("a")))) == 1
    assert who.undone == []
