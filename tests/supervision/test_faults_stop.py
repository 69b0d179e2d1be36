"""A child that fails, hangs, is killed or is told to stop while it runs or stops."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorRef,
    ActorStopped,
    DeadLetterReason,
    DramaturgError,
    ExitReason,
    LateReply,
    ThreadLeaked,
)
from dramaturg.supervision import (
    RestartLimitExceeded,
    ShutdownFailed,
    Supervisor,
    TerminateChild,
    WhichChildren,
)
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.faults import (
    Act,
    AsyncChild,
    Kind,
    LoopChild,
    Script,
    World,
    birth,
    child,
    each_hanging,
    each_kind,
    each_thread,
    raising,
    turns,
    world,
)

RESTART_TYPES = ["permanent", "transient", "temporary"]
each_restart_type = pytest.mark.parametrize("restart", RESTART_TYPES)


async def states(sup: ActorRef[Supervisor]) -> list[tuple[str, str]]:
    """Return id and state of each child."""
    infos = await within(sup.request(WhichChildren()))
    return [(info.id, info.state) for info in infos]


async def comes_to(it: World, restart: str, script: Script) -> None:
    """Check what became of a child that ended abnormally, by its restart type."""
    if restart == "temporary":
        await it.events.until(lambda: it.gone("/sup/it") == 1)
        assert await states(it.ref("/sup")) == []
        assert script.births == 1
        assert it.actors == 1
    else:
        assert await within(it.ref().request(Do(birth))) == 2
        assert await states(it.ref("/sup")) == [("it", "running")]


# -- crashes ----------------------------------------------------------------------------


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


# -- hanging ----------------------------------------------------------------------------


def is_async(kind: Kind) -> bool:
    return kind is AsyncChild


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


# -- killing ----------------------------------------------------------------------------


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


# -- a child that stops itself ----------------------------------------------------------


def stop_self(actor: Any) -> None:
    actor.stop()


def stop_with(reason: ExitReason) -> Act:
    def act(actor: Any) -> None:
        actor.context.stop_self(reason)

    return act


@each_kind
@each_restart_type
async def test_a_child_that_stops_itself(kind: Kind, restart: str) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, restart=restart))
        ref = it.ref()

        ref.tell(Do(stop_self))
        await it.incarnations(1)

        assert it.ends() == ["normal"]
        assert script.hooks(1) == ["__init__", "on_start", "on_stop"]
        if restart == "permanent":
            assert await within(ref.request(Do(birth))) == 2
            assert await states(sup) == [("it", "running")]
            return
        await it.events.until(lambda: it.gone("/sup/it") == 1)
        assert await states(sup) == ([("it", "down")] if restart == "transient" else [])
        assert script.births == 1
        assert not ref.is_alive()
        assert it.actors == 1
        with pytest.raises(ActorStopped):
            await within(ref.request(Do(birth)))


@each_kind
@pytest.mark.parametrize(
    ("reason", "comes_back"),
    [
        (ExitReason("normal"), False),
        (ExitReason("shutdown"), False),
        (ExitReason("shutdown", tag="enough"), False),
        (ExitReason("failed"), True),
        (ExitReason("killed"), True),
    ],
    ids=str,
)
async def test_a_transient_child_is_restarted_if_its_reason_is_no_good_one(
    kind: Kind, reason: ExitReason, comes_back: bool
) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, restart="transient"))
        ref = it.ref()

        ref.tell(Do(stop_with(reason)))
        await it.incarnations(1)

        if comes_back:
            assert await within(ref.request(Do(birth))) == 2
        else:
            await it.events.until(lambda: it.gone("/sup/it") == 1)
            assert await states(sup) == [("it", "down")]


@each_kind
async def test_what_is_queued_when_a_permanent_child_stops_is_handled_by_the_next_instance(
    kind: Kind,
) -> None:
    def send_and_stop(actor: Any) -> None:
        for number in range(5):
            actor.actor_ref.tell(Note(number))
        actor.stop()

    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script))

        it.ref().tell(Do(send_and_stop))
        await it.incarnations(1)
        assert await within(it.ref().request(Do(birth))) == 2

        assert script.handled == [(number, 2) for number in range(5)]
        assert it.letters() == []


@each_kind
@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_what_is_queued_when_a_child_stops_for_good_is_dead_letters(
    kind: Kind, restart: str
) -> None:
    answers: list[Any] = []

    def send_and_stop(actor: Any) -> None:
        actor.actor_ref.tell(Note("told"))
        answers.append(actor.actor_ref.ask(Note("asked"), block=False))
        actor.stop()

    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, restart=restart))

        it.ref().tell(Do(send_and_stop))
        await it.events.until(lambda: it.gone("/sup/it") == 1)

        with pytest.raises(ActorStopped):
            await within(answers[0])
        assert it.letters(DeadLetterReason.STOPPED) == ["told", "asked"]
        assert script.handled == []


@each_kind
async def test_a_child_that_stops_in_its_first_start_is_restarted_within_the_limit(
    kind: Kind,
) -> None:
    script = Script().on("on_start", stop_self, birth=1)
    async with world() as it:
        await it.supervise(child(kind, script), intensity=1)

        assert await within(it.ref().request(Do(birth))) == 2
        assert it.ends() == ["normal"]


# -- a child that others stop -----------------------------------------------------------


@each_kind
@each_restart_type
@pytest.mark.parametrize("how", ["stop", "drain"])
async def test_a_child_that_somebody_else_stops(kind: Kind, restart: str, how: str) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, restart=restart))
        ref = it.ref()

        assert await within(getattr(ref, how)(block=False)) is True

        assert it.ends() == ["normal"]
        if restart == "permanent":
            assert await within(ref.request(Do(birth))) == 2
            return
        await it.events.until(lambda: it.gone("/sup/it") == 1)
        assert await states(sup) == ([("it", "down")] if restart == "transient" else [])
        assert it.actors == 1
        assert await within(getattr(ref, how)(block=False)) is False


@each_hanging
async def test_drain_lets_what_is_queued_be_handled_before_the_restart(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        for number in range(5):
            ref.tell(Note(number))

        draining = ref.drain(block=False)
        ref.tell(Note("too late"))
        hang.release()

        assert await within(draining) is True
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [(number, 1) for number in range(5)]
        assert it.letters(DeadLetterReason.STOPPED) == ["too late"]


@each_hanging
async def test_stop_leaves_what_is_queued_to_the_next_instance(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        for number in range(5):
            ref.tell(Note(number))

        stopping = ref.stop(block=False)
        hang.release()

        assert await within(stopping) is True
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [(number, 2) for number in range(5)]
        assert it.letters() == []


@each_hanging
async def test_a_drain_that_meets_a_crash_ends_with_it(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script), intensity=1)
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        ref.tell(Fail(Crash()))
        ref.tell(Note("behind"))

        draining = ref.drain(block=False)
        hang.release()
        assert await within(draining) is True

        assert await within(ref.request(Do(birth))) == 2
        ref.tell(Note("for the second"))
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("behind", 2), ("for the second", 2)]
        assert it.ends() == ["failed"]


# -- what an abandoned instance still does ----------------------------------------------


@each_thread
async def test_the_late_reply_of_an_abandoned_thread_is_dropped(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        asking = asyncio.ensure_future(ref.request(Do(hang)))
        await hang.reached()
        later = ref.ask(Note("queued"), block=False)

        ref.kill()
        with pytest.raises(ActorStopped):
            await within(asking)
        # It had not been handled: that is for the next instance.
        assert await within(later) == 2

        leaked = await it.events.first(ThreadLeaked)
        assert leaked.path == "/sup/it"
        assert "Hang" in leaked.stack or "__call__" in leaked.stack
        hang.release()
        assert await within(ref.request(Do(birth))) == 2
        assert it.events.of(LateReply) == []
        assert len(it.events.of(ThreadLeaked)) == 1
        assert it.ends() == ["killed"]
        assert it.failures() == []


@each_thread
async def test_an_abandoned_thread_that_fails_late_is_nobodys_failure(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script), intensity=1)
        ref = it.ref()
        left = it.hang()

        def fail_late(actor: Any) -> None:
            try:
                hang(actor)
                raise Crash
            finally:
                left(actor)

        left.release()
        ref.tell(Do(fail_late))
        await hang.reached()
        ref.kill()
        assert await within(ref.request(Do(birth))) == 2

        hang.release()
        await left.reached()
        assert await within(ref.request(Do(birth))) == 2
        assert it.ends() == ["killed"]
        assert it.failures() == []
        assert "on_failure" not in script.hooks(1)


@each_thread
async def test_an_abandoned_thread_cannot_touch_the_next_instance(kind: Kind) -> None:
    """It may try all that an actor may do; the state of the next one stays as it is."""
    async with world() as it:
        hang, left = it.hang(), it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        problems: list[object] = []

        def meddle(actor: Any) -> None:
            hang(actor)
            context = actor.context
            attempts: list[Callable[[], object]] = [
                partial(context.start_timer, "key", Note("a tick of the first"), after=1.0),
                partial(context.set_receive_timeout, 1.0, Note("silence of the first")),
                partial(context.become, problems.append),
                context.stash,
                context.stop_self,
                actor.stop,
            ]
            for attempt in attempts:
                with suppress(DramaturgError):  # refusing is as good
                    attempt()
            left(actor)

        left.release()
        ref.tell(Do(meddle))
        await hang.reached()
        ref.kill()
        assert await within(ref.request(Do(birth))) == 2

        hang.release()
        await left.reached()
        await it.passes(10.0)
        assert await within(ref.request(Note("for the second"))) == 2
        assert script.handled == [("for the second", 2)]
        assert it.ends() == ["killed"]
        assert script.births == 2
        assert problems == []
