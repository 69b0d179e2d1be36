"""A child that hangs while it runs, or while it stops."""

import asyncio

import pytest

from dramaturg.actors import ActorStopped, DeadLetterReason, ThreadLeaked
from dramaturg.supervision import ShutdownFailed, TerminateChild
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import AsyncChild, Kind, Script, birth, child, each_hanging
from tests.supervision.stops_kit import is_async


@each_hanging
async def test_a_child_that_hangs_in_a_handler_is_killed_when_its_time_is_over(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        sup = await it.supervise(child(kind, script, shutdown=3.0))
        ref = it.ref()
        asking = asyncio.ensure_future(ref.request(Do(hang), timeout=100.0))
        await hang.reached()
        ref.tell(Note("queued"))

        stopping = asyncio.ensure_future(sup.request(TerminateChild("it"), timeout=100.0))
        await it.passes(2.99)
        assert not stopping.done()
        assert hang.cancelled == 0
        await it.passes(0.01)
        await within(stopping)

        with pytest.raises(ActorStopped):
            await within(asking)
        assert it.letters(DeadLetterReason.STOPPED) == ["queued"]
        assert len(it.letters(DeadLetterReason.CANCELLED)) == 1
        assert it.ends() == ["killed"]
        assert [event.reason.kind for event in it.events.of(ShutdownFailed)] == ["killed"]
        assert len(it.events.of(ThreadLeaked)) == (not is_async(kind))
        assert script.hooks(1) == ["__init__", "on_start"]
        assert not ref.is_alive()
        assert it.actors == 1


@each_hanging
async def test_a_child_that_hangs_in_on_stop_is_killed_when_its_time_is_over(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_stop", hang)
        sup = await it.supervise(child(kind, script, shutdown=3.0))
        stopping = asyncio.ensure_future(sup.request(TerminateChild("it"), timeout=100.0))
        await hang.reached()

        await it.passes(2.99)
        assert not stopping.done()
        await it.passes(0.01)
        await within(stopping)

        assert it.ends() == ["killed"]
        assert [event.reason.kind for event in it.events.of(ShutdownFailed)] == ["killed"]
        assert len(it.events.of(ThreadLeaked)) == (not is_async(kind))
        assert it.actors == 1


@each_hanging
async def test_a_child_that_hangs_in_its_failure_hook_can_be_terminated(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_failure", hang)
        sup = await it.supervise(child(kind, script, shutdown=3.0))
        it.ref().tell(Fail(Crash()))
        await hang.reached()

        stopping = asyncio.ensure_future(sup.request(TerminateChild("it"), timeout=100.0))
        await it.passes(3.0)
        await within(stopping)

        assert it.ends() == ["killed"]
        assert script.births == 1
        assert it.actors == 1


@pytest.mark.parametrize("phase", ["handler", "on_stop", "on_failure"])
async def test_a_child_that_swallows_its_cancellation_and_goes_on_is_given_up(phase: str) -> None:
    async with world() as it:
        hang = it.hang(stubborn=True)
        script = Script().on("on_stop", hang) if phase == "on_stop" else Script()
        script.on("on_failure", hang)
        sup = await it.supervise(child(AsyncChild, script, shutdown=3.0))
        ref = it.ref()
        if phase != "on_stop":
            ref.tell(Do(hang) if phase == "handler" else Fail(Crash()))
            await hang.reached()

        stopping = asyncio.ensure_future(sup.request(TerminateChild("it"), timeout=100.0))
        await hang.reached()
        await it.passes(3.0)
        assert hang.cancelled == 1
        assert not stopping.done()
        await it.passes(1.0)
        await within(stopping)
        assert not ref.is_alive()
        assert it.actors == 1

        before = len(it.events.all)
        hang.release()
        await turns()
        # What it does now nobody sees.
        assert it.events.all[before:] == []
        assert it.ends() == ["killed"]


@each_hanging
async def test_without_a_limit_a_supervisor_waits_for_its_child(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_stop", hang)
        sup = await it.supervise(child(kind, script, shutdown="infinity"))
        stopping = asyncio.ensure_future(sup.request(TerminateChild("it"), timeout=10_000.0))
        await hang.reached()

        await it.passes(1_000.0)
        assert not stopping.done()
        hang.release()

        await within(stopping)
        assert it.ends() == ["shutdown"]
        assert it.events.of(ShutdownFailed) == []


@each_hanging
async def test_a_group_whose_members_hang_restarts_after_the_time_of_each(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        scripts = [Script() for _ in range(3)]
        await it.supervise(
            *(
                child(kind, script, f"it-{number}", shutdown=2.0)
                for number, script in enumerate(scripts)
            ),
            strategy="one_for_all",
        )
        refs = [it.ref(f"/sup/it-{number}") for number in range(3)]
        for ref in refs[1:]:
            ref.tell(Do(hang))
        await hang.reached(2)

        refs[0].tell(Fail(Crash()))
        for _ in refs[1:]:
            await it.planned()
            await it.passes(2.0)

        for ref in refs:
            assert await within(ref.request(Do(birth))) == 2
        assert it.clock.monotonic() == 4.0
        assert it.ends("/sup/it-1") == it.ends("/sup/it-2") == ["killed"]
