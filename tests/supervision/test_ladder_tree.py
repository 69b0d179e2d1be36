"""Degraded children among others: what their supervisor is asked, its own end, groups, pools."""

from typing import Any

import pytest

from dramaturg.actors import ManualClock, Props
from dramaturg.supervision import (
    ChildDegraded,
    ChildInfo,
    ChildRunning,
    ChildSpec,
    CountChildren,
    DeleteChild,
    GetChildSpec,
    RestartChild,
    StartInstance,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
    WhichChildren,
)
from tests.actors.kit import Crash, Do, Note, settled, within
from tests.any_order import new_system
from tests.supervision.fault_world import World, turns, world
from tests.supervision.faults import AsyncChild, Kind, LoopChild, Script, ThreadChild, birth, child
from tests.supervision.test_ladder import (
    EVERY,
    IT,
    boom,
    climb_back,
    condition,
    ladder,
    path,
    step_down,
)

each_kind = pytest.mark.parametrize("kind", [LoopChild, AsyncChild, ThreadChild])
each_hanging = pytest.mark.parametrize("kind", [AsyncChild, ThreadChild])


async def test_a_degraded_child_is_listed_counted_and_described_as_any_other() -> None:
    spec = ladder((LoopChild, Script()), (LoopChild, Script()))
    async with world() as it:
        sup = await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)

        assert await within(sup.request(WhichChildren())) == (
            ChildInfo("it", ref, "running", "worker"),
        )
        counts = await within(sup.request(CountChildren()))
        assert (counts.specs, counts.active, counts.workers) == (1, 1, 1)
        assert await within(sup.request(GetChildSpec("it"))) is spec
        for request in (RestartChild("it"), DeleteChild("it")):
            with pytest.raises(ChildRunning):
                await within(sup.request(request))


@each_kind
async def test_a_degraded_child_that_was_terminated_restarts_as_the_original(kind: Kind) -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        sup = await it.supervise(ladder((LoopChild, original), (kind, fallback)), intensity=0)
        ref = it.ref()
        await step_down(it)

        await within(sup.request(TerminateChild("it")))

        assert fallback.hooks(1)[-1] == "on_stop"
        assert not ref.is_alive()
        assert it.actors == 1
        assert it.clock.pending == 0, "nobody tries the original any more"
        ref.tell(Note("late"))
        assert it.letters()[-1] == "late"
        started = await within(sup.request(RestartChild("it")))
        assert started.ref is ref
        assert await within(ref.request(Do(path))) == IT
        assert condition(it) == ("healthy", None)
        await within(sup.request(TerminateChild("it")))
        await within(sup.request(DeleteChild("it")))
        assert await within(sup.request(WhichChildren())) == ()


async def trying(it: World, kind: Kind) -> tuple[Any, Any]:
    """Degrade a child whose original then hangs in its probe; return supervisor and ref."""
    hang = it.hang()
    spec = ladder((kind, Script()), (LoopChild, Script()), probe=lambda: Do(hang))
    sup = await it.supervise(spec, intensity=0)
    await step_down(it)
    it.clock.advance(EVERY)
    await hang.reached()
    return sup, it.ref()


@each_hanging
async def test_a_child_is_terminated_while_its_original_is_tried(kind: Kind) -> None:
    async with world() as it:
        sup, ref = await trying(it, kind)
        ending = sup.ask(TerminateChild("it"), block=False)
        await it.passes(1.0)
        await within(ending)

        assert not ref.is_alive()
        assert it.actors == 1
        assert it.ends() == ["failed", "killed"]


@each_hanging
async def test_a_supervisor_stops_while_an_original_is_tried(kind: Kind) -> None:
    async with world() as it:
        sup, ref = await trying(it, kind)
        ending = sup.stop(block=False)
        await it.passes(1.0)
        assert await within(ending)

        assert not ref.is_alive()
        assert it.actors == 0


@each_hanging
async def test_a_supervisor_is_killed_while_an_original_is_tried(kind: Kind) -> None:
    async with world() as it:
        sup, ref = await trying(it, kind)
        sup.kill()
        await it.passes(20.0)

        assert not ref.is_alive()
        assert it.actors == 0


@each_hanging
async def test_the_system_shuts_down_while_an_original_is_tried(kind: Kind) -> None:
    async with world() as it:
        await trying(it, kind)
        await it.shut_down()

        assert it.actors == 0


async def test_the_system_shuts_down_while_a_child_is_degraded() -> None:
    fallback = Script()
    clock = ManualClock()
    async with new_system(clock=clock) as system:
        spec = ladder((LoopChild, Script()), (LoopChild, fallback))
        sup = system.spawn(Props(Supervisor, SupervisorSpec([spec], intensity=0)), name="sup")
        await within(sup.started())
        ref = system.lookup(IT)
        assert ref is not None
        ref.tell(boom())
        await settled(ref)
    assert fallback.hooks(1)[-1] == "on_stop"
    assert clock.pending == 0


class Fragile(Supervisor):
    """A supervisor that can fail itself."""

    def on_receive(self, message: Any) -> None:
        raise Crash(message)


