"""A child that is killed or stopped while it starts, or starts again."""

import asyncio

import pytest

from dramaturg.actors import ActorCrashed, StartFailed, ThreadLeaked
from dramaturg.supervision import FailedToStartChild
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
)

# -- killed ------------------------------------------------------------------------------


@each_hanging
async def test_a_child_that_is_killed_in_its_first_start_has_not_come_up(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_start", hang)
        sup = it.begin(child(kind, script))
        starting = sup.started()
        await hang.reached()
        ref = it.ref()

        ref.kill()

        with pytest.raises(StartFailed) as caught:
            await within(starting)
        assert isinstance(caught.value.__cause__, FailedToStartChild)
        await it.events.until(lambda: it.gone("/sup") == 1)
        assert it.ends() == ["killed"]
        assert not ref.is_alive()
        assert it.actors == 0


@each_hanging
@each_slow_restart
async def test_a_child_that_is_killed_while_it_restarts_is_restarted_again(
    kind: Kind, hook: Hook
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on(hook, hang, birth=2)
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        ref.tell(Note("kept"))
        await hang.reached()

        ref.kill()

        assert await within(ref.request(Do(birth))) == 3
        assert script.handled == [("kept", 3)]
        assert it.ends() == ["failed", "killed"]
        assert script.hooks(2)[-1] == hook


@each_hanging
async def test_a_child_that_is_killed_in_its_failure_hook_is_restarted_once(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_failure", hang, birth=1)
        await it.supervise(child(kind, script), intensity=1)
        ref = it.ref()
        waiting = asyncio.ensure_future(ref.request(Fail(Crash())))
        await hang.reached()
        # Whoever has asked need not wait for the hook.
        with pytest.raises(ActorCrashed):
            await within(waiting)

        ref.kill()

        assert await within(ref.request(Do(birth))) == 2
        assert it.ends() == ["killed"]
        assert len(it.events.of(ThreadLeaked)) == (kind is not AsyncChild)


# -- stopped -----------------------------------------------------------------------------


@each_hanging
@each_slow_restart
@pytest.mark.parametrize("how", ["stop", "drain"])
async def test_an_order_to_stop_waits_for_the_restart_and_the_child_comes_back(
    kind: Kind, hook: Hook, how: str
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on(hook, hang, birth=2)
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await hang.reached()

        stopping = getattr(ref, how)(block=False)
        await it.passes(100.0)
        assert not stopping.is_done()
        hang.release()

        assert await within(stopping) is True
        assert await within(ref.request(Do(birth))) == 3
        assert it.ends() == ["failed", "normal"]
        assert script.hooks(2)[-2:] == ["on_start", "on_stop"]


@each_hanging
@pytest.mark.parametrize("how", ["stop", "drain"])
async def test_an_order_to_stop_is_carried_out_when_the_start_is_cut_short(
    kind: Kind, how: str
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_start", hang, birth=2)
        await it.supervise(child(kind, script, start_timeout=2.0))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await hang.reached()

        stopping = getattr(ref, how)(block=False)
        await it.passes(2.0)

        assert await within(stopping) is True
        assert await within(ref.request(Do(birth))) == 3
        # What was meant for the second instance does not reach the third.
        ref.tell(Note("for the third"))
        assert await within(ref.request(Do(birth))) == 3
        assert script.handled == [("for the third", 3)]
        assert it.ends() == ["failed", "killed"]
