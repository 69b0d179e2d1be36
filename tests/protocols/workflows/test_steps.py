"""Each kind of step on its own."""

from __future__ import annotations

import asyncio

import pytest

from dramaturg.protocols import Blackboard, Entry, Put
from dramaturg.protocols.workflows import (
    Call,
    Outcomes,
    StepError,
    Workflow,
    WorkflowFailed,
    WorkflowIdConflict,
    ask,
    branch,
    fan_out,
    for_each,
    loop,
    recover,
    sequence,
    step,
    switch,
)
from tests.protocols.workflows.kit import SOON, Order, People, ended, started, workflow


async def test_a_sequence_hands_each_result_to_the_next_step() -> None:
    steps = sequence(step("a", lambda order: order.cents), step("b", lambda cents: cents + 1))

    assert await ended(steps) == 6


async def test_a_step_whose_condition_does_not_hold_is_passed_over() -> None:
    who = People()
    steps = sequence(
        step("a", who.does("a"), when=lambda order: order.cents > 100),
        step("b", who.does("b"), when=lambda order: order.cents < 100),
    )

    assert await ended(steps) == Order()
    assert who.done == ["b"]


@pytest.mark.parametrize(("cents", "wanted"), [(5, "small"), (500, "large")])
async def test_a_branch_does_one_of_two(cents: int, wanted: str) -> None:
    steps = branch(
        lambda order: order.cents > 100,
        step("large", lambda _: "large"),
        step("small", lambda _: "small"),
    )

    assert await ended(steps, Order(cents=cents)) == wanted


async def test_a_branch_without_an_else_hands_the_value_on() -> None:
    assert await ended(branch(lambda _: False, step("a", lambda _: "a"))) == Order()


@pytest.mark.parametrize(("sku", "wanted"), [("tea", 1), ("mug", 2), ("jam", 3)])
async def test_a_switch_does_what_belongs_to_its_key(sku: str, wanted: int) -> None:
    steps = switch(
        lambda order: order.sku,
        {"tea": step("tea", lambda _: 1), "mug": step("mug", lambda _: 2)},
        step("other", lambda _: 3),
    )

    assert await ended(steps, Order(sku=sku)) == wanted


async def test_a_key_without_a_case_fails() -> None:
    assert await ended(switch(lambda _: 7, {8: step("a", lambda _: 1)})) == "failed"


async def test_a_loop_goes_on_until_its_condition_holds() -> None:
    count = loop(step("count", lambda n: n + 1), until=lambda n: n >= 4, at_most=10)

    assert await ended(sequence(step("zero", lambda _: 0), count)) == 4


async def test_a_loop_fails_at_its_bound() -> None:
    who = People()
    steps = loop(step("a", who.does("a")), until=lambda _: False, at_most=3)

    assert await ended(steps) == "failed"
    assert who.done == ["a"] * 3
    assert len(who.keys["a"]) == 3


async def test_a_loop_that_is_left_at_its_bound_is_fine() -> None:
    steps = loop(step("a", lambda _: 1), until=lambda _: True, at_most=1)

    assert await ended(steps) == 1


async def test_a_collection_gives_its_results_in_order() -> None:
    steps = for_each(lambda order: range(order.cents), step("twice", lambda n: 2 * n))

    assert await ended(steps) == [0, 2, 4, 6, 8]


async def test_an_empty_collection_gives_nothing() -> None:
    assert await ended(for_each(lambda _: [], step("a", lambda n: n))) == []


async def test_a_collection_does_at_most_so_many_at_once() -> None:
    now = most = 0

    async def act(number: int) -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return number

    steps = for_each(lambda _: range(9), step("a", act), limit=3)

    assert await ended(steps) == list(range(9))
    assert most == 3


