"""A supervisor is asked to start one more child."""

from typing import Any

import pytest

from dramaturg.actors import Actor, ActorFailed, OptionError
from dramaturg.supervision import (
    AlreadyPresent,
    AlreadyStarted,
    ChildSpec,
    ChildStarted,
    ChildStartFailed,
    DeleteChild,
    SpecRefused,
    StartChild,
    StartTimeout,
    SupervisorSpec,
    TerminateChild,
    WhichChildren,
)
from tests.actors.kit import Crash, Do, deaf, within
from tests.supervision.api_kit import ask, each_failure, each_ignore, refused, restarting
from tests.supervision.kit import (
    INFO,
    Kind,
    Outcome,
    QuietLoop,
    Script,
    child,
    crash,
    each_kind,
    planted,
)


@each_kind
async def test_a_child_is_added_as_the_last_and_started(kind: Kind) -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        reply = await ask(tree, StartChild(child(script, "b", kind)))

        assert reply == ChildStarted(tree.ref("b"), None)
        assert await tree.states() == {"a": "running", "b": "running"}
        assert await within(tree.ref("b").request(Do(lambda _: "at work"))) == "at work"


@each_kind
async def test_what_on_start_returned_comes_with_the_reply(kind: Kind) -> None:
    script = Script()
    script.plan("a", "info")

    async with planted() as tree:
        reply = await ask(tree, StartChild(child(script, "a", kind)))

        assert reply.info == INFO


@each_kind
@each_ignore
@pytest.mark.parametrize(
    ("restart", "left"),
    [("permanent", {"a": "down"}), ("transient", {"a": "down"}), ("temporary", {})],
)
async def test_a_child_that_asks_to_be_ignored_keeps_its_spec_unless_it_is_temporary(
    kind: Kind, outcome: Outcome, restart: Any, left: dict[str, str]
) -> None:
    script = Script()
    script.plan("a", outcome)

    async with planted() as tree:
        reply = await ask(tree, StartChild(child(script, "a", kind, restart=restart)))

        assert reply == ChildStarted(None)
        assert await tree.states() == left
        assert not tree.events.of(ActorFailed)


async def test_a_running_id_is_not_started_again() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        error = await refused(tree, StartChild(child(script, "a")), AlreadyStarted)

        assert (error.child, error.ref) == ("a", tree.ref("a"))


async def test_an_id_that_does_not_run_is_not_started_again() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await ask(tree, TerminateChild("a"))

        error = await refused(tree, StartChild(child(script, "a")), AlreadyPresent)

        assert error.child == "a"


async def test_an_id_whose_restart_is_due_is_not_started_again() -> None:
    script = Script()

    async with planted([restarting(script)]) as tree:
        await tree.end_of("a", crash)

        await refused(tree, StartChild(child(script, "a")), AlreadyPresent)


@each_kind
@each_failure
async def test_a_child_that_does_not_come_up_leaves_nothing(kind: Kind, outcome: Outcome) -> None:
    script = Script()
    script.plan("a", outcome)

    async with planted(intensity=0) as tree:
        error = await refused(tree, StartChild(child(script, "a", kind)), ChildStartFailed)

        assert isinstance(error.error, Crash)
        assert error.__cause__ is error.error
        assert (error.child, str(error.error)) == ("a", outcome)
        assert tree.system.lookup("/top/a") is None
        assert (await ask(tree, StartChild(child(script, "a", kind)))).ref is not None


def test_a_child_that_takes_too_long_to_start_does_not_come_up() -> None:
    class Slow(Actor):
        async def on_start(self) -> None:
            await deaf(self)

    loop = QuietLoop()

    async def play() -> None:
        async with planted() as tree:
            asked = tree.top.ask(StartChild(ChildSpec("a", Slow, start_timeout=2.0)), block=False)
            await loop.quiet(tree.system)
            tree.clock.advance(1.9)
            await loop.quiet(tree.system)
            assert not asked.is_done()
            tree.clock.advance(0.1)

            with pytest.raises(ChildStartFailed) as caught:
                await within(asked)

            error = caught.value.error
            assert isinstance(error, StartTimeout)
            assert (error.path, error.timeout) == ("/top/a", 2.0)
            assert await tree.states() == {}

    loop.run_and_close(play())


async def test_a_significant_child_is_refused_where_nothing_would_come_of_it() -> None:
    script = Script()
    spec = child(script, "a", restart="temporary", significant=True)

    async with planted() as tree:
        error = await refused(tree, StartChild(spec), SpecRefused)

        assert (error.child, error.problem) == ("a", "bad_combination")
        assert not script.begun


async def test_only_a_spec_can_be_asked_to_start() -> None:
    wrong: Any = "a"

    with pytest.raises(OptionError, match="spec"):
        StartChild(wrong)


async def test_what_was_added_is_lost_when_the_supervisor_is_restarted() -> None:
    script = Script()
    sub = ChildSpec("sub", SupervisorSpec([child(script, "a")]))

    async with planted([sub]) as tree:
        added = StartChild(child(script, "b"))
        ref = (await within(tree.ref("sub").request(added))).ref
        await within(tree.ref("sub").request(TerminateChild("a")))
        await within(tree.ref("sub").request(DeleteChild("a")))

        assert ref is not None
        await tree.end_of("sub", lambda sub: sub.request_stop())

        found = await within(tree.ref("sub").request(WhichChildren()))
        assert [(each.id, each.state) for each in found] == [("a", "running")]
        assert not ref.is_alive()
