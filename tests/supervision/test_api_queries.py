"""A supervisor is asked which children it has, how many, and by which specs."""

from dramaturg.supervision import (
    ChildCounts,
    ChildInfo,
    ChildSpec,
    CountChildren,
    GetChildSpec,
    RestartChild,
    SupervisorSpec,
    TerminateChild,
    WhichChildren,
)
from tests.supervision.api_kit import ask, restarting
from tests.supervision.kit import Script, child, crash, leave, planted


def a_mixed_group(script: Script) -> list[ChildSpec]:
    return [
        child(script, "a"),
        ChildSpec("sub", SupervisorSpec()),
        restarting(script, "c"),
        child(script, "d", restart="transient"),
    ]


async def test_children_are_listed_in_start_order_with_what_they_are() -> None:
    script = Script()

    async with planted(a_mixed_group(script)) as tree:
        await tree.end_of("c", crash)
        await tree.end_of("d", leave)

        assert await ask(tree, WhichChildren()) == (
            ChildInfo("a", tree.ref("a"), "running", "worker"),
            ChildInfo("sub", tree.ref("sub"), "running", "supervisor"),
            ChildInfo("c", None, "restarting", "worker"),
            ChildInfo("d", None, "down", "worker"),
        )


async def test_children_are_counted() -> None:
    script = Script()

    async with planted(a_mixed_group(script)) as tree:
        await tree.end_of("c", crash)
        await tree.end_of("d", leave)

        assert await ask(tree, CountChildren()) == ChildCounts(4, 2, 1, 3)


async def test_a_child_without_an_actor_keeps_its_place() -> None:
    script = Script()

    async with planted([child(script, each) for each in "abc"]) as tree:
        await ask(tree, TerminateChild("a"))
        await ask(tree, RestartChild("a"))

        assert [*await tree.states()] == ["a", "b", "c"]


async def test_a_spec_is_given_with_all_its_defaults() -> None:
    script = Script()
    spec = child(script, "a")

    async with planted([spec]) as tree:
        assert await ask(tree, GetChildSpec("a")) == spec
        assert await ask(tree, GetChildSpec(tree.ref("a"))) == spec
        await ask(tree, TerminateChild("a"))
        assert (await ask(tree, GetChildSpec("a"))).shutdown == 5.0
