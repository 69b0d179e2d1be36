"""Degradation: a child whose restarts are exhausted steps down, and climbs back."""

import asyncio
import itertools
from typing import Any

import pytest

from dramaturg.actors import (
    ActorRef,
    ActorRestarted,
    ExitReason,
    Ignore,
    Props,
    UnhandledError,
)
from dramaturg.supervision import (
    Backoff,
    ChildDegraded,
    ChildInfo,
    ChildRecovered,
    ChildSpec,
    RestartLimitExceeded,
    RestartLimitReached,
    SupervisorSpec,
    WhichChildren,
)
from tests.actors.kit import LIMIT, Crash, Do, Fail, Note, settled, within
from tests.any_order import moment
from tests.supervision.fault_world import World, world
from tests.supervision.faults import (
    AsyncChild,
    Kind,
    LoopChild,
    Script,
    ThreadChild,
    birth,
    child,
    each_kind,
    raising,
)

IT = "/sup/it"
EVERY = 5.0
"""Seconds between attempts to go back to the original: the default."""

KINDS_CROSSWISE = list(itertools.product([LoopChild, AsyncChild, ThreadChild], repeat=2))
crosswise = pytest.mark.parametrize(("kind", "other"), KINDS_CROSSWISE)


def path(actor: Any) -> str:
    """Let an instance tell where it runs."""
    return str(actor.context.path)


def boom() -> Fail:
    """Make the message that lets a child fail."""
    return Fail(Crash("boom"))


def ladder(*rungs: tuple[Kind, Script], **options: Any) -> ChildSpec:
    """Make the spec of a scripted child called "it" and its fallbacks."""
    (kind, script), *lower = rungs
    fallbacks = tuple(Props(kind, script) for kind, script in lower)
    return child(kind, script, fallbacks=fallbacks, **options)


async def step_down(it: World, where: str = IT) -> None:
    """Let a child fail whose supervisor allows no restart, and wait until its fallback serves."""
    count = len(it.events.of(ChildDegraded, where)) + 1
    it.ref(where).tell(boom())
    await it.events.until(lambda: len(it.events.of(ChildDegraded, where)) == count)


async def climb_back(it: World, where: str = IT, after: float = EVERY) -> None:
    """Let the time for the next attempt come, and wait until the original serves."""
    count = len(it.events.of(ChildRecovered, where)) + 1
    it.clock.advance(after)
    await it.events.until(lambda: len(it.events.of(ChildRecovered, where)) == count)


async def held_back(it: World, where: str = IT) -> None:
    """Wait until an original has answered and its fallback finishes what it has."""
    async with asyncio.timeout(LIMIT):
        while it.ref(where).cell.more().stand_in is not None:  # no event
            await moment()


async def put_down(it: World, sup: ActorRef[Any], count: int, where: str = IT) -> None:
    """Wait until so many incarnations of the original are over, and the next attempt is planned."""
    await it.incarnations(count, where)
    async with asyncio.timeout(LIMIT):
        # A thread tells its supervisor after everybody else, and nobody when it has.
        while not it.ref(where).cell.idle:  # another thread's last step
            await moment()
    await within(sup.request(WhichChildren()))


def condition(it: World, where: str = IT) -> tuple[str, int | None]:
    """Return the status of an actor, and how many rungs are left below it if it is degraded."""
    health = it.system.health().find(where)
    assert health is not None
    return health.status, None if health.degraded is None else health.degraded.rungs_left


# -- down ---------------------------------------------------------------------------------


@crosswise
async def test_the_fallback_serves_under_the_ref_and_the_original_comes_back(
    kind: Kind, other: Kind
) -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        await it.supervise(ladder((kind, original), (other, fallback)), intensity=0)
        ref = it.ref()
        assert await within(ref.request(Do(path))) == IT

        await step_down(it)

        assert it.ref() is ref
        assert ref.is_alive()
        assert await within(ref.request(Do(path))) == f"{IT}~1"
        assert original.births == fallback.births == 1

        await climb_back(it)

        assert it.ref() is ref
        assert await within(ref.request(Do(path))) == IT
        assert await within(ref.request(Do(birth))) == 2
        assert it.system.lookup(f"{IT}~1") is None
        assert it.gone(IT) == 0
        assert it.gone(f"{IT}~1") == 1


