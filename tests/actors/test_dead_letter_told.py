"""Letters of requests whose requesters know: they may have tried again, and are left alone."""

from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorStopped,
    ActorSystem,
    DeadLetter,
    Directive,
    Props,
    Replayed,
)
from tests.actors.kit import Crash, Fail, within
from tests.actors.letters_kit import Bill, Lives
from tests.actors.messaging_kit import Box, Kept, Note, until


async def told_and_untold(system: ActorSystem) -> list[DeadLetter]:
    """Make two letters: the first one's requester has got the error."""
    ref = system.spawn(Box, name="box")
    await ref.stop(block=False)
    with pytest.raises(ActorStopped):
        await ref.request(Note(1))
    ref.tell(Note(2))
    return system.dead_letters.list()


async def test_a_letter_says_whether_its_requester_got_the_error() -> None:
    async with ActorSystem() as system:
        letters = await told_and_untold(system)

        assert [each.requester_told for each in letters] == [True, False]
        assert system.dead_letters.list(requester_told=True) == letters[:1]
        assert system.dead_letters.count(requester_told=False) == 1


async def test_a_plain_replay_leaves_what_a_requester_knows_of() -> None:
    async with ActorSystem() as system:
        await told_and_untold(system)
        successor = system.spawn(Box, name="box")

        kept = Replayed(sent=1, no_target=0, exhausted=0, requester_told=1)
        assert system.dead_letters.replay() == kept
        assert await successor.request(Kept()) == [2]
        assert system.dead_letters.replay(requester_told=True).sent == 1
        assert await successor.request(Kept()) == [2, 1]


async def test_letters_that_are_named_are_sent_whoever_knows() -> None:
    async with ActorSystem() as system:
        letters = await told_and_untold(system)
        successor = system.spawn(Box, name="box")

        assert system.dead_letters.replay(letters).sent == 2
        assert await successor.request(Kept()) == [1, 2]


async def test_what_fails_in_a_replay_is_told_to_nobody() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Box).using(policy=Directive.RESTART), name="box")
        with pytest.raises(ActorCrashed):
            await ref.request(Fail(Crash()))
        system.dead_letters.replay(requester_told=True)
        await ref.request(Kept())

        [letter] = system.dead_letters.list()
        assert (letter.attempts, letter.requester_told) == (2, False)


# -- in the journal ------------------------------------------------------------------------------


async def asked_and_told(life: Any) -> None:
    ref = life.till()
    await ref.stop(block=False)
    with pytest.raises(ActorStopped):
        await within(ref.request(Bill(number=1)))
    ref.tell(Bill(number=2))


async def test_it_is_known_in_the_next_life() -> None:
    lives = Lives()
    async with lives.life() as life:
        await asked_and_told(life)
    async with lives.life() as life:
        assert life.numbers(requester_told=True) == [1]
        life.till()
        kept = Replayed(sent=1, no_target=0, exhausted=0, requester_told=1)
        assert life.letters.replay() == kept
        await until(lambda: life.paid == [2])
        assert life.letters.replay(requester_told=True).sent == 1
        await until(lambda: life.paid == [2, 1])


async def test_what_fails_in_a_replay_of_a_stored_letter_is_told_to_nobody() -> None:
    lives = Lives()
    async with lives.life() as life:
        ref = life.till()
        with pytest.raises(ActorCrashed):
            await within(ref.request(Bill(number=1, how="crash")))
    async with lives.life() as life:
        life.till()
        life.letters.replay(requester_told=True)
        await until(lambda: [each.attempts for each in life.letters.list()] == [2])
    async with lives.life() as life:
        assert [each.requester_told for each in life.letters.list()] == [False]
