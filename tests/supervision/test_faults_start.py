"""A child that fails, hangs, is killed or is stopped while it starts, or starts again."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorFailed,
    ActorStarted,
    ActorStopped,
    DeadLetterReason,
    Ignore,
    StartFailed,
    ThreadLeaked,
)
from dramaturg.supervision import (
    Backoff,
    ChildStarted,
    ChildStartFailed,
    FailedToStartChild,
    RestartLimitReached,
    StartChild,
    StartTimeout,
    TerminateChild,
    WhichChildren,
)
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.faults import (
    RESTARTS,
    STARTS,
    AsyncChild,
    Hook,
    Kind,
    Script,
    birth,
    child,
    each_hanging,
    each_kind,
    raising,
    world,
)

each_start = pytest.mark.parametrize("hook", STARTS)
each_restart = pytest.mark.parametrize("hook", RESTARTS)
each_slow_restart = pytest.mark.parametrize("hook", RESTARTS[1:])

LONG = 60.0
"""Seconds of virtual time; longer than anything here takes."""


# -- crashes at the first start ---------------------------------------------------------


@each_kind
@each_start
async def test_a_supervisor_does_not_come_up_if_a_child_crashes_in_its_start(
    kind: Kind, hook: Hook
) -> None:
    error = Crash("at once")
    first, failing, last = Script(), Script().on(hook, raising(error)), Script()
    async with world() as it:
        sup = it.begin(child(kind, first, "first"), child(kind, failing), child(kind, last, "last"))

        with pytest.raises(StartFailed) as caught:
            await within(sup.started())

        await it.events.until(lambda: it.gone("/sup") == 1)
        cause = caught.value.__cause__
        assert isinstance(cause, FailedToStartChild)
        assert cause.child == "it"
        assert cause.__cause__ is error
        assert first.hooks(1) == ["__init__", "on_start", "on_stop"]
        assert last.births == 0
        assert it.failures() == [(hook, 1)]
        assert it.actors == 0
        with pytest.raises(FailedToStartChild):
            await within(it.system.wait())


@each_kind
@each_start
async def test_a_child_that_crashes_in_its_first_start_gets_a_plain_refusal(
    kind: Kind, hook: Hook
) -> None:
    error = Crash("at once")
    script = Script().on(hook, raising(error), birth=1)
    async with world() as it:
        sup = await it.supervise()

        with pytest.raises(ChildStartFailed) as caught:
            await within(sup.request(StartChild(child(kind, script))))

        assert caught.value.error is error
        assert await within(sup.request(WhichChildren())) == ()
        assert it.gone("/sup/it") == 1
        assert it.actors == 1
        started = await within(sup.request(StartChild(child(kind, script))))
        assert isinstance(started, ChildStarted)
        assert script.births == 2


@each_kind
async def test_messages_to_a_child_that_never_came_up_are_dead_letters(kind: Kind) -> None:
    refs: list[Any] = []

    def early(actor: Any) -> None:
        ref = actor.actor_ref
        refs.append(ref)
        ref.tell(Note("told"))
        raise Crash

    script = Script().on("on_start", early)
    async with world() as it:
        sup = await it.supervise()
        with pytest.raises(ChildStartFailed):
            await within(sup.request(StartChild(child(kind, script))))
        refs[0].tell(Note("told later"))

        assert it.letters(DeadLetterReason.STOPPED) == ["told", "told later"]
        assert script.handled == []
        assert not refs[0].is_alive()


@each_kind
async def test_a_hook_for_failures_that_crashes_itself_changes_nothing(kind: Kind) -> None:
    error = Crash("at once")
    script = Script().on("on_start", raising(error)).on("on_failure", raising(Crash("again")))
    async with world() as it:
        sup = await it.supervise()

        with pytest.raises(ChildStartFailed) as caught:
            await within(sup.request(StartChild(child(kind, script))))

        assert caught.value.error is error
        assert it.failures() == [("on_start", 1), ("on_failure", 1)]
        assert it.actors == 1


# -- crashes at a restart ---------------------------------------------------------------


@each_kind
@each_restart
async def test_a_restart_that_crashes_is_tried_again_until_it_succeeds(
    kind: Kind, hook: Hook
) -> None:
    errors = [Crash("second"), Crash("third")]
    script = Script()
    for number, error in enumerate(errors, 2):
        script.on(hook, raising(error), birth=number)
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()

        with pytest.raises(ActorCrashed):
            await within(ref.request(Fail(Crash("first"))))

        assert await within(ref.request(Do(birth))) == 4
        assert it.ref() is ref
        assert it.failures() == [("message", 1), (hook, 2), (hook, 3)]
        assert it.ends() == ["failed"] * 3
        assert script.hooks(4) == ["__init__", "on_restart", "on_start"]
        # Each new instance is told why the one before it ended.
        assert script.causes[-1] is errors[-1]


@each_kind
@each_restart
@pytest.mark.parametrize(("intensity", "survives"), [(2, False), (3, True)])
async def test_each_failed_attempt_to_restart_counts(
    kind: Kind, hook: Hook, intensity: int, survives: bool
) -> None:
    last = Crash("third")
    script = Script()
    script.on(hook, raising(Crash("second")), birth=2).on(hook, raising(last), birth=3)
    async with world() as it:
        await it.supervise(child(kind, script), intensity=intensity)
        ref = it.ref()

        ref.tell(Fail(Crash("first")))

        if survives:
            assert await within(ref.request(Do(birth))) == 4
            return
        with pytest.raises(RestartLimitReached) as caught:
            await within(it.system.wait())
        assert caught.value.__cause__ is last
        await it.events.until(lambda: it.gone("/sup") == 1)
        assert script.births == 3
        assert it.actors == 0


@each_kind
@each_restart
async def test_messages_outlive_restarts_that_crash(kind: Kind, hook: Hook) -> None:
    script = Script()
    for number in range(2, 6):
        script.on(hook, raising(Crash(number)), birth=number)

    def send(actor: Any) -> None:
        for number in range(10):
            actor.actor_ref.tell(Note(number))
        raise Crash

    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()

        ref.tell(Do(send))
        await it.incarnations(5)
        assert await within(ref.request(Do(birth))) == 6

        assert script.handled == [(number, 6) for number in range(10)]
        assert len(it.letters()) == 1


@each_kind
async def test_a_child_that_wants_no_restart_gets_none(kind: Kind) -> None:
    script = Script().on("on_start", raising(Ignore("no need")), birth=2)
    async with world() as it:
        sup = await it.supervise(child(kind, script))
        ref = it.ref()

        ref.tell(Fail(Crash()))
        await it.events.until(lambda: it.gone("/sup/it") == 1)

        [info] = await within(sup.request(WhichChildren()))
        assert (info.ref, info.state) == (None, "down")
        assert not ref.is_alive()
        assert script.births == 2
        assert it.actors == 1


# -- hanging ----------------------------------------------------------------------------


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


# -- killed while it starts -------------------------------------------------------------


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


# -- stopped while it starts ------------------------------------------------------------


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


# -- while a restart is due -------------------------------------------------------------

PAUSE = Backoff(10.0, 10.0)


@each_kind
async def test_what_is_sent_during_the_pause_before_a_restart_is_handled_after_it(
    kind: Kind,
) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()

        ref.tell(Note("told"))
        waiting = asyncio.ensure_future(ref.request(Do(birth), timeout=LONG))
        later = ref.ask(Note("asked"), block=False)
        await it.passes(9.99)
        assert script.births == 1
        assert not waiting.done()
        await it.passes(0.01)

        assert await within(waiting) == 2
        assert await within(later) == 2
        assert script.handled == [("told", 2), ("asked", 2)]


@each_kind
@pytest.mark.parametrize("how", ["stop", "drain"])
async def test_an_order_to_stop_during_the_pause_is_done_at_once_and_the_restart_still_due(
    kind: Kind, how: str
) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()
        ref.tell(Note("kept"))

        await within(getattr(ref, how)(block=False))

        await it.passes(10.0)
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("kept", 2)]
        assert it.ends() == ["failed"]


@each_kind
async def test_a_kill_during_the_pause_changes_nothing(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()
        ref.tell(Note("kept"))

        ref.kill()
        await within(ref.stop(block=False))

        await it.passes(10.0)
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("kept", 2)]
        assert it.ends() == ["failed"]


@each_kind
async def test_who_is_terminated_during_the_pause_does_not_come_back(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()
        ref.tell(Note("told"))
        waiting = asyncio.ensure_future(ref.request(Note("asked"), timeout=LONG))
        await it.passes(1.0)

        await within(sup.request(TerminateChild("it")))

        with pytest.raises(ActorStopped):
            await within(waiting)
        await it.passes(LONG)
        assert script.births == 1
        assert it.letters(DeadLetterReason.STOPPED) == ["told", "asked"]
        assert not ref.is_alive()
        assert it.gone("/sup/it") == 1
        assert it.clock.pending == 0


@each_kind
async def test_a_supervisor_that_stops_during_the_pause_leaves_nobody(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()
        ref.tell(Note("told"))

        await within(sup.stop(block=False))
        await it.passes(LONG)

        assert script.births == 1
        assert it.letters(DeadLetterReason.STOPPED) == ["told"]
        assert not ref.is_alive()
        assert it.actors == 0


@each_kind
async def test_each_failure_to_start_is_reported_once(kind: Kind) -> None:
    script = Script().on("on_start", raising(Crash("no")))
    script.on("on_start", lambda actor: None, birth=1)
    async with world() as it:
        await it.supervise(child(kind, script), intensity=3)

        it.ref().tell(Fail(Crash("first")))
        await it.events.until(lambda: it.gone("/sup") == 1)

        reports = it.events.of(ActorFailed)
        assert [(each.path, each.phase) for each in reports] == [
            ("/sup/it", "message"),
            ("/sup/it", "on_start"),
            ("/sup/it", "on_start"),
            ("/sup/it", "on_start"),
        ]
