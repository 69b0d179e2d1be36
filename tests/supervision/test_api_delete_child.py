"""A supervisor is asked to forget a child."""

from dramaturg.supervision import (
    ChildRestarting,
    ChildRunning,
    DeleteChild,
    StartChild,
    TerminateChild,
)
from tests.supervision.api_kit import ask, refused, restarting
from tests.supervision.kit import Script, child, crash, planted


async def test_a_deleted_child_is_forgotten_and_its_id_is_free() -> None:
    script = Script()

    async with planted([child(script, "a"), child(script, "b")]) as tree:
        await ask(tree, TerminateChild("a"))

        assert await ask(tree, DeleteChild("a")) is None

        assert await tree.states() == {"b": "running"}
        await ask(tree, StartChild(child(script, "a")))
        assert await tree.states() == {"b": "running", "a": "running"}


async def test_a_running_child_is_not_deleted() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await refused(tree, DeleteChild("a"), ChildRunning)


async def test_a_child_whose_restart_is_due_is_not_deleted() -> None:
    script = Script()

    async with planted([restarting(script)]) as tree:
        await tree.end_of("a", crash)

        await refused(tree, DeleteChild("a"), ChildRestarting)
