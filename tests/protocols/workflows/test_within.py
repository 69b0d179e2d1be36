"""Workflows within workflows: none is left running whose step has ended, whatever ends when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import ActorSystem, JournalUnavailable, ManualClock, MemoryStore
from dramaturg.protocols.workflows import (
    Retry,
    UnknownParticipantError,
    Workflow,
    WorkflowChanged,
    WorkflowFailed,
    any_of,
    ask,
    fan_out,
    quorum,
    saga,
    sequence,
    step,
)
from dramaturg.supervision import Backoff
from tests.protocols.workflows.attack_kit import does
from tests.protocols.workflows.kit import LIMIT, Order, People, started, until, workflow
from tests.protocols.workflows.test_recovery import Recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors.journal import Append
    from dramaturg.protocols.workflows import Step

TWICE = Retry(attempts=2, backoff=Backoff(1.0, 1.0))


def inner(who: People) -> Workflow:
    return workflow(saga(does(who, "x"), step("w", who.waits("w"), compensate=who.undoes("w"))))


async def waits(flow: Workflow, system: ActorSystem) -> str:
    """Wait until an instance within waits; return its id."""

    async def there() -> bool:
        found = await flow.ids(system)
        return bool(found) and (await flow.status(system, found[0])).running == ("w",)

    await until(there)
    return (await flow.ids(system))[0]


def alone(within: Workflow, who: People) -> Step:
    return saga(does(who, "a"), step("in", within))


def beside(within: Workflow, who: People) -> Step:
    failing = sequence(step("b", who.waits("b")), step("no", who.refuses("no")))
    both = fan_out({"in": step("in", within), "no": failing}, join=quorum(2))
    return saga(does(who, "a"), both)


def raced(within: Workflow, who: People) -> Step:
    return fan_out({"in": step("in", within), "b": step("b", who.waits("b"))}, join=any_of())


def timed(within: Workflow, who: People) -> Step:
    return sequence(does(who, "a"), step("in", within, timeout=5.0))


def grouped(within: Workflow, who: People) -> Step:
    return saga(does(who, "a"), sequence(step("in", within), name="group", timeout=5.0))


async def played(make: Callable[[Workflow, People], Step]) -> Recording:
    """Let the step around an instance that waits end; return the journal."""
    who, journal, clock = People(), Recording(), ManualClock()
    within = inner(who)
    outer = Workflow("outer", make(within, who), takes=Order)
    async with ActorSystem("test", journal=journal, clock=clock, seed=1) as system:
        instance = await outer.start(system, Order(), id="1")
        await waits(within, system)
        if make is alone:
            await instance.cancel()
        elif make is raced or make is beside:
            who.gates["b"].set()
        else:
            clock.advance(5.0)

        async def all_over() -> bool:
            return not await outer.ids(system) and not await within.ids(system)

        await until(all_over)
    return journal


def decided(order: Append) -> bool:
    """Tell whether the outer instance is told by an append to go on without the one within."""
    words = (b"CancelRequested", b"workflow.Failed", b"TimerFired")
    if order.persistence_id != "workflow/outer/1":
        return False
    return any(
        any(word in each for word in words) or (b"Succeeded" in each and b"\xa1b" in each)
        for each in order.payloads
    )


@pytest.mark.parametrize(
    "make", [alone, beside, raced, timed, grouped], ids=lambda each: each.__name__
)
async def test_none_is_left_running_whenever_the_process_ends(
    make: Callable[[Workflow, People], Step],
) -> None:
    whole = await played(make)
    first = next(n for n, order in enumerate(whole.orders, 1) if decided(order))
    for count in range(first, len(whole.orders) + 1):
        who = People()
        who.gates["b"] = asyncio.Event()
        who.gates["b"].set()
        within = inner(who)
        outer = Workflow("outer", make(within, who), takes=Order)
        async with started(whole.cut(count)) as system:
            # Nobody asks for the one within.
            await outer.resume(system)

            async def all_over(
                outer: Workflow = outer, within: Workflow = within, system: ActorSystem = system
            ) -> bool:
                return not await outer.ids(system) and not await within.ids(system)

            await until(all_over)
            [status] = [
                (await within.status(system, each)).status
                for each in await within.ids(system, "compensated")
            ]
            assert status == "compensated", count


async def test_an_attempt_after_a_timeout_attaches_to_the_same_instance() -> None:
    who, clock = People(), ManualClock()
    within = inner(who)
    outer = Workflow("outer", step("in", within, timeout=5.0, retry=TWICE), takes=Order)

    async with started(clock=clock) as system:
        instance = await outer.start(system, Order(), id="1")
        name = await waits(within, system)
        clock.advance(5.0)

        async def again() -> bool:
            clock.advance(0.1)
            return "attempt 2" in str(await instance.history())

        await until(again)
        assert (await within.status(system, name)).status == "running"
        who.gates["w"].set()
        assert isinstance(await asyncio.wait_for(instance.result(), LIMIT), Order)
    assert who.done == ["x", "w"]


async def test_one_within_is_ended_when_its_step_is_cut_short_between_two_attempts() -> None:
    who, clock = People(), ManualClock()
    within = inner(who)
    outer = Workflow("outer", step("in", within, timeout=5.0, retry=TWICE), takes=Order)

    async with started(clock=clock) as system:
        instance = await outer.start(system, Order(), id="1")
        await waits(within, system)
        clock.advance(5.0)

        async def between() -> bool:
            return (await instance.status()).waiting == ("in",)

        await until(between)
        assert await instance.cancel()

        async def over() -> bool:
            return not await within.ids(system) and not await outer.ids(system)

        await until(over)
        assert "what it had left running has ended" in str(await instance.history())
    assert who.undone == ["w", "x"]


class Refusing(Recording):
    """Refuses to store a cancel of what is within, for a while."""

    refuses = 3

    def append(self, order: Append) -> Any:
        cancels = any(b"CancelRequested" in each for each in order.payloads)
        if self.refuses and cancels and order.persistence_id.startswith("workflow/test/"):
            self.refuses -= 1
            raise JournalUnavailable(journal=self.name, problem="full", detail="no room")
        return super().append(order)


async def test_one_within_that_cannot_be_ended_at_once_is_ended_later() -> None:
    who, clock, journal = People(), ManualClock(), Refusing()
    within = inner(who)
    outer = Workflow("outer", step("in", within), takes=Order)

    async with ActorSystem("test", journal=journal, clock=clock, seed=1) as system:
        instance = await outer.start(system, Order(), id="1")
        await waits(within, system)
        assert await instance.cancel()
        assert await outer.ids(system) == ("1",)

        async def over() -> bool:
            clock.advance(1.0)
            return not await outer.ids(system)

        await until(over)
        with pytest.raises(WorkflowFailed):
            await instance.result()
        assert not await within.ids(system)
    assert (who.undone, journal.refuses) == (["w", "x"], 0)


async def test_a_changed_workflow_within_is_refused_and_nothing_fails() -> None:
    store = MemoryStore()
    who = People()
    async with started(store) as system:
        within = inner(who)
        await Workflow("outer", step("in", within), takes=Order).start(system, Order(), id="1")
        await waits(within, system)
    async with started(store) as system:
        other = workflow(sequence(step("other", who.does("other"))))
        outer = Workflow("outer", step("in", other), takes=Order)
        with pytest.raises(WorkflowChanged) as changed:
            await outer.resume(system)
        assert changed.value.workflow == "test"
        assert await outer.ids(system) == ("1",)
    async with started(store) as system:
        within = inner(who)
        outer = Workflow("outer", step("in", within), takes=Order)
        who.gates["w"].set()
        assert isinstance(await asyncio.wait_for(outer.result(system, "1"), LIMIT), Order)


async def test_who_does_the_steps_within_has_to_be_there_too() -> None:
    within = workflow(step("a", ask("/nobody")))
    outer = Workflow("outer", step("in", within), takes=Order)

    async with started() as system:
        with pytest.raises(UnknownParticipantError):
            await outer.start(system, Order(), id="1")
        assert not await outer.ids(system)


async def test_late_branches_beside_a_stuck_step_go_on_after_a_restart() -> None:
    who = People()
    once = Retry(attempts=1)
    stuck = saga(
        step("s", who.does("s"), compensate=step("undo s", who.fails("undo"), retry=once)),
        step("no", who.refuses("no")),
    )

    def steps() -> Step:
        race = fan_out(
            {"slow": step("slow", who.waits("slow")), "fast": step("fast", who.does("fast"))},
            join=any_of(),
            late="keep",
        )
        return sequence(race, fan_out(optional={"trip": stuck}))

    store = MemoryStore()
    async with started(store) as system:
        flow = workflow(steps())
        with pytest.raises(WorkflowFailed) as failed:
            await asyncio.wait_for(flow.run(system, Order(), id="1"), LIMIT)
        assert failed.value.stuck == ("s!undo",)
        assert (await flow.status(system, "1")).running == ("slow",)
        assert await flow.ids(system, "stuck") == ("1",)
    async with started(store) as system:
        flow = workflow(steps())
        assert await flow.resume(system) == ("1",)
        who.gates["slow"].set()

        async def quiet() -> bool:
            return (await flow.status(system, "1")).running == ()

        await until(quiet)
        assert await flow.ids(system, "stuck") == ("1",)
    async with started(store) as system:
        assert await workflow(steps()).resume(system) == ()
