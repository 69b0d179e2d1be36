"""`await ref.request(message)`: one answer, whatever happens."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from typing import Any, assert_type

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    DeadLetterReason,
    DeadlineExceeded,
    Directive,
    GoneError,
    LateReply,
    ManualClock,
    OptionError,
    Props,
    Refused,
    Request,
    SystemStopped,
    ThreadActor,
    UnhandledError,
    handler,
)
from tests.actors.messaging_kit import (
    BOXES,
    LIMIT,
    AsyncBox,
    Block,
    Box,
    Fail,
    Hold,
    Kept,
    Note,
    ThreadBox,
    held,
    quick_switches,
    turns,
)


class Double(Request[int]):
    number: int


class Doubler(Actor):
    @handler
    def double(self, message: Double) -> int:
        return message.number * 2


class AsyncDoubler(Actor):
    @handler
    async def double(self, message: Double) -> int:
        return message.number * 2


class WaitingDoubler(Actor):
    @handler
    async def double(self, message: Double) -> int:
        await asyncio.sleep(0)
        return message.number * 2


class ThreadDoubler(ThreadActor):
    @handler
    def double(self, message: Double) -> int:
        return message.number * 2


DOUBLERS: list[type[Actor]] = [Doubler, AsyncDoubler, WaitingDoubler, ThreadDoubler]


@pytest.mark.parametrize("doubler", DOUBLERS)
async def test_what_a_handler_returns_is_the_reply(doubler: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(doubler)

        reply = await ref.request(Double(number=4))
        again = await ref.request(Double(number=5))

        assert_type(reply, int)
        assert (reply, again) == (8, 10)


@pytest.mark.parametrize("box", BOXES)
async def test_a_request_is_handled_behind_what_its_sender_told_before(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box)
        ref.tell(Note(1))
        ref.tell(Note(2))

        assert await ref.request(Kept()) == [1, 2]


@pytest.mark.parametrize("box", BOXES)
async def test_any_object_may_be_the_reply(box: type[Actor]) -> None:
    marker = object()
    async with ActorSystem() as system:
        ref = system.spawn(box)
        ref.tell(Note(marker))

        assert (await ref.request(Kept()))[0] is marker


@pytest.mark.parametrize("box", BOXES)
async def test_a_refusal_reaches_the_caller_and_the_actor_lives_on(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box)

        with pytest.raises(Refused, match="sold out") as caught:
            await ref.request(Fail(Refused("sold out", left=0)))

        assert caught.value.details == {"left": 0}
        assert await ref.request(Kept()) == []
        assert len(system.dead_letters) == 0


@pytest.mark.parametrize("box", BOXES)
async def test_a_crash_reaches_the_caller_chained_from_its_cause(box: type[Actor]) -> None:
    cause = ValueError("broken")
    async with ActorSystem() as system:
        ref = system.spawn(Props(box).using(policy=Directive.STOP), name="box")

        with pytest.raises(ActorCrashed, match=r"/box .*ValueError: broken") as caught:
            await ref.request(Fail(cause))

        assert caught.value.__cause__ is cause
        assert (caught.value.path, caught.value.incarnation) == ("/box", 1)
        [letter] = system.dead_letters.list(reason=DeadLetterReason.CRASHED)
        assert letter.message == Fail(cause)


@pytest.mark.parametrize("box", BOXES)
async def test_a_crash_is_answered_once_and_not_processed_again_by_the_next_incarnation(
    box: type[Actor],
) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(box).using(policy=Directive.RESTART))
        for _ in range(3):
            with pytest.raises(ActorCrashed):
                await ref.request(Fail(ValueError()))

        assert await ref.request(Kept()) == []
        assert len(system.dead_letters.list(reason=DeadLetterReason.CRASHED)) == 3


@pytest.mark.parametrize("box", BOXES)
async def test_a_request_to_an_actor_that_has_stopped_fails_at_once(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box)
        await ref.stop(block=False)

        with pytest.raises(ActorStopped, match="has stopped"):
            await ref.request(Kept())

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.message) == (DeadLetterReason.STOPPED, Kept())


async def test_a_request_that_waits_in_a_stopping_actors_mailbox_fails_at_once() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(AsyncBox)
        hold = await held(system, ref)
        waiting = asyncio.ensure_future(ref.request(Kept()))
        await turns()
        stopped = ref.stop(block=False)
        hold.release.set()

        with pytest.raises(ActorStopped, match="stopped before it came to the message"):
            await waiting
        assert await stopped


async def test_a_stopping_actor_still_answers_the_request_that_it_is_at() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(AsyncBox)
        hold = Hold("reply")
        reply = asyncio.ensure_future(ref.request(hold))
        await hold.entered.wait()
        stopped = ref.stop(block=False)
        hold.release.set()

        assert await reply == "reply"
        assert await stopped


@pytest.mark.parametrize("box", BOXES)
async def test_a_request_to_an_actor_of_a_stopped_system_says_so(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box)

    with pytest.raises(SystemStopped, match="with its actor system"):
        await ref.request(Kept())


@pytest.mark.parametrize("box", [Box, AsyncBox])
def test_a_request_after_the_loop_was_closed_under_the_system_says_so(box: type[Actor]) -> None:
    async def begin() -> tuple[ActorSystem, ActorRef[Any]]:
        system = await ActorSystem(hold_limit=None).__aenter__()
        return system, system.spawn(box)

    system, ref = asyncio.run(begin())
    ref.tell(Note(1))
    ref.tell(Note(2))

    assert system.stopped
    with pytest.raises(SystemStopped):
        asyncio.run(_request(ref))
    with pytest.raises(SystemStopped):
        ref.ask(Kept())


async def _request(ref: ActorRef[Any]) -> Any:
    return await ref.request(Kept())


@pytest.mark.parametrize("box", BOXES)
async def test_a_request_without_a_handler_fails_and_the_actor_lives_on(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box, name="box")

        with pytest.raises(UnhandledError, match="/box has no handler for str"):
            await ref.request("nonsense")

        assert await ref.request(Kept()) == []
        [letter] = system.dead_letters.list()
        assert letter.reason is DeadLetterReason.UNHANDLED


@pytest.mark.parametrize("timeout", [-1, float("inf"), float("nan"), "1"])
async def test_an_impossible_timeout_is_refused_and_nothing_is_sent(timeout: Any) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Box)

        with pytest.raises(OptionError, match="timeout="):
            await ref.request(Note(1), timeout=timeout)

        assert await ref.request(Kept()) == []


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


@pytest.mark.parametrize("doubler", DOUBLERS)
async def test_a_coroutine_on_a_loop_of_another_thread_gets_its_reply(doubler: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(doubler)

        async def both() -> list[int]:
            return await asyncio.gather(*(ref.request(Double(number=n)) for n in range(50)))

        replies = await asyncio.to_thread(lambda: asyncio.run(both()))

        assert replies == [2 * n for n in range(50)]


@pytest.mark.parametrize("doubler", DOUBLERS)
def test_a_coroutine_on_a_foreign_loop_gets_a_reply_from_a_system_with_a_thread(
    doubler: type[Actor],
) -> None:
    with ActorSystem() as system:
        ref = system.spawn(doubler)

        async def both() -> list[int]:
            return await asyncio.gather(*(ref.request(Double(number=n)) for n in range(50)))

        assert asyncio.run(both()) == [2 * n for n in range(50)]


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


async def test_a_request_to_a_thread_actor_does_not_hold_the_loop() -> None:
    async with ActorSystem() as system:
        thread, other = system.spawn(ThreadBox), system.spawn(Doubler)
        block = Block("reply")
        reply = asyncio.ensure_future(thread.request(block))
        await block.has_begun()

        assert await other.request(Double(number=1)) == 2
        block.release.set()
        assert await reply == "reply"


@dataclass(frozen=True)
class Ask:
    whom: ActorRef[Any]
    what: Any


class Middle(Actor):
    @handler
    async def ask(self, message: Ask) -> Any:
        return await message.whom.request(message.what)


@pytest.mark.parametrize("box", BOXES)
async def test_a_handler_may_make_requests_itself(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref, middle = system.spawn(box), system.spawn(Middle)
        ref.tell(Note(1))

        assert await middle.request(Ask(ref, Kept())) == [1]


async def test_the_sender_of_a_request_is_the_actor_that_made_it() -> None:
    class Who(Actor):
        @handler
        def who(self, message: str) -> ActorRef[Any] | None:
            return self.context.sender

    async with ActorSystem() as system:
        who, middle = system.spawn(Who), system.spawn(Middle)

        assert await middle.request(Ask(who, "")) == middle
        assert await who.request("") is None


async def test_the_sender_of_a_request_made_in_on_start_is_the_starting_actor() -> None:
    class Who(Actor):
        @handler
        def who(self, message: str) -> ActorRef[Any] | None:
            return self.context.sender

    class Starts(Actor):
        def __init__(self, who: ActorRef[Any]) -> None:
            self.who = who

        async def on_start(self) -> None:
            self.sender = await self.who.request("")

        @handler
        async def get(self, message: str) -> Any:
            return self.sender

    async with ActorSystem() as system:
        who, middle = system.spawn(Who), system.spawn(Middle)
        await middle.request(Ask(who, ""))  # leaves its mark on the worker that on_start will use
        starts = system.spawn(Props(Starts, who))

        assert await starts.request("") == starts


@pytest.mark.parametrize("how", ["future", "task"])
async def test_a_def_handler_that_was_asked_by_an_actor_asks_nobody_in_the_name_of_that_actor(
    how: str,
) -> None:
    class Who(Actor):
        @handler
        def who(self, message: str) -> ActorRef[Any] | None:
            return self.context.sender

    class Def(Actor):
        @handler
        def ask(self, message: Ask) -> Any:
            if how == "future":
                return message.whom.ask(message.what, block=False)
            return asyncio.ensure_future(message.whom.request(message.what))

    async with ActorSystem() as system:
        who, middle, asks = system.spawn(Who), system.spawn(Middle), system.spawn(Def)

        future = await middle.request(Ask(asks, Ask(who, "")))

        # A task of its own is nobody's handler.
        assert await future == (asks if how == "future" else None)


async def test_ten_thousand_requests_raced_by_a_stop_all_end() -> None:
    async with ActorSystem() as system, asyncio.timeout(LIMIT * 2):
        ended = 0
        for number in range(10_000):
            ref = system.spawn((Box, AsyncBox)[number % 2])
            if number % 3:
                ref.tell(Note(number))
            reply = asyncio.ensure_future(ref.request(Kept()))
            if number % 5:
                await asyncio.sleep(0)
            ref.request_stop()
            with contextlib.suppress(ActorStopped):
                await reply
            ended += 1

        assert ended == 10_000


@pytest.mark.parametrize("stop", ["stop", "drain"])
@pytest.mark.parametrize("box", BOXES)
def test_requests_of_a_thread_raced_by_a_stop_in_another_all_end(
    box: type[Actor], stop: str
) -> None:
    rounds = 200 if box is ThreadBox else 2_000
    with ActorSystem(hold_limit=None) as system, quick_switches():
        refs = [system.spawn(box) for _ in range(20)]
        begun = threading.Semaphore(0)
        ends: list[str] = []

        def ask() -> None:
            for number in range(rounds):
                begun.release()
                try:
                    refs[number].ask(Kept(), timeout=LIMIT)
                    ends.append("reply")
                except GoneError:
                    ends.append("stopped")

        refs += [system.spawn(box) for _ in range(rounds - len(refs))]
        asker = threading.Thread(target=ask)
        asker.start()
        for number in range(rounds):
            assert begun.acquire(timeout=LIMIT)
            getattr(refs[number], stop)(block=False)
        asker.join(LIMIT * 2)

        assert not asker.is_alive()
        assert len(ends) == rounds


async def test_requests_to_actors_that_fail_to_start_end() -> None:
    class Broken(Actor):
        async def on_start(self) -> None:
            raise ValueError

        @handler
        async def take(self, message: str) -> None: ...

    async with ActorSystem() as system:
        ref = system.spawn(Props(Broken).using(policy=Directive.STOP))

        with pytest.raises(GoneError):
            await ref.request("")


async def test_replies_to_many_requests_at_once_find_their_callers() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(each) for each in DOUBLERS]

        replies = await asyncio.gather(
            *(ref.request(Double(number=n)) for n in range(200) for ref in refs)
        )

        assert replies == [2 * n for n in range(200) for _ in refs]


async def test_a_waiting_request_leaves_nothing_behind_in_the_clock() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(WaitingDoubler)
        before = clock.pending
        await ref.request(Double(number=1))

        assert clock.pending == before
        assert system.waits_for == {}
