"""Messages while a child steps down and climbs back: kept, in order, handled once."""

import asyncio
import threading
from typing import Any

import pytest

from dramaturg.actors import (
    ActorRef,
    DeadLetterReason,
    Priority,
    Props,
    Terminated,
)
from dramaturg.supervision import ChildDegraded, ChildSpec, TerminateChild
from tests.actors.kit import (
    LIMIT,
    Do,
    Note,
    Puppet,
    in_threads,
    settled,
    within,
)
from tests.supervision.fault_world import world
from tests.supervision.faults import AsyncChild, Kind, LoopChild, Script, ThreadChild
from tests.supervision.test_ladder import (
    EVERY,
    IT,
    boom,
    climb_back,
    crosswise,
    held_back,
    ladder,
    path,
    step_down,
)


def texts(*scripts: Script) -> list[Any]:
    """Return what was handled, of several scripts one after the other."""
    return [text for script in scripts for text, _ in script.handled]


@crosswise
async def test_what_was_queued_is_served_by_the_fallback_in_order(kind: Kind, other: Kind) -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        await it.supervise(ladder((kind, original), (other, fallback)), intensity=0)
        ref = it.ref()
        ref.tell(Note(0))
        ref.tell(boom())
        for number in range(1, 6):
            ref.tell(Note(number))
        reply = ref.ask(Do(path), block=False)

        assert await within(reply) == f"{IT}~1"
        assert (texts(original), texts(fallback)) == ([0], [1, 2, 3, 4, 5])
        assert it.letters() == [it.system.dead_letters.list()[0].message]


@pytest.mark.parametrize("other", [AsyncChild, ThreadChild])
@pytest.mark.parametrize("kind", [LoopChild, AsyncChild, ThreadChild])
async def test_the_fallback_finishes_what_it_has_before_the_original_serves(
    kind: Kind, other: Kind
) -> None:
    original, fallback = Script(), Script()
    fallback.handled = original.handled
    async with world() as it:
        hang = it.hang()
        await it.supervise(ladder((kind, original), (other, fallback)), intensity=0)
        ref = it.ref()
        await step_down(it)
        ref.tell(Do(hang))
        for number in range(5):
            ref.tell(Note(number))
        await hang.reached()
        hang.release()
        await climb_back(it)
        ref.tell(Note(5))
        await settled(ref)

        assert texts(original) == list(range(6))
        assert original.handled[-1] == (5, 2)
        assert it.letters(DeadLetterReason.STOPPED) == []


@pytest.mark.parametrize("shutdown", [2.0, "brutal_kill"])
async def test_a_fallback_that_does_not_finish_is_cut_short_and_the_original_goes_on(
    shutdown: Any,
) -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        hang = it.hang()
        spec = ladder((LoopChild, original), (AsyncChild, fallback), shutdown=shutdown)
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)
        ref.tell(Do(hang))
        ref.tell(Note("next"))
        await hang.reached()

        await it.passes(EVERY + 2.0)

        assert hang.cancelled == 1
        assert await within(ref.request(Do(path))) == IT
        assert (texts(original), texts(fallback)) == (["next"], [])
        assert len(it.letters(DeadLetterReason.CANCELLED)) == 1


async def test_a_fallback_that_crashes_while_it_finishes_leaves_the_rest_to_the_original() -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        hang = it.hang()
        await it.supervise(ladder((LoopChild, original), (AsyncChild, fallback)), intensity=0)
        ref = it.ref()
        await step_down(it)
        for message in (Do(hang), Note(1), boom(), Note(2)):
            ref.tell(message)
        await hang.reached()
        it.clock.advance(EVERY)
        await held_back(it)
        hang.release()
        await it.events.until(lambda: it.gone(f"{IT}~1") == 1)
        await settled(ref)

        assert (texts(fallback), texts(original)) == ([1], [2])


# -- senders in threads -------------------------------------------------------------------