async def test_restarts_come_before_the_first_step_down() -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        await it.supervise(ladder((LoopChild, original), (LoopChild, fallback)), intensity=2)
        ref = it.ref()
        for _ in range(2):
            ref.tell(boom())
            await settled(ref)

        assert (original.births, fallback.births) == (3, 0)

        await step_down(it)

        assert (original.births, fallback.births) == (3, 1)


async def test_a_child_without_fallbacks_ends_its_supervisor() -> None:
    async with world() as it:
        await it.supervise(ladder((LoopChild, Script())), intensity=0)
        it.ref().tell(boom())

        with pytest.raises(RestartLimitReached):
            await within(it.system.wait())

        assert it.events.of(ChildDegraded) == []


@each_kind
async def test_a_failing_fallback_is_restarted_by_the_same_rules(kind: Kind) -> None:
    fallback = Script()
    error = Crash("second")
    async with world() as it:
        await it.supervise(ladder((LoopChild, Script()), (kind, fallback)), intensity=1)
        ref = it.ref()
        ref.tell(boom())
        await step_down(it)

        ref.tell(Fail(error))
        assert await within(ref.request(Do(birth))) == 2

        assert fallback.hooks(2) == ["__init__", "on_restart", "on_start"]
        assert fallback.causes[-1] is error
        assert len(it.events.of(ActorRestarted, f"{IT}~1")) == 1
        assert [event.rung for event in it.events.of(ChildDegraded)] == [1]


@each_kind
async def test_a_fallback_that_starts_for_the_first_time_is_not_told_of_a_restart(
    kind: Kind,
) -> None:
    fallback = Script()
    async with world() as it:
        await it.supervise(ladder((LoopChild, Script()), (kind, fallback)), intensity=0)
        await step_down(it)

        assert fallback.hooks(1) == ["__init__", "on_start"]


async def test_each_exhausted_rung_is_followed_by_the_next_and_the_last_by_the_end() -> None:
    scripts = [Script(), Script(), Script()]
    errors = [Crash(text) for text in ("first", "second", "third")]
    async with world() as it:
        await it.supervise(ladder(*((LoopChild, each) for each in scripts)), intensity=0)
        ref = it.ref()
        for rung, error in enumerate(errors[:-1], start=1):
            ref.tell(Fail(error))
            await settled(ref)
            assert await within(ref.request(Do(path))) == f"{IT}~{rung}"
            assert it.actors == 3, "the supervisor, the front, and one fallback"

        ref.tell(Fail(errors[-1]))
        with pytest.raises(RestartLimitReached) as caught:
            await within(it.system.wait())

        assert caught.value.__cause__ is errors[-1]
        assert caught.value.child == "it"
        assert [each.births for each in scripts] == [1, 1, 1]
        [exceeded] = it.events.of(RestartLimitExceeded)
        assert (exceeded.path, exceeded.child, exceeded.intensity) == ("/sup", "it", 0)
        await it.events.until(lambda: it.gone(IT) == 1)
        assert not ref.is_alive()


@pytest.mark.parametrize("hook", ["__init__", "on_start"])
@each_kind
async def test_a_fallback_that_cannot_start_is_tried_by_the_same_rules(
    kind: Kind, hook: Any
) -> None:
    broken = Script().on(hook, raising(Crash("broken")))
    last = Script()
    async with world() as it:
        rungs = [(LoopChild, Script()), (kind, broken), (LoopChild, last)]
        await it.supervise(ladder(*rungs), intensity=1)
        ref = it.ref()
        ref.tell(boom())
        ref.tell(boom())

        degraded = await it.events.first(ChildDegraded)

        assert (degraded.rung, degraded.reason) == (2, "Crash: broken")
        assert broken.births == 2, "the step down itself is no restart and not counted"
        assert await within(ref.request(Do(path))) == f"{IT}~2"


async def test_what_waits_while_no_rung_can_start_is_served_by_the_one_that_does() -> None:
    broken, last = Script().on("__init__", raising(Crash("broken"))), Script()
    async with world() as it:
        rungs = [(LoopChild, Script()), (LoopChild, broken), (LoopChild, last)]
        await it.supervise(ladder(*rungs, backoff=Backoff(1.0, 1.0)), intensity=0)
        ref = it.ref()
        ref.tell(boom())
        ref.tell(Note(1))
        await it.planned()
        await it.passes(1.0)
        ref.tell(Note(2))
        assert (broken.births, last.births) == (1, 0)

        await it.passes(1.0)

        assert [text for text, _ in last.handled] == [1, 2]


