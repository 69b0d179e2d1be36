"""A child that crashes while it starts, or starts again."""

from typing import Any

import pytest

from dramaturg.actors import ActorCrashed, ActorFailed, DeadLetterReason, Ignore, StartFailed
from dramaturg.supervision import (
    ChildStarted,
    ChildStartFailed,
    FailedToStartChild,
    RestartLimitReached,
    StartChild,
    WhichChildren,
)
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import world
from tests.supervision.faults import (
    Hook,
    Kind,
    Script,
    birth,
    child,
    each_kind,
    each_restart,
    each_start,
    raising,
)

# -- at the first start ------------------------------------------------------------------


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


# -- at a restart ------------------------------------------------------------------------


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
