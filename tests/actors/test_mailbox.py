"""Mailboxes: bounds, what happens beyond them, priorities, signals, closing at any moment."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorStopped,
    ActorSystem,
    BlockingCallError,
    Bounded,
    DeadLetterReason,
    MailboxFull,
    MailboxSpec,
    ManualClock,
    OptionError,
    Overflow,
    Priority,
    Props,
    Terminated,
    Unbounded,
    handler,
)
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._mailbox import BoundedQueue, PriorityQueue
from dramaturg.actors._signals import Internal
from tests.actors.messaging_kit import (
    BOXES,
    LIMIT,
    AsyncBox,
    Block,
    Box,
    Captured,
    Hold,
    Kept,
    Note,
    ThreadBox,
    Whom,
    held,
    in_threads,
    quick_switches,
    turns,
    until,
)

OVERFLOW = DeadLetterReason.OVERFLOW


def bounded(overflow: Overflow, capacity: int = 2, timeout: float = LIMIT) -> Props[AsyncBox]:
    return Props(AsyncBox).using(mailbox=Bounded(capacity, overflow, timeout))


async def full(
    system: ActorSystem, overflow: Overflow, timeout: float = LIMIT
) -> tuple[ActorRef[AsyncBox], Hold]:
    """Make an actor that is held, with two notes in its mailbox for two."""
    ref = system.spawn(bounded(overflow, timeout=timeout), name="box")
    hold = await held(system, ref)
    ref.tell(Note(1))
    ref.tell(Note(2))
    return ref, hold


async def kept(ref: ActorRef[Any], hold: Hold, *sends: asyncio.Future[Any]) -> list[Any]:
    """Let the actor go on until it has handled what was sent, and return what it has kept."""
    hold.release.set()
    await asyncio.wait_for(asyncio.gather(*sends), LIMIT)
    await until(lambda: ref.cell.depth == 0)
    kept: list[Any] = await ref.request(Kept(), timeout=LIMIT)
    return kept


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
            await _send(ref, Note(3), how)

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (OVERFLOW, Note(3))
        assert await kept(ref, hold) == [1, 2]


async def _send(ref: ActorRef[Any], message: object, how: str, **options: Any) -> Any:
    if how == "tell":
        return ref.tell(message)
    if how == "send":
        return await ref.send(message, **options)
    if how == "request":
        return await ref.request(message, **options)
    if how == "ask":
        return await asyncio.to_thread(lambda: ref.ask(message, **options))
    return await ref.ask(message, block=False, **options)


async def test_reject_raises_at_a_thread_that_asks() -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.REJECT)

        with pytest.raises(MailboxFull):
            await _send(ref, Note(3), "ask")

        assert await kept(ref, hold) == [1, 2]


# -- drop ----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["tell", "send"])
async def test_drop_newest_drops_the_new_message_in_silence(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.DROP_NEWEST)

        await _send(ref, Note(3), how)

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (OVERFLOW, Note(3))
        assert await kept(ref, hold) == [1, 2]


@pytest.mark.parametrize("how", ["request", "ask", "future"])
async def test_drop_newest_fails_a_new_request(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.DROP_NEWEST)

        with pytest.raises(MailboxFull):
            await _send(ref, Kept(), how)

        assert await kept(ref, hold) == [1, 2]


@pytest.mark.parametrize("how", ["tell", "send"])
async def test_drop_oldest_makes_room_for_the_new_message(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.DROP_OLDEST)

        await _send(ref, Note(3), how)

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (OVERFLOW, Note(1))
        assert await kept(ref, hold) == [2, 3]


@pytest.mark.parametrize("how", ["request", "ask", "future"])
async def test_drop_oldest_fails_the_request_that_makes_room(how: str) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(bounded(Overflow.DROP_OLDEST, capacity=1))
        hold = await held(system, ref)
        old = asyncio.ensure_future(_send(ref, Kept(), how))
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


# -- block ---------------------------------------------------------------------


@pytest.mark.parametrize("how", ["send", "request"])
async def test_block_lets_a_coroutine_wait_for_room(how: str) -> None:
    async with ActorSystem() as system:
        ref, hold = await full(system, Overflow.BLOCK)
        sending = asyncio.ensure_future(_send(ref, Note(3), how, timeout=LIMIT))
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
            await _send(ref, Note(3), how)

        assert await kept(ref, hold) == [1, 2]
        assert len(system.dead_letters) == 0


async def test_a_coroutine_waits_for_room_no_longer_than_the_mailbox_says() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock, default_timeout=100) as system:
        ref, hold = await full(system, Overflow.BLOCK, timeout=3)
        sends = [asyncio.ensure_future(_send(ref, Note(3), how)) for how in ("send", "request")]
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
            asyncio.ensure_future(_send(ref, Note(3), how, timeout=1))
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
            sends = [asyncio.ensure_future(_send(ref, Note(n), how)) for n in range(3, 6)]
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


# -- priority ------------------------------------------------------------------


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
                    await _send(ref, "no value", how)
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
                await _send(ref, Note("text"), how)

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


# -- control signals -----------------------------------------------------------


MANY = 100_000


@dataclass(frozen=True)
class StopAt:
    """Stops the actor in its handler."""


class Stops(Actor):
    def __init__(self, counted: list[int]) -> None:
        self.counted = counted

    @handler
    def stop_at(self, message: StopAt) -> None:
        self.context.stop_self()

    @handler
    def count(self, message: int) -> Any:
        self.counted.append(message)


class AsyncStops(Stops):
    async def count(self, message: int) -> None:
        self.counted.append(message)


@pytest.mark.parametrize("kind", [Stops, AsyncStops])
async def test_a_stop_is_not_delayed_by_a_hundred_thousand_messages(kind: type[Stops]) -> None:
    counted: list[int] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, counted))
        ref.tell(0)
        ref.tell(StopAt())
        for number in range(MANY):
            ref.tell(number)
        ended = ref.stop(block=False)

        assert await asyncio.wait_for(_awaited(ended), LIMIT)
        # The stop was there before the first turn began.
        assert counted == []
        assert system.dead_letters.total == MANY + 2


async def _awaited(future: Any) -> Any:
    return await future


@pytest.mark.parametrize("kind", [Stops, AsyncStops])
async def test_a_stop_within_a_handler_is_the_last_message_of_a_hundred_thousand(
    kind: type[Stops],
) -> None:
    counted: list[int] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, counted))
        ref.tell(1)
        ref.tell(StopAt())
        for number in range(MANY):
            ref.tell(number)
        await until(lambda: not ref.is_alive())

        assert counted == [1]
        assert system.dead_letters.counts[DeadLetterReason.STOPPED] == MANY


# -- closing is atomic ---------------------------------------------------------


SENDERS = 16
ROUNDS = 4

mailboxes = pytest.mark.parametrize(
    "mailbox",
    [
        Unbounded(),
        Bounded(8, Overflow.BLOCK, LIMIT),
        Bounded(8, Overflow.REJECT),
        Bounded(8, Overflow.DROP_NEWEST),
        Bounded(8, Overflow.DROP_OLDEST),
        Priority(lambda message: 0),
    ],
    ids=["unbounded", "block", "reject", "drop-newest", "drop-oldest", "priority"],
)


@pytest.mark.parametrize("stop", ["stop", "drain"])
@mailboxes
@pytest.mark.parametrize("box", BOXES)
def test_each_message_told_while_an_actor_stops_is_handled_or_a_dead_letter(
    box: type[Actor], mailbox: Any, stop: str
) -> None:
    with ActorSystem(hold_limit=None, logger=Captured().log) as system, quick_switches():
        for _ in range(ROUNDS):
            handled: list[Any] = []
            ref = system.spawn(Props(box, handled).using(mailbox=mailbox))

            tell_while_it_stops(ref, stop)

            letters = system.dead_letters.list()
            sent = sorted((thread, number) for thread in range(SENDERS) for number in range(30))
            assert sorted([*handled, *(each.message.value for each in letters)]) == sent
            system.dead_letters.discard()


def tell_while_it_stops(ref: ActorRef[Any], stop: str) -> None:
    """Tell the actor something from each of many threads; one more stops it meanwhile."""
    told = threading.Semaphore(0)

    def tell(thread: int) -> None:
        if thread == SENDERS:
            for _ in range(SENDERS * 2):
                assert told.acquire(timeout=LIMIT)
            getattr(ref, stop)(block=True, timeout=LIMIT)
            return
        for number in range(30):
            with contextlib.suppress(MailboxFull):
                ref.tell(Note((thread, number)))
            told.release()

    in_threads(SENDERS + 1, tell)


@pytest.mark.parametrize("stop", ["stop", "drain"])
@mailboxes
@pytest.mark.parametrize("box", BOXES)
def test_each_request_made_while_an_actor_stops_ends(
    box: type[Actor], mailbox: Any, stop: str
) -> None:
    with ActorSystem(hold_limit=None, logger=Captured().log) as system, quick_switches():
        for _ in range(ROUNDS):
            ref = system.spawn(Props(box).using(mailbox=mailbox))

            ends = ask_while_it_stops(ref, stop)

            assert len(ends) == SENDERS * 10


def ask_while_it_stops(ref: ActorRef[Any], stop: str) -> list[str]:
    """Ask the actor from many threads; one more stops it meanwhile. Return how each ask ended."""
    asked = threading.Semaphore(0)
    ends: list[str] = []

    def ask(thread: int) -> None:
        if thread == SENDERS:
            assert asked.acquire(timeout=LIMIT)
            getattr(ref, stop)(block=True, timeout=LIMIT)
            return
        for _ in range(10):
            asked.release()
            try:
                ref.ask(Kept(), timeout=LIMIT)
                ends.append("reply")
            except (ActorStopped, MailboxFull) as error:
                ends.append(type(error).__name__)

    in_threads(SENDERS + 1, ask)
    return ends


@pytest.mark.parametrize("box", BOXES)
def test_a_message_put_by_a_sender_that_saw_the_door_open_is_a_dead_letter(
    box: type[Actor],
) -> None:
    with ActorSystem() as system:
        ref = system.spawn(box)
        put = ref.cell.put  # as a sender loads it that is then put aside
        ref.stop()
        put(Note(1))
        if ref.cell.idle:
            ref.cell.dispatcher.schedule(ref.cell)

        assert [letter.message for letter in system.dead_letters.list()] == [Note(1)]


async def test_none_told_to_a_stopped_actor_is_a_dead_letter_too() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Box)
        await ref.stop(block=False)
        ref.tell(None)

        assert [letter.message for letter in system.dead_letters.list()] == [None]


async def test_a_blocked_thread_actor_that_is_drained_handles_what_is_queued() -> None:
    collected: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(ThreadBox, collected))
        block = Block()
        ref.tell(block)
        await block.has_begun()
        ref.tell(Note(1))
        ended = ref.drain(block=False)
        ref.tell(Note(2))
        block.release.set()

        assert await ended
        assert collected == [1]
        assert [letter.message for letter in system.dead_letters.list()] == [Note(2)]
