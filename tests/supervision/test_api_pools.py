"""What a pool can be asked: to start and end instances of its template, and little else."""

from typing import Any

import pytest

from dramaturg.actors import InvalidNameError, OptionError, Terminated
from dramaturg.supervision import (
    AlreadyPresent,
    AlreadyStarted,
    Backoff,
    ChildCounts,
    ChildInfo,
    ChildNotFound,
    ChildSpec,
    ChildStarted,
    ChildStartFailed,
    CountChildren,
    DeleteChild,
    GetChildSpec,
    PoolRefused,
    RestartChild,
    StartChild,
    StartInstance,
    SupervisorSpec,
    TerminateChild,
    WhichChildren,
)
from tests.actors.kit import Crash, Do, Puppet, within
from tests.supervision.api_kit import ask, each_failure, each_ignore, refused
from tests.supervision.kit import Kind, Outcome, Script, child, crash, each_kind, leave, planted


def pool(script: Script, kind: Kind = "loop", **options: Any) -> dict[str, Any]:
    """Make the options of a pool whose template is called "a"."""
    return {
        "children": [child(script, "a", kind, **options)],
        "strategy": "simple_one_for_one",
    }


async def test_a_pool_starts_empty() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        assert await tree.children() == ()
        assert await ask(tree, CountChildren()) == ChildCounts(1, 0, 0, 0)
        assert not script.begun


@each_kind
async def test_an_instance_gets_its_arguments_after_those_of_the_template(kind: Kind) -> None:
    script = Script()

    async with planted(**pool(script, kind)) as tree:
        reply = await ask(tree, StartInstance("ann", limit=10))

        given = await within(reply.ref.request(Do(lambda actor: actor.given)))
        assert given == (("ann",), {"limit": 10})
        assert await ask(tree, WhichChildren()) == (
            ChildInfo(reply.ref.name, reply.ref, "running", "worker"),
        )


async def test_an_instance_gets_its_own_arguments_again_when_it_is_restarted() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        first = (await ask(tree, StartInstance("ann"))).ref
        await ask(tree, StartInstance("bob"))

        await tree.end_of(first.name, crash)

        given = await within(first.request(Do(lambda actor: actor.given)))
        assert given == (("ann",), {})


async def test_instances_are_numbered_or_named() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        for name in (None, "own", None):
            await ask(tree, StartInstance(name=name))

        assert [*await tree.states()] == ["a-1", "own", "a-2"]
        assert await ask(tree, CountChildren()) == ChildCounts(1, 3, 0, 3)


async def test_a_number_that_somebody_has_as_a_name_is_passed_over() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        own = (await ask(tree, StartInstance(name="a-1"))).ref

        other = (await ask(tree, StartInstance())).ref

        assert other != own
        assert [each.ref for each in await tree.children()] == [own, other]


async def test_the_name_of_an_instance_is_not_given_again() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        first = (await ask(tree, StartInstance(name="own"))).ref

        error = await refused(tree, StartInstance(name="own"), AlreadyStarted)

        assert (error.child, error.ref) == ("own", first)


async def test_the_name_of_an_instance_whose_restart_is_due_is_not_given_again() -> None:
    script = Script()

    async with planted(**pool(script, backoff=Backoff(9, 9))) as tree:
        await ask(tree, StartInstance(name="own"))
        await tree.end_of("own", crash)

        await refused(tree, StartInstance(name="own"), AlreadyPresent)


async def test_the_name_of_an_instance_that_is_gone_is_free() -> None:
    script = Script()

    async with planted(**pool(script, restart="temporary")) as tree:
        first = (await ask(tree, StartInstance(name="own"))).ref
        await tree.end_of("own", leave)

        second = (await ask(tree, StartInstance(name="own"))).ref

        assert second != first
        assert not first.is_alive()


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", 7, ["own"]], ids=str)
async def test_an_instance_cannot_have_a_name_that_no_path_holds(name: Any) -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        with pytest.raises((ChildStartFailed, InvalidNameError, OptionError)) as caught:
            await ask(tree, StartInstance(name=name))

        error = caught.value
        assert not isinstance(error, ChildStartFailed) or isinstance(error.error, InvalidNameError)
        assert await tree.states() == {}


