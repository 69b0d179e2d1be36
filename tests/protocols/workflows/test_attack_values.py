"""Odd values, and what participants do with them."""

from __future__ import annotations

import asyncio
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.protocols.workflows import (
    Call,
    WorkflowDefinitionError,
    branch,
    first_valid,
    for_each,
    loop,
    pause,
    saga,
    step,
    switch,
    wait_for,
)
from tests.protocols.workflows.kit import (
    SOON,
    Order,
    ended,
    outcome,
    started,
    workflow,
)

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_whoever_changes_a_value_changes_it_for_nobody_else() -> None:
    seen: list[Any] = []

    def changes(items: list[int], call: Call) -> list[int]:
        seen.append([*items])
        items.append(9)
        if call.attempt == 1:
            raise ConnectionError
        return items

    def undo(items: list[int], call: Call) -> None:
        seen.append(([*items], call.undone))

    steps = saga(
        step("make", lambda _: [1]),
        step("a", changes, retry=SOON, compensate=undo),
        step("b", lambda items: items.clear()),
        step("no", lambda _: 1 / 0),
    )

    assert await ended(steps) == "compensated"
    assert seen == [[1], [1], ([1], [1, 9])]


async def test_the_input_stays_what_it_was() -> None:
    flow = workflow(step("a", lambda items: items.clear()), takes=list)

    async with started() as system:
        given = [1, 2]
        await flow.run(system, given, id="1")
        assert given == [1, 2]
        await flow.run(system, [1, 2], id="1")


async def test_the_same_input_is_the_same_although_it_equals_nothing() -> None:
    flow = workflow(wait_for("go"), takes=None)

    async with started() as system:
        for _ in range(2):
            await flow.start(system, float("nan"), id="1")


def async_condition() -> Callable[[Any], Any]:
    async def asks(_: object) -> bool:
        return False

    return asks


DECLARATIONS: dict[str, Callable[[Any], Any]] = {
    "when": lambda asks: step("a", str, when=asks),
    "branch": lambda asks: branch(asks, step("a", str)),
    "switch": lambda asks: switch(asks, {1: step("a", str)}),
    "until": lambda asks: loop(step("a", str), until=asks, at_most=2),
    "items": lambda asks: for_each(asks, step("a", str)),
    "pause": pause,
    "valid": first_valid,
}


@pytest.mark.parametrize("which", sorted(DECLARATIONS))
def test_what_is_only_asked_for_must_not_be_a_coroutine(which: str) -> None:
    with pytest.raises(WorkflowDefinitionError, match="plain function"):
        DECLARATIONS[which](async_condition())


async def test_a_condition_that_returns_a_coroutine_fails_its_step() -> None:
    asks = async_condition()

    assert await ended(branch(lambda _: asks(0), step("a", str))) == "failed"


class Text(str):
    """No plain text."""

    __slots__ = ()


class Number(IntEnum):
    """No plain number."""

    ONE = 1


UNSTORABLE: list[Any] = [[object()], [range(3)], "\ud800", [lambda: 1], [Text("a")], [Number.ONE]]


@pytest.mark.parametrize("number", range(len(UNSTORABLE)))
async def test_items_that_cannot_be_stored_fail_the_step(number: int) -> None:
    flow = workflow(for_each(lambda _: UNSTORABLE[number], step("a", str)))

    async with started() as system:
        assert await outcome(flow, system) == "failed"
        error = (await flow.status(system, "1")).error

    assert error is not None
    assert error.kind == "declaration"


@pytest.mark.parametrize("number", range(len(UNSTORABLE)))
async def test_a_result_that_cannot_be_stored_fails_the_step(number: int) -> None:
    value = UNSTORABLE[number]

    assert await ended(step("a", lambda _: value[0])) == "failed"


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 1e300])
async def test_a_pause_of_no_time_fails(seconds: float) -> None:
    def found(_: Order) -> float:
        return seconds

    assert await ended(pause(found)) == "failed"


class Leaves(BaseException):
    """No Exception."""


@pytest.mark.parametrize("error", [Leaves, SystemExit, asyncio.CancelledError])
async def test_whatever_a_participant_raises_fails_its_step(error: type[BaseException]) -> None:
    async def act(_: Order) -> None:
        raise error

    assert await ended(step("a", act)) == "failed"
