"""How a child ends, and what follows from it by its restart type."""

from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorFailed, ActorRef, ActorStarted, IncarnationEnded
from dramaturg.supervision import ChildSpec, ShutdownFailed, SupervisorSpec, TerminateChild
from tests.actors.kit import deaf, ended, within
from tests.supervision.api_kit import ask
from tests.supervision.kit import (
    SCRIPTED,
    Kind,
    QuietLoop,
    Script,
    child,
    crash,
    each_kind,
    leave,
    planted,
)

ENDS: dict[str, Callable[[ActorRef[Any]], Any]] = {
    "crash": crash,
    "kill": lambda ref: ref.kill(),
    "normal": leave,
    "shutdown": lambda ref: leave(ref, "shutdown"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize("kind", SCRIPTED)
async def test_what_follows_an_end_depends_on_restart_type_and_reason(
    kind: Kind, restart: Any, end: str
) -> None:
    script = Script()
    again = restart == "permanent" or (restart == "transient" and end in {"crash", "kill"})

    async with planted([child(script, "a", kind, restart=restart)]) as tree:
        ref = tree.ref("a")
        await tree.end_of("a", ENDS[end])

        left = {} if restart == "temporary" else {"a": "running" if again else "down"}
        assert await tree.states() == left
        assert ref.is_alive() == again
        assert len(script.begun) == 1 + again
        assert len(tree.events.of(ActorFailed, "/top/a")) == (end == "crash")


@pytest.mark.parametrize("kind", SCRIPTED)
async def test_one_crash_more_than_the_intensity_is_the_end(kind: Kind) -> None:
    script = Script()

    async with planted([child(script, "a", kind)], intensity=3, period=5.0) as tree:
        for _ in range(3):
            await tree.end_of("a", crash)
            assert await tree.advance(1.0) == {"a": "running"}
        crash(tree.ref("a"))

        await ended(tree.top)
        assert len(script.begun) == 4


def test_a_child_that_outlasts_its_time_is_killed_and_reported() -> None:
    class Stubborn(Actor):
        async def on_stop(self) -> None:
            await deaf(self)

    loop = QuietLoop()

    async def play() -> None:
        async with planted([ChildSpec("a", Stubborn, shutdown=2.0)]) as tree:
            asked = tree.top.ask(TerminateChild("a"), block=False)
            await loop.quiet(tree.system)
            assert not asked.is_done()
            tree.clock.advance(2.0)
            await within(asked)

            assert await tree.states() == {"a": "down"}
            [report] = tree.events.of(ShutdownFailed)
            assert (report.path, report.reason.kind) == ("/top/a", "killed")

    loop.run_and_close(play())


@each_kind
async def test_a_child_that_is_killed_at_once_is_as_expected(kind: Kind) -> None:
    script = Script()

    async with planted([child(script, "a", kind, shutdown="brutal_kill")]) as tree:
        await ask(tree, TerminateChild("a"))

        assert tree.events.of(IncarnationEnded, "/top/a")[0].reason.kind == "killed"
        assert not tree.events.of(ShutdownFailed)


async def test_a_temporary_child_never_has_two_incarnations() -> None:
    script = Script()
    group = [child(script, "a", restart="temporary"), child(script, "b")]
    sub = ChildSpec("sub", SupervisorSpec(group, strategy="one_for_all"))

    async with planted([sub]) as tree:
        first = tree.ref("sub/a")
        await tree.end_of("sub", lambda sub: sub.request_stop())

        assert [each.incarnation for each in tree.events.of(ActorStarted, "/top/sub/a")] == [1, 1]
        assert tree.ref("sub/a") != first
        assert not first.is_alive()
