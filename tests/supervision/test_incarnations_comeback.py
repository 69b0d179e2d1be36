"""Who comes back under the same ref after its end for good, and who does not."""

import asyncio

import pytest

from dramaturg.actors import ActorStarted, ActorStopped, DeadLetterReason, Terminated
from dramaturg.supervision import (
    ChildRunning,
    ChildStarted,
    DeleteChild,
    RestartChild,
    StartChild,
    StartInstance,
    TerminateChild,
)
from tests.actors.kit import Do, Note, within
from tests.supervision.fault_world import started, turns, world
from tests.supervision.faults import (
    LONG,
    Kind,
    LoopChild,
    Script,
    birth,
    child,
    each_hanging,
    template,
    with_plain,
)
from tests.supervision.incarnations_kit import crash, watch


@with_plain
async def test_a_terminated_child_comes_back_to_life_under_the_same_ref(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script))
        ref = it.ref()
        log, watcher = await watch(it, ref)
        for number in range(1, 4):
            await within(sup.request(TerminateChild("it")))
            assert not ref.is_alive()
            assert it.actors == 2
            ref.tell(Note(f"lost {number}"))
            with pytest.raises(ActorStopped):
                await within(ref.request(Note(f"refused {number}")))

            assert await within(sup.request(RestartChild("it"))) == ChildStarted(ref)
            assert ref.is_alive()
            assert await within(ref.request(Do(birth))) == number + 1
            assert ref.cell.incarnation == number + 1
            assert it.actors == 3
        with pytest.raises(ChildRunning):
            await within(sup.request(RestartChild("it")))

        await within(watcher.request(Do(lambda actor: None)))
        # The first end was one for good, and the watch ended with it.
        assert log == [Terminated(ref)]
        assert script.handled == []
        assert it.gone("/sup/it") == 3
        assert len(it.events.of(ActorStarted, "/sup/it")) == 4
        letters = it.letters(DeadLetterReason.STOPPED)
        assert letters == [f"{what} {n}" for n in range(1, 4) for what in ("lost", "refused")]


@with_plain
async def test_a_transient_child_that_has_done_its_work_may_be_started_again(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, restart="transient"))
        ref = it.ref()
        await within(ref.stop(block=False))
        await it.events.until(lambda: it.gone("/sup/it") == 1)

        await within(sup.request(RestartChild("it")))

        assert await within(ref.request(Do(birth))) == 2
        await crash(ref)


@with_plain
async def test_a_deleted_child_does_not_come_back(kind: Kind) -> None:
    async with world() as it:
        sup = await it.supervise(child(kind, Script()))
        ref = it.ref()
        await within(sup.request(TerminateChild("it")))
        await within(sup.request(DeleteChild("it")))

        other = await started(sup, StartChild(child(kind, Script())))

        assert other != ref
        assert not ref.is_alive()
        with pytest.raises(ActorStopped):
            await within(ref.request(Do(birth)))
        assert await within(other.request(Do(birth))) == 1


@each_hanging
async def test_a_child_that_was_given_up_when_it_was_terminated_comes_back_under_its_ref(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang(stubborn=True)
        script = Script()
        sup = await it.supervise(child(kind, script, shutdown="brutal_kill"))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        terminating = asyncio.ensure_future(sup.request(TerminateChild("it"), timeout=LONG))
        await it.passes(1.0)
        await within(terminating)
        assert not ref.is_alive()

        assert await started(sup, RestartChild("it")) is ref
        assert await within(ref.request(Do(birth))) == 2
        hang.release()
        await turns()
        assert await within(ref.request(Do(birth))) == 2
        assert it.ends() == ["killed"]
        assert it.gone("/sup/it") == 1
        assert it.actors == 2


async def test_a_pool_forgets_an_instance_that_has_ended_and_its_name_is_free() -> None:
    async with world() as it:
        one = template(LoopChild, restart="temporary")
        sup = await it.supervise(one, strategy="simple_one_for_one")
        first = await started(sup, StartInstance(Script(), name="a"))
        await within(first.stop(block=False))
        await it.events.until(lambda: it.gone("/sup/a") == 1)

        second = await started(sup, StartInstance(Script(), name="a"))

        assert second != first
        assert not first.is_alive()
        assert await within(second.request(Do(birth))) == 1
