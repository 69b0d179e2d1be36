"""What is declared or started wrongly gets a typed error that names it, and changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorSystem,
    MemoryJournal,
    MemoryStore,
    Message,
    OptionError,
    SystemStopped,
    UsageError,
)
from dramaturg.protocols.workflows import (
    Retry,
    UnknownParticipantError,
    UnknownWorkflowInstance,
    Workflow,
    WorkflowChanged,
    WorkflowDefinitionError,
    WorkflowFailed,
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


class Unknown(Message, name="tests.workflows.Unknown"):
    """What no workflow here names."""


async def awaiting(value: Any) -> Any:
    return value


def gives_an_unknown(value: Any) -> Any:
    return [value, Unknown()]


async def gives_a_coroutine(value: Any) -> Any:
    return awaiting(value)


def needing_more(value: Any, *, more: Any) -> Any:
    return value, more


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
    "a type that is a text": lambda: Workflow("a", one(), takes="Order"),  # type: ignore[arg-type]
    "a type that is a list of some": lambda: Workflow("a", one(), takes=list[int]),
    "types that are a text": lambda: Workflow("a", one(), types="Order"),  # type: ignore[arg-type]
    "types that are one": lambda: Workflow("a", one(), types=Order),  # type: ignore[arg-type]
    "types by their names": lambda: Workflow("a", one(), types=["Order"]),  # type: ignore[list-item]
    "an upcaster that is a function": lambda: Workflow("a", one(), upcasters=[bool]),  # type: ignore[list-item]
    "one earlier version": lambda: Workflow(
        "a",
        one(),
        version=2,
        earlier=Workflow("a", one()),  # type: ignore[arg-type]
    ),
    "an earlier version that is none": lambda: Workflow("a", one(), version=2, earlier=[bool]),  # type: ignore[list-item]
    "an actor class that does it": lambda: step("a", Actor),
    "a compensation that is a word": lambda: step("a", bool, compensate="undo"),
    "a late that is a word": lambda: fan_out({"a": one()}, late="kepe"),
    "a request made by a coroutine": lambda: ask("/a", awaiting),
    "a keyword that is needed": lambda: step("a", needing_more),  # type: ignore[arg-type]
    "two pauses": lambda: workflow(sequence(pause(1), pause(2))),
    "a list of steps": lambda: sequence([one()]),  # type: ignore[arg-type]
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


@pytest.mark.parametrize(("name", "told"), [
    ("a late that is a word", """has late='kepe': expected a function"""),
    ("a compensation that is a word", "step 'a' has compensate='undo'"),
    ("an actor class that does it", "has the actor class Actor as its participant"),
    ("a keyword that is needed", "needs more by keyword"),
    ("two pauses", "two steps called 'pause': expected a name of its own for each step"),
    ("a list of steps", "has a list as a step: expected steps one by one: sequence(*steps)"),
    ("types by their names", "has 'Order' in types: expected a list of types"),
], ids=str)  # fmt: skip
def test_what_is_refused_is_named_with_what_helps(name: str, told: str) -> None:
    with pytest.raises(WorkflowDefinitionError, match=re.escape(told)):
        WRONG[name]()


CALLS: dict[str, Callable[[Workflow, Any], Any]] = {
    "run": lambda flow, system: flow.run(system),
    "start": lambda flow, system: flow.start(system),
    "resume": lambda flow, system: flow.resume(system),
    "result": lambda flow, system: flow.result(system, "1"),
    "status": lambda flow, system: flow.status(system, "1"),
    "history": lambda flow, system: flow.history(system, "1"),
    "signal": lambda flow, system: flow.signal(system, "1", "go"),
    "cancel": lambda flow, system: flow.cancel(system, "1"),
    "resolve": lambda flow, system: flow.resolve(system, "1", "a!undo", "done", by="ann"),
    "migrate": lambda flow, system: flow.migrate(system, "1"),
    "ids": lambda flow, system: flow.ids(system),
}


@pytest.mark.parametrize("call", sorted(CALLS))
async def test_what_is_no_system_is_refused(call: str) -> None:
    with pytest.raises(OptionError, match="system=1: expected an ActorSystem"):
        await CALLS[call](workflow(wait_for("go")), 1)


@pytest.mark.parametrize("call", ["attach", "blocking"])
def test_what_is_no_system_is_refused_at_once(call: str) -> None:
    with pytest.raises(OptionError, match="system=1: expected an ActorSystem"):
        getattr(workflow(one()), call)(1, *(["1"] if call == "attach" else []))


async def test_an_id_that_is_far_too_long_is_shown_in_short() -> None:
    async with started() as system:
        for call in (workflow(one()).status, workflow(one()).cancel):
            with pytest.raises(WorkflowInputError, match="100002 characters") as refused:
                await call(system, "x" * 100_000)
            assert len(str(refused.value)) < 400


@pytest.mark.parametrize("status", ["complete", "compensating", "", 5], ids=str)
async def test_a_status_that_nothing_is_listed_under_is_refused(status: Any) -> None:
    async with started() as system:
        with pytest.raises(OptionError, match="expected") as refused:
            await workflow(one()).ids(system, "completed", status)

    assert refused.value.option == "status"


async def test_several_statuses_are_listed_together() -> None:
    flow = workflow(step("a", lambda order: 1 // order.cents))

    async with started() as system:
        await outcome(flow, system, "good")
        await outcome(flow, system, "bad", Order(cents=0))
        assert await flow.ids(system, "completed") == ("good",)
        assert await flow.ids(system, "failed", "completed") == ("bad", "good")


@pytest.mark.parametrize("by", ["", "  ", None], ids=repr)
async def test_nobody_resolves_nothing(by: Any) -> None:
    async with started() as system:
        with pytest.raises(OptionError, match="expected who says so") as refused:
            await workflow(one()).resolve(system, "1", "a!undo", "done", by=by)

    assert refused.value.option == "by"


async def test_what_is_resolved_has_to_be_a_compensation() -> None:
    undo = step("undo", People().fails("undo"))
    flow = workflow(saga(step("pay", bool, compensate=undo), step("no", People().refuses("no"))))

    async with started() as system:
        assert await outcome(flow, system) == "stuck"
        with pytest.raises(WorkflowInputError, match="expected 'pay!undo'"):
            await flow.resolve(system, "1", "pay", "done", by="ann")
        assert await flow.resolve(system, "1", "pay!undo", "done", by="ann")
        assert not await flow.resolve(system, "1", "pay!undo", "done", by="ann")


def test_a_thread_is_told_that_the_system_has_ended() -> None:
    with ActorSystem("test", journal=MemoryJournal()) as system:
        shop = workflow(one()).blocking(system)

    with pytest.raises(SystemStopped):
        shop.status("1")


@pytest.mark.parametrize(("gives", "told"), [
    (gives_an_unknown, "name it in types=, or annotate what gives it"),
    (gives_a_coroutine, "a coroutine cannot be stored: is an await missing?"),
], ids=["a type that is not known", "a coroutine"])  # fmt: skip
async def test_what_a_step_cannot_give_is_said_with_what_helps(gives: Any, told: str) -> None:
    flow = workflow(step("a", gives))

    async with started() as system:
        assert await outcome(flow, system) == "failed"
        error = (await flow.status(system, "1")).error

    assert error is not None
    assert error.kind == "declaration"
    assert told in error.text


async def test_who_cancels_is_quoted_without_a_step() -> None:
    async with started() as system:
        instance = await workflow(wait_for("go")).start(system, Order(), id="c1")
        await instance.cancel(reason="changed my mind")
        with pytest.raises(WorkflowFailed) as failed:
            await instance.result()

    assert str(failed.value) == "'test' 'c1' is cancelled: Cancelled: changed my mind"


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
