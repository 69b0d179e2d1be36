"""A supervisor is asked to terminate a child."""

from dramaturg.actors import IncarnationEnded
from dramaturg.supervision import TerminateChild
from tests.supervision.api_kit import ask, restarting
from tests.supervision.kit import Kind, Script, child, crash, each_kind, planted


@each_kind
async def test_a_terminated_child_keeps_its_spec_and_is_not_restarted(kind: Kind) -> None:
    script = Script()

    async with planted([child(script, "a", kind), child(script, "b")], intensity=0) as tree:
        ref = tree.ref("a")

        assert await ask(tree, TerminateChild("a")) is None

        assert await tree.states() == {"a": "down", "b": "running"}
        assert not ref.is_alive()
        assert tree.events.of(IncarnationEnded, "/top/a")[0].reason.kind == "shutdown"


async def test_a_terminated_child_may_be_named_by_its_ref() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        ref = tree.ref("a")
        await ask(tree, TerminateChild(ref))
        await ask(tree, TerminateChild(ref))

        assert await tree.states() == {"a": "down"}


async def test_a_terminated_temporary_child_is_forgotten() -> None:
    script = Script()

    async with planted([child(script, "a", restart="temporary")]) as tree:
        await ask(tree, TerminateChild("a"))

        assert await tree.states() == {}


async def test_terminating_what_does_not_run_is_fine() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await ask(tree, TerminateChild("a"))

        assert await ask(tree, TerminateChild("a")) is None


async def test_terminating_ends_the_attempts_to_restart() -> None:
    script = Script()

    async with planted([restarting(script)]) as tree:
        await tree.end_of("a", crash)
        assert await tree.states() == {"a": "restarting"}

        await ask(tree, TerminateChild("a"))

        assert await tree.advance(3_600) == {"a": "down"}