async def test_pauses_come_before_each_step_down() -> None:
    fallback = Script()
    async with world() as it:
        backoff = Backoff(3.0, 3.0)
        spec = ladder((LoopChild, Script()), (LoopChild, fallback), backoff=backoff)
        await it.supervise(spec, intensity=0)
        it.ref().tell(boom())
        await it.passes(2.75)
        assert fallback.births == 0

        await it.passes(0.25)

        assert fallback.births == 1
        assert await within(it.ref().request(Do(path))) == f"{IT}~1"


async def test_a_fallback_that_ends_in_peace_is_started_again_if_the_child_is_permanent() -> None:
    fallback = Script()
    async with world() as it:
        await it.supervise(ladder((LoopChild, Script()), (LoopChild, fallback)), intensity=1)
        ref = it.ref()
        ref.tell(boom())
        await step_down(it)

        ref.tell(Do(lambda actor: actor.context.stop_self()))

        assert await within(ref.request(Do(birth))) == 2


async def test_a_fallback_that_ends_in_peace_ends_a_transient_child() -> None:
    async with world() as it:
        spec = ladder((LoopChild, Script()), (LoopChild, Script()), restart="transient")
        sup = await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)

        ref.tell(Do(lambda actor: actor.context.stop_self(ExitReason("shutdown"))))
        await it.events.until(lambda: it.gone(IT) == 1)

        assert await within(sup.request(WhichChildren())) == (
            ChildInfo("it", None, "down", "worker"),
        )
        assert not ref.is_alive()
        assert it.actors == 1
        await it.passes(2 * EVERY)
        assert it.clock.pending == 0, "nobody tries the original any more"


async def test_a_fallback_that_asks_to_be_ignored_ends_the_child() -> None:
    fallback = Script().on("on_start", raising(Ignore()))
    async with world() as it:
        sup = await it.supervise(ladder((LoopChild, Script()), (LoopChild, fallback)), intensity=0)
        ref = it.ref()
        ref.tell(boom())
        await it.events.until(lambda: it.gone(IT) == 1)

        [info] = await within(sup.request(WhichChildren()))
        assert info.state == "down"
        assert not ref.is_alive()


async def test_a_fallback_that_is_ignored_at_its_restart_is_followed_by_no_attempt() -> None:
    original = Script()
    fallback = Script().on("on_start", raising(Ignore()), birth=2)
    async with world() as it:
        await it.supervise(ladder((LoopChild, original), (LoopChild, fallback)), intensity=1)
        ref = it.ref()
        ref.tell(boom())
        await step_down(it)
        ref.tell(boom())
        await it.events.until(lambda: it.gone(IT) == 1)

        await it.passes(2 * EVERY)

        assert original.births == 2
        assert it.clock.pending == 0


async def test_a_supervisor_may_be_the_fallback_of_an_actor() -> None:
    inner = Script()
    shelter = SupervisorSpec([child(LoopChild, inner, "inner")])
    async with world() as it:
        spec = child(LoopChild, Script(), fallbacks=(shelter,))
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)

        [info] = await within(ref.request(WhichChildren()))
        assert (info.id, info.state) == ("inner", "running")
        assert await within(it.ref(f"{IT}~1/inner").request(Do(birth))) == 1
        with pytest.raises(UnhandledError):
            await within(ref.request(Note("not for supervisors")))

        await climb_back(it)

        assert inner.hooks(1)[-1] == "on_stop"
        assert await within(ref.request(Do(path))) == IT


async def test_an_actor_may_be_the_fallback_of_a_supervisor() -> None:
    async with world() as it:
        inner = SupervisorSpec([child(LoopChild, Script(), "inner")], intensity=0)
        spec = ChildSpec("it", inner, fallbacks=(Props(LoopChild, Script()),))
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        it.ref(f"{IT}/inner").tell(boom())
        degraded = await it.events.first(ChildDegraded)

        assert degraded.reason.startswith("RestartLimitReached: ")
        assert await within(ref.request(Do(path))) == f"{IT}~1"

        await climb_back(it)

        [info] = await within(ref.request(WhichChildren()))
        assert info.state == "running"


@pytest.mark.one_order("threads")
async def test_a_child_degrades_and_recovers_again_and_again() -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        await it.supervise(ladder((AsyncChild, original), (ThreadChild, fallback)), intensity=0)
        ref = it.ref()
        for round_ in (1, 2, 3):
            await step_down(it)
            assert await within(ref.request(Do(birth))) == round_
            await climb_back(it)
            assert await within(ref.request(Do(birth))) == round_ + 1
        assert it.actors == 2
