"""What recovers, what is stuck, and compensations that are steps of their own."""

from __future__ import annotations

import asyncio

import pytest

from dramaturg.actors import ManualClock
from dramaturg.protocols.workflows import (
    Retry,
    WorkflowDefinitionError,
    WorkflowFailed,
    fan_out,
    loop,
    pause,
    quorum,
    recover,
    saga,
    sequence,
    step,
    wait_for,
)
from tests.protocols.workflows.attack_kit import does, runs
from tests.protocols.workflows.kit import (
    LIMIT,
    Order,
    People,
    ended,
    outcome,
    started,
    workflow,
)

ONCE = Retry(attempts=1)


async def test_an_event_that_comes_after_the_deadline_does_not_cut_the_recovery_short() -> None:
    who, clock = People(), ManualClock()
    flow = workflow(wait_for("go", timeout=5.0, on_error=step("instead", who.waits("instead"))))

    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")
        clock.advance(5.0)
        await runs(instance, "go!instead")
        assert await instance.signal("go", "too late")
        assert (await instance.status()).running == ("go!instead",)
        who.gates["instead"].set()
        assert (await outcome(flow, system)).type == "DeadlineExceeded"


async def test_what_is_stuck_is_resolved_early_without_ending_the_instance() -> None:
    who = People()
    steps = saga(
        step("a", who.does("a"), compensate=who.waits("undo a")),
        step("b", who.does("b"), compensate=step("undo b", who.fails("b"), retry=ONCE)),
        step("no", who.refuses("no")),
    )
    flow = workflow(steps)

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "a!undo")
        assert await instance.resolve("b!undo", "done", by="ann")
        assert (await instance.status()).status == "compensating"
        who.gates["undo a"].set()
        assert await outcome(flow, system) == "compensated"


async def test_what_is_tried_again_is_not_stuck_meanwhile() -> None:
    who = People()
    gate = asyncio.Event()
    tries: list[int] = []

    async def undo(_: Order) -> None:
        tries.append(1)
        if len(tries) > 1:
            await gate.wait()
        raise ConnectionError("no")

    steps = saga(
        step("a", who.does("a"), compensate=step("undo a", undo, retry=ONCE)),
        step("no", who.refuses("no")),
    )
    flow = workflow(steps)

    async with started() as system:
        with pytest.raises(WorkflowFailed) as failed:
            await flow.run(system, Order(), id="1")
        assert failed.value.stuck == ("a!undo",)
        assert await flow.resolve(system, "1", "a!undo", "retry", by="ann")
        assert not await flow.resolve(system, "1", "a!undo", "done", by="ann")
        assert not await flow.resolve(system, "1", "a!undo", "retry", by="ann")
        again = asyncio.ensure_future(outcome(flow, system))
        gate.set()
        assert await asyncio.wait_for(again, LIMIT) == "stuck"
        assert await flow.resolve(system, "1", "a!undo", "done", by="ann")
        assert await outcome(flow, system) == "compensated"

    assert len(tries) == 2


async def test_a_saga_recovers_with_a_saga_that_is_undone_with_what_is_around() -> None:
    who = People()
    instead = saga(does(who, "bus"), does(who, "tram"), name="instead")
    trip = saga(does(who, "car"), step("no", who.refuses("no")), name="trip", on_error=instead)
    steps = saga(does(who, "a"), trip, step("end", who.refuses("end")), name="outer")

    assert await ended(steps) == "compensated"
    assert who.undone == ["car", "tram", "bus", "a"]


async def test_a_saga_whose_recovery_fails_fails_and_its_recovery_is_undone_once() -> None:
    who = People()
    instead = sequence(does(who, "bus"), step("flat", who.refuses("flat")), name="instead")
    trip = saga(does(who, "car"), step("no", who.refuses("no")), name="trip", on_error=instead)

    assert await ended(saga(does(who, "a"), trip, name="outer")) == "compensated"
    assert who.undone == ["car", "bus", "a"]


async def test_sagas_in_a_loop_in_a_fan_out_are_undone_round_by_round() -> None:
    who = People()
    rounds = loop(
        saga(does(who, "a"), does(who, "b"), name="round"), until=lambda _: False, at_most=2
    )

    assert await ended(fan_out({"one": rounds}, join=quorum(1))) == "compensated"
    assert who.undone == ["b", "a", "b", "a"]


async def test_a_compensation_may_be_passed_over_recover_and_time_out() -> None:
    who, clock = People(), ManualClock()
    slow = step("undo c", who.waits("slow"), timeout=5.0, retry=Retry(attempts=1))
    steps = saga(
        step("a", who.does("a"), compensate=step("undo a", who.fails("a"), when=lambda _: False)),
        step("b", who.does("b"), compensate=step("undo b", who.fails("b"), on_error=recover(0))),
        step("c", who.does("c"), compensate=slow),
        step("no", who.refuses("no")),
    )

    async with started(clock=clock) as system:
        flow = workflow(steps)
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "c!undo")
        clock.advance(5.0)
        assert await outcome(flow, system) == "stuck"
        assert list((await instance.status()).stuck) == ["c!undo"]


def test_what_recovers_from_a_compensation_cannot_be_undone_itself() -> None:
    who = People()
    with pytest.raises(WorkflowDefinitionError, match="compensation"):
        step("a", who.does("a"), compensate=step("undo", who.does("x"), on_error=does(who, "y")))


async def test_a_pause_is_cut_short_by_its_saga() -> None:
    who, clock = People(), ManualClock()
    steps = saga(fan_out({"p": pause(1e6), "no": step("no", who.refuses("no"))}, join=quorum(2)))

    async with started(clock=clock) as system:
        flow = workflow(steps)
        assert await outcome(flow, system) == "compensated"
        assert (await flow.status(system, "1")).waiting == ()
