"""A supervisor that is killed, whatever those below it do."""

import asyncio

from dramaturg.actors import DeadLetterReason, IncarnationEnded, Props, ThreadLeaked
from dramaturg.actors._state import State
from dramaturg.supervision import Backoff, ChildSpec, Supervisor, SupervisorSpec, TerminateChild
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import (
    AsyncChild,
    Kind,
    LoopChild,
    Script,
    birth,
    child,
    each_hanging,
    each_kind,
)
from tests.supervision.trees_kit import names, subtree


@each_kind
async def test_a_supervisor_that_is_killed_takes_its_children_along_and_comes_back(
    kind: Kind,
) -> None:
    scripts = [Script(), Script()]
    async with world() as it:
        await it.supervise(subtree(*(child(kind, each, f"c{n}") for n, each in enumerate(scripts))))
        sub = it.ref("/sup/sub")
        refs = [it.ref(f"/sup/sub/c{n}") for n in range(2)]

        sub.kill()
        await it.incarnations(1, "/sup/sub")

        assert await names(sub) == ["c0", "c1"]
        assert it.ends("/sup/sub") == ["killed"]
        for ref in refs:
            assert await within(ref.request(Do(birth))) == 2
        # Those of a killed supervisor still run on_stop, as processes that trap exits do.
        assert all(script.hooks(1)[-1] == "on_stop" for script in scripts)
        ended = [event.path for event in it.events.of(IncarnationEnded)]
        assert ended[-1] == "/sup/sub"
        assert it.actors == 4


@each_hanging
async def test_the_hanging_children_of_a_killed_supervisor_are_killed_in_bounded_time(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(subtree(child(kind, script, shutdown="infinity")))
        sub, ref = it.ref("/sup/sub"), it.ref("/sup/sub/it")
        ref.tell(Do(hang))
        await hang.reached()

        sub.kill()
        await it.planned()
        await it.passes(5.0)

        await it.incarnations(1, "/sup/sub")
        assert await within(ref.request(Do(birth))) == 2
        assert it.ends("/sup/sub/it") == ["killed"]
        assert it.ends("/sup/sub") == ["killed"]
        assert len(it.events.of(ThreadLeaked)) == (kind is not AsyncChild)


@each_hanging
async def test_a_supervisor_that_is_killed_in_the_middle_of_its_stop_goes_on_to_its_end(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        first, hanging = Script(), Script().on("on_stop", hang)
        sup = await it.supervise(
            child(kind, first, "first"), child(kind, hanging, shutdown="infinity")
        )
        stopping = sup.stop(block=False)
        await hang.reached()
        await it.passes(100.0)
        assert not stopping.is_done()
        assert first.hooks(1) == ["__init__", "on_start"]

        sup.kill()
        await it.planned()
        await it.passes(6.0)

        assert await within(stopping) is True
        assert it.ends("/sup/it") == ["killed"]
        assert it.ends("/sup/first") == ["killed"]
        assert it.ends("/sup") == ["killed"]
        assert it.actors == 0


@each_hanging
async def test_a_supervisor_that_is_killed_while_a_child_starts_leaves_nobody(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        first, hanging = Script(), Script().on("on_start", hang)
        sup = it.begin(child(kind, first, "first"), child(kind, hanging))
        await hang.reached()

        sup.kill()
        await it.passes(6.0)

        await it.events.until(lambda: it.gone("/sup") == 1)
        assert it.ends("/sup/it") == ["killed"]
        assert len(it.ends("/sup/first")) == 1
        assert it.actors == 0


@each_hanging
async def test_a_supervisor_that_is_killed_while_it_restarts_a_child_leaves_nobody(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_start", hang, birth=2)
        await it.supervise(subtree(child(kind, script), restart="temporary"))
        sub, ref = it.ref("/sup/sub"), it.ref("/sup/sub/it")
        ref.tell(Fail(Crash()))
        ref.tell(Note("queued"))
        await hang.reached()

        sub.kill()
        await it.passes(6.0)

        await it.events.until(lambda: it.gone("/sup/sub") == 1)
        assert it.ends("/sup/sub/it") == ["failed", "killed"]
        assert it.letters(DeadLetterReason.STOPPED) == ["queued"]
        assert not ref.is_alive()
        assert it.actors == 1


@each_hanging
async def test_brutal_kill_of_a_supervisor_is_bounded(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang(stubborn=True)
        script = Script().on("on_stop", hang)
        sup = await it.supervise(
            subtree(child(kind, script, shutdown="infinity"), shutdown="brutal_kill")
        )

        terminating = asyncio.ensure_future(sup.request(TerminateChild("sub"), timeout=1_000.0))
        await hang.reached()
        await it.passes(10.0)

        await within(terminating)
        assert it.ends("/sup/sub") == ["killed"]
        assert it.ends("/sup/sub/it") == ["killed"]
        assert it.actors == 1


@each_hanging
async def test_what_comes_after_the_death_of_a_supervisor_that_was_given_up_is_nobodys(
    kind: Kind,
) -> None:
    """The time of a subtree ends before that of its child: the rest of it ends all the same."""
    async with world() as it:
        hang = it.hang(stubborn=True)
        script, other = Script().on("on_stop", hang), Script()
        sup = await it.supervise(
            subtree(
                child(kind, other, "other"),
                child(kind, script, shutdown="infinity"),
                shutdown=1.0,
            )
        )
        ref = it.ref("/sup/sub/it")

        terminating = asyncio.ensure_future(sup.request(TerminateChild("sub"), timeout=1_000.0))
        await hang.reached()
        await it.passes(20.0)

        await within(terminating)
        assert not ref.is_alive()
        assert it.actors == 1
        hang.release()
        await turns()
        assert len(it.ends("/sup/sub/it")) == len(it.ends("/sup/sub/other")) == 1
        assert len(it.ends("/sup/sub")) == 1


async def test_a_child_whose_restart_was_due_is_not_killed_with_the_next_incarnation() -> None:
    """The order to end, given to one that was DOWN, is not for the one that begins then."""
    script = Script()
    async with world() as it:
        below = SupervisorSpec([child(LoopChild, script, backoff=Backoff(0.5, 2.0))], intensity=2)
        spec = ChildSpec("sub", Props(Supervisor, below))
        await it.supervise(spec, intensity=2)
        it.ref("/sup/sub/it").tell(Fail(Crash("boom")))
        await turns()
        assert it.ref("/sup/sub/it").cell.state is State.DOWN

        it.ref("/sup/sub").kill()
        await turns(100)

        assert script.births == 2
        assert await within(it.ref("/sup/sub/it").request(Do(birth))) == 2
        assert it.ref("/sup/sub").cell.incarnation == 2
