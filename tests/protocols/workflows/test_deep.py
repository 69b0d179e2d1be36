"""Long workflows, deep ones, and what cannot be stored as a whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import ActorSystem, MemoryJournal
from dramaturg.protocols.workflows import (
    Workflow,
    WorkflowDefinitionError,
    WorkflowFailed,
    any_of,
    branch,
    fan_out,
    for_each,
    loop,
    recover,
    saga,
    sequence,
    step,
    switch,
    wait_for,
)
from tests.protocols.workflows.attack_kit import does
from tests.protocols.workflows.kit import LIMIT, Order, People, ended, started

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.workflows import Step

AROUND: dict[str, Callable[[Step, str], Step]] = {
    "sequence": lambda inner, name: sequence(inner, name=name),
    "saga": lambda inner, name: saga(inner, name=name),
    "branch": lambda inner, name: branch(lambda _: True, inner, name=name),
    "switch": lambda inner, name: switch(lambda _: 1, {1: inner}, name=name),
    "loop": lambda inner, name: loop(inner, until=lambda _: True, at_most=2, name=name),
    "for_each": lambda inner, name: for_each(lambda _: [0], inner, name=name),
    "fan_out": lambda inner, name: fan_out({"b": inner}, name=name, on_error=recover(0)),
    "recovery": lambda inner, name: sequence(
        step(f"{name}-no", lambda _: 1 / 0), name=name, on_error=inner
    ),
}


def nested(around: Callable[[Step, str], Step], levels: int, leaf: Step) -> Step:
    for level in range(levels):
        leaf = around(leaf, f"g{level}")
    return leaf


async def how_it_ends(flow: Workflow, system: ActorSystem) -> str:
    try:
        await flow.run(system, id="1")
    except WorkflowFailed as failed:
        return f"{failed.error.kind} {failed.error.step}" if failed.error else failed.status
    return "completed"


@pytest.mark.parametrize("kind", AROUND)
async def test_as_deep_as_may_be_is_not_too_deep(kind: str) -> None:
    levels = 62 if kind == "recovery" else 63
    flow = Workflow("deep", nested(AROUND[kind], levels, step("leaf", lambda _: 1)))
    async with started() as system:
        end = await asyncio.wait_for(how_it_ends(flow, system), LIMIT)
        # Outcomes within outcomes are deeper than anything that can be stored.
        assert end == ("declaration g62" if kind == "fan_out" else "completed")
        assert (await flow.history(system, "1")).entries
        assert flow.to_mermaid().startswith("flowchart")


@pytest.mark.parametrize("kind", AROUND)
@pytest.mark.parametrize("levels", [64, 200, 5_000])
def test_deeper_is_refused_when_it_is_declared(kind: str, levels: int) -> None:
    root = nested(AROUND[kind], levels, step("leaf", lambda _: 1))

    with pytest.raises(WorkflowDefinitionError) as refused:
        Workflow("deep", root)

    assert refused.value.thing == "workflow 'deep'"
    assert "64 steps within each other" in refused.value.problem


async def test_steps_without_names_may_be_within_each_other() -> None:
    root: Step = step("a" * 150, lambda _: 7)
    for _ in range(60):
        root = saga(sequence(root)) if _ % 20 == 0 else sequence(root)

    flow = Workflow("deep", root)
    assert len({each.name for each in root.walk()}) == 64
    async with started() as system:
        assert await flow.run(system, id="1") == 7


async def test_five_thousand_steps_one_after_the_other() -> None:
    steps = [step(f"s{n}", lambda n: n + 1) for n in range(5_000)]
    flow = Workflow("long", sequence(*steps))

    async with started() as system:
        assert await asyncio.wait_for(flow.run(system, 0, id="1"), LIMIT) == 5_000


async def test_five_thousand_steps_that_are_passed_over() -> None:
    steps = [step(f"s{n}", str, when=lambda _: False) for n in range(5_000)]
    flow = Workflow("long", sequence(*steps))

    async with started() as system:
        assert await asyncio.wait_for(flow.run(system, 7, id="1"), LIMIT) == 7


@pytest.mark.parametrize("timeout", [None, 1e6])
async def test_two_thousand_events_that_are_there_already(timeout: float | None) -> None:
    waits = [wait_for("item", name=f"w{n}", timeout=timeout) for n in range(2_000)]
    flow = Workflow("long", sequence(wait_for("go"), *waits))
    journal = MemoryJournal()

    async with ActorSystem("test", journal=journal, seed=1) as system:
        instance = await flow.start(system, id="1")
        for number in range(2_000):
            await instance.signal("item", number)
        await instance.signal("go")
        assert await asyncio.wait_for(instance.result(), LIMIT) == 1_999
    async with ActorSystem("test", journal=journal, seed=1) as system:
        status = await flow.status(system, "1")
    assert [status.results[f"w{n}"] for n in range(2_000)] == [*range(2_000)]


async def test_events_that_are_there_go_to_those_who_wait_in_their_order() -> None:
    race = fan_out({"a": wait_for("x", name="a"), "b": wait_for("y", name="b")}, join=any_of())
    flow = Workflow("race", sequence(wait_for("go"), race, wait_for("y", name="rest")))

    async with started() as system:
        instance = await flow.start(system, id="1")
        for event in ("y", "x", "go"):
            await instance.signal(event, f"the {event}")
        assert await asyncio.wait_for(instance.result(), LIMIT) == "the y"
        [raced] = [v for k, v in (await instance.status()).results.items() if k == "a"]
        assert raced == "the x"


# -- what cannot be stored as a whole ------------------------------------------------------------


def lists(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


async def test_a_result_that_cannot_be_stored_as_a_whole_fails_the_instance() -> None:
    who = People()
    wide = fan_out({"b": step("deep", lambda _: lists(298))}, name="all")

    async with started() as system:
        flow = Workflow("deep", sequence(does(who, "a"), wide, name="root"), takes=Order)
        with pytest.raises(WorkflowFailed) as failed:
            await asyncio.wait_for(flow.run(system, Order(), id="1"), LIMIT)
        history = await flow.history(system, "1")

    error = failed.value.error
    assert error is not None
    assert (failed.value.status, error.kind, error.step) == ("compensated", "declaration", "root")
    assert who.undone == ["a"]
    assert "EncodeError" in str(history)


async def test_a_step_whose_value_cannot_be_stored_as_a_whole_fails() -> None:
    who = People()
    wide = fan_out({"b": step("deep", lambda _: lists(298))})
    last = step("last", who.does("last"), on_error=lambda error: error.kind)

    assert await ended(sequence(wide, last)) == "declaration"
    assert who.done == []
