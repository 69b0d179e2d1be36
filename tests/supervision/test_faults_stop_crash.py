"""A child that crashes while it runs, or while it stops."""

import pytest

from dramaturg.actors import ActorCrashed
from dramaturg.supervision import RestartLimitExceeded, ShutdownFailed, TerminateChild
from tests.actors.kit import Crash, Do, Fail, within
from tests.supervision.fault_world import world
from tests.supervision.faults import Kind, Script, birth, child, each_kind, raising
from tests.supervision.stops_kit import comes_to, each_restart_type, stop_self


@each_kind
@each_restart_type
async def test_a_child_that_crashes_in_a_handler(kind: Kind, restart: str) -> None:
    error = Crash("in a handler")
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, restart=restart))
        ref = it.ref()

        with pytest.raises(ActorCrashed) as caught:
            await within(ref.request(Fail(error)))

        assert caught.value.__cause__ is error
        await comes_to(it, restart, script)
        assert it.failures() == [("message", 1)]
        assert script.hooks(1) == ["__init__", "on_start", "on_failure"]
        assert it.ends() == ["failed"]


@each_kind
async def test_a_failure_hook_that_crashes_too_changes_nothing(kind: Kind) -> None:
    error = Crash("in a handler")
    script = Script().on("on_failure", raising(Crash("in the hook")))
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()

        ref.tell(Fail(error))
        assert await within(ref.request(Do(birth))) == 2

        assert it.failures() == [("message", 1), ("on_failure", 1)]
        assert script.causes == [error]


@each_kind
@each_restart_type
async def test_a_child_that_crashes_while_it_stops_by_itself_has_failed(
    kind: Kind, restart: str
) -> None:
    script = Script().on("on_stop", raising(Crash("in on_stop")), birth=1)
    async with world() as it:
        await it.supervise(child(kind, script, restart=restart))

        it.ref().tell(Do(stop_self))

        await comes_to(it, restart, script)
        assert it.failures() == [("on_stop", 1)]
        assert it.ends() == ["failed"]


@each_kind
@each_restart_type
async def test_a_child_that_crashes_while_it_is_terminated_is_reported_and_not_restarted(
    kind: Kind, restart: str
) -> None:
    script = Script().on("on_stop", raising(Crash("in on_stop")))
    async with world() as it:
        sup = await it.supervise(child(kind, script, restart=restart), intensity=0)

        await within(sup.request(TerminateChild("it")))

        [failed] = it.events.of(ShutdownFailed)
        assert (failed.path, failed.reason.kind) == ("/sup/it", "failed")
        assert it.events.of(RestartLimitExceeded) == []
        assert script.births == 1
        assert it.actors == 1


@each_kind
async def test_a_crash_while_the_supervisor_stops_keeps_nobody_from_stopping(kind: Kind) -> None:
    scripts = [Script().on("on_stop", raising(Crash(number))) for number in range(3)]
    async with world() as it:
        sup = await it.supervise(
            *(child(kind, script, f"it-{number}") for number, script in enumerate(scripts))
        )

        await within(sup.stop(block=False))

        assert [event.path for event in it.events.of(ShutdownFailed)] == [
            "/sup/it-2",
            "/sup/it-1",
            "/sup/it-0",
        ]
        assert it.actors == 0
