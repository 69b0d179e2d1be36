"""What runs while it is killed: each pattern, and some of them inside one another.

A scenario starts instances under fixed ids, so that the next process attaches to what the one
before has left; and says what has to hold at the end.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dramaturg.actors import Message, Refused
from dramaturg.protocols.workflows import (
    Call,
    Outcomes,
    Retry,
    Workflow,
    WorkflowFailed,
    any_of,
    branch,
    fan_out,
    for_each,
    loop,
    partial,
    pause,
    quorum,
    recover,
    saga,
    sequence,
    step,
    switch,
    wait_for,
)
from dramaturg.supervision import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors import ActorSystem
    from tests.crash.effects import Effects

__all__ = ["SCENARIOS", "Scenario", "play"]

SOON = Retry(attempts=4, backoff=Backoff(0.001, 0.002))


class Purchase(Message, name="crash.Purchase"):
    """What the workflows take."""

    sku: str
    cents: int


@dataclass(frozen=True)
class Scenario:
    """A workflow, its inputs by id, and how each has to end."""

    workflow: Workflow
    inputs: dict[str, Any]
    ends: dict[str, str]
    """The status of each; what is charged at its end is its amount if completed, else nothing."""
    charged: dict[str, int]
    signals: bool = False
    cancels: bool = False


class People:
    """The participants, all with one file of effects."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def does(self, what: str, *, amount: int = 0) -> Callable[[Any, Call], Any]:
        """Return a participant that does something and hands the value on."""

        async def act(value: Any, call: Call) -> Any:
            self._effects.note(f"{call.instance} {call.address}", call.key, amount=amount)
            await asyncio.sleep(0)
            return value

        return act

    def undoes(self, *, fails: int = 0) -> Callable[[Any, Call], Any]:
        """Return a compensation; the first calls of each key fail after they had their effect."""

        async def act(value: Any, call: Call) -> None:
            what = f"{call.instance} {call.address}"
            self._effects.note(what, call.key, undoes=call.undoes)
            if self._effects.calls(call.key) <= fails:
                raise ConnectionError("try again")

        return act

    def fails(self, what: str = "error", *, times: int = 10**9) -> Callable[[Any, Call], Any]:
        """Return a participant that fails at its first calls."""

        async def act(value: Any, call: Call) -> Any:
            self._effects.note(f"{call.instance} {call.address}", call.key)
            if self._effects.calls(call.key) <= times:
                raise Refused("no") if what == "refused" else ConnectionError("no")
            return value

        return act


def _pipeline(who: People) -> Scenario:
    flow = Workflow(
        "pipeline",
        sequence(
            step("validate", who.does("validate")),
            step("enrich", who.fails(times=2), retry=SOON),
            step("guess", who.fails(), on_error=recover(Purchase(sku="guessed", cents=1))),
            step("charge", who.does("charge", amount=7)),
        ),
        takes=Purchase,
    )
    inputs = {f"p{index}": Purchase(sku="a", cents=index) for index in range(3)}
    return Scenario(flow, inputs, dict.fromkeys(inputs, "completed"), dict.fromkeys(inputs, 7))


def _saga(who: People) -> Scenario:
    def failing(value: Purchase) -> bool:
        return value.sku == "bad"

    flow = Workflow(
        "saga",
        saga(
            step("reserve", who.does("reserve", amount=1), compensate=who.undoes()),
            step("charge", who.does("charge", amount=10), compensate=who.undoes(fails=1)),
            branch(failing, step("no truck", who.fails()), step("ship", who.does("ship"))),
        ),
        takes=Purchase,
    )
    inputs = {
        "good": Purchase(sku="good", cents=1),
        "bad": Purchase(sku="bad", cents=1),
        "good 2": Purchase(sku="good", cents=2),
    }
    ends = {"good": "completed", "bad": "compensated", "good 2": "completed"}
    return Scenario(flow, inputs, ends, {"good": 11, "bad": 0, "good 2": 11})


def _nested(who: People) -> Scenario:
    """A saga in a fan-out in a branch, and one that fails in an optional branch."""
    inner = saga(
        step("book hotel", who.does("hotel", amount=3), compensate=who.undoes()),
        step("book flight", who.does("flight", amount=5), compensate=who.undoes()),
        name="trip",
    )
    lost = saga(
        step("book car", who.does("car", amount=100), compensate=who.undoes(fails=2)),
        step("pick up", who.fails("refused")),
        name="car",
    )
    flow = Workflow(
        "nested",
        branch(
            lambda value: value.cents > 0,
            sequence(
                fan_out({"trip": inner}, optional={"car": lost}),
                step("sum", lambda found: sorted(found.values)),
                switch(
                    lambda found: found[0],
                    {"trip": step("tell", who.does("tell"))},
                ),
            ),
        ),
        takes=Purchase,
    )
    inputs = {"n1": Purchase(sku="a", cents=1), "n2": Purchase(sku="a", cents=0)}
    return Scenario(flow, inputs, dict.fromkeys(inputs, "completed"), {"n1": 8, "n2": 0})


