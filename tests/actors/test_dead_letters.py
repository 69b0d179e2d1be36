"""Dead letters: nothing that was sent disappears without a trace."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    BlockingCallError,
    Bounded,
    DeadLetter,
    DeadLettered,
    DeadLetterReason,
    DeadLetters,
    DeadlineExceeded,
    Directive,
    MailboxFull,
    ManualClock,
    OptionError,
    Overflow,
    Priority,
    Props,
    Refused,
    Replayed,
    UnhandledError,
    handler,
)
from tests.actors.messaging_kit import (
    BOXES,
    LIMIT,
    AsyncBox,
    Box,
    Captured,
    Fail,
    Hold,
    Kept,
    Note,
    Whom,
    held,
    in_threads,
    quick_switches,
    turns,
    until,
)

Reason = DeadLetterReason


async def settled(ref: ActorRef[Any]) -> None:
    """Let the actor handle what waits."""
    await until(lambda: ref.cell.depth == 0 and ref.cell.message is None)


# -- every reason --------------------------------------------------------------


@pytest.mark.parametrize("box", BOXES)
async def test_a_message_to_an_actor_that_has_stopped(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box, name="box")
        await ref.stop(block=False)
        ref.tell(Note(1))

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message, letter.target) == (Reason.STOPPED, Note(1), "/box")
        assert isinstance(letter.error, ActorStopped)


@pytest.mark.parametrize("box", BOXES)
async def test_the_messages_that_an_actor_leaves_when_it_stops(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(box).using(policy=Directive.STOP))
        ref.tell(Fail(ValueError()))
        for number in range(3):
            ref.tell(Note(number))
        await until(lambda: not ref.is_alive())

        letters = system.dead_letters.list(reason=Reason.STOPPED)
        assert [letter.message for letter in letters] == [Note(0), Note(1), Note(2)]


@pytest.mark.parametrize("box", BOXES)
async def test_the_message_on_which_an_actor_failed(box: type[Actor]) -> None:
    cause = ValueError("broken")
    async with ActorSystem() as system:
        ref = system.spawn(Props(box).using(policy=Directive.RESTART))
        ref.tell(Fail(cause))
        await ref.request(Kept())

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (Reason.CRASHED, Fail(cause))
        assert isinstance(letter.error, ActorCrashed)
        assert letter.error.__cause__ is cause


async def test_a_message_whose_deadline_has_passed() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(AsyncBox)
        hold = await held(system, ref)
        ref.ask(Note(1), block=False, timeout=1)
        clock.advance(2)
        hold.release.set()
        await ref.request(Kept())

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (Reason.EXPIRED, Note(1))
        assert isinstance(letter.error, DeadlineExceeded)


async def test_a_message_for_which_a_mailbox_has_no_room() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(AsyncBox).using(mailbox=Bounded(1, Overflow.DROP_NEWEST)))
        hold = await held(system, ref)
        ref.tell(Note(1))
        ref.tell(Note(2))
        hold.release.set()

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (Reason.OVERFLOW, Note(2))
        assert isinstance(letter.error, MailboxFull)


@pytest.mark.parametrize("box", BOXES)
async def test_a_message_that_an_actor_has_no_handler_for(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box)
        ref.tell("nonsense")
        await ref.request(Kept())

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (Reason.UNHANDLED, "nonsense")
        assert isinstance(letter.error, UnhandledError)


@pytest.mark.parametrize("box", BOXES)
async def test_a_message_that_was_refused_and_nobody_waited_for(box: type[Actor]) -> None:
    error = Refused("sold out")
    async with ActorSystem() as system:
        ref = system.spawn(box)
        ref.tell(Fail(error))
        await ref.request(Kept())

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message, letter.error) == (Reason.REFUSED, Fail(error), error)


async def test_a_message_in_whose_handling_the_actor_was_killed() -> None:
    async with ActorSystem(shutdown_timeout=0, logger=Captured().log) as system:
        ref = system.spawn(AsyncBox)
        hold = await held(system, ref)

    [letter] = system.dead_letters.list()
    assert (letter.reason, letter.message) == (Reason.CANCELLED, hold)
    assert isinstance(letter.error, ActorStopped)


async def test_what_an_actor_has_stashed_when_it_stops() -> None:
    class Stashes(Actor):
        @handler
        def stash(self, message: Note) -> None:
            self.context.stash()

    async with ActorSystem() as system:
        ref = system.spawn(Stashes)
        ref.tell(Note(1))
        reply = asyncio.ensure_future(ref.request(Note(2)))
        await settled(ref)
        await ref.stop(block=False)

        with pytest.raises(ActorStopped):
            await reply
        letters = system.dead_letters.list()
        assert [letter.message for letter in letters] == [Note(1), Note(2)]
        assert {letter.reason for letter in letters} == {Reason.STOPPED}


async def test_the_mailbox_of_an_actor_that_restarts_without_it() -> None:
    async with ActorSystem() as system:
        props = Props(AsyncBox).using(policy=Directive.RESTART, keep_mailbox=False)
        ref = system.spawn(props)
        hold = await held(system, ref)
        for message in (Fail(ValueError()), Note(1), Note(2)):
            ref.tell(message)
        hold.release.set()
        await until(lambda: len(system.dead_letters) == 3)

        assert [letter.reason for letter in system.dead_letters.list()] == [
            Reason.CRASHED,
            Reason.STOPPED,
            Reason.STOPPED,
        ]
        assert await ref.request(Kept()) == []


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


# -- replay --------------------------------------------------------------------


async def buried(system: ActorSystem, *messages: Any, name: str = "box") -> list[DeadLetter]:
    """Make dead letters of the messages."""
    ref = system.spawn(Box, name=name)
    await ref.stop(block=False)
    for message in messages:
        ref.tell(message)
    return system.dead_letters.list()


async def test_replayed_letters_reach_the_living_actor_of_their_path_in_order() -> None:
    async with ActorSystem() as system:
        await buried(system, Note(1), Note(2), Note(3))
        successor = system.spawn(AsyncBox, name="box")

        assert system.dead_letters.replay() == Replayed(sent=3, no_target=0, exhausted=0)
        assert await successor.request(Kept()) == [1, 2, 3]
        assert len(system.dead_letters) == 0


async def test_only_the_chosen_letters_are_replayed_and_no_more_than_the_limit() -> None:
    async with ActorSystem() as system:
        letters = await buried(system, Note(1), Note(2), Note(3))
        successor = system.spawn(Box, name="box")

        assert system.dead_letters.replay(letters[1:], limit=1).sent == 1
        assert await successor.request(Kept()) == [2]
        assert [letter.message.value for letter in system.dead_letters.list()] == [1, 3]


async def test_letters_whose_actor_is_not_there_are_kept() -> None:
    async with ActorSystem() as system:
        await buried(system, Note(1))

        assert system.dead_letters.replay() == Replayed(sent=0, no_target=1, exhausted=0)
        assert len(system.dead_letters) == 1


async def test_a_letter_is_replayed_once_however_often_this_is_asked_for() -> None:
    async with ActorSystem() as system:
        letters = await buried(system, Note(1))
        successor = system.spawn(Box, name="box")

        sent = [system.dead_letters.replay(letters).sent for _ in range(3)]

        assert sent == [1, 0, 0]
        assert await successor.request(Kept()) == [1]


def test_a_letter_is_replayed_once_from_however_many_threads() -> None:
    with ActorSystem(hold_limit=None, logger=Captured().log) as system, quick_switches():
        ref = system.spawn(Box, name="box")
        ref.stop()
        for number in range(300):
            ref.tell(Note(number))
        successor = system.spawn(Box, name="box")
        sent: list[int] = []

        in_threads(8, lambda _: sent.append(system.dead_letters.replay().sent))

        assert sum(sent) == 300
        assert sorted(successor.ask(Kept())) == list(range(300))


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


async def test_a_letter_that_fails_again_is_a_new_one_with_one_attempt_more() -> None:
    async with ActorSystem() as system:
        [first] = await buried(system, Fail(ValueError()))
        successor = system.spawn(Props(Box).using(policy=Directive.RESTART), name="box")
        system.dead_letters.replay()
        await settled(successor)

        [second] = system.dead_letters.list()
        assert (first.attempts, second.attempts) == (1, 2)
        assert (second.reason, second.id != first.id) == (Reason.CRASHED, True)
        assert second.correlation_id == second.message_id is not None


async def test_a_letter_is_replayed_until_it_has_had_its_attempts() -> None:
    async with ActorSystem() as system:
        await buried(system, Fail(ValueError()))
        successor = system.spawn(Props(Box).using(policy=Directive.RESTART), name="box")
        results: list[Replayed] = []
        for _ in range(4):
            results.append(system.dead_letters.replay(max_attempts=3))
            await settled(successor)

        assert [result.sent for result in results] == [1, 1, 0, 0]
        assert results[-1] == Replayed(sent=0, no_target=0, exhausted=1)
        assert system.dead_letters.list()[0].attempts == 3
        assert system.dead_letters.replay(max_attempts=4).sent == 1


async def test_a_replayed_letter_keeps_its_ids_and_its_living_sender() -> None:
    class Tells(Actor):
        @handler
        def tell(self, message: Whom) -> None:
            message.ref.tell("nonsense")

    async with ActorSystem(trace=True) as system:
        ref, tells = system.spawn(Box, name="box"), system.spawn(Tells, name="tells")
        tells.tell(Whom(ref))
        await settled(tells)
        await settled(ref)
        [first] = system.dead_letters.list()
        system.dead_letters.replay()
        await settled(ref)
        [second] = system.dead_letters.list()

        assert first.sender == second.sender == "/tells"
        assert first.message_id == second.message_id is not None
        assert first.correlation_id == second.correlation_id
        assert first.causation_id == second.causation_id


async def test_a_replayed_request_is_a_plain_message() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Box, name="box")
        await ref.stop(block=False)
        with pytest.raises(ActorStopped):
            await ref.request(Note(1))
        successor = system.spawn(Box, name="box")
        system.dead_letters.replay()

        assert await successor.request(Kept()) == [1]
        assert system.late_replies == 0


async def test_letters_for_a_full_mailbox_are_new_letters_and_the_rest_is_replayed() -> None:
    async with ActorSystem() as system:
        await buried(system, *(Note(number) for number in range(4)))
        props = Props(AsyncBox).using(mailbox=Bounded(2, Overflow.REJECT))
        successor = system.spawn(props, name="box")
        hold = await held(system, successor)

        assert system.dead_letters.replay().sent == 4
        letters = system.dead_letters.list()
        assert [(letter.message.value, letter.attempts) for letter in letters] == [(2, 2), (3, 2)]
        hold.release.set()


def _raise(_: object) -> int:
    raise ValueError


@pytest.mark.parametrize(
    ("props", "error"),
    [
        (Props(AsyncBox).using(mailbox=Bounded(1, Overflow.BLOCK)), BlockingCallError),
        (Props(AsyncBox).using(mailbox=Priority(_raise)), ValueError),
    ],
    ids=["blocks", "key"],
)
async def test_a_letter_that_cannot_be_sent_now_is_not_lost(
    props: Props[Any], error: type[Exception]
) -> None:
    async with ActorSystem() as system:
        await buried(system, Note(1), Note(2))
        successor = system.spawn(props, name="box")
        hold = Hold()
        if error is BlockingCallError:
            await held(system, successor)
            successor.tell(hold)

        with pytest.raises(error):
            system.dead_letters.replay()

        assert [letter.message.value for letter in system.dead_letters.list()] == [1, 2]
        system.shutdown_timeout = 0


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


async def test_a_message_stashed_and_then_refused_is_no_dead_letter() -> None:
    class Stashes(Actor):
        @handler
        def stash(self, message: Note) -> None:
            self.context.stash()
            raise Refused

    async with ActorSystem() as system:
        ref = system.spawn(Stashes)
        ref.tell(Note(1))
        await turns()

        assert len(system.dead_letters) == 0
