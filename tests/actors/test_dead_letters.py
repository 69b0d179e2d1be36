"""Dead letters: what each says, and the store that lists, counts and discards them."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorStopped,
    ActorSystem,
    DeadLetter,
    DeadLettered,
    DeadLetterReason as Reason,
    DeadLetters,
    ManualClock,
    OptionError,
    handler,
)
from tests.actors.kit import LIMIT
from tests.actors.messaging_kit import Box, Captured, Kept, Note, Whom, in_threads, quick_switches

# -- what a letter says --------------------------------------------------------


async def test_a_letter_says_when_it_was_made_by_the_systems_clock() -> None:
    clock = ManualClock(datetime(2030, 1, 1, tzinfo=UTC))
    clock.advance(90)
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(Box)
        await ref.stop(block=False)
        ref.tell(Note(1))

        [letter] = system.dead_letters.list()
        assert letter.time == datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=90)


async def test_a_letter_of_a_request_names_its_sender() -> None:
    class Asks(Actor):
        @handler
        async def ask(self, message: Whom) -> None:
            with pytest.raises(ActorStopped):
                await message.ref.request(Note(1))

    async with ActorSystem() as system:
        ref, asks = system.spawn(Box), system.spawn(Asks, name="asks")
        await ref.stop(block=False)
        await asks.request(Whom(ref))

        [letter] = system.dead_letters.list()
        assert letter.sender == "/asks"
        assert (letter.message_id, letter.correlation_id, letter.causation_id) == (None, None, None)
        assert letter.attempts == 1


async def test_a_plain_message_has_neither_sender_nor_ids() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Box)
        await ref.stop(block=False)
        ref.tell(Note(1))

        [letter] = system.dead_letters.list()
        assert (letter.sender, letter.message_id, letter.correlation_id) == (None, None, None)


# -- listing -------------------------------------------------------------------


class Special(Note):
    pass


def _is_third(letter: DeadLetter) -> bool:
    return bool(letter.message == Note(3))


@pytest.fixture
async def system() -> Any:
    """Make a system whose dead letters are those of `SENT`."""
    async with ActorSystem(logger=Captured().log) as system:

        class Parent(Box):
            def on_start(self) -> None:
                self.context.spawn(Box, name="child")

        refs = {name: system.spawn(Parent, name=name) for name in ("a", "ab")}
        await refs["a"].request(Kept())
        child = system.lookup("/a/child")
        assert child is not None
        for ref in (refs["a"], refs["ab"]):
            ref.tell("nonsense")
            await ref.request(Kept())
        for ref in (refs["a"], refs["ab"]):
            await ref.stop(block=False)
        refs["a"].tell(Note(1))
        refs["ab"].tell(Special(2))
        child.tell(Note(3))
        yield system


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["nonsense", "nonsense", Note(1), Special(2), Note(3)]),
        ({"reason": Reason.UNHANDLED}, ["nonsense", "nonsense"]),
        ({"reason": Reason.OVERFLOW}, []),
        ({"target": "/ab"}, ["nonsense", Special(2)]),
        ({"target": "/a"}, ["nonsense", Note(1), Note(3)]),
        ({"target": "/a/"}, ["nonsense", Note(1), Note(3)]),
        ({"target": "/a/child"}, [Note(3)]),
        ({"target": "/"}, ["nonsense", "nonsense", Note(1), Special(2), Note(3)]),
        ({"message_type": str}, ["nonsense", "nonsense"]),
        ({"message_type": Note}, [Note(1), Special(2), Note(3)]),
        ({"message_type": Special}, [Special(2)]),
        ({"where": _is_third}, [Note(3)]),
        ({"limit": 2}, ["nonsense", "nonsense"]),
        ({"limit": 0}, []),
        ({"reason": Reason.STOPPED, "message_type": Note, "limit": 1}, [Note(1)]),
    ],
)
async def test_letters_are_listed_the_oldest_first_by_what_is_given(
    system: ActorSystem, options: dict[str, Any], expected: list[Any]
) -> None:
    assert [letter.message for letter in system.dead_letters.list(**options)] == expected


async def test_letters_are_counted_by_reason(system: ActorSystem) -> None:
    counts = system.dead_letters.counts

    assert (counts[Reason.UNHANDLED], counts[Reason.STOPPED], counts[Reason.CRASHED]) == (2, 3, 0)
    assert (len(system.dead_letters), system.dead_letters.total) == (5, 5)
    assert repr(system.dead_letters) == "<DeadLetters kept=5 total=5>"


async def test_discarded_letters_are_gone_but_stay_counted(system: ActorSystem) -> None:
    store = system.dead_letters

    chosen = store.list(message_type=str)

    assert store.discard(chosen) == 2
    assert store.discard(chosen) == 0
    assert len(store) == 3
    assert store.discard() == 3
    assert (len(store), store.total, store.counts[Reason.UNHANDLED]) == (0, 5, 2)


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_store_without_room_is_refused(capacity: int) -> None:
    with pytest.raises(OptionError, match="capacity="):
        DeadLetters(capacity)


async def test_a_full_store_pushes_the_oldest_letters_out_and_counts_them() -> None:
    async with ActorSystem(dead_letters=DeadLetters(3)) as system:
        ref = system.spawn(Box)
        await ref.stop(block=False)
        for number in range(5):
            ref.tell(Note(number))

        store = system.dead_letters
        assert [letter.message.value for letter in store.list()] == [2, 3, 4]
        assert (len(store), store.total, store.pushed_out) == (3, 5, 2)


def test_a_store_belongs_to_one_system() -> None:
    store = DeadLetters()
    ActorSystem("one", dead_letters=store)

    with pytest.raises(OptionError, match="no other system"):
        ActorSystem("two", dead_letters=store)


def test_a_store_of_no_system_has_nothing_to_replay() -> None:
    store = DeadLetters()

    with pytest.raises(OptionError, match="attached"):
        store.replay()
    assert (store.list(), store.discard()) == ([], 0)


# -- from any thread -----------------------------------------------------------


def test_a_store_that_is_filled_and_emptied_by_many_threads_counts_each_letter() -> None:
    store = DeadLetters(5)
    with (
        ActorSystem(hold_limit=None, logger=Captured().log, dead_letters=store) as system,
        quick_switches(),
    ):
        ref = system.spawn(Box)
        ref.stop()
        discarded: list[int] = []

        def work(number: int) -> None:
            for _ in range(100):
                if number % 2:
                    ref.tell(Note(number))
                else:
                    discarded.append(store.discard())
                    store.list()

        in_threads(8, work)

        assert store.total == 400
        assert sum(discarded) + store.pushed_out + len(store) == 400


async def test_letters_made_in_any_thread_reach_one_store() -> None:
    async with ActorSystem(logger=Captured().log) as system:
        ref = system.spawn(Box)
        await ref.stop(block=False)

        def send(number: int) -> None:
            for _ in range(50):
                ref.tell(Note(number))

        await asyncio.to_thread(in_threads, 4, send)

        assert (len(system.dead_letters), system.dead_letters.total) == (200, 200)
        assert len({letter.id for letter in system.dead_letters.list()}) == 200


def test_a_letter_may_be_looked_at_from_a_subscriber() -> None:
    seen: list[int] = []
    done = threading.Event()
    with ActorSystem() as system:

        def look(event: DeadLettered) -> None:
            seen.append(len(system.dead_letters.list()))
            done.set()

        system.events.subscribe(look, DeadLettered)
        ref = system.spawn(Box)
        ref.stop()
        ref.tell(Note(1))

        assert done.wait(LIMIT)
        assert seen == [1]
