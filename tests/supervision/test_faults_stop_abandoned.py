"""What the instance of a child that was given up still does is of no consequence."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from dramaturg.actors import ActorStopped, DramaturgError, LateReply, ThreadLeaked
from tests.actors.kit import Crash, Do, Note, within
from tests.supervision.fault_world import world
from tests.supervision.faults import Kind, Script, birth, child, each_thread


@each_thread
async def test_the_late_reply_of_an_abandoned_thread_is_dropped(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        asking = asyncio.ensure_future(ref.request(Do(hang)))
        await hang.reached()
        later = ref.ask(Note("queued"), block=False)

        ref.kill()
        with pytest.raises(ActorStopped):
            await within(asking)
        # It had not been handled: that is for the next instance.
        assert await within(later) == 2

        leaked = await it.events.first(ThreadLeaked)
        assert leaked.path == "/sup/it"
        assert "Hang" in leaked.stack or "__call__" in leaked.stack
        hang.release()
        assert await within(ref.request(Do(birth))) == 2
        assert it.events.of(LateReply) == []
        assert len(it.events.of(ThreadLeaked)) == 1
        assert it.ends() == ["killed"]
        assert it.failures() == []


@each_thread
async def test_an_abandoned_thread_that_fails_late_is_nobodys_failure(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script), intensity=1)
        ref = it.ref()
        left = it.hang()

        def fail_late(actor: Any) -> None:
            try:
                hang(actor)
                raise Crash
            finally:
                left(actor)

        left.release()
        ref.tell(Do(fail_late))
        await hang.reached()
        ref.kill()
        assert await within(ref.request(Do(birth))) == 2

        hang.release()
        await left.reached()
        assert await within(ref.request(Do(birth))) == 2
        assert it.ends() == ["killed"]
        assert it.failures() == []
        assert "on_failure" not in script.hooks(1)


@each_thread
async def test_an_abandoned_thread_cannot_touch_the_next_instance(kind: Kind) -> None:
    """It may try all that an actor may do; the state of the next one stays as it is."""
    async with world() as it:
        hang, left = it.hang(), it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        problems: list[object] = []

        def meddle(actor: Any) -> None:
            hang(actor)
            context = actor.context
            attempts: list[Callable[[], object]] = [
                partial(context.start_timer, "key", Note("a tick of the first"), after=1.0),
                partial(context.set_receive_timeout, 1.0, Note("silence of the first")),
                partial(context.become, problems.append),
                context.stash,
                context.stop_self,
                actor.stop,
            ]
            for attempt in attempts:
                with suppress(DramaturgError):  # refusing is as good
                    attempt()
            left(actor)

        left.release()
        ref.tell(Do(meddle))
        await hang.reached()
        ref.kill()
        assert await within(ref.request(Do(birth))) == 2

        hang.release()
        await left.reached()
        await it.passes(10.0)
        assert await within(ref.request(Note("for the second"))) == 2
        assert script.handled == [("for the second", 2)]
        assert it.ends() == ["killed"]
        assert script.births == 2
        assert problems == []
