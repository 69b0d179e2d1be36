"""Dead letters that are sent again: to whom, how often, and what becomes of them."""

from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorStopped,
    ActorSystem,
    BlockingCallError,
    Bounded,
    DeadLetter,
    DeadLetterReason as Reason,
    Directive,
    Overflow,
    Priority,
    Props,
    Replayed,
    handler,
)
from tests.actors.kit import Fail
from tests.actors.messaging_kit import (
    AsyncBox,
    Box,
    Captured,
    Hold,
    Kept,
    Note,
    Whom,
    held,
    in_threads,
    quick_switches,
    settled,
)


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
        system.dead_letters.replay(system.dead_letters.list())

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
