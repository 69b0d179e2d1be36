"""Requests from other threads and loops, very many at once, or raced by a stop."""

import asyncio
import contextlib
import threading

import pytest

from dramaturg.actors import Actor, ActorStopped, ActorSystem, GoneError
from tests.actors.kit import LIMIT
from tests.actors.messaging_kit import (
    BOXES,
    DOUBLERS,
    AsyncBox,
    Box,
    Double,
    Kept,
    Note,
    ThreadBox,
    quick_switches,
)


@pytest.mark.parametrize("doubler", DOUBLERS)
async def test_a_coroutine_on_a_loop_of_another_thread_gets_its_reply(doubler: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(doubler)

        async def both() -> list[int]:
            return await asyncio.gather(*(ref.request(Double(number=n)) for n in range(50)))

        replies = await asyncio.to_thread(lambda: asyncio.run(both()))

        assert replies == [2 * n for n in range(50)]


@pytest.mark.parametrize("doubler", DOUBLERS)
def test_a_coroutine_on_a_foreign_loop_gets_a_reply_from_a_system_with_a_thread(
    doubler: type[Actor],
) -> None:
    with ActorSystem() as system:
        ref = system.spawn(doubler)

        async def both() -> list[int]:
            return await asyncio.gather(*(ref.request(Double(number=n)) for n in range(50)))

        assert asyncio.run(both()) == [2 * n for n in range(50)]


async def test_ten_thousand_requests_raced_by_a_stop_all_end() -> None:
    async with ActorSystem() as system, asyncio.timeout(LIMIT):
        ended = 0
        for number in range(10_000):
            ref = system.spawn((Box, AsyncBox)[number % 2])
            if number % 3:
                ref.tell(Note(number))
            reply = asyncio.ensure_future(ref.request(Kept()))
            if number % 5:
                await asyncio.sleep(0)
            ref.request_stop()
            with contextlib.suppress(ActorStopped):
                await reply
            ended += 1

        assert ended == 10_000


@pytest.mark.parametrize("stop", ["stop", "drain"])
@pytest.mark.parametrize("box", BOXES)
def test_requests_of_a_thread_raced_by_a_stop_in_another_all_end(
    box: type[Actor], stop: str
) -> None:
    rounds = 200 if box is ThreadBox else 2_000
    with ActorSystem(hold_limit=None) as system, quick_switches():
        refs = [system.spawn(box) for _ in range(20)]
        begun = threading.Semaphore(0)
        ends: list[str] = []

        def ask() -> None:
            for number in range(rounds):
                begun.release()
                try:
                    refs[number].ask(Kept(), timeout=LIMIT)
                    ends.append("reply")
                except GoneError:
                    ends.append("stopped")

        refs += [system.spawn(box) for _ in range(rounds - len(refs))]
        asker = threading.Thread(target=ask)
        asker.start()
        for number in range(rounds):
            assert begun.acquire(timeout=LIMIT)
            getattr(refs[number], stop)(block=False)
        asker.join(LIMIT)

        assert not asker.is_alive()
        assert len(ends) == rounds


async def test_replies_to_many_requests_at_once_find_their_callers() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(each) for each in DOUBLERS]

        replies = await asyncio.gather(
            *(ref.request(Double(number=n)) for n in range(200) for ref in refs)
        )

        assert replies == [2 * n for n in range(200) for _ in refs]