@pytest.mark.one_order("threads")
@crosswise
async def test_threads_that_send_all_the_time_are_served_in_order_and_nothing_is_lost(
    kind: Kind, other: Kind
) -> None:
    original, fallback = Script(), Script()
    fallback.handled = original.handled
    stop = threading.Event()
    sent: list[list[tuple[int, int]]] = []
    async with world() as it:
        await it.supervise(ladder((kind, original), (other, fallback)), intensity=0)
        ref = it.ref()

        def send() -> None:
            mine: list[tuple[int, int]] = []
            me = threading.get_ident()
            # At least one: a thread may get its first turn when all is over.
            while not mine or (not stop.is_set() and len(mine) < 20_000):
                ref.tell(Note((me, len(mine))))
                mine.append((me, len(mine)))
                if len(mine) % 10 == 0:
                    ref.ask(Do(path), timeout=LIMIT)
            sent.append(mine)

        senders = asyncio.ensure_future(in_threads(4, send))
        try:
            for _ in range(5):
                await step_down(it)
                await climb_back(it)
        finally:
            stop.set()
            await senders
        await settled(ref)

        handled = texts(original)
        dead = it.letters(DeadLetterReason.STOPPED)
        for mine in sent:
            me = mine[0][0]
            assert [each for each in handled if each[0] == me] == [
                each for each in mine if each not in dead
            ]
        assert sorted([*handled, *dead]) == sorted(each for mine in sent for each in mine)


@pytest.mark.one_order("threads")
async def test_what_is_sent_while_the_queue_is_passed_on_comes_behind_it() -> None:
    """The fallback's key for the first message is asked while the door is being exchanged."""
    original, fallback = Script(), Script()
    async with world() as it:
        ref: Any = None
        asked: list[Any] = []

        def key(message: Any) -> int:
            asked.append(message)
            if len(asked) == 1:
                # Another thread, which has sent all that is passed on just now.
                thread = threading.Thread(target=ref.tell, args=(Note("last"),))
                thread.start()
                thread.join(LIMIT)
                assert not thread.is_alive()
            return 0

        spec = ChildSpec(
            "it",
            Props(LoopChild, original),
            fallbacks=(Props(LoopChild, fallback).using(mailbox=Priority(key)),),
        )
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        for message in (boom(), Note(1), Note(2), Note(3)):
            ref.tell(message)
        await it.events.first(ChildDegraded)
        await settled(ref)

        assert texts(fallback) == [1, 2, 3, "last"]


@pytest.mark.one_order("threads")
async def test_asks_from_threads_are_answered_over_the_steps() -> None:
    async with world() as it:
        await it.supervise(ladder((ThreadChild, Script()), (LoopChild, Script())), intensity=0)
        ref = it.ref()
        for where in (f"{IT}~1", IT):
            await (step_down(it) if where != IT else climb_back(it))
            assert await in_threads(3, lambda: ref.ask(Do(path), timeout=LIMIT)) == [where] * 3


# -- refs and watches ---------------------------------------------------------------------


async def test_watchers_are_told_only_when_the_child_has_ended_for_good() -> None:
    async with world() as it:
        sup = await it.supervise(ladder((LoopChild, Script()), (LoopChild, Script())), intensity=0)
        ref = it.ref()
        watcher: ActorRef[Puppet] = it.system.spawn(Puppet)
        log = await within(watcher.request(Do(lambda actor: actor.log)))
        await within(watcher.request(Do(lambda actor: actor.context.watch(ref))))
        await step_down(it)
        await climb_back(it)
        await step_down(it)
        await settled(watcher)
        assert log == ["on_start"]

        await within(sup.request(TerminateChild("it")))
        await settled(watcher)

        [notice] = log[1:]
        assert isinstance(notice, Terminated)
        assert notice.ref is ref


async def test_a_fallback_can_be_watched_through_the_ref_it_serves_under() -> None:
    async with world() as it:
        sup = await it.supervise(ladder((LoopChild, Script()), (LoopChild, Script())), intensity=0)
        ref = it.ref()
        await step_down(it)
        watcher: ActorRef[Puppet] = it.system.spawn(Puppet)
        log = await within(watcher.request(Do(lambda actor: actor.log)))
        await within(watcher.request(Do(lambda actor: actor.context.watch(ref))))
        await climb_back(it)
        await settled(watcher)
        assert log == ["on_start"]

        await within(sup.request(TerminateChild("it")))
        await settled(watcher)

        assert len(log) == 2


async def test_stopping_a_transient_child_by_its_ref_stops_the_fallback_that_serves() -> None:
    fallback = Script()
    async with world() as it:
        spec = ladder((LoopChild, Script()), (LoopChild, fallback), restart="transient")
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)

        assert await within(ref.stop(block=False))
        assert fallback.hooks(1)[-1] == "on_stop"


async def test_killing_a_child_by_its_ref_kills_the_fallback_that_serves() -> None:
    fallback = Script()
    async with world() as it:
        await it.supervise(ladder((LoopChild, Script()), (LoopChild, fallback)), intensity=1)
        ref = it.ref()
        ref.tell(boom())
        await step_down(it)

        ref.kill()
        await it.passes(0.5)

        assert it.ends(f"{IT}~1") == ["killed"]
        assert fallback.births == 2
