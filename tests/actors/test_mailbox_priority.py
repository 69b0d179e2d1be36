"""Priority mailboxes: their order, and keys that cannot be had or compared."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import ActorSystem, ManualClock, Priority, Props, Terminated, handler
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._mailbox import PriorityQueue
from tests.actors.mailbox_kit import kept, send_by
from tests.actors.messaging_kit import AsyncBox, Box, Kept, Note, Whom, held, turns


def priority(key: Callable[[Any], Any]) -> Props[AsyncBox]:
    return Props(AsyncBox).using(mailbox=Priority(key))


def by_first(message: Any) -> Any:
    return message.value[0] if isinstance(message, Note) else 1_000


async def test_the_smallest_key_comes_first_and_equal_keys_in_order() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(priority(by_first))
        hold = await held(system, ref)
        notes = [(key, number) for number, key in enumerate([3, 1, 2, 1, 3, 2, 1])]
        for note in notes:
            ref.tell(Note(note))

        assert await kept(ref, hold) == sorted(notes)


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(1, 4), max_size=5))
def test_a_priority_queue_agrees_with_a_stable_sort(keys: list[int], pops: list[int]) -> None:
    queue = PriorityQueue(lambda item: item[0])
    model: list[tuple[int, int]] = []
    for number, key in enumerate(keys):
        queue.put((key, number))
        model.append((key, number))
        if number < len(pops):
            for _ in range(pops[number]):
                if model:
                    model.sort()
                    assert queue.pop(0) == model.pop(0)
        assert len(queue) == len(model)

    assert [queue.pop(0) for _ in range(len(queue))] == sorted(model)


async def test_requests_take_their_place_by_the_key_of_their_message() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(priority(by_first))
        hold = await held(system, ref)
        for key in (3, 1, 2):
            ref.ask(Note((key,)), block=False)

        assert await kept(ref, hold) == [(1,), (2,), (3,)]


async def test_a_key_function_that_raises_raises_at_the_sender_and_nothing_is_sent() -> None:
    collected: list[Any] = []
    async with ActorSystem() as system:
        mailbox = Priority(lambda message: message.value[0])
        ref = system.spawn(Props(AsyncBox, collected).using(mailbox=mailbox))
        ref.tell(Note((1,)))
        await turns()
        for _ in range(3):
            for how in ("tell", "send", "request", "ask", "future"):
                with pytest.raises(AttributeError):
                    await send_by(ref, "no value", how)
        ref.tell(Note((2,)))
        await turns()

        assert collected == [(1,), (2,)]
        assert len(system.dead_letters) == 0


@pytest.mark.parametrize("how", ["tell", "send", "request", "ask", "future"])
async def test_keys_that_cannot_be_compared_raise_at_the_sender_and_harm_nothing(how: str) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(priority(lambda message: getattr(message, "value", 0)))
        hold = await held(system, ref)
        numbers = [5, 3, 9, 1, 7]
        for number in numbers:
            ref.tell(Note(number))
            with pytest.raises(TypeError):
                await send_by(ref, Note("text"), how)

        assert await kept(ref, hold) == sorted(numbers)
        assert len(system.dead_letters) == 0


@given(st.lists(st.integers() | st.text() | st.none() | st.tuples(st.integers() | st.text())))
def test_a_priority_queue_loses_nothing_that_it_took_whatever_the_keys(keys: list[Any]) -> None:
    queue = PriorityQueue(lambda item: item)
    taken: list[Any] = []
    for key in keys:
        try:
            queue.put(key)
        except TypeError:
            continue
        taken.append(key)

    got = [queue.pop(0) for _ in range(len(queue))]

    assert sorted(map(repr, got)) == sorted(map(repr, taken))
    assert got == sorted(got)


def test_the_key_is_taken_of_the_message_in_an_envelope() -> None:
    queue = PriorityQueue(lambda item: item)
    for key in (2, 1):
        queue.put(Envelope(key, None, None, None))

    assert [queue.pop(0).message for _ in range(2)] == [1, 2]


async def test_a_priority_mailbox_is_drained_in_the_order_of_its_keys() -> None:
    collected: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(AsyncBox, collected).using(mailbox=Priority(by_first)))
        hold = await held(system, ref)
        for key in (2, 1, 3):
            ref.tell(Note((key,)))
        ended = ref.drain(block=False)
        hold.release.set()

        assert await ended
        assert collected == [(1,), (2,), (3,)]


async def test_timers_and_death_notices_need_no_key() -> None:
    class Watches(AsyncBox):
        @handler
        async def watch(self, message: Whom) -> None:
            self.context.watch(message.ref)
            self.context.start_timer("key", "tick", after=1)

        @handler
        async def ended(self, message: Terminated | str) -> None:
            self.kept.append(type(message).__name__)

    def key(message: Any) -> int:
        assert isinstance(message, Whom | Kept)
        return 0

    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(Props(Watches).using(mailbox=Priority(key)))
        other = system.spawn(Box)
        await ref.request(Whom(other))
        await other.stop(block=False)
        clock.advance(1)
        await turns()

        assert await ref.request(Kept()) == ["Terminated", "str"]