@pytest.mark.parametrize("how", ["crashed", "killed", "stopped"])
async def test_a_supervisor_that_is_restarted_starts_the_original_under_the_same_ref(
    how: str,
) -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        inner = SupervisorSpec([ladder((LoopChild, original), (LoopChild, fallback))], intensity=0)
        await it.supervise(ChildSpec("mid", Props(Fragile, inner)))
        where = "/sup/mid/it"
        ref, mid = it.ref(where), it.ref("/sup/mid")
        await step_down(it, where)
        if how == "crashed":
            mid.tell("crash")
        elif how == "killed":
            mid.kill()
        else:
            mid.request_stop()
        await it.incarnations(1, "/sup/mid")
        await within(mid.request(WhichChildren()))

        assert it.ref(where) is ref
        assert await within(ref.request(Do(path))) == where
        assert original.births == 2
        assert fallback.hooks(1)[-1] == "on_stop"
        assert it.system.lookup(f"{where}~1") is None
        assert condition(it, where) == ("healthy", None)
        await it.passes(2 * EVERY)
        assert original.births == 2, "the attempts ended with the supervisor"


async def test_a_supervisor_that_gave_up_below_the_last_rung_begins_with_the_original() -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        inner = SupervisorSpec([ladder((LoopChild, original), (LoopChild, fallback))], intensity=0)
        await it.supervise(ChildSpec("mid", inner))
        where = "/sup/mid/it"
        ref = it.ref(where)
        await step_down(it, where)
        ref.tell(boom())
        ref.tell(Note("waits"))
        await it.incarnations(1, "/sup/mid")
        await within(it.ref("/sup/mid").request(WhichChildren()))
        await settled(ref)

        assert original.handled == [("waits", 2)]


# -- groups -------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
async def test_the_others_of_a_group_are_restarted_when_one_steps_down(strategy: Any) -> None:
    first, last = Script(), Script()
    async with world() as it:
        await it.supervise(
            child(LoopChild, first, "first"),
            ladder((LoopChild, Script()), (LoopChild, Script())),
            child(LoopChild, last, "last"),
            strategy=strategy,
            intensity=0,
        )
        ref = it.ref()
        ref.tell(boom())

        assert await within(ref.request(Do(path))) == f"{IT}~1"
        assert await within(it.ref("/sup/last").request(Do(birth))) == 2
        assert first.births == (2 if strategy == "one_for_all" else 1)
        await climb_back(it)
        assert await within(ref.request(Do(path))) == IT
        assert last.births == 2, "to recover concerns nobody else"


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
async def test_a_degraded_member_that_its_group_restarts_is_still_degraded_and_tried(
    strategy: Any,
) -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        await it.supervise(
            child(LoopChild, Script(), "first"),
            ladder((LoopChild, original), (LoopChild, fallback)),
            strategy=strategy,
            intensity=1,
        )
        ref = it.ref()
        ref.tell(boom())
        await settled(ref)
        await step_down(it)
        it.ref("/sup/first").tell(boom())
        await it.incarnations(1, f"{IT}~1")

        assert await within(ref.request(Do(path))) == f"{IT}~1"
        assert await within(ref.request(Do(birth))) == 2
        assert condition(it) == ("degraded", 0)
        assert len(it.events.of(ChildDegraded)) == 1
        await it.passes(EVERY)
        assert await within(ref.request(Do(path))) == IT


# -- pools --------------------------------------------------------------------------------


async def pool(it: World, kind: Kind, original: Script, **options: Any) -> tuple[Any, Any]:
    """Start a pool of one instance; return it, and the ref of the instance."""
    fallback = Props(LoopChild, Script())
    start: Props[Any] = Props.partial(kind)  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    template = ChildSpec("it", start, fallbacks=(fallback,), **options)
    sup = await it.supervise(template, strategy="simple_one_for_one", intensity=0)
    started = await within(sup.request(StartInstance(original)))
    return sup, started.ref


async def test_an_instance_of_a_pool_degrades_and_recovers_with_its_own_arguments() -> None:
    original = Script()
    async with world() as it:
        sup, ref = await pool(it, LoopChild, original)
        for round_ in (1, 2):
            await step_down(it, "/sup/it-1")
            assert await within(ref.request(Do(path))) == "/sup/it-1~1"
            [info] = await within(sup.request(WhichChildren()))
            assert (info.id, info.ref, info.state) == ("it-1", ref, "running")
            await climb_back(it, "/sup/it-1")
            assert original.births == 1 + round_
        ref.tell(Note("mine"))
        await settled(ref)
        assert original.handled == [("mine", 3)]


async def test_a_degraded_instance_of_a_pool_is_terminated_by_its_ref() -> None:
    async with world() as it:
        sup, ref = await pool(it, LoopChild, Script())
        await step_down(it, "/sup/it-1")

        await within(sup.request(TerminateChild(ref)))

        assert it.actors == 1
        assert not ref.is_alive()
        assert await within(sup.request(WhichChildren())) == ()
        assert it.clock.pending == 0


@each_hanging
async def test_a_pool_stops_while_the_original_of_an_instance_is_tried(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        sup, ref = await pool(it, kind, Script(), probe=lambda: Do(hang))
        await step_down(it, "/sup/it-1")
        it.clock.advance(EVERY)
        await hang.reached()
        ending = sup.stop(block=False)
        await it.passes(8.0)
        await within(ending)
        await turns()

        assert not ref.is_alive()
        assert it.actors == 0
