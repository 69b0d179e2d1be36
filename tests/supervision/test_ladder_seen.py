"""What is seen of a degradation: events, health, the tree, and a hook of the original."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorStopped,
    StartFailed,
    handler,
)
from dramaturg.supervision import (
    ChildDegraded,
    ChildRecovered,
    ChildSpec,
    WhichChildren,
)
from tests.actors.kit import Crash, Do, Fail, Note, settled, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import (
    AsyncChild,
    Kind,
    LoopChild,
    Script,
    ThreadChild,
    birth,
    raising,
)
from tests.supervision.test_ladder import (
    EVERY,
    IT,
    boom,
    climb_back,
    condition,
    held_back,
    ladder,
    path,
    step_down,
)

# -- what is seen of it -------------------------------------------------------------------


async def test_events_tell_of_each_step() -> None:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    async with world() as it:
        rungs = [(LoopChild, Script()), (LoopChild, Script()), (LoopChild, Script())]
        await it.supervise(ladder(*rungs), intensity=0)
        ref = it.ref()
        it.clock.advance(1.0)
        ref.tell(Fail(Crash("the first")))
        await settled(ref)
        it.clock.advance(2.0)
        ref.tell(Fail(ValueError("the second")))
        await settled(ref)
        await climb_back(it, after=3.0)

        at = timedelta(seconds=1.0)
        assert it.events.of(ChildDegraded) == [
            ChildDegraded(
                path=IT, time=start + at, rung=1, serving=f"{IT}~1", reason="Crash: the first"
            ),
            ChildDegraded(
                path=IT, time=start + 3 * at, rung=2, serving=f"{IT}~2",
                reason="ValueError: the second",
            ),
        ]  # fmt: skip
        assert it.events.of(ChildRecovered) == [
            ChildRecovered(path=IT, time=start + 6 * at, degraded_for=5.0)
        ]


async def test_an_error_that_cannot_be_rendered_is_no_reason_to_give_up() -> None:
    class Mute(Exception):  # noqa: N818 - a test's own
        def __str__(self) -> str:
            raise ValueError

    async with world() as it:
        await it.supervise(ladder((LoopChild, Script()), (LoopChild, Script())), intensity=0)
        it.ref().tell(Fail(Mute()))

        assert (await it.events.first(ChildDegraded)).reason.startswith("Mute")


async def test_the_health_names_what_is_degraded_why_since_when_and_what_is_left() -> None:
    async with world() as it:
        rungs = [(LoopChild, Script()), (AsyncChild, Script()), (LoopChild, Script())]
        await it.supervise(ladder(*rungs), intensity=0)
        assert it.system.health().status == "healthy"
        it.clock.advance(7.0)
        await step_down(it)
        it.clock.advance(1.0)

        health = it.system.health()
        assert health.status == "degraded"
        assert [part.path for part in health.degraded] == [IT]
        front, serving = health.find(IT), health.find(f"{IT}~1")
        assert front is not None
        assert serving is not None
        assert front.degraded is not None
        assert front.degraded.to_dict() == {
            "rung": "AsyncChild",
            "reason": "Crash: boom",
            "since": 7.0,
            "since_time": "2000-01-01T00:00:07+00:00",
            "rungs_left": 1,
        }
        assert front.reason is not None
        assert front.reason.startswith("Crash: boom")
        assert (front.state, front.status, serving.state, serving.status) == (
            "down", "degraded", "running", "healthy",
        )  # fmt: skip


async def test_the_health_is_that_of_the_lowest_rung_and_well_after_the_recovery() -> None:
    async with world() as it:
        rungs = [(LoopChild, Script()), (LoopChild, Script()), (LoopChild, Script())]
        await it.supervise(ladder(*rungs), intensity=0)
        assert condition(it) == ("healthy", None)
        await step_down(it)
        assert condition(it) == ("degraded", 1)
        await step_down(it)
        assert condition(it) == ("degraded", 0)
        assert it.system.health().find(f"{IT}~1") is None

        await climb_back(it)

        assert condition(it) == ("healthy", None)
        assert it.system.health().status == "healthy"


async def test_a_child_that_is_about_to_recover_is_degraded_and_not_failing() -> None:
    async with world() as it:
        hang = it.hang()
        await it.supervise(ladder((LoopChild, Script()), (AsyncChild, Script())), intensity=0)
        await step_down(it)
        it.ref().tell(Do(hang))
        await hang.reached()
        it.clock.advance(EVERY)
        await held_back(it)

        assert condition(it) == ("degraded", 0)


async def test_the_tree_shows_the_front_as_degraded_and_beside_it_who_serves() -> None:
    async with world() as it:
        await it.supervise(ladder((LoopChild, Script()), (AsyncChild, Script())), intensity=0)
        await step_down(it)

        lines = it.system.tree().splitlines()
        assert lines[0].startswith("test: degraded, actors 3, ")
        assert "it (LoopChild) down [degraded to AsyncChild, rungs left 0: Crash: boom" in lines[2]
        assert lines[3].endswith("└── it~1 (AsyncChild) running")

        await climb_back(it)

        assert it.system.tree().splitlines()[0].startswith("test: healthy, actors 2, ")
        assert "degraded" not in it.system.tree()


# -- the hook -----------------------------------------------------------------------------


class Returning(LoopChild):
    """Notes when it serves again."""

    def on_recover(self) -> Any:
        self.script.handled.append(("on_recover", self.birth))


class AsyncReturning(AsyncChild):
    """The same with ``async def`` methods."""

    async def on_recover(self) -> None:
        await turns(3)
        self.script.handled.append(("on_recover", self.birth))


class ThreadReturning(ThreadChild, Returning):
    """The same on a thread of its own."""


@pytest.mark.parametrize("kind", [Returning, AsyncReturning, ThreadReturning])
async def test_a_hook_runs_when_the_original_serves_again_and_before_the_messages(
    kind: Kind,
) -> None:
    original, fallback = Script(), Script()
    fallback.handled = original.handled
    async with world() as it:
        hang = it.hang()
        await it.supervise(ladder((kind, original), (AsyncChild, fallback)), intensity=0)
        ref = it.ref()
        await step_down(it)
        ref.tell(Do(hang))
        ref.tell(Note("queued"))
        await hang.reached()
        it.clock.advance(EVERY)
        await held_back(it)
        ref.tell(Note("new"))
        assert original.handled == []

        hang.release()
        await it.events.first(ChildRecovered)
        await settled(ref)

        assert original.handled == [("queued", 1), ("on_recover", 2), ("new", 2)]
        assert original.hooks(2) == ["__init__", "on_start"]


@pytest.mark.parametrize("kind", [LoopChild, AsyncChild, ThreadChild])
async def test_an_original_that_fails_in_the_hook_is_restarted_as_after_any_failure(
    kind: Kind,
) -> None:
    class Failing(kind):  # type: ignore[misc]
        def on_recover(self) -> None:
            raise Crash("on_recover")

    original = Script()
    async with world() as it:
        spec = ladder((Failing, original), (LoopChild, Script()))
        await it.supervise(spec, intensity=1)
        ref = it.ref()
        ref.tell(boom())
        await step_down(it)
        await climb_back(it)

        assert await within(ref.request(Do(birth))) == 4
        assert original.causes[-1].args == ("on_recover",)
        assert it.failures()[-1] == ("on_recover", 3)


class Plain(Actor):
    """Has no hooks at all."""

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


async def test_actors_without_any_hook_degrade_and_recover() -> None:
    async with world() as it:
        await it.supervise(ChildSpec("it", Plain, fallbacks=(Plain,)), intensity=0)
        ref = it.ref()
        with pytest.raises(ActorCrashed):
            await within(ref.request(boom()))
        assert await within(ref.request(Do(path))) == f"{IT}~1"

        await climb_back(it)

        assert await within(ref.request(Do(path))) == IT


async def test_a_child_that_does_not_come_up_at_first_does_not_step_down() -> None:
    fallback = Script()
    broken = Script().on("on_start", raising(Crash("at once")))
    async with world() as it:
        sup = it.begin(ladder((LoopChild, broken), (LoopChild, fallback)))
        with pytest.raises(StartFailed):
            await within(sup.started())
        assert fallback.births == 0
        with pytest.raises(ActorStopped):
            await within(sup.request(WhichChildren()))