@each_kind
@each_failure
async def test_an_instance_that_does_not_come_up_leaves_nothing(
    kind: Kind, outcome: Outcome
) -> None:
    script = Script()
    script.plan("own", outcome)

    async with planted(**pool(script, kind), intensity=0) as tree:
        error = await refused(tree, StartInstance(name="own"), ChildStartFailed)

        assert isinstance(error.error, Crash)
        assert tree.system.lookup("/top/own") is None


async def test_an_instance_with_wrong_arguments_does_not_come_up() -> None:
    async with planted([ChildSpec("a", Puppet)], strategy="simple_one_for_one") as tree:
        error = await refused(tree, StartInstance(1, 2, 3), ChildStartFailed)

        assert isinstance(error.error, TypeError)


@each_ignore
async def test_an_instance_that_asks_to_be_ignored_leaves_nothing(outcome: Outcome) -> None:
    script = Script()
    script.plan("own", outcome)

    async with planted(**pool(script)) as tree:
        assert await ask(tree, StartInstance(name="own")) == ChildStarted(None)
        assert await tree.states() == {}


async def test_only_a_pool_has_instances() -> None:
    async with planted() as tree:
        await refused(tree, StartInstance(), ChildNotFound)


async def test_a_pool_starts_no_children_by_spec() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        error = await refused(tree, StartChild(child(script, "b")), PoolRefused)

        assert error.child == "b"


@pytest.mark.parametrize("message", [TerminateChild, RestartChild, DeleteChild])
@pytest.mark.parametrize("id_", ["a", "a-1", "nobody"])
async def test_a_pool_knows_no_ids(message: Any, id_: str) -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        await ask(tree, StartInstance())

        error = await refused(tree, message(id_), PoolRefused)

        assert error.child == id_


@pytest.mark.parametrize("message", [RestartChild, DeleteChild])
async def test_a_pool_restarts_and_deletes_no_instance_by_ref_either(message: Any) -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        ref = (await ask(tree, StartInstance())).ref

        await refused(tree, message(ref), PoolRefused)


@each_kind
async def test_an_instance_is_terminated_by_its_ref_and_forgotten(kind: Kind) -> None:
    script = Script()

    async with planted(**pool(script, kind)) as tree:
        refs = [(await ask(tree, StartInstance())).ref for _ in range(2)]

        await ask(tree, TerminateChild(refs[0]))
        await ask(tree, TerminateChild(refs[0]))

        assert [each.ref for each in await tree.children()] == refs[1:]
        assert not refs[0].is_alive()


async def test_a_pool_says_of_a_stranger_that_it_is_not_found() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        await refused(tree, TerminateChild(tree.top), ChildNotFound)


async def test_a_pool_gives_its_template() -> None:
    script = Script()
    options = pool(script)

    async with planted(**options) as tree:
        ref = (await ask(tree, StartInstance())).ref

        assert [await ask(tree, GetChildSpec("a"))] == options["children"]
        assert [await ask(tree, GetChildSpec(ref))] == options["children"]


async def test_a_pool_says_of_another_template_that_it_is_not_found() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        await refused(tree, GetChildSpec("b"), ChildNotFound)


async def test_the_instances_of_a_killed_pool_do_not_come_back_as_others() -> None:
    script = Script()
    sub = ChildSpec("sub", SupervisorSpec(**pool(script)))

    async with planted([sub]) as tree:
        before = (await within(tree.ref("sub").request(StartInstance("ann")))).ref
        assert before is not None
        watcher = tree.system.spawn(Puppet)
        await within(watcher.request(Do(lambda actor: actor.context.watch(before))))

        await tree.end_of("sub", lambda sub: sub.kill())
        after = (await within(tree.ref("sub").request(StartInstance("bob")))).ref

        assert after != before
        assert not before.is_alive()
        log = await within(watcher.request(Do(lambda actor: [*actor.log])))
        assert [each.ref for each in log if isinstance(each, Terminated)] == [before]