def _many(who: People) -> Scenario:
    flow = Workflow(
        "many",
        saga(
            for_each(
                lambda value: list(range(value.cents)),
                step("line", who.does("line", amount=2), compensate=who.undoes()),
                limit=2,
            ),
            loop(
                step("count", lambda lines: [*lines, 1]),
                until=lambda lines: len(lines) >= 6,
                at_most=10,
            ),
            branch(lambda lines: len(lines) > 6, step("too many", who.fails())),
        ),
        takes=Purchase,
    )
    inputs = {"few": Purchase(sku="a", cents=3), "lots": Purchase(sku="a", cents=7)}
    return Scenario(
        flow, inputs, {"few": "completed", "lots": "compensated"}, {"few": 6, "lots": 0}
    )


def _joins(who: People) -> Scenario:
    def three(name: str) -> dict[str, Any]:
        return {
            "fast": step(f"{name} fast", who.does("fast")),
            "none": step(f"{name} none", who.fails("refused")),
            "other": step(f"{name} other", who.does("other")),
        }

    def names(found: Outcomes) -> int:
        return len(found.branches)

    flow = Workflow(
        "joins",
        sequence(
            fan_out(three("any"), join=any_of(), late="keep", name="first"),
            step("one", names),
            fan_out(three("two"), join=quorum(2), name="second"),
            step("two", names),
            fan_out(optional=three("all"), join=partial(5.0), name="third"),
            step("charge", who.does("charge", amount=4)),
        ),
        takes=Purchase,
    )
    inputs = {f"j{index}": Purchase(sku="a", cents=index) for index in range(2)}
    return Scenario(flow, inputs, dict.fromkeys(inputs, "completed"), dict.fromkeys(inputs, 4))


def _waiting(who: People) -> Scenario:
    flow = Workflow(
        "waiting",
        saga(
            step("reserve", who.does("reserve", amount=2), compensate=who.undoes()),
            pause(0.01),
            wait_for("decision", bool),
            branch(bool, step("charge", who.does("charge", amount=3)), step("no", who.fails())),
        ),
        takes=Purchase,
    )
    inputs = {"yes": Purchase(sku="a", cents=1), "no": Purchase(sku="a", cents=0)}
    return Scenario(
        flow,
        inputs,
        {"yes": "completed", "no": "compensated"},
        {"yes": 5, "no": 0},
        signals=True,
    )


def _inner(who: People) -> Scenario:
    sub = Workflow(
        "sub",
        saga(
            step("s1", who.does("s1", amount=1), compensate=who.undoes()),
            branch(
                lambda value: value.cents > 1,
                step("s2", who.does("s2", amount=1), compensate=who.undoes()),
                step("s3", who.fails()),
            ),
        ),
        takes=Purchase,
    )
    flow = Workflow(
        "outer",
        sequence(
            step("before", who.does("before", amount=5), compensate=who.undoes()),
            step("sub", sub),
            step("after", who.does("after", amount=5)),
        ),
        takes=Purchase,
        types=[Purchase],
    )
    inputs = {"i2": Purchase(sku="a", cents=2), "i1": Purchase(sku="a", cents=1)}
    return Scenario(flow, inputs, {"i2": "completed", "i1": "compensated"}, {"i2": 10, "i1": 0})


def _cancelled(who: People) -> Scenario:
    flow = Workflow(
        "cancelled",
        sequence(
            step("reserve", who.does("reserve", amount=9), compensate=who.undoes(fails=1)),
            fan_out(
                {
                    "charge": step("charge", who.does("c", amount=4), compensate=who.undoes()),
                    "wait": wait_for("never"),
                }
            ),
        ),
        takes=Purchase,
    )
    inputs = {f"c{index}": Purchase(sku="a", cents=index) for index in range(2)}
    return Scenario(
        flow,
        inputs,
        dict.fromkeys(inputs, "compensated"),
        dict.fromkeys(inputs, 0),
        cancels=True,
    )


SCENARIOS: dict[str, Callable[[People], Scenario]] = {
    "cancelled": _cancelled,
    "inner": _inner,
    "joins": _joins,
    "many": _many,
    "nested": _nested,
    "pipeline": _pipeline,
    "saga": _saga,
    "waiting": _waiting,
}


async def play(system: ActorSystem, scenario: Scenario) -> dict[str, str]:
    """Run all instances, or go on with them; return the status of each."""
    flow = scenario.workflow

    async def one(instance: str, value: Any) -> tuple[str, str]:
        await flow.start(system, value, id=instance)
        if scenario.signals:
            await flow.signal(system, instance, "decision", value.cents > 0, signal="once")
        if scenario.cancels:
            await flow.cancel(system, instance, reason="changed my mind")
        try:
            await flow.result(system, instance)
        except WorkflowFailed as failed:
            return instance, failed.status
        return instance, "completed"

    return dict(await asyncio.gather(*(one(*each) for each in scenario.inputs.items())))
