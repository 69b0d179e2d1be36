"""Cancelled after every record, by the process that comes next: each is undone once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import ActorSystem
from dramaturg.protocols.workflows import (
    Workflow,
    any_of,
    fan_out,
    for_each,
    recover,
    saga,
    sequence,
    step,
)
from dramaturg.protocols.workflows._records import Ended, Failed, Intended, Succeeded
from tests.protocols.workflows.attack_kit import does
from tests.protocols.workflows.kit import SOON, Order, People, outcome, until, workflow
from tests.protocols.workflows.test_recovery import Recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.workflows import Step


def failing(who: People) -> Step:
    return saga(
        does(who, "a"),
        for_each(lambda _: range(2), does(who, "line"), limit=1),
        step("b", who.fails("b", times=1), retry=SOON, compensate=who.undoes("b", fails=1)),
        step("no", who.refuses("no")),
    )


def nested(who: People) -> Step:
    trip = saga(does(who, "x"), step("no", who.refuses("no")), name="trip", on_error=recover(0))
    return sequence(
        does(who, "a"),
        fan_out({"trip": trip, "b": sequence(does(who, "b"), does(who, "c"))}),
        does(who, "d"),
    )


def racing(who: People) -> Step:
    race = fan_out(
        {"slow": saga(does(who, "s1"), does(who, "s2"), does(who, "s3")), "fast": does(who, "f")},
        join=any_of(),
        late="keep",
    )
    return saga(does(who, "a"), race, does(who, "z"))


async def cancelled(flow: Workflow, journal: Recording) -> tuple[Any, list[Any]]:
    """Cancel the first instance of a journal; return how it ended, and its records."""
    async with ActorSystem("test", journal=journal, seed=1) as system:
        await flow.start(system, Order(), id="1")
        await flow.cancel(system, "1")
        end = await outcome(flow, system)
        history = await flow.history(system, "1")

        async def nothing_runs() -> bool:
            return not await flow.ids(system)

        await until(nothing_runs)
    return end, [each.record for each in history.entries]


@pytest.mark.parametrize("make", [failing, nested, racing], ids=lambda each: each.__name__)
async def test_it_may_be_cancelled_after_every_record(make: Callable[[People], Step]) -> None:
    whole = Recording()
    async with ActorSystem("test", journal=whole, seed=1) as system:
        await outcome(workflow(make(People())), system)

    for count in range(1, len(whole.orders) + 1):
        journal = Recording()
        journal.store = whole.cut(count)
        end, records = await cancelled(workflow(make(People())), journal)

        assert sum(isinstance(each, Ended) for each in records) == 1, count
        done = [each.address for each in records if isinstance(each, Succeeded)]
        undone = Counter(each for each in done if "!" in each)
        assert not undone or max(undone.values()) == 1, count
        if end == "compensated":
            begun = {each.address for each in records if isinstance(each, Intended)}
            refused = {
                each.address
                for each in records
                if isinstance(each, Failed) and each.error.kind == "refused"
            }
            wanted = {each for each in begun - refused if "!" not in each and each != "no"}
            assert set(undone) == {f"{each}!undo" for each in wanted}, count


async def test_a_workflow_within_ends_with_the_one_that_is_cancelled_after_any_record() -> None:
    def flows() -> tuple[Workflow, Workflow]:
        who = People()
        inner = workflow(saga(does(who, "x"), does(who, "y"), step("w", who.waits("w"))))
        return inner, Workflow("outer", sequence(does(who, "a"), step("in", inner)), takes=Order)

    whole = Recording()
    inner, outer = flows()
    async with ActorSystem("test", journal=whole, seed=1) as system:
        await outer.start(system, Order(), id="1")

        async def waits() -> bool:
            running = await inner.ids(system)
            return bool(running) and (await inner.status(system, running[0])).running == ("w",)

        await until(waits)
    for count in range(1, len(whole.orders) + 1):
        journal = Recording()
        journal.store = whole.cut(count)
        inner, outer = flows()
        await cancelled(outer, journal)
        async with ActorSystem("test", journal=journal, seed=1) as system:
            await inner.resume(system)

            async def ended(inner: Workflow = inner, system: ActorSystem = system) -> bool:
                return not await inner.ids(system)

            await until(ended)
