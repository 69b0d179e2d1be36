"""A child whose restart is due: what is sent to it, and who stops or kills it meanwhile."""

import asyncio

import pytest

from dramaturg.actors import ActorStopped, DeadLetterReason
from dramaturg.supervision import Backoff, TerminateChild
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import world
from tests.supervision.faults import LONG, Kind, Script, birth, child, each_kind

PAUSE = Backoff(10.0, 10.0)


@each_kind
async def test_what_is_sent_during_the_pause_before_a_restart_is_handled_after_it(
    kind: Kind,
) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()

        ref.tell(Note("told"))
        waiting = asyncio.ensure_future(ref.request(Do(birth), timeout=LONG))
        later = ref.ask(Note("asked"), block=False)
        await it.passes(9.99)
        assert script.births == 1
        assert not waiting.done()
        await it.passes(0.01)

        assert await within(waiting) == 2
        assert await within(later) == 2
        assert script.handled == [("told", 2), ("asked", 2)]


@each_kind
@pytest.mark.parametrize("how", ["stop", "drain"])
async def test_an_order_to_stop_during_the_pause_is_done_at_once_and_the_restart_still_due(
    kind: Kind, how: str
) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()
        ref.tell(Note("kept"))

        await within(getattr(ref, how)(block=False))

        await it.passes(10.0)
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("kept", 2)]
        assert it.ends() == ["failed"]


@each_kind
async def test_a_kill_during_the_pause_changes_nothing(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()
        ref.tell(Note("kept"))

        ref.kill()
        await within(ref.stop(block=False))

        await it.passes(10.0)
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("kept", 2)]
        assert it.ends() == ["failed"]


@each_kind
async def test_who_is_terminated_during_the_pause_does_not_come_back(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()
        ref.tell(Note("told"))
        waiting = asyncio.ensure_future(ref.request(Note("asked"), timeout=LONG))
        await it.passes(1.0)

        await within(sup.request(TerminateChild("it")))

        with pytest.raises(ActorStopped):
            await within(waiting)
        await it.passes(LONG)
        assert script.births == 1
        assert it.letters(DeadLetterReason.STOPPED) == ["told", "asked"]
        assert not ref.is_alive()
        assert it.gone("/sup/it") == 1
        assert it.clock.pending == 0


@each_kind
async def test_a_supervisor_that_stops_during_the_pause_leaves_nobody(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, backoff=PAUSE))
        ref = it.ref()
        ref.tell(Fail(Crash()))
        await it.planned()
        ref.tell(Note("told"))

        await within(sup.stop(block=False))
        await it.passes(LONG)

        assert script.births == 1
        assert it.letters(DeadLetterReason.STOPPED) == ["told"]
        assert not ref.is_alive()
        assert it.actors == 0
