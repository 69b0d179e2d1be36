"""`Overflow.BLOCK`: senders that wait for room, for how long, and how they are released."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorStopped,
    ActorSystem,
    BlockingCallError,
    Bounded,
    DeadLetterReason,
    MailboxFull,
    ManualClock,
    Overflow,
    Props,
)
from tests.actors.kit import LIMIT
from tests.actors.mailbox_kit import OVERFLOW, bounded, full, kept, send_by
from tests.actors.messaging_kit import Box, Kept, Note, held, in_threads, turns, until


@pytest.mark.parametrize("how", ["send", "request"])
async def test_block_lets_a_coroutine_wait_for_room(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.BLOCK)
        sending = asyncio.ensure_future(send_by(ref, Note(3), how, timeout=LIMIT))
        await turns()
        before = sending.done()

        assert await kept(ref, hold, sending) == [1, 2, 3]
        assert not before
        assert len(system.dead_letters) == 0


@pytest.mark.parametrize("how", ["tell", "ask"])
async def test_block_lets_a_thread_wait_for_room(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.BLOCK)
        sending = asyncio.ensure_future(asyncio.to_thread(getattr(ref, how), Note(3)))
        queue: Any = ref.cell.mailbox
        await until(lambda: len(queue._waiters) == 1)

        assert await kept(ref, hold, sending) == [1, 2, 3]
        assert len(system.dead_letters) == 0


@pytest.mark.parametrize("how", ["tell", "future"])
async def test_block_refuses_to_block_the_loops_thread(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.BLOCK)

        with pytest.raises(BlockingCallError, match=r"`await ref\.send\(message\)`"):
            await send_by(ref, Note(3), how)

        assert await kept(ref, hold) == [1, 2]
        assert len(system.dead_letters) == 0


async def test_a_coroutine_waits_for_room_no_longer_than_the_mailbox_says() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock, default_timeout=100) as system:
        ref, hold = await full(system, Overflow.BLOCK, timeout=3)
        sends = [asyncio.ensure_future(send_by(ref, Note(3), how)) for how in ("send", "request")]
        await turns()
        clock.advance(2.9)
        await turns()
        before = [send.done() for send in sends]
        clock.advance(0.1)

        for send in sends:
            with pytest.raises(MailboxFull):
                await send
        assert before == [False, False]
        assert len(system.dead_letters.list(reason=OVERFLOW)) == 2
        assert await kept(ref, hold) == [1, 2]


async def test_a_coroutine_may_say_how_long_it_waits_for_room() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref, hold = await full(system, Overflow.BLOCK, timeout=100)
        sends = [
            asyncio.ensure_future(send_by(ref, Note(3), how, timeout=1))
            for how in ("send", "request")
        ]
        await turns()
        clock.advance(1)

        for send in sends:
            with pytest.raises(MailboxFull):
                await send
        assert await kept(ref, hold) == [1, 2]


@pytest.mark.parametrize("how", ["tell", "ask"])
async def test_a_thread_waits_for_room_no_longer_than_the_mailbox_says(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.BLOCK, timeout=0.01)

        with pytest.raises(MailboxFull):
            await asyncio.to_thread(getattr(ref, how), Note(3))

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (OVERFLOW, Note(3))
        assert await kept(ref, hold) == [1, 2]


async def test_a_thread_that_asks_waits_for_room_no_longer_than_its_own_timeout() -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.BLOCK, timeout=1000)

        with pytest.raises(MailboxFull):
            await asyncio.wait_for(asyncio.to_thread(ref.ask, Note(3), timeout=0.01), LIMIT)

        assert await kept(ref, hold) == [1, 2]


async def test_a_sender_that_is_cancelled_while_it_waits_sends_nothing() -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.BLOCK)
        first = asyncio.ensure_future(ref.send(Note("first")))
        second = asyncio.ensure_future(ref.send(Note("second")))
        await turns()
        first.cancel()
        await asyncio.wait([first])

        assert await kept(ref, hold, second) == [1, 2, "second"]


async def test_a_sender_that_is_cancelled_as_it_is_woken_passes_its_turn_on() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(bounded(Overflow.BLOCK, capacity=1))
        hold = await held(system, ref)
        ref.tell(Note(1))
        first = asyncio.ensure_future(ref.send(Note("first")))
        second = asyncio.ensure_future(ref.send(Note("second")))
        await turns()
        queue: Any = ref.cell.mailbox
        queue._waiters[0].wake()
        queue._waiters.popleft()
        ref.cell.mailbox.pop(0)
        first.cancel()
        await asyncio.wait([first, second], timeout=LIMIT)

        assert second.done()
        assert await kept(ref, hold) == ["second"]


async def test_many_coroutines_that_wait_all_get_their_turn() -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.BLOCK)
        sends = [asyncio.ensure_future(ref.send(Note(number))) for number in range(3, 50)]
        await turns()
        hold.release.set()
        await asyncio.wait_for(asyncio.gather(*sends), LIMIT)

        await until(lambda: ref.cell.depth == 0)
        assert sorted(await ref.request(Kept())) == list(range(1, 50))


def test_many_threads_that_wait_all_get_their_turn_each_in_its_order() -> None:
    with ActorSystem() as system:
        ref = system.spawn(Props(Box).using(mailbox=Bounded(3, Overflow.BLOCK, LIMIT)))

        def send(thread: int) -> None:
            for number in range(50):
                ref.tell(Note((thread, number)))

        in_threads(8, send)

        got = ref.ask(Kept(), timeout=LIMIT)
        for thread in range(8):
            assert [number for who, number in got if who == thread] == list(range(50))


@pytest.mark.parametrize("how", ["tell", "ask", "send", "request"])
async def test_senders_that_wait_for_a_stopping_actor_are_released(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.BLOCK)
        if how in {"tell", "ask"}:
            sends = [
                asyncio.ensure_future(asyncio.to_thread(getattr(ref, how), Note(n)))
                for n in range(3, 6)
            ]
        else:
            sends = [asyncio.ensure_future(send_by(ref, Note(n), how)) for n in range(3, 6)]
        queue: Any = ref.cell.mailbox
        await until(lambda: len(queue._waiters) == 3)
        stopped = ref.stop(block=False)
        hold.release.set()
        results = await asyncio.wait_for(asyncio.gather(*sends, return_exceptions=True), LIMIT)
        await stopped

        if how in {"ask", "request"}:
            assert all(isinstance(each, ActorStopped) for each in results)
        else:
            assert results == [None] * 3
        letters = system.dead_letters.list(reason=DeadLetterReason.STOPPED)
        assert sorted(letter.message.value for letter in letters) == [1, 2, 3, 4, 5]
