"""`await ref.request(message)`: one answer, whatever happens."""

import asyncio
from typing import Any, assert_type

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    DeadLetterReason,
    Directive,
    GoneError,
    ManualClock,
    OptionError,
    Props,
    Refused,
    SystemStopped,
    UnhandledError,
    handler,
)
from tests.actors.kit import Fail
from tests.actors.messaging_kit import (
    BOXES,
    DOUBLERS,
    AsyncBox,
    Block,
    Box,
    Double,
    Doubler,
    Hold,
    Kept,
    Note,
    ThreadBox,
    WaitingDoubler,
    held,
    turns,
)


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


async def test_a_request_to_a_thread_actor_does_not_hold_the_loop() -> None:
    async with ActorSystem() as system:
        thread, other = system.spawn(ThreadBox), system.spawn(Doubler)
        block = Block("reply")
        reply = asyncio.ensure_future(thread.request(block))
        await block.has_begun()

        assert await other.request(Double(number=1)) == 2
        block.release.set()
        assert await reply == "reply"


async def test_a_waiting_request_leaves_nothing_behind_in_the_clock() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(WaitingDoubler)
        before = clock.pending
        await ref.request(Double(number=1))

        assert clock.pending == before
        assert system.waits_for == {}
