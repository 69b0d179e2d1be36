"""How the original of a degraded child is tried, half-open, while a fallback serves."""

from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    Ignore,
    Refused,
    ThreadLeaked,
    UnhandledError,
    handler,
)
from dramaturg.supervision import ChildRecovered, ProbeFailed, WhichChildren
from tests.actors.kit import Crash, Do, nothing, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import (
    AsyncChild,
    Hook,
    Kind,
    LoopChild,
    Script,
    ThreadChild,
    birth,
    child,
    each_hanging,
    raising,
)
from tests.supervision.test_ladder import (
    EVERY,
    IT,
    boom,
    climb_back,
    ladder,
    path,
    put_down,
    step_down,
)

each_kind = pytest.mark.parametrize("kind", [LoopChild, AsyncChild, ThreadChild])

LONG = 5.0
"""Seconds that an attempt may take: the default."""


def refuse(actor: Any) -> None:
    """Let an original refuse the probe."""
    raise Refused("not yet")


@each_kind
async def test_an_original_that_answers_the_probe_serves_again(kind: Kind) -> None:
    original, asked = Script(), list[int]()
    async with world() as it:
        spec = ladder(
            (kind, original),
            (LoopChild, Script()),
            probe=lambda: Do(lambda a: asked.append(a.birth)),
        )
        await it.supervise(spec, intensity=0)
        await step_down(it)
        assert asked == []

        await climb_back(it)

        assert asked == [2]
        assert await within(it.ref().request(Do(path))) == IT


@each_kind
@pytest.mark.parametrize(
    "probe",
    [
        (lambda: Do(refuse), Refused),
        (boom, ActorCrashed),
        (lambda: "no handler", UnhandledError),
        (lambda: 1 / 0, ZeroDivisionError),
    ],
    ids=["refused", "crashing", "unhandled", "not even made"],
)
async def test_an_original_that_does_not_answer_well_is_stopped_and_tried_again(
    kind: Kind, probe: tuple[Any, type[Exception]]
) -> None:
    make, expected = probe
    original, left = Script(), [make, make]
    async with world() as it:
        spec = ladder(
            (kind, original),
            (LoopChild, Script()),
            probe=lambda: left.pop()() if left else Do(nothing),
        )
        sup = await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)
        for attempt in (1, 2):
            it.clock.advance(EVERY)
            await put_down(it, sup, 1 + attempt)
            assert await within(ref.request(Do(path))) == f"{IT}~1"
            assert it.events.of(ChildRecovered) == []
            assert original.births == 1 + attempt
            told = it.events.of(ProbeFailed, IT)
            assert [type(each.error) for each in told] == [expected] * attempt

        await climb_back(it)

        assert await within(ref.request(Do(birth))) == 4


@each_kind
@pytest.mark.parametrize("hook", ["__init__", "on_start"])
@pytest.mark.parametrize("error", [Crash("still ill"), Ignore()], ids=["fails", "is ignored"])
async def test_an_original_that_does_not_come_up_is_tried_again(
    kind: Kind, hook: Hook, error: Exception
) -> None:
    original = Script().on(hook, raising(error), birth=2)
    async with world() as it:
        sup = await it.supervise(ladder((kind, original), (LoopChild, Script())), intensity=0)
        ref = it.ref()
        await step_down(it)
        it.clock.advance(EVERY)
        await put_down(it, sup, 2)
        assert await within(ref.request(Do(path))) == f"{IT}~1"

        await climb_back(it)

        assert await within(ref.request(Do(birth))) == 3


@each_hanging
async def test_an_original_that_hangs_in_its_start_is_cut_short_in_time(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        original = Script().on("on_start", hang, birth=2)
        spec = ladder((kind, original), (LoopChild, Script()), probe_timeout=2.0)
        sup = await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)
        it.clock.advance(EVERY)
        await hang.reached()
        await it.passes(1.75)
        assert it.ends() == ["failed"]
        assert await within(ref.request(Do(path))) == f"{IT}~1", "the fallback serves meanwhile"

        await it.passes(0.25)
        await it.incarnations(2)

        assert it.ends() == ["failed", "killed"]
        assert hang.cancelled == (kind is AsyncChild)
        assert len(it.events.of(ThreadLeaked)) == (kind is not AsyncChild)
        await within(sup.request(WhichChildren()))
        await climb_back(it)
        assert await within(ref.request(Do(birth))) == 3


@each_hanging
async def test_an_original_that_never_answers_is_cut_short_in_time(kind: Kind) -> None:
    original = Script()
    async with world() as it:
        hang = it.hang()
        probes: list[Any] = [Do(nothing), Do(hang)]
        spec = ladder((kind, original), (LoopChild, Script()), probe=probes.pop, probe_timeout=2.0)
        sup = await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)
        it.clock.advance(EVERY)
        await hang.reached()
        await it.passes(1.75)
        assert it.ends() == ["failed"]

        await it.passes(0.25)
        await it.incarnations(2)

        assert it.ends()[-1] == "killed"
        assert it.events.of(ChildRecovered) == []
        await within(sup.request(WhichChildren()))
        await climb_back(it)
        assert await within(ref.request(Do(birth))) == 3


