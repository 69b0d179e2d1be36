"""A supervisor is asked to start a child of its again."""

from dramaturg.supervision import (
    ChildRestarting,
    ChildRunning,
    ChildStarted,
    ChildStartFailed,
    DeleteChild,
    RestartChild,
    StartChild,
    TerminateChild,
)
from tests.actors.kit import Crash, Do, within
from tests.supervision.api_kit import ask, each_failure, each_ignore, refused, restarting
from tests.supervision.kit import (
    INFO,
    Kind,
    Outcome,
    Script,
    child,
    crash,
    each_kind,
    leave,
    planted,
)


@each_kind
async def test_a_terminated_child_is_started_again_under_its_old_ref(kind: Kind) -> None:
    script = Script()
    script.plan("a", "ok", "info")

    async with planted([child(script, "a", kind), child(script, "b")], intensity=0) as tree:
        ref = tree.ref("a")
        await ask(tree, TerminateChild("a"))

        reply = await ask(tree, RestartChild("a"))

        assert reply == ChildStarted(ref, INFO)
        assert ref.is_alive()
        assert await within(ref.request(Do(lambda _: "at work"))) == "at work"
        assert await tree.states() == {"a": "running", "b": "running"}


async def test_a_transient_child_that_has_finished_is_started_again() -> None:
    script = Script()

    async with planted([child(script, "a", restart="transient")]) as tree:
        await tree.end_of("a", leave)
        assert await tree.states() == {"a": "down"}

        assert (await ask(tree, RestartChild("a"))).ref is tree.ref("a")


async def test_a_running_child_is_not_restarted() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await refused(tree, RestartChild("a"), ChildRunning)


async def test_a_child_whose_restart_is_due_is_not_restarted() -> None:
    script = Script()

    async with planted([restarting(script)]) as tree:
        await tree.end_of("a", crash)

        await refused(tree, RestartChild("a"), ChildRestarting)


@each_kind
@each_failure
async def test_a_restart_on_request_that_fails_is_not_tried_again(
    kind: Kind, outcome: Outcome
) -> None:
    script = Script()

    async with planted([child(script, "a", kind)], intensity=0) as tree:
        await ask(tree, TerminateChild("a"))
        script.plan("a", outcome, outcome)

        for _ in range(2):
            error = await refused(tree, RestartChild("a"), ChildStartFailed)
            assert isinstance(error.error, Crash)

        assert len(script.begun) == 3
        assert (await ask(tree, RestartChild("a"))).ref is not None


@each_ignore
async def test_a_restart_on_request_may_be_ignored(outcome: Outcome) -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await ask(tree, TerminateChild("a"))
        script.plan("a", outcome)

        assert await ask(tree, RestartChild("a")) == ChildStarted(None)
        assert await tree.states() == {"a": "down"}


async def test_starts_and_restarts_on_request_are_not_counted() -> None:
    script = Script()

    async with planted([child(script, "a")], intensity=1) as tree:
        for _ in range(5):
            await ask(tree, TerminateChild("a"))
            await ask(tree, RestartChild("a"))
        for _ in range(5):
            await ask(tree, StartChild(child(script, "b")))
            await ask(tree, TerminateChild("b"))
            await ask(tree, DeleteChild("b"))

        await tree.end_of("a", crash)
        assert await tree.states() == {"a": "running"}
