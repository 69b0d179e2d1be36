"""Deadlines: absolute, inherited, and kept by a clock that tests can move."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorSystem,
    DeadLetterReason,
    DeadlineExceeded,
    ManualClock,
    ThreadActor,
    handler,
)
from tests.actors.kit import LIMIT
from tests.actors.messaging_kit import (
    BOXES,
    AsyncBox,
    Block,
    Box,
    Hold,
    Kept,
    Note,
    ThreadBox,
    held,
    turns,
    until,
)


@dataclass(frozen=True)
class Forward:
    """Makes a request to each of the refs in turn, with that timeout."""

    whom: tuple[ActorRef[Any], ...]
    what: Any
    timeout: float | None = None


class Forwarder(Actor):
    @handler
    async def forward(self, message: Forward) -> Any:
        if not message.whom:
            return self.context.deadline
        rest = Forward(message.whom[1:], message.what, message.timeout)
        what = rest if rest.whom or message.what is None else message.what
        return await message.whom[0].request(what, timeout=message.timeout)


class Deadlines(Actor):
    """Replies with the deadline of the message."""

    @handler
    def deadline(self, message: str) -> float | None:
        return self.context.deadline


class AsyncDeadlines(Actor):
    @handler
    async def deadline(self, message: str) -> float | None:
        return self.context.deadline


class ThreadDeadlines(ThreadActor):
    @handler
    def deadline(self, message: str) -> float | None:
        return self.context.deadline


KINDS = [Deadlines, AsyncDeadlines, ThreadDeadlines]
kinds = pytest.mark.parametrize("kind", KINDS)


async def test_a_request_fails_when_the_clock_reaches_its_deadline() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(AsyncBox, name="box")
        hold = Hold()
        reply = asyncio.ensure_future(ref.request(hold, timeout=3))
        await hold.entered.wait()

        clock.advance(2.9)
        await turns()
        before = reply.done()
        clock.advance(0.1)
        with pytest.raises(DeadlineExceeded, match="/box"):
            await reply

        assert not before
        hold.release.set()


async def test_a_request_without_a_timeout_has_the_systems_default_one() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock, default_timeout=7) as system:
        ref = system.spawn(AsyncBox)
        hold = Hold()
        reply = asyncio.ensure_future(ref.request(hold))
        await hold.entered.wait()

        clock.advance(6.9)
        await turns()
        before = reply.done()
        clock.advance(0.1)
        with pytest.raises(DeadlineExceeded):
            await reply

        assert not before
        hold.release.set()


@kinds
async def test_a_deadline_is_absolute(kind: type[Actor]) -> None:
    clock = ManualClock()
    clock.advance(100)
    async with ActorSystem(clock=clock, default_timeout=7) as system:
        ref = system.spawn(kind)

        assert await ref.request("") == 107
        assert await ref.request("", timeout=3) == 103
        assert await ref.request("", timeout=0) == 100


@kinds
async def test_a_nested_request_inherits_the_deadline(kind: type[Actor]) -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref, first, second = (system.spawn(each) for each in (kind, Forwarder, Forwarder))

        through = Forward((second, ref), "")

        assert await first.request(through, timeout=2) == 2


@kinds
async def test_a_nested_request_may_have_less_time_but_not_more(kind: type[Actor]) -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref, first = system.spawn(kind), system.spawn(Forwarder)

        assert await first.request(Forward((ref,), "", timeout=1), timeout=2) == 1
        assert await first.request(Forward((ref,), "", timeout=9), timeout=2) == 2


async def test_the_requests_of_a_thread_actor_inherit_its_deadline() -> None:
    class Asks(ThreadActor):
        @handler
        def forward(self, message: Forward) -> Any:
            return message.whom[0].ask(message.what, timeout=message.timeout)

    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        for kind in KINDS:
            ref, asks = system.spawn(kind), system.spawn(Asks)

            assert await asks.request(Forward((ref,), ""), timeout=2) == 2
            assert await asks.request(Forward((ref,), "", timeout=1), timeout=2) == 1


async def test_a_message_that_was_told_has_no_deadline_to_inherit() -> None:
    class Tells(Actor):
        @handler
        def forward(self, message: Forward) -> None:
            message.whom[0].tell(message.what)

    clock = ManualClock()
    kept: list[Any] = []

    class Keeps(Actor):
        @handler
        def keep(self, message: str) -> None:
            kept.append(self.context.deadline)

    async with ActorSystem(clock=clock) as system:
        keeps = system.spawn(Keeps)
        await system.spawn(Tells).request(Forward((keeps,), ""), timeout=2)
        await keeps.drain(block=False)

    assert kept == [None]


@pytest.mark.parametrize("box", [AsyncBox, ThreadBox])
async def test_a_message_whose_deadline_has_passed_is_a_dead_letter_and_not_handled(
    box: type[Actor],
) -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(box, name="box")
        block: Any = Block() if box is ThreadBox else Hold()
        ref.tell(block)
        reply = asyncio.ensure_future(ref.request(Note(1), timeout=1))
        await turns()
        clock.advance(1.5)
        with pytest.raises(DeadlineExceeded):
            await reply

        block.release.set()

        assert await ref.request(Kept()) == []
        [letter] = system.dead_letters.list()
        assert letter.reason is DeadLetterReason.EXPIRED
        assert (letter.message, letter.target) == (Note(1), "/box")
        assert isinstance(letter.error, DeadlineExceeded)


async def test_a_message_that_comes_up_exactly_at_its_deadline_is_handled() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(AsyncBox)
        hold = await held(system, ref)
        ref.ask(Note(1), block=False, timeout=1)
        clock.advance(1)
        hold.release.set()

        assert await ref.request(Kept()) == [1]


@pytest.mark.parametrize("box", BOXES)
async def test_a_nested_request_after_the_inherited_deadline_is_not_handled(
    box: type[Actor],
) -> None:
    class Late(Actor):
        @handler
        async def forward(self, message: Forward) -> Any:
            clock.advance(5)  # meanwhile the caller has given up
            try:
                return await message.whom[0].request(message.what)
            except DeadlineExceeded as error:
                errors.append(error)
                raise

    clock = ManualClock()
    errors: list[DeadlineExceeded] = []
    async with ActorSystem(clock=clock) as system:
        ref, late = system.spawn(box), system.spawn(Late)
        await system.spawn(Forwarder).request(Forward((), None))  # now there are workers

        with pytest.raises((DeadlineExceeded, ActorCrashed)):
            await late.request(Forward((ref,), Note(1)), timeout=1)
        await late.drain(block=False)

        assert len(errors) == 1
        assert await ref.request(Kept()) == []
        letters = system.dead_letters.list(reason=DeadLetterReason.EXPIRED, message_type=Note)
        assert [letter.message for letter in letters] == [Note(1)]


async def test_an_ask_that_does_not_block_has_no_deadline_unless_it_is_given_one() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(AsyncBox)
        hold = Hold()
        endless = ref.ask(hold, block=False)
        limited = ref.ask(Kept(), block=False, timeout=2)
        await hold.entered.wait()
        clock.advance(1000)
        with pytest.raises(DeadlineExceeded, match="within 2 s"):
            await limited

        hold.release.set()

        assert await endless == "held"


async def test_a_timeout_that_did_not_strike_leaves_no_alarm_behind() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(AsyncBox)
        before = clock.pending
        await ref.request(Kept(), timeout=3)
        await ref.ask(Kept(), block=False, timeout=3)

        assert clock.pending == before


async def test_a_thread_waits_for_its_answer_by_the_systems_clock() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(ThreadBox)
        block = Block()
        asking = asyncio.ensure_future(asyncio.to_thread(ref.ask, block, timeout=1000))
        await block.has_begun()
        await until(lambda: clock.pending > 0)
        clock.advance(1000)

        with pytest.raises(DeadlineExceeded, match="within 1000 s"):
            await asyncio.wait_for(asking, LIMIT)

        block.release.set()


def test_an_ask_of_a_thread_actor_after_the_inherited_deadline_is_not_handled() -> None:
    class Late(ThreadActor):
        @handler
        def forward(self, message: Forward) -> Any:
            clock.advance(5)
            with pytest.raises(DeadlineExceeded):
                message.whom[0].ask(message.what)

    clock = ManualClock()
    with ActorSystem(clock=clock) as system:
        ref, late = system.spawn(Box), system.spawn(Late)
        with contextlib.suppress(DeadlineExceeded):  # unless the thread begins to wait too late
            late.ask(Forward((ref,), Note(1)), timeout=1)

        assert ref.ask(Kept()) == []
        assert [letter.message for letter in system.dead_letters.list()] == [Note(1)]
