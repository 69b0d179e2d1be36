"""A child that is killed, by its supervisor or by somebody else."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import ActorStopped, DeadLetterReason, ThreadLeaked
from dramaturg.supervision import ShutdownFailed, TerminateChild
from tests.actors.kit import Crash, Do, Fail, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import (
    AsyncChild,
    Kind,
    LoopChild,
    Script,
    birth,
    child,
    each_hanging,
    each_kind,
)
from tests.supervision.stops_kit import comes_to, each_restart_type, is_async, stop_self


@each_kind
async def test_brutal_kill_leaves_no_time_to_stop(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, shutdown="brutal_kill"))

        await within(sup.request(TerminateChild("it")))

        assert script.hooks(1) == ["__init__", "on_start"]
        assert it.ends() == ["killed"]
        assert it.events.of(ShutdownFailed) == []
        assert it.clock.monotonic() == 0.0


@each_hanging
@pytest.mark.parametrize("phase", ["handler", "on_failure"])
async def test_brutal_kill_cuts_short_what_hangs(kind: Kind, phase: str) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_failure", hang)
        sup = await it.supervise(child(kind, script, shutdown="brutal_kill"))
        it.ref().tell(Do(hang) if phase == "handler" else Fail(Crash()))
        await hang.reached()

        await within(sup.request(TerminateChild("it")))

        assert it.ends() == ["killed"]
        assert it.actors == 1
        assert it.clock.monotonic() == 0.0
        assert len(it.events.of(ThreadLeaked)) == (not is_async(kind))


async def test_brutal_kill_is_bounded_also_for_who_swallows_it() -> None:
    async with world() as it:
        hang = it.hang(stubborn=True)
        sup = await it.supervise(child(AsyncChild, Script(), shutdown="brutal_kill"))
        it.ref().tell(Do(hang))
        await hang.reached()

        stopping = asyncio.ensure_future(sup.request(TerminateChild("it")))
        await it.passes(1.0)

        await within(stopping)
        assert it.ends() == ["killed"]
        assert it.actors == 1


@each_kind
@each_restart_type
async def test_who_is_killed_while_idle_has_ended_abnormally(kind: Kind, restart: str) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, restart=restart))

        it.ref().kill()
        await it.incarnations(1)

        await comes_to(it, restart, script)
        assert script.hooks(1) == ["__init__", "on_start"]
        assert it.ends() == ["killed"]


@each_hanging
@each_restart_type
async def test_who_is_killed_in_a_handler_has_ended_abnormally(kind: Kind, restart: str) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script, restart=restart))
        ref = it.ref()
        asking = asyncio.ensure_future(ref.request(Do(hang)))
        await hang.reached()

        ref.kill()

        with pytest.raises(ActorStopped, match="killed"):
            await within(asking)
        await comes_to(it, restart, script)
        assert it.ends() == ["killed"]
        assert len(it.letters(DeadLetterReason.CANCELLED)) == 1
        assert len(it.events.of(ThreadLeaked)) == (not is_async(kind))


@each_hanging
async def test_who_is_killed_in_on_stop_has_ended_abnormally(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_stop", hang, birth=1)
        await it.supervise(child(kind, script, restart="transient"))
        ref = it.ref()
        ref.tell(Do(stop_self))
        await hang.reached()

        ref.kill()

        # A normal end would have been the end of a transient child.
        assert await within(ref.request(Do(birth))) == 2
        assert it.ends() == ["killed"]


@each_hanging
async def test_killing_twice_ends_one_incarnation(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()

        ref.kill()
        ref.kill()

        assert await within(ref.request(Do(birth))) == 2
        await turns()
        assert it.ends() == ["killed"]
        assert script.births == 2


@each_hanging
async def test_who_is_told_to_stop_and_then_killed_is_restarted_once(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script), intensity=1)
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()

        stopping = ref.stop(block=False)
        ref.kill()

        assert await within(stopping) is True
        assert await within(ref.request(Do(birth))) == 2
        assert it.ends() == ["killed"]


async def test_a_child_that_is_busy_with_the_loop_is_killed_after_its_message() -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(LoopChild, script))
        ref = it.ref()

        def kill_self(actor: Any) -> str:
            actor.actor_ref.kill()
            return "done"

        assert await within(ref.request(Do(kill_self))) == "done"
        await it.incarnations(1)
        assert await within(ref.request(Do(birth))) == 2
        assert it.ends() == ["killed"]
