"""The stash: putting messages aside until they can be handled."""

import asyncio
import inspect
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorStopped,
    ActorSystem,
    Bounded,
    DeadLetterReason,
    Directive,
    ManualClock,
    OutsideActorError,
    Priority,
    Props,
    StashOverflowError,
    ThreadActor,
    handler,
)
from tests.actors.kit import (
    Crash,
    Do,
    Note,
    Puppet,
    ThreadPuppet,
    ended,
    nothing,
    reasons,
    settled,
    stop,
    within,
)


class Door(Actor):
    """Stashes notes until it is opened."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log
        self.open = False

    @handler
    def note(self, message: Note) -> Any:
        if not self.open:
            self.context.stash()
            return "of a stashed message nothing is sent"
        self.log.append(message.text)
        return message.text

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)


class AsyncDoor(Door):
    @handler
    async def note(self, message: Note) -> Any:
        await asyncio.sleep(0)
        return super().note(message)


class ThreadDoor(Door, ThreadActor):
    pass


DOORS: list[type[Door]] = [Door, AsyncDoor, ThreadDoor]


def open_up(door: Any) -> Any:
    door.open = True
    return door.context.unstash_all()


@pytest.mark.parametrize("kind", DOORS)
async def test_stashed_messages_come_back_in_order_before_queued_ones(kind: type[Door]) -> None:
    def open_with_more_in_the_mailbox(door: Any) -> Any:
        door.actor_ref.tell(Note("queued"))
        return open_up(door)

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        for text in "abc":
            ref.tell(Note(text))

        assert await within(ref.request(Do(open_with_more_in_the_mailbox))) == 3
        await settled(ref)
        assert log == ["a", "b", "c", "queued"]


@pytest.mark.parametrize("kind", DOORS)
async def test_stashed_requests_are_answered_later(kind: type[Door]) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        answers = [asyncio.ensure_future(ref.request(Note(text))) for text in "abc"]
        await asyncio.sleep(0)
        await settled(ref)
        assert not any(answer.done() for answer in answers)

        await within(ref.request(Do(open_up)))
        assert await within(asyncio.gather(*answers)) == ["a", "b", "c"]


async def test_a_request_to_an_idle_actor_may_be_stashed() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Door, []))
        await settled(ref)  # now idle: the request is handled within its own call
        answer = asyncio.ensure_future(ref.request(Note("a")))
        await asyncio.sleep(0)
        assert not answer.done()

        await within(ref.request(Do(open_up)))
        assert await within(answer) == "a"


@pytest.mark.parametrize("kind", DOORS)
async def test_a_stop_turns_stashed_messages_into_dead_letters(kind: type[Door]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, []))
        ref.tell(Note("told"))
        asked = asyncio.ensure_future(ref.request(Note("asked")))
        await asyncio.sleep(0)
        await settled(ref)
        await stop(ref)

        with pytest.raises(ActorStopped):
            await within(asked)
        assert reasons(system) == [
            (Note("told"), DeadLetterReason.STOPPED),
            (Note("asked"), DeadLetterReason.STOPPED),
        ]


async def test_a_drain_does_not_handle_what_is_stashed() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Door, log))
        ref.tell(Note("a"))
        await within(ref.drain(block=False))

        assert log == []
        assert reasons(system) == [(Note("a"), DeadLetterReason.STOPPED)]


async def test_what_is_stashed_while_the_stash_comes_back_waits_for_the_next_time() -> None:
    class Picky(Door):
        @handler
        def note(self, message: Note) -> Any:
            self.log.append(message.text)
            if message.text != "now":
                self.context.stash()

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Picky, log))
        for text in ("a", "b"):
            ref.tell(Note(text))
        for expected in (["a", "b"], ["a", "b"] * 2, ["a", "b"] * 3):
            await settled(ref)
            assert log == expected
            assert await within(ref.request(Do(lambda door: door.context.unstash_all()))) == 2
        await settled(ref)


async def test_unstashing_nothing_returns_zero() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)

        assert await within(ref.request(Do(lambda actor: actor.context.unstash_all()))) == 0


async def test_a_full_stash_overflows_and_the_actor_fails() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Door, []), name="it")
        for number in range(1001):
            ref.tell(Note(number))
        await ended(ref)

        first, *rest = system.dead_letters.list()
        assert (first.message, first.reason) == (Note(1000), DeadLetterReason.CRASHED)
        assert first.error is not None
        assert isinstance(first.error.__cause__, StashOverflowError)
        assert first.error.__cause__.capacity == 1000
        assert first.error.__cause__.path == "/it"
        assert [letter.message for letter in rest] == [Note(number) for number in range(1000)]


async def test_a_full_stash_may_be_caught_and_nothing_has_changed() -> None:
    class Careful(Door):
        @handler
        def note(self, message: Note) -> Any:
            try:
                return super().note(message)
            except StashOverflowError:
                return "full"

    async with ActorSystem() as system:
        ref = system.spawn(Props(Careful, []))
        for number in range(1000):
            ref.tell(Note(number))

        assert await within(ref.request(Note("too many"))) == "full"
        assert await within(ref.request(Do(open_up))) == 1000


async def test_there_is_nothing_to_stash_in_a_hook_or_a_second_time() -> None:
    refused: list[Exception] = []

    def stash(actor: Any) -> None:
        try:
            actor.context.stash()
        except OutsideActorError as error:
            refused.append(error)

    class Eager(Puppet):
        def on_start(self) -> None:
            stash(self)

    def stash_twice(actor: Any) -> None:
        actor.context.stash()
        stash(actor)

    async with ActorSystem() as system:
        ref = system.spawn(Eager)
        ref.tell(Do(stash_twice))
        await settled(ref)

        assert len(refused) == 2


async def test_a_timers_message_may_be_stashed() -> None:
    clock = ManualClock()
    log: list[Any] = []
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(Props(Door, log))
        await within(
            ref.request(Do(lambda door: door.context.start_timer("key", Note("tick"), after=1.0)))
        )
        clock.advance(1.0)
        await settled(ref)
        assert log == []

        await within(ref.request(Do(open_up)))
        await settled(ref)
        assert log == ["tick"]


@pytest.mark.parametrize("mailbox", [Bounded(3), Priority(lambda _: 0)], ids=["bounded", "prio"])
async def test_every_mailbox_takes_the_stash_back(mailbox: Any) -> None:
    def fill_and_open(door: Any) -> Any:
        for number in range(3):
            door.actor_ref.tell(Note(number))
        return open_up(door)

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Door, log).using(mailbox=mailbox))
        for text in "ab":
            ref.tell(Note(text))
            await settled(ref)
        await within(ref.request(Do(fill_and_open)))
        await settled(ref)

        assert log == ["a", "b", 0, 1, 2]


async def test_a_handler_may_unstash_and_stash_its_own_message() -> None:
    def unstash_and_stash(door: Any) -> None:
        if not door.open:
            open_up(door)
            door.context.stash()

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Door, log))
        ref.tell(Note("a"))
        answer = asyncio.ensure_future(ref.request(Do(unstash_and_stash)))
        await settled(ref)
        assert log == ["a"]
        assert not answer.done()

        assert await within(ref.request(Do(open_up))) == 1
        assert await within(answer) is None


async def test_an_async_handler_may_stash_after_waiting() -> None:
    async def wait_and_stash(door: Any) -> None:
        await asyncio.sleep(0)
        if not door.open:
            door.context.stash()

    class Waiting(Door):
        @handler
        async def do(self, message: Do) -> Any:
            result = message.what(self)
            return await result if inspect.isawaitable(result) else result

    async with ActorSystem() as system:
        ref = system.spawn(Props(Waiting, []))
        answer = asyncio.ensure_future(ref.request(Do(wait_and_stash)))
        await asyncio.sleep(0)
        await settled(ref)
        assert not answer.done()

        await within(ref.request(Do(open_up)))
        assert await within(answer) is None


@pytest.mark.parametrize("decision", [Directive.RESTART, Directive.RESUME, Directive.STOP])
async def test_a_message_on_which_the_handler_failed_after_stashing_it_has_crashed(
    decision: Directive,
) -> None:
    def stash_and_fail(actor: Any) -> None:
        actor.context.stash()
        raise Crash

    message = Do(stash_and_fail)
    async with ActorSystem() as system:
        ref = system.spawn(Props(Door, []).using(policy=decision))
        ref.tell(Note("stashed before"))
        with pytest.raises(ActorCrashed):
            await within(ref.request(message))
        await within(ref.drain(block=False))

        assert reasons(system) == [
            (message, DeadLetterReason.CRASHED),
            (Note("stashed before"), DeadLetterReason.STOPPED),
        ]


async def test_a_blocking_asker_gets_the_answer_of_a_stashed_request() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Door, []))
        asking = asyncio.create_task(asyncio.to_thread(ref.ask, Note("a"), timeout=10))
        while not (ref.cell.extra and ref.cell.extra.stash):  # noqa: ASYNC110 - filled by a thread
            await asyncio.sleep(0)
        await within(ref.request(Do(open_up)))

        assert await within(asking) == "a"


async def test_a_thread_that_asks_within_the_call_may_be_stashed_too() -> None:
    with ActorSystem() as system:
        ref = system.spawn(Props(Door, []))
        ref.ask(Do(nothing))
        future = ref.ask(Note("a"), block=False)
        ref.ask(Do(open_up))

        assert future.get(timeout=10) == "a"
        assert ref.ask(Note("b")) == "b"


async def test_puppets_of_a_thread_keep_their_stash_to_themselves() -> None:
    async with ActorSystem() as system:
        first, second = system.spawn(ThreadPuppet), system.spawn(ThreadPuppet)
        first.tell(Do(lambda actor: actor.context.stash()))
        await settled(first)

        assert await within(second.request(Do(lambda actor: actor.context.unstash_all()))) == 0
