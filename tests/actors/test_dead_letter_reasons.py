"""Dead letters: nothing that was sent disappears without a trace, for whatever reason."""

import asyncio

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorStopped,
    ActorSystem,
    Bounded,
    DeadLetterReason as Reason,
    DeadlineExceeded,
    Directive,
    MailboxFull,
    ManualClock,
    Overflow,
    Props,
    Refused,
    UnhandledError,
    handler,
)
from tests.actors.kit import Fail
from tests.actors.messaging_kit import (
    BOXES,
    AsyncBox,
    Captured,
    Kept,
    Note,
    held,
    settled,
    turns,
    until,
)


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
