"""A child that somebody else than its supervisor stops."""

import pytest

from dramaturg.actors import DeadLetterReason
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import world
from tests.supervision.faults import Kind, Script, birth, child, each_hanging, each_kind
from tests.supervision.stops_kit import each_restart_type, states


@each_kind
@each_restart_type
@pytest.mark.parametrize("how", ["stop", "drain"])
async def test_a_child_that_somebody_else_stops(kind: Kind, restart: str, how: str) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, restart=restart))
        ref = it.ref()

        assert await within(getattr(ref, how)(block=False)) is True

        assert it.ends() == ["normal"]
        if restart == "permanent":
            assert await within(ref.request(Do(birth))) == 2
            return
        await it.events.until(lambda: it.gone("/sup/it") == 1)
        assert await states(sup) == ([("it", "down")] if restart == "transient" else [])
        assert it.actors == 1
        assert await within(getattr(ref, how)(block=False)) is False


@each_hanging
async def test_drain_lets_what_is_queued_be_handled_before_the_restart(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        for number in range(5):
            ref.tell(Note(number))

        draining = ref.drain(block=False)
        ref.tell(Note("too late"))
        hang.release()

        assert await within(draining) is True
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [(number, 1) for number in range(5)]
        assert it.letters(DeadLetterReason.STOPPED) == ["too late"]


@each_hanging
async def test_stop_leaves_what_is_queued_to_the_next_instance(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        for number in range(5):
            ref.tell(Note(number))

        stopping = ref.stop(block=False)
        hang.release()

        assert await within(stopping) is True
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [(number, 2) for number in range(5)]
        assert it.letters() == []


@each_hanging
async def test_a_drain_that_meets_a_crash_ends_with_it(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script), intensity=1)
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        ref.tell(Fail(Crash()))
        ref.tell(Note("behind"))

        draining = ref.drain(block=False)
        hang.release()
        assert await within(draining) is True

        assert await within(ref.request(Do(birth))) == 2
        ref.tell(Note("for the second"))
        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("behind", 2), ("for the second", 2)]
        assert it.ends() == ["failed"]
