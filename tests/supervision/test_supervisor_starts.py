"""Supervisors that do not come up, and what comes up again with one."""

from typing import Any

import pykka
import pytest

from dramaturg.actors import (
    ActorFailed,
    ActorStarted,
    GoneError,
    Ignore,
    Props,
    StartFailed,
    ThreadActor,
    _endings as endings,
)
from dramaturg.supervision import (
    ChildSpec,
    FailedToStartChild,
    RestartChild,
    SpecError,
    Supervisor,
    SupervisorSpec,
    WhichChildren,
)
from tests.actors.kit import Crash, Latch, Puppet, ended, within
from tests.any_order import new_system
from tests.supervision.api_kit import ask, each_failure
from tests.supervision.kit import (
    Kind,
    Outcome,
    QuietLoop,
    Script,
    ScriptedSupervisor,
    child,
    each_kind,
    growing,
    planted,
)


def test_a_supervisor_is_made_from_a_spec_and_nothing_else() -> None:
    wrong: Any = [ChildSpec("a", Puppet)]

    with pytest.raises(SpecError) as caught:
        Supervisor(wrong)

    assert caught.value.problem == "bad_return"


async def test_a_supervisor_whose_init_returns_no_spec_does_not_come_up() -> None:
    class Wrong(Supervisor):
        def init(self) -> Any:
            return None

    async with new_system(hold_limit=None) as system:
        with pytest.raises(StartFailed) as caught:
            await within(system.spawn(Wrong).started())

    assert isinstance(caught.value.__cause__, SpecError)
    assert caught.value.__cause__.problem == "bad_return"


async def test_a_supervisor_may_ask_to_be_ignored() -> None:
    class Unwanted(Supervisor):
        def init(self) -> SupervisorSpec:
            raise Ignore

    async with planted([ChildSpec("sub", Unwanted)]) as tree:
        assert await tree.states() == {"sub": "down"}
        assert not tree.events.of(ActorFailed)


@each_kind
@each_failure
async def test_a_supervisor_does_not_come_up_without_one_of_its_children(
    kind: Kind, outcome: Outcome
) -> None:
    script = Script()
    script.plan("b", outcome)

    async with growing(SupervisorSpec([child(script, each, kind) for each in "abc"])) as tree:
        with pytest.raises(StartFailed) as caught:
            await within(tree.top.started())

        error = caught.value.__cause__
        assert isinstance(error, FailedToStartChild)
        assert isinstance(error, GoneError)
        assert (error.path, error.child) == ("/top", "b")
        assert isinstance(error.error, Crash)
        assert error.__cause__ is error.error
        assert [path for _, path in script.begun] == ["/top/a", "/top/b"]
        await ended(tree.top)
        assert tree.system.lookup("/top/a") is None


@pytest.mark.parametrize("outcome", ["fail in init", "ignore in init"])
async def test_a_supervisor_whose_init_failed_once_comes_up_with_its_children(
    outcome: Outcome,
) -> None:
    script = Script()
    start = Props(ScriptedSupervisor, script, SupervisorSpec([child(script, "a")]))

    async with planted([ChildSpec("sub", start)], intensity=2) as tree:
        script.plan("sub", outcome)
        await tree.end_of("sub", lambda sub: sub.request_stop())
        if outcome == "ignore in init":
            await ask(tree, RestartChild("sub"))

        assert await tree.states() == {"sub": "running"}
        found = await within(tree.ref("sub").request(WhichChildren()))
        assert [(each.id, each.state) for each in found] == [("a", "running")]


@pytest.mark.one_order("threads")
async def test_a_supervisor_restarts_with_a_child_of_pykkas() -> None:
    class Blocking(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> Any:
            return message

    sub = ChildSpec("sub", SupervisorSpec([ChildSpec("a", Blocking)]))

    async with planted([sub]) as tree:
        await tree.end_of("sub", lambda sub: sub.request_stop())

        assert await tree.states() == {"sub": "running"}
        assert await within(tree.ref("sub/a").request("hello")) == "hello"


def test_the_late_end_of_a_thread_is_not_taken_for_that_of_its_successor() -> None:
    """Its supervisor has started it again before the old thread is quite through."""
    may_stop, may_go_on = Latch(), Latch()
    made: list[int] = []

    class Slow(ThreadActor):
        def __init__(self) -> None:
            made.append(self.context.incarnation)

        def on_stop(self) -> None:
            may_stop.wait()

    sub = ChildSpec("sub", SupervisorSpec([ChildSpec("a", Slow)]))
    loop = QuietLoop()

    async def play() -> None:
        async with planted([sub]) as tree:
            slow, supervisor = tree.ref("sub/a"), tree.ref("sub")
            supervisor.request_stop()
            await loop.quiet(tree.system, threads=False)
            # Behind its supervisor, who is told first.
            endings.incarnation_ended(slow.cell).add_done_callback(may_go_on.wait)
            may_stop.open()
            await tree.events.until(lambda: len(tree.events.of(ActorStarted, "/top/sub")) == 2)
            may_go_on.open()
            await loop.quiet(tree.system)
            assert made == [1, 2]
            assert len(tree.events.of(ActorStarted, "/top/sub/a")) == 2

    loop.run_and_close(play())
