"""What is declared or started wrongly gets a typed error that names it, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import ActorSystem, MemoryStore, OptionError, UsageError
from dramaturg.protocols.workflows import (
    Retry,
    UnknownParticipantError,
    UnknownWorkflowInstance,
    Workflow,
    WorkflowChanged,
    WorkflowDefinitionError,
    WorkflowIdConflict,
    WorkflowInputError,
    ask,
    branch,
    fan_out,
    first_valid,
    for_each,
    loop,
    partial,
    pause,
    quorum,
    saga,
    sequence,
    step,
    switch,
    wait_for,
)
from tests.protocols.workflows.kit import Order, People, outcome, started, workflow

if TYPE_CHECKING:
    from collections.abc import Callable


def one(name: str = "a") -> Any:
    return step(name, lambda value: value)


UNTYPED: Any = None
WRONG: dict[str, Callable[[], object]] = {
    "two steps of one name": lambda: workflow(sequence(one(), one())),
    "one step at two places": lambda: workflow(sequence(*[one()] * 2)),
    "a loop without a bound": lambda: loop(one(), until=bool, at_most=UNTYPED),
    "a loop with a bound of none": lambda: loop(one(), until=bool, at_most=0),
    "a compensation without an action": lambda: workflow(sequence(UNTYPED, one())),
    "a compensation that is a group": lambda: step("b", bool, compensate=saga(one())),  # type: ignore[arg-type]
    "a compensation of a compensation": lambda: step(
        "b", bool, compensate=step("c", bool, compensate=bool)
    ),
    "nobody who does it": lambda: step("a", UNTYPED),
    "a number that does it": lambda: step("a", 5),  # type: ignore[arg-type]
    "a step that does it": lambda: step("a", one("b")),
    "a path without a slash": lambda: step("a", "shop"),
    "a function of three": lambda: step("a", lambda x, y, z: 1),  # type: ignore[arg-type]
    "a function of nothing": lambda: step("a", lambda: 1),  # type: ignore[arg-type]
    "no name": lambda: step("", bool),
    "a name with a slash": lambda: step("a/b", bool),
    "a name that is none": lambda: step(5, bool),  # type: ignore[arg-type]
    "a timeout of 0": lambda: step("a", bool, timeout=0),
    "a timeout that is none": lambda: step("a", bool, timeout="5"),  # type: ignore[arg-type]
    "a timeout that never comes": lambda: step("a", bool, timeout=float("inf")),
    "a retry that is a number": lambda: step("a", bool, retry=3),  # type: ignore[arg-type]
    "a condition that is none": lambda: step("a", bool, when=True),  # type: ignore[arg-type]
    "an error handler that is none": lambda: step("a", bool, on_error=5),  # type: ignore[arg-type]
    "a sequence of nothing": sequence,
    "a sequence of functions": lambda: sequence(bool),  # type: ignore[arg-type]
    "a saga of nothing": saga,
    "a branch without a condition": lambda: branch(UNTYPED, one()),
    "a branch to nowhere": lambda: branch(bool, UNTYPED),
    "a switch without cases": lambda: switch(bool, {}),
    "a switch of functions": lambda: switch(bool, {1: bool}),  # type: ignore[dict-item]
    "a collection of no function": lambda: for_each([1], one()),  # type: ignore[arg-type]
    "a limit of 0": lambda: for_each(list, one(), limit=0),
    "a fan-out of nothing": fan_out,
    "a fan-out of a list": lambda: fan_out([one()]),  # type: ignore[arg-type]
    "a branch twice": lambda: fan_out({"a": one()}, optional={"a": one("b")}),
    "a join that is a word": lambda: fan_out({"a": one()}, join="all"),  # type: ignore[arg-type]
    "a quorum of too many": lambda: fan_out({"a": one()}, join=quorum(2)),
    "a quorum of none": lambda: quorum(0),
    "a deadline of none": lambda: partial(0),
    "a validity that is none": lambda: first_valid(UNTYPED),
    "an event without a name": lambda: wait_for(""),
    "an event of no type": lambda: wait_for("a", "bool"),  # type: ignore[arg-type]
    "a pause of less than nothing": lambda: pause(-1),
    "an actor that is a number": lambda: ask(5),  # type: ignore[arg-type]
    "a workflow of a function": lambda: Workflow("a", bool),  # type: ignore[arg-type]
    "a workflow without a name": lambda: Workflow("", one()),
    "a workflow with a blank": lambda: Workflow("a b", one()),
    "a workflow of version 0": lambda: Workflow("a", one(), version=0),
    "an earlier version that is later": lambda: Workflow(
        "a", one(), earlier=[Workflow("a", one(), version=2)]
    ),
    "an earlier version of another": lambda: Workflow(
        "a", one(), version=2, earlier=[Workflow("b", one())]
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_declaration_is_refused(name: str) -> None:
    with pytest.raises(WorkflowDefinitionError) as refused:
        WRONG[name]()

    assert isinstance(refused.value, UsageError)
    assert refused.value.thing
    assert refused.value.expected


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": True},
        {"attempts": "3"},
        {"backoff": 5},
        {"budget": 0},
        {"budget": -1.0},
        {"retryable": ValueError},
        {"fatal": (5,)},
    ],
    ids=str,
)
def test_a_retry_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as refused:
        Retry(**options)

    assert refused.value.option in options


async def test_an_input_of_the_wrong_type_starts_nothing() -> None:
    who = People()
    flow = workflow(step("a", who.does("a")))

    async with started() as system:
        with pytest.raises(WorkflowInputError, match="Order"):
            await flow.run(system, "tea", id="1")
        assert await flow.ids(system) == ()
        with pytest.raises(UnknownWorkflowInstance):
            await flow.result(system, "1")

    assert who.done == []


async def test_an_input_that_cannot_be_stored_starts_nothing() -> None:
    flow = Workflow("any", one())

    async with started() as system:
        with pytest.raises(WorkflowInputError, match="stored"):
            await flow.run(system, object(), id="1")


@pytest.mark.parametrize("id_", ["", 5, "a\nb", "x" * 301])
async def test_an_id_that_cannot_be_is_refused(id_: Any) -> None:
    async with started() as system:
        with pytest.raises(WorkflowInputError, match="id"):
            await workflow(one()).run(system, Order(), id=id_)


async def test_an_id_is_not_used_again_with_another_input() -> None:
    who = People()
    flow = workflow(step("a", who.does("a")))

    async with started() as system:
        await flow.run(system, Order(cents=1), id="1")
        with pytest.raises(WorkflowIdConflict):
            await flow.run(system, Order(cents=2), id="1")
        assert await flow.run(system, Order(cents=1), id="1") == Order(cents=1)

    assert who.done == ["a"]


async def test_a_system_needs_a_journal() -> None:
    async with ActorSystem("test") as system:
        with pytest.raises(OptionError, match="journal"):
            await workflow(one()).run(system, Order())


async def test_an_actor_that_is_not_there_is_noticed_before_anything_is_begun() -> None:
    flow = workflow(sequence(one(), step("b", ask("/nobody"))))

    async with started() as system:
        with pytest.raises(UnknownParticipantError, match="/nobody"):
            await flow.run(system, Order(), id="1")
        with pytest.raises(UnknownWorkflowInstance):
            await flow.status(system, "1")


async def test_a_changed_definition_is_refused_while_instances_are_in_flight() -> None:
    store = MemoryStore()
    before = workflow(sequence(one(), wait_for("go")))
    after = workflow(sequence(one(), one("b"), wait_for("go")))
    later = workflow(sequence(one(), one("b"), wait_for("go")), version=2, earlier=[before])

    async with started(store) as system:
        await before.start(system, Order(), id="1")
    async with started(store) as system:
        with pytest.raises(WorkflowChanged) as changed:
            await after.run(system, Order(), id="2")
        assert changed.value.instances == ("1",)
        with pytest.raises(UnknownWorkflowInstance):
            await before.status(system, "2")
    async with started(store) as system:
        assert await later.resume(system) == ("1",)
        assert (await later.status(system, "1")).version == 1
        await later.start(system, Order(), id="2")
        for instance in ("1", "2"):
            await later.signal(system, instance, "go", instance)
            assert await outcome(later, system, instance) == instance
        assert (await later.status(system, "2")).version == 2


async def test_an_instance_is_moved_to_the_newest_definition_on_request() -> None:
    store = MemoryStore()
    who = People()
    before = workflow(sequence(one(), wait_for("go")))
    later = workflow(
        sequence(one(), wait_for("go"), step("c", who.does("c"))), version=2, earlier=[before]
    )
    wrong = workflow(sequence(one("z"), wait_for("go")), version=3, earlier=[before])

    async with started(store) as system:
        await before.start(system, Order(), id="1")
    async with started(store) as system:
        with pytest.raises(WorkflowChanged):
            await wrong.migrate(system, "1")
        assert (await wrong.status(system, "1")).version == 1
    async with started(store) as system:
        assert await later.migrate(system, "1")
        assert not await later.migrate(system, "1")
        assert (await later.status(system, "1")).version == 2
    async with started(store) as system:
        await later.signal(system, "1", "go", 7)
        assert await outcome(later, system) == 7

    assert who.done == ["c"]