async def test_an_item_that_fails_fails_the_collection() -> None:
    async def act(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    async with started() as system:
        with pytest.raises(WorkflowFailed) as failed:
            await workflow(for_each(lambda _: range(5), step("a", act), limit=1)).run(
                system, Order()
            )

    assert failed.value.error is not None
    assert failed.value.error.text == "two"


async def test_a_fan_out_gives_the_outcome_of_each_branch() -> None:
    who = People()
    found = await ended(
        fan_out(
            {"a": step("a", lambda _: 1), "b": step("b", lambda _: 2)},
            optional={"c": step("c", who.refuses("c"))},
        )
    )

    assert isinstance(found, Outcomes)
    assert found.values == {"a": 1, "b": 2}
    assert found.errors["c"].kind == "refused"
    assert found.get("c", "nothing") == "nothing"


async def test_a_required_branch_that_fails_fails_the_fan_out_when_all_have_ended() -> None:
    who = People()
    steps = fan_out({"a": step("a", who.fails("a")), "b": step("b", who.does("b"))})

    assert await ended(steps) == "failed"
    assert sorted(who.done) == ["a", "b"]


async def test_a_step_recovers_with_a_value() -> None:
    who = People()

    assert await ended(step("a", who.fails("a"), on_error=recover(7))) == 7


async def test_a_step_recovers_with_a_function_of_its_error() -> None:
    who = People()

    def mend(error: StepError) -> str:
        return f"{error.step} {error.type} {error.attempts}"

    steps = step("a", who.fails("a"), retry=SOON, on_error=mend)

    assert await ended(steps) == "a ConnectionError 3"


async def test_a_step_recovers_with_another_step() -> None:
    who = People()
    instead = sequence(step("b", lambda error: error.kind), step("c", lambda kind: kind.upper()))

    assert await ended(step("a", who.refuses("a"), on_error=instead)) == "REFUSED"


async def test_what_recovers_may_fail_itself() -> None:
    who = People()
    steps = step("a", who.fails("a"), on_error=step("b", who.fails("b")))

    assert await ended(steps) == "failed"
    assert who.done == ["a", "b"]


async def test_a_sequence_recovers_as_a_whole() -> None:
    who = People()
    steps = sequence(
        step("a", who.does("a")), step("b", who.fails("b")), on_error=recover("so be it")
    )

    assert await ended(steps) == "so be it"


async def test_attempts_share_one_key() -> None:
    who = People()

    assert await ended(step("a", who.fails("a", times=2), retry=SOON)) == Order()
    assert who.done == ["a"] * 3
    assert who.keys["a"] == {"test/1/a"}


async def test_a_refusal_is_not_tried_again() -> None:
    who = People()

    assert await ended(step("a", who.refuses("a"), retry=SOON)) == "failed"
    assert who.done == ["a"]


async def test_a_call_tells_input_and_earlier_results() -> None:
    found: list[object] = []

    async def look(value: int, call: Call) -> None:
        found.append((value, call.input, call.result("a"), call.result("nobody"), call.address))

    steps = sequence(
        step("a", lambda order: order.cents),
        for_each(lambda cents: [cents], step("look", look), name="each"),
    )
    await ended(steps)

    assert found == [(5, Order(), 5, None, "each[0]/look")]


async def test_a_condition_that_raises_fails_its_step() -> None:
    steps = step("a", lambda _: 1, when=lambda order: order.nothing, on_error=recover("else"))

    assert await ended(steps) == "else"


async def test_a_result_that_cannot_be_stored_fails_the_step() -> None:
    async with started() as system:
        with pytest.raises(WorkflowFailed) as failed:
            await workflow(step("a", lambda _: object())).run(system, Order())

    assert failed.value.error is not None
    assert failed.value.error.kind == "declaration"
    assert "object" in failed.value.error.text


def noted(order: Order) -> Put:
    return Put("order", order.sku, source="a workflow")


async def test_what_a_plain_request_promises_is_known_from_its_annotation() -> None:
    flow = workflow(step("note", ask("/board", noted)))
    async with started() as system:
        system.spawn(Blackboard, name="board")

        entry = await flow.run(system, Order(), id="1")

    assert isinstance(entry, Entry)
    assert (entry.key, entry.value, entry.by.source) == ("order", "tea", "a workflow")


@pytest.mark.parametrize("other", [True, 1.0], ids=["a bool", "a float"])
async def test_the_same_id_with_an_equal_input_of_another_type_is_a_conflict(other: object) -> None:
    flow = Workflow("any", step("a", lambda value: value))
    async with started() as system:
        assert await flow.run(system, 1, id="1") == 1
        with pytest.raises(WorkflowIdConflict):
            await flow.run(system, other, id="1")
        assert await flow.run(system, 1, id="1") == 1
