"""Timers end with the incarnation that started them."""

from typing import Any

import pytest

from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import world
from tests.supervision.faults import (
    Kind,
    Script,
    birth,
    child,
    each_hanging,
    each_kind,
    each_thread,
    with_plain,
)
from tests.supervision.incarnations_kit import crash


@with_plain
@pytest.mark.parametrize(
    "options", [{"after": 5.0}, {"every": 5.0}, {"every": 5.0, "fixed_rate": True}]
)
async def test_timers_end_with_their_incarnation(kind: Kind, options: dict[str, Any]) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.start_timer("t", Note("tick"), **options)))
        )

        await crash(ref)
        assert it.clock.pending == 0
        await it.passes(20.0)

        await within(ref.request(Do(birth)))
        assert script.handled == []


@each_hanging
async def test_a_tick_that_is_queued_at_the_crash_does_not_reach_the_next_instance(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.start_timer("t", Note("tick"), after=1.0)))
        )
        ref.tell(Do(hang))
        await hang.reached()
        ref.tell(Fail(Crash()))
        # Rings now, behind the crash: the tick waits in the mailbox over the restart.
        await it.passes(2.0)
        ref.tell(Note("after"))
        hang.release()

        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("after", 2)]


@each_thread
async def test_the_timers_of_an_abandoned_thread_end_with_it(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.start_timer("t", Note("tick"), every=5.0)))
        )
        ref.tell(Do(hang))
        await hang.reached()

        ref.kill()

        assert await within(ref.request(Do(birth))) == 2
        assert it.clock.pending == 0
        await it.passes(20.0)
        await within(ref.request(Do(birth)))
        assert script.handled == []


@each_kind
async def test_a_timer_that_is_started_in_on_stop_does_not_reach_the_next_instance(
    kind: Kind,
) -> None:
    def start(actor: Any) -> None:
        actor.context.start_timer("t", Note("tick"), every=5.0)

    script = Script().on("on_stop", start, birth=1)
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.request_stop()
        await it.incarnations(1)

        assert await within(ref.request(Do(birth))) == 2
        assert it.clock.pending == 0
        await it.passes(20.0)
        await within(ref.request(Do(birth)))
        assert script.handled == []


@each_kind
async def test_a_timer_of_the_same_key_belongs_to_the_instance_that_started_it(
    kind: Kind,
) -> None:
    def start(actor: Any) -> None:
        actor.context.start_timer("t", Note(f"tick of {actor.birth}"), after=5.0)

    script = Script().on("on_start", start)
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        await it.passes(3.0)

        await crash(ref)
        await it.passes(3.0)
        await within(ref.request(Do(birth)))
        assert script.handled == []
        await it.passes(2.0)
        await within(ref.request(Do(birth)))

        assert script.handled == [("tick of 2", 2)]


@with_plain
async def test_the_receive_timeout_ends_with_its_incarnation(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.set_receive_timeout(5.0, Note("silence"))))
        )

        await crash(ref)
        assert it.clock.pending == 0
        await it.passes(20.0)

        await within(ref.request(Do(birth)))
        assert script.handled == []
