"""A child that hangs while it starts, or starts again."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import ActorStarted, StartFailed, ThreadLeaked
from dramaturg.supervision import FailedToStartChild, RestartLimitReached, StartTimeout
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import world
from tests.supervision.faults import (
    AsyncChild,
    Hook,
    Kind,
    Script,
    birth,
    child,
    each_hanging,
    each_slow_restart,
    raising,
)


@each_hanging
async def test_a_start_that_hangs_is_cut_short_when_its_time_is_over(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_start", hang)
        sup = it.begin(child(kind, script, start_timeout=2.0))
        starting = sup.started()
        await hang.reached()

        await it.passes(1.99)
        assert not starting.is_done()
        await it.passes(0.01)

        with pytest.raises(StartFailed) as caught:
            await within(starting)
        cause = caught.value.__cause__
        assert isinstance(cause, FailedToStartChild)
        assert isinstance(cause.__cause__, StartTimeout)
        assert cause.__cause__.path == "/sup/it"
        assert it.ends() == ["killed"]
        assert len(it.events.of(ThreadLeaked)) == (kind is not AsyncChild)
        assert hang.cancelled == (kind is AsyncChild)
        assert it.actors == 0
        assert it.clock.monotonic() == 2.0


@each_hanging
@each_slow_restart
async def test_a_restart_that_hangs_is_cut_short_and_tried_again(kind: Kind, hook: Hook) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on(hook, hang, birth=2)
        await it.supervise(child(kind, script, start_timeout=2.0))
        ref = it.ref()

        ref.tell(Fail(Crash()))
        ref.tell(Note("kept"))
        await hang.reached()
        waiting = asyncio.ensure_future(ref.request(Do(birth)))
        await it.passes(2.0)

        assert await within(waiting) == 3
        assert script.handled == [("kept", 3)]
        assert it.ref() is ref
        assert it.ends() == ["failed", "killed"]
        assert isinstance(script.causes[-1], StartTimeout)
        assert len(it.events.of(ThreadLeaked)) == (kind is not AsyncChild)


@each_hanging
@each_slow_restart
async def test_a_restart_that_hangs_counts(kind: Kind, hook: Hook) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on(hook, hang, birth=2)
        await it.supervise(child(kind, script, start_timeout=2.0), intensity=1)

        it.ref().tell(Fail(Crash()))
        await hang.reached()
        await it.passes(2.0)

        with pytest.raises(RestartLimitReached) as caught:
            await within(it.system.wait())
        assert isinstance(caught.value.__cause__, StartTimeout)
        await it.events.until(lambda: it.gone("/sup") == 1)
        assert script.births == 2
        assert it.actors == 0


@each_hanging
async def test_a_failure_hook_that_hangs_in_a_start_falls_under_its_limit(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_start", raising(Crash()), birth=2).on("on_failure", hang, birth=2)
        await it.supervise(child(kind, script, start_timeout=2.0))
        ref = it.ref()

        ref.tell(Fail(Crash()))
        await hang.reached()
        await it.passes(2.0)

        assert await within(ref.request(Do(birth))) == 3
        assert it.ends() == ["failed", "killed"]


@each_slow_restart
async def test_a_start_that_swallows_its_cancellation_is_given_up(hook: Hook) -> None:
    async with world() as it:
        hang = it.hang(stubborn=True)
        script = Script().on(hook, hang, birth=2)
        await it.supervise(child(AsyncChild, script, start_timeout=2.0))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await hang.reached()

        await it.passes(2.0)
        assert hang.cancelled == 1
        assert script.births == 2
        await it.passes(1.0)
        assert await within(ref.request(Do(birth))) == 3

        hang.release()
        ref.tell(Note("for the third"))
        assert await within(ref.request(Do(birth))) == 3
        assert script.handled == [("for the third", 3)]
        assert [each.incarnation for each in it.events.of(ActorStarted, ref.path)] == [1, 3]
        assert it.ends() == ["failed", "killed"]


async def test_a_start_that_was_cancelled_and_comes_through_all_the_same_counts_for_nothing() -> (
    None
):
    async def cancelled(actor: Any) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            return

    async with world() as it:
        script = Script().on("on_start", cancelled, birth=2)
        await it.supervise(child(AsyncChild, script, start_timeout=2.0))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        ref.tell(Note("for the third"))
        await it.incarnations(1)

        await it.passes(2.0)

        assert await within(ref.request(Do(birth))) == 3
        assert script.handled == [("for the third", 3)]
        assert it.ends() == ["failed", "killed"]


@each_hanging
async def test_without_a_limit_a_start_may_take_for_ever(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_start", hang)
        sup = it.begin(child(kind, script))
        starting = sup.started()
        await hang.reached()

        await it.passes(1_000.0)
        assert not starting.is_done()
        hang.release()

        await within(starting)
        assert await within(it.ref().request(Do(birth))) == 1
