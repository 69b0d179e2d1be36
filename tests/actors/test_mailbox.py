"""Bounded mailboxes: how they are given, and what becomes of messages beyond the bound."""

import asyncio
from typing import Any, ClassVar

import pytest

from dramaturg.actors import (
    Actor,
    ActorSystem,
    Bounded,
    MailboxFull,
    MailboxSpec,
    ManualClock,
    OptionError,
    Overflow,
    Props,
    Terminated,
    Unbounded,
    handler,
)
from dramaturg.actors._mailbox import BoundedQueue
from dramaturg.actors._signals import Internal
from tests.actors.mailbox_kit import OVERFLOW, bounded, full, kept, send_by
from tests.actors.messaging_kit import BOXES, AsyncBox, Box, Captured, Kept, Note, Whom, held, until

# -- recipes -------------------------------------------------------------------


@pytest.mark.parametrize("capacity", [0, -1, 1.5, "1"])
def test_a_capacity_below_one_is_refused(capacity: Any) -> None:
    with pytest.raises(OptionError, match="capacity="):
        Bounded(capacity)


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_negative_timeout_is_refused(timeout: float) -> None:
    with pytest.raises(OptionError, match="timeout="):
        Bounded(1, Overflow.BLOCK, timeout)


def test_an_overflow_policy_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError, match="overflow='drop'"):
        Bounded(1, "drop")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def test_the_mailbox_of_the_class_is_used_unless_the_props_say_otherwise() -> None:
    class Small(AsyncBox):
        mailbox: ClassVar[MailboxSpec] = Bounded(1)

    async with ActorSystem() as system:
        small = system.spawn(Small)
        large = system.spawn(Props(Small).using(mailbox=Unbounded()))
        holds = [await held(system, small), await held(system, large)]
        for ref in (small, large):
            ref.tell(Note(1))

        large.tell(Note(2))
        with pytest.raises(MailboxFull):
            small.tell(Note(2))

        for hold in holds:
            hold.release.set()


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("box", BOXES)
async def test_a_bounded_mailbox_with_room_keeps_the_order(
    box: type[Actor], overflow: Overflow
) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(box).using(mailbox=Bounded(100, overflow)))
        for number in range(99):
            ref.tell(Note(number))
        await ref.send(Note(99))

        await until(lambda: ref.cell.depth < 100)
        assert await ref.request(Kept()) == list(range(100))
        assert len(system.dead_letters) == 0


# -- reject --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["tell", "send", "request", "future"])
async def test_reject_raises_at_every_sender_and_keeps_what_was_there(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.REJECT)

        with pytest.raises(MailboxFull, match="/box is full: it holds 2"):
            await send_by(ref, Note(3), how)

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (OVERFLOW, Note(3))
        assert await kept(ref, hold) == [1, 2]


async def test_reject_raises_at_a_thread_that_asks() -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.REJECT)

        with pytest.raises(MailboxFull):
            await send_by(ref, Note(3), "ask")

        assert await kept(ref, hold) == [1, 2]


# -- drop ----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["tell", "send"])
async def test_drop_newest_drops_the_new_message_in_silence(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.DROP_NEWEST)

        await send_by(ref, Note(3), how)

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (OVERFLOW, Note(3))
        assert await kept(ref, hold) == [1, 2]


@pytest.mark.parametrize("how", ["request", "ask", "future"])
async def test_drop_newest_fails_a_new_request(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.DROP_NEWEST)

        with pytest.raises(MailboxFull):
            await send_by(ref, Kept(), how)

        assert await kept(ref, hold) == [1, 2]


@pytest.mark.parametrize("how", ["tell", "send"])
async def test_drop_oldest_makes_room_for_the_new_message(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.DROP_OLDEST)

        await send_by(ref, Note(3), how)

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (OVERFLOW, Note(1))
        assert await kept(ref, hold) == [2, 3]


@pytest.mark.parametrize("how", ["request", "ask", "future"])
async def test_drop_oldest_fails_the_request_that_makes_room(how: str) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(bounded(Overflow.DROP_OLDEST, capacity=1))
        hold = await held(system, ref)
        old = asyncio.ensure_future(send_by(ref, Kept(), how))
        await until(lambda: ref.cell.depth == 1)

        ref.tell(Note(1))

        with pytest.raises(MailboxFull):
            await old
        assert await kept(ref, hold) == [1]


async def test_a_dropped_message_may_be_none() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(bounded(Overflow.DROP_OLDEST, capacity=1))
        hold = await held(system, ref)
        ref.tell(None)
        ref.tell(Note(1))

        assert [letter.message for letter in system.dead_letters.list()] == [None]
        assert await kept(ref, hold) == [1]


# -- whatever the policy -------------------------------------------------------


@pytest.mark.parametrize("overflow", Overflow)
async def test_the_runtimes_own_messages_take_no_room_and_are_never_dropped(
    overflow: Overflow,
) -> None:
    class Watches(AsyncBox):
        @handler
        async def watch(self, message: Whom) -> None:
            self.context.watch(message.ref)
            self.context.start_timer("key", Note("tick"), after=1)

        @handler
        async def ended(self, message: Terminated) -> None:
            self.kept.append("ended")

    clock = ManualClock()
    captured = Captured()
    async with ActorSystem(clock=clock, logger=captured.log) as system:
        ref = system.spawn(Props(Watches).using(mailbox=Bounded(2, overflow)))
        other = system.spawn(Box)
        await ref.request(Whom(other))
        hold = await held(system, ref)
        await other.stop(block=False)
        clock.advance(1)
        for number in range(2):
            ref.tell(Note(number))
        if overflow is Overflow.DROP_OLDEST:
            ref.tell(Note(2))

        expected = [1, 2] if overflow is Overflow.DROP_OLDEST else [0, 1]
        assert await kept(ref, hold) == ["ended", "tick", *expected]


@pytest.mark.parametrize("overflow", Overflow)
async def test_a_full_mailbox_can_be_drained(overflow: Overflow) -> None:
    collected: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(AsyncBox, collected).using(mailbox=Bounded(2, overflow)))
        hold = await held(system, ref)
        ref.tell(Note(1))
        ref.tell(Note(2))
        ended = ref.drain(block=False)
        hold.release.set()

        assert await ended
        assert collected == [1, 2]


class _Own(Internal):
    pass


def test_what_is_dropped_is_never_one_of_the_runtimes_own_messages() -> None:
    class Owner:
        path = "/owner"
        dropped: list[Any] = []  # noqa: RUF012

        def overflowed(self, item: Any, error: MailboxFull) -> None:
            self.dropped.append(item)

        def may_block(self) -> bool:
            return True

    owner = Owner()
    queue = BoundedQueue(Bounded(1, Overflow.DROP_OLDEST), owner)
    own = _Own()
    queue.append(own)
    for number in range(3):
        queue.put(number)

    assert owner.dropped == [0, 1]
    assert [queue.pop(0), queue.pop(0)] == [own, 2]
