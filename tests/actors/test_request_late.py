"""Requests whose caller has gone: the reply is dropped, and the handler goes on."""

import asyncio

import pytest

from dramaturg.actors import (
    Actor,
    ActorSystem,
    DeadLetterReason,
    DeadlineExceeded,
    Directive,
    LateReply,
    ManualClock,
    Props,
    Refused,
    handler,
)
from tests.actors.kit import LIMIT
from tests.actors.messaging_kit import AsyncBox, Block, Hold, Kept, Note, ThreadBox, held, turns


async def test_a_late_reply_is_dropped_and_counted() -> None:
    late: list[LateReply] = []
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        system.events.subscribe(late.append, LateReply)
        ref = system.spawn(AsyncBox, name="box")
        hold = Hold()
        reply = asyncio.ensure_future(ref.request(hold, timeout=1))
        await hold.entered.wait()
        clock.advance(1)
        with pytest.raises(DeadlineExceeded, match="/box"):
            await reply

        hold.release.set()
        await ref.request(Kept())

        assert system.late_replies == 1
        assert [event.path for event in late] == ["/box"]


@pytest.mark.parametrize("end", ["refuse", "crash", "stop"])
async def test_of_what_comes_late_only_an_answer_of_the_actor_counts_as_a_reply(end: str) -> None:
    class Waits(Actor):
        @handler
        async def wait(self, message: Hold) -> None:
            message.entered.set()
            await message.release.wait()
            if end == "refuse":
                raise Refused
            if end == "crash":
                raise ValueError

    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(Props(Waits).using(policy=Directive.STOP))
        first, second = Hold(), Hold()
        replies = [asyncio.ensure_future(ref.request(each, timeout=1)) for each in (first, second)]
        await first.entered.wait()
        clock.advance(1)
        for reply in replies:
            with pytest.raises(DeadlineExceeded):
                await reply

        first.release.set()
        if end == "stop":
            ref.request_stop()
        second.release.set()
        await ref.stop(block=False)

        # The second one expired in the mailbox or was flushed: nobody replied to it.
        assert system.late_replies == {"refuse": 1, "crash": 0, "stop": 1}[end]


async def test_a_message_that_expires_in_the_mailbox_is_no_late_reply() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(AsyncBox)
        hold = await held(system, ref)
        reply = asyncio.ensure_future(ref.request(Kept(), timeout=1))
        future = ref.ask(Kept(), block=False, timeout=1)
        await turns()
        clock.advance(2)
        for each in (reply, future):
            with pytest.raises(DeadlineExceeded):
                await each

        hold.release.set()
        await ref.request(Kept())

        assert len(system.dead_letters.list(reason=DeadLetterReason.EXPIRED)) == 2
        assert system.late_replies == 0


async def test_cancelling_the_caller_does_not_cancel_the_handler() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(AsyncBox)
        hold = Hold()
        reply = asyncio.ensure_future(ref.request(hold))
        await hold.entered.wait()
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply
        ref.tell(Note("after"))

        hold.release.set()

        assert await ref.request(Kept()) == ["after"]
        assert system.late_replies == 1


async def test_cancelling_a_caller_that_was_handed_over_does_not_cancel_the_handler() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(AsyncBox)
        await ref.request(Kept())  # now there are workers to hand over to
        hold = Hold()
        task = asyncio.ensure_future(ref.request(hold))
        await turns(1)
        entered = hold.entered.is_set()
        task.cancel()
        await asyncio.wait([task])
        hold.release.set()

        assert entered
        assert task.cancelled()
        assert await ref.request(Kept()) == []


async def test_a_timeout_of_asyncio_around_a_request_works_as_anywhere() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(AsyncBox)
        hold = Hold()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await ref.request(hold)

        hold.release.set()
        assert await ref.request(Kept()) == []


def test_a_reply_for_a_loop_that_was_closed_meanwhile_is_dropped_and_counted() -> None:
    with ActorSystem() as system:
        ref = system.spawn(ThreadBox)
        block = Block()

        async def give_up() -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await ref.request(block)

        asyncio.run(give_up())
        block.release.set()

        assert ref.ask(Kept(), timeout=LIMIT) == []
        assert system.late_replies == 1
