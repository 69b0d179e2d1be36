"""An attempt that does not heed its cancellation is abandoned when its time is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dramaturg.actors import ActorSystem, ManualClock, MemoryJournal
from dramaturg.protocols.workflows import (
    AttemptAbandoned,
    Call,
    Retry,
    Workflow,
    saga,
    sequence,
    step,
)
from dramaturg.supervision import Backoff
from tests.actors.messaging_kit import Captured
from tests.protocols.workflows.attack_kit import does, runs
from tests.protocols.workflows.kit import LIMIT, Order, People, outcome, started, until, workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.workflows import Instance

MOST = 1
TWICE = Retry(attempts=2, backoff=Backoff(1.0, 1.0))


class Deaf:
    """Swallows cancellations until its gate is open; only its first attempt."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.cancelled = 0
        self.gate = asyncio.Event()

    def acts(self) -> Callable[[Any, Call], Any]:
        async def act(value: Any, call: Call) -> Any:
            self.calls.append(call.attempt)
            while call.attempt == 1 and not self.gate.is_set():
                try:
                    await self.gate.wait()
                except asyncio.CancelledError:
                    self.cancelled += 1
                    if self.cancelled > MOST:  # the end of a test that has failed
                        raise
            return f"by attempt {call.attempt}"

        return act


async def timed_out(clock: ManualClock, instance: Instance, deaf: Deaf) -> None:
    """Let the first attempt's time be over."""
    await runs(instance, "a")
    clock.advance(10.0)

    async def cut() -> bool:
        return deaf.cancelled == 1 and not (await instance.status()).running

    await until(cut)


async def test_the_next_attempt_waits_for_the_grace_time_and_no_longer() -> None:
    deaf, clock = Deaf(), ManualClock()
    flow = workflow(step("a", deaf.acts(), timeout=10.0, retry=TWICE))

    async with started(clock=clock) as system:
        found: list[AttemptAbandoned] = []
        system.events.subscribe(found.append, AttemptAbandoned)
        instance = await flow.start(system, Order(), id="1")
        await timed_out(clock, instance, deaf)
        clock.advance(1.0)

        async def again() -> bool:
            return any("attempt 2" in str(e) for e in (await instance.history()).entries)

        await until(again)
        clock.advance(3.9)
        await runs(instance, "a")
        assert (deaf.calls, found) == ([1], [])
        clock.advance(0.2)
        assert await outcome(flow, system) == "by attempt 2"
        assert deaf.calls == [1, 2]
        [event] = found
        assert (event.instance, event.step, event.attempt) == ("workflow/test/1", "a", 1)
        assert (event.path, event.grace) == ("/workflows/test:1", 5.0)
        deaf.gate.set()


async def test_time_spent_waiting_for_the_one_before_is_not_the_next_attempts() -> None:
    deaf, clock = Deaf(), ManualClock()
    who = People()
    second = who.waits("second")

    async def act(value: Any, call: Call) -> Any:
        return await (deaf.acts() if call.attempt == 1 else second)(value, call)

    flow = workflow(step("a", act, timeout=3.0, retry=TWICE))
    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")
        await timed_out(clock, instance, deaf)

        async def begun() -> bool:
            clock.advance(0.5)
            return who.done == ["second"]

        await until(begun)
        who.gates["second"].set()
        assert isinstance(await outcome(flow, system), Order)
        deaf.gate.set()


async def test_a_late_result_is_ignored_and_said() -> None:
    deaf, clock, captured = Deaf(), ManualClock(), Captured()
    gate = asyncio.Event()

    async def last(value: str) -> str:
        await gate.wait()
        return value

    flow = Workflow(
        "test", sequence(step("a", deaf.acts(), timeout=10.0, retry=TWICE), step("b", last))
    )
    async with ActorSystem(
        "test", journal=MemoryJournal(), clock=clock, logger=captured.log
    ) as system:
        instance = await flow.start(system, id="1")
        await timed_out(clock, instance, deaf)

        async def goes_on() -> bool:
            clock.advance(1.0)
            return (await instance.status()).running == ("b",)

        await until(goes_on)
        deaf.gate.set()

        async def said() -> bool:
            return bool(captured.entries("abandoned_attempt_ended"))

        await until(said)
        gate.set()
        assert await asyncio.wait_for(instance.result(), LIMIT) == "by attempt 2"
        history = await instance.history()
    [warning] = captured.entries("attempt_abandoned")
    assert (warning["step"], warning["attempt"], warning["level"]) == ("a", 1, "warning")
    gave = [each.what for each in history.entries if each.what.startswith("gave")]
    assert gave == ["gave 'by attempt 2'"] * 2


async def test_a_cancel_undoes_what_an_abandoned_attempt_may_have_done() -> None:
    deaf, clock, who = Deaf(), ManualClock(), People()
    flow = workflow(saga(does(who, "first"), step("a", deaf.acts(), compensate=who.undoes("a"))))
    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")
        await runs(instance, "a")
        assert await instance.cancel()
        await runs(instance, "a!undo")
        assert who.undone == []
        clock.advance(5.0)
        assert await outcome(flow, system) == "compensated"
        assert who.undone == ["a", "first"]

        async def gone() -> bool:
            return system.lookup("/workflows/test:1") is None

        await until(gone)
        deaf.gate.set()