async def test_the_start_and_the_answer_have_one_limit_together() -> None:
    async with world() as it:
        starting, answering = it.hang(), it.hang()
        original = Script().on("on_start", starting, birth=2)
        spec = ladder(
            (AsyncChild, original),
            (LoopChild, Script()),
            probe=lambda: Do(answering),
            probe_timeout=4.0,
        )
        await it.supervise(spec, intensity=0)
        await step_down(it)
        it.clock.advance(EVERY)
        await starting.reached()
        await it.passes(3.0)
        starting.release()
        await answering.reached()

        await it.passes(1.0)

        assert it.ends() == ["failed", "killed"]


async def test_an_original_that_resists_being_cut_short_is_given_up_and_tried_again() -> None:
    original = Script()
    async with world() as it:
        hang = it.hang(stubborn=True)
        original.on("on_start", hang, birth=2)
        sup = await it.supervise(ladder((AsyncChild, original), (LoopChild, Script())), intensity=0)
        ref = it.ref()
        await step_down(it)
        it.clock.advance(EVERY)
        await hang.reached()

        await it.passes(LONG + 1.0)

        assert it.ends() == ["failed", "killed"]
        assert await within(ref.request(Do(path))) == f"{IT}~1"
        await within(sup.request(WhichChildren()))
        await climb_back(it)
        assert it.ref() is ref
        assert await within(ref.request(Do(birth))) == 3


async def test_the_late_end_of_one_attempt_does_not_spoil_the_next() -> None:
    """It takes longer to cut the first attempt short than to come to the second one."""
    original = Script()
    async with world() as it:
        hang = it.hang(stubborn=True)
        original.on("on_start", hang, birth=2)
        spec = ladder(
            (AsyncChild, original), (LoopChild, Script()), probe_every=0.25, probe_timeout=1.0
        )
        await it.supervise(spec, intensity=0)
        await step_down(it)
        it.clock.advance(0.25)
        await hang.reached()
        await it.passes(1.5)
        assert it.ends() == ["failed"]

        hang.release()
        await it.events.first(ChildRecovered)

        assert original.births == 3
        assert it.ends() == ["failed", "killed"]


async def test_the_answer_to_a_probe_that_came_too_late_is_not_that_to_the_next() -> None:
    """The first probe waited behind something that hung, and is answered by the next instance."""
    original = Script()
    answers: list[int] = []
    async with world() as it:
        hang = it.hang()

        def start_ticking(actor: Any) -> None:
            actor.context.start_timer("tick", Do(hang), after=0.0)
            it.clock.advance(0.0)

        original.on("on_start", start_ticking, birth=2)
        probes = [Do(refuse), Do(lambda actor: answers.append(actor.birth))]
        spec = ladder((AsyncChild, original), (LoopChild, Script()), probe=probes.pop)
        sup = await it.supervise(spec, intensity=0)
        await step_down(it)
        it.clock.advance(EVERY)
        await hang.reached()
        await it.passes(LONG)
        await it.incarnations(2)
        await within(sup.request(WhichChildren()))

        it.clock.advance(EVERY)
        await it.incarnations(3)

        assert answers == []
        assert it.events.of(ChildRecovered) == []


async def test_an_original_that_crashes_by_itself_before_it_answers_is_tried_again() -> None:
    original = Script()
    async with world() as it:
        hang = it.hang()

        def tick(actor: Any) -> None:
            actor.context.start_timer("tick", boom(), after=1.0)

        original.on("on_start", tick, birth=2)
        probes: list[Any] = [Do(nothing), Do(lambda actor: actor.context.stash())]
        spec = ladder((LoopChild, original), (AsyncChild, Script()), probe=probes.pop)
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)
        ref.tell(Do(hang))
        await hang.reached()
        await it.passes(EVERY + 1.0)

        assert it.ends() == ["failed", "failed"]
        hang.release()
        assert await within(ref.request(Do(path))) == f"{IT}~1"
        assert it.events.of(ChildRecovered) == []
        await climb_back(it)


async def test_an_original_that_puts_the_probe_aside_has_not_answered_yet() -> None:
    original = Script()
    async with world() as it:
        spec = ladder(
            (LoopChild, original),
            (LoopChild, Script()),
            probe=lambda: Do(lambda actor: actor.context.stash()),
        )
        await it.supervise(spec, intensity=0)
        await step_down(it)
        await it.passes(EVERY + LONG)

        assert it.events.of(ChildRecovered) == []
        assert it.ends() == ["failed", "killed"]


async def test_an_original_that_passes_the_probe_on_has_answered_when_the_other_one_has() -> None:
    original, backend = Script(), Script()
    async with world() as it:
        hang = it.hang()
        spec = ladder(
            (LoopChild, original),
            (LoopChild, Script()),
            probe=lambda: Do(lambda a: a.context.forward(it.ref("/sup/back"))),
        )

        class Backend(AsyncChild):
            @handler
            async def do(self, message: Do) -> Any:
                return await hang(self)

        await it.supervise(spec, child(Backend, backend, "back"), intensity=0)
        await step_down(it)
        it.clock.advance(EVERY)
        await hang.reached()
        await turns(100)
        assert it.events.of(ChildRecovered) == []

        hang.release()
        await it.events.first(ChildRecovered)
