"""Mailboxes of originals and fallbacks, and the dead letters of the latter."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from dramaturg.actors import (
    Bounded,
    DeadLetterReason,
    Overflow,
    Priority,
    Props,
)
from dramaturg.supervision import ChildDegraded, ChildSpec
from tests.actors.kit import (
    Crash,
    Do,
    Note,
    settled,
    within,
)
from tests.supervision.fault_world import world
from tests.supervision.faults import AsyncChild, LoopChild, Script, ThreadChild
from tests.supervision.test_ladder import (
    IT,
    boom,
    climb_back,
    ladder,
    path,
    step_down,
)
from tests.supervision.test_ladder_messages import texts

# -- mailboxes ----------------------------------------------------------------------------


@pytest.mark.one_order("several messages in one turn")
async def test_what_a_bounded_fallback_has_no_room_for_is_one_dead_letter_each() -> None:
    fallback = Script()
    async with world() as it:
        spec = ChildSpec(
            "it",
            Props(LoopChild, Script()),
            fallbacks=(Props(LoopChild, fallback).using(mailbox=Bounded(2)),),
        )
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        for message in (boom(), Note(1), Note(2), Note(3), Note(4)):
            ref.tell(message)
        await it.events.first(ChildDegraded)
        await settled(ref)

        assert texts(fallback) == [1, 2]
        assert it.letters(DeadLetterReason.OVERFLOW) == [3, 4]


@pytest.mark.one_order("several messages in one turn")
@pytest.mark.parametrize("overflow", [Overflow.DROP_NEWEST, Overflow.DROP_OLDEST, Overflow.BLOCK])
async def test_a_bounded_fallback_overflows_by_its_own_rule(overflow: Overflow) -> None:
    fallback = Script()
    async with world() as it:
        mailbox = Bounded(2, overflow, timeout=0.0)
        lower = Props(LoopChild, fallback).using(mailbox=mailbox)
        await it.supervise(
            ChildSpec("it", Props(LoopChild, Script()), fallbacks=(lower,)), intensity=0
        )
        ref = it.ref()
        for message in (boom(), Note(1), Note(2), Note(3)):
            ref.tell(message)
        await it.events.first(ChildDegraded)
        await settled(ref)

        kept, lost = ([2, 3], 1) if overflow is Overflow.DROP_OLDEST else ([1, 2], 3)
        assert texts(fallback) == kept
        assert it.letters(DeadLetterReason.OVERFLOW) == [lost]


@pytest.mark.one_order("several messages in one turn")
async def test_a_tick_of_the_original_takes_no_room_at_the_fallback() -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        hang = it.hang()

        def fail_late(actor: Any) -> Awaitable[Any]:
            actor.context.start_timer("tick", Note("tick"), after=1.0)

            async def wait() -> None:
                await hang(actor)
                raise Crash

            return wait()

        lower = Props(AsyncChild, fallback).using(mailbox=Bounded(2))
        await it.supervise(
            ChildSpec("it", Props(AsyncChild, original), fallbacks=(lower,)), intensity=0
        )
        ref = it.ref()
        ref.tell(Do(fail_late))
        await hang.reached()
        it.clock.advance(1.0)
        hang.release()
        await it.events.first(ChildDegraded)
        await settled(ref)
        second = it.hang()
        ref.tell(Do(second))
        await second.reached()
        for number in (1, 2):
            ref.tell(Note(number))
        second.release()
        await settled(ref)

        assert texts(fallback) == [1, 2]
        assert it.letters(DeadLetterReason.OVERFLOW) == []


async def test_priorities_hold_at_the_original_and_at_the_fallback() -> None:
    original, fallback = Script(), Script()

    def key(message: Any) -> int:
        return message.text if isinstance(message, Note) else 9 if isinstance(message, Do) else 0

    def inverse(message: Any) -> int:
        return -key(message)

    async with world() as it:
        spec = ChildSpec(
            "it",
            Props(LoopChild, original).using(mailbox=Priority(key)),
            fallbacks=(Props(LoopChild, fallback).using(mailbox=Priority(inverse)),),
        )
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        for message in (boom(), Note(2), Note(1), Note(3)):
            ref.tell(message)
        await it.events.first(ChildDegraded)
        ref.tell(Note(5))
        await it.passes(0.0)
        assert sorted(texts(fallback)) == [1, 2, 3, 5]
        assert [text for text in texts(fallback) if text < 4] == [3, 2, 1]
        await climb_back(it)
        for number in (7, 6, 8):
            ref.tell(Note(number))
        await settled(ref)

        assert texts(original) == [6, 7, 8]


@pytest.mark.one_order("threads")
async def test_a_request_to_a_lost_original_with_a_waiting_mailbox_is_answered() -> None:
    """Its thread is gone, and what waits in its own mailbox nobody would come to."""
    async with world() as it:
        hang = it.hang()
        spec = ChildSpec(
            "it",
            Props(ThreadChild, Script()).using(mailbox=Bounded(1, Overflow.BLOCK)),
            fallbacks=(Props(LoopChild, Script()),),
        )
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        ref.kill()
        await it.events.first(ChildDegraded)
        asking = asyncio.ensure_future(ref.request(Do(path), timeout=3.0))

        await it.passes(4.0)

        assert await within(asking) == f"{IT}~1"


# -- dead letters -------------------------------------------------------------------------


class Picky(LoopChild):
    """Knows less than the original."""

    def on_receive(self, message: Any) -> Any:
        raise Crash(message)


class Knowing(LoopChild):
    """Knows everything."""

    def on_receive(self, message: Any) -> Any:
        self.script.handled.append((message, self.birth))


async def test_dead_letters_of_a_fallback_name_the_child_and_are_replayed_to_the_original() -> None:
    original = Script()
    async with world() as it:
        await it.supervise(ladder((Knowing, original), (Picky, Script())), intensity=1)
        ref = it.ref()
        ref.tell(boom())
        await step_down(it)
        it.system.dead_letters.discard()
        ref.tell("what only the original knows")
        await settled(ref)
        [letter] = it.system.dead_letters.list()
        assert (letter.target, letter.reason) == (IT, DeadLetterReason.CRASHED)
        await climb_back(it)

        assert it.system.dead_letters.replay().sent == 1

        await settled(ref)
        assert texts(original) == ["what only the original knows"]
        assert len(it.system.dead_letters) == 0
