"""`ref.ask(message)`: requests of threads, and the calls that would block the loop."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, assert_type

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    BlockingCallError,
    DeadlineExceeded,
    Directive,
    Future,
    OptionError,
    Props,
    Refused,
    Request,
    SystemStopped,
    ThreadActor,
    UnhandledError,
    handler,
)
from tests.actors.kit import LIMIT, Fail
from tests.actors.messaging_kit import (
    BOXES,
    AsyncBox,
    Block,
    Box,
    Hold,
    Kept,
    Note,
    ThreadBox,
    Whom,
    in_threads,
    quick_switches,
)


class Add(Request[int]):
    number: int


class Sum(Actor):
    def __init__(self) -> None:
        self.total = 0

    @handler
    def add(self, message: Add) -> int:
        self.total += message.number
        return self.total


class AsyncSum(Actor):
    def __init__(self) -> None:
        self.total = 0

    @handler
    async def add(self, message: Add) -> int:
        before = self.total
        await asyncio.sleep(0)
        self.total = before + message.number
        return self.total


class ThreadSum(ThreadActor):
    def __init__(self) -> None:
        self.total = 0

    @handler
    def add(self, message: Add) -> int:
        self.total += message.number
        return self.total


SUMS: list[type[Actor]] = [Sum, AsyncSum, ThreadSum]


@pytest.mark.parametrize("kind", SUMS)
def test_an_ask_returns_the_reply(kind: type[Actor]) -> None:
    with ActorSystem() as system:
        ref = system.spawn(kind)

        reply = ref.ask(Add(number=3))
        again = ref.ask(Add(number=4))

        assert_type(reply, int)
        assert (reply, again) == (3, 7)


@pytest.mark.parametrize("kind", SUMS)
async def test_a_thread_may_ask_the_actors_of_a_loop(kind: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(kind)

        assert await asyncio.to_thread(ref.ask, Add(number=3)) == 3


@pytest.mark.parametrize("kind", SUMS)
def test_sixteen_threads_may_ask_at_once_and_no_addition_is_lost(kind: type[Actor]) -> None:
    with ActorSystem(hold_limit=None) as system, quick_switches():
        ref = system.spawn(kind)
        replies: list[int] = []

        def ask(_: int) -> None:
            replies.extend(ref.ask(Add(number=1), timeout=LIMIT) for _ in range(50))

        in_threads(16, ask)

        assert sorted(replies) == list(range(1, 801))
        assert system.late_replies == 0


def test_an_ask_is_handled_behind_what_the_thread_told_before() -> None:
    with ActorSystem() as system:
        for box in BOXES:
            ref = system.spawn(box)
            ref.tell(Note(1))

            assert ref.ask(Kept()) == [1]


@pytest.mark.parametrize("box", BOXES)
def test_the_answers_that_are_errors_are_raised(box: type[Actor]) -> None:
    cause = ValueError("broken")
    with ActorSystem() as system:
        ref = system.spawn(Props(box).using(policy=Directive.RESTART))

        with pytest.raises(Refused, match="no"):
            ref.ask(Fail(Refused("no")))
        with pytest.raises(ActorCrashed) as crashed:
            ref.ask(Fail(cause))
        with pytest.raises(UnhandledError):
            ref.ask("nonsense")
        ref.stop()
        with pytest.raises(ActorStopped):
            ref.ask(Kept())

        assert crashed.value.__cause__ is cause
    with pytest.raises(SystemStopped):
        ref.ask(Kept())


def test_an_ask_that_is_not_answered_in_time_gives_up_and_the_reply_is_dropped() -> None:
    with ActorSystem() as system:
        ref = system.spawn(ThreadBox, name="box")
        block = Block()

        with pytest.raises(DeadlineExceeded, match=r"/box within 0\.01 s"):
            ref.ask(block, timeout=0.01)
        block.release.set()

        assert ref.ask(Kept(), timeout=LIMIT) == []
        assert system.late_replies == 1


def test_an_ask_without_a_timeout_has_the_systems_default_one() -> None:
    with ActorSystem(default_timeout=0.01) as system:
        ref = system.spawn(ThreadBox)
        block = Block()

        with pytest.raises(DeadlineExceeded):
            ref.ask(block)

        block.release.set()


@pytest.mark.parametrize("timeout", [-1, float("inf"), "1"])
@pytest.mark.parametrize("block", [True, False])
def test_an_impossible_timeout_is_refused(timeout: Any, block: bool) -> None:
    with ActorSystem() as system:
        ref = system.spawn(Box)

        with pytest.raises(OptionError, match="timeout="):
            ref.ask(Note(1), block=block, timeout=timeout)

        assert ref.ask(Kept()) == []


# -- where blocking is refused -------------------------------------------------

CALLS: dict[str, tuple[Callable[[ActorRef[Any]], object], str]] = {
    "ask": (lambda ref: ref.ask(Kept()), r"ref\.ask\(\) .*`await ref\.request\(message\)`"),
    "stop": (lambda ref: ref.stop(), r"ref\.stop\(\) .*`await ref\.stop\(block=False\)`"),
    "drain": (lambda ref: ref.drain(), r"ref\.drain\(\) .*`await ref\.drain\(block=False\)`"),
    "get": (lambda ref: _pending(ref).get(), r"Future\.get\(\) .*await the future"),
    "started": (lambda ref: _starting(ref).get(), r"Future\.get\(\) .*await the future"),
    "close": (lambda ref: ref.cell.system.close(), r"system\.close\(\) .*`await system\.shutdown"),
    "join": (lambda ref: ref.cell.system.join(), r"system\.join\(\) .*`await system\.wait\(\)`"),
}


class Starting(Actor):
    async def on_start(self) -> None:
        await asyncio.Event().wait()


def _pending(ref: ActorRef[Any]) -> Future[Any]:
    return ref.cell.system.spawn(AsyncBox).ask(Hold(), block=False)


def _starting(ref: ActorRef[Any]) -> Future[None]:
    return ref.cell.system.spawn(Starting).started()


blocking_calls = pytest.mark.parametrize(("call", "instead"), CALLS.values(), ids=CALLS.keys())


@blocking_calls
async def test_a_blocking_call_on_the_loops_thread_names_the_awaitable_form(
    call: Callable[[ActorRef[Any]], object], instead: str
) -> None:
    async with ActorSystem(shutdown_timeout=0) as system:
        ref = system.spawn(AsyncBox)

        with pytest.raises(BlockingCallError, match=instead):
            call(ref)

        assert await ref.request(Kept()) == []


class Calls(Actor):
    def __init__(self, call: Callable[[ActorRef[Any]], object], ref: ActorRef[Any]) -> None:
        self.call = call
        self.ref = ref

    @handler
    def go(self, message: str) -> str:
        with pytest.raises(BlockingCallError) as caught:
            self.call(self.ref)
        return str(caught.value)


class AsyncCalls(Calls):
    @handler
    async def wait(self, message: int) -> str:
        return self.go("")


@pytest.mark.parametrize("message", ["def", 1], ids=["def", "async def"])
@blocking_calls
async def test_a_blocking_call_in_a_handler_is_refused(
    call: Callable[[ActorRef[Any]], object], instead: str, message: object
) -> None:
    async with ActorSystem(shutdown_timeout=0) as system:
        other = system.spawn(AsyncBox)
        kind = Calls if message == "def" else AsyncCalls
        ref = system.spawn(Props(kind, call, other))

        assert "blocks" in await ref.request(message)


@blocking_calls
def test_a_blocking_call_in_a_handler_that_runs_on_the_asking_thread_is_refused(
    call: Callable[[ActorRef[Any]], object], instead: str
) -> None:
    with ActorSystem(shutdown_timeout=0) as system:
        other = system.spawn(AsyncBox)
        ref = system.spawn(Props(Calls, call, other))

        assert "blocks" in ref.ask("def")


def test_a_thread_actor_may_ask_and_wait() -> None:
    class Asks(ThreadActor):
        @handler
        def go(self, message: Whom) -> Any:
            future = message.ref.ask(Kept(), block=False)
            return [message.ref.ask(Kept()), future.get(timeout=LIMIT)]

    with ActorSystem() as system:
        ref = system.spawn(AsyncBox)
        ref.tell(Note(1))

        assert system.spawn(Asks).ask(Whom(ref)) == [[1], [1]]


async def test_a_handler_in_a_thread_of_asyncio_may_ask() -> None:
    class Asks(Actor):
        @handler
        async def go(self, message: Whom) -> Any:
            return await asyncio.to_thread(message.ref.ask, Kept())

    async with ActorSystem() as system:
        ref = system.spawn(AsyncBox)

        assert await system.spawn(Asks).request(Whom(ref)) == []


async def test_a_handler_may_ask_in_a_thread_and_request_at_the_same_time() -> None:
    class Asks(Actor):
        @handler
        async def go(self, message: Whom) -> Any:
            return await asyncio.gather(
                *(asyncio.to_thread(message.ref.ask, Add(number=1)) for _ in range(3)),
                *(message.ref.request(Add(number=1)) for _ in range(3)),
            )

    async with ActorSystem() as system:
        for kind in SUMS:
            total = await system.spawn(Asks).request(Whom(system.spawn(kind)))

            assert sorted(total) == [1, 2, 3, 4, 5, 6]
        assert system.waits_for == {}


def test_the_system_of_another_loop_may_be_asked_from_a_loop() -> None:
    with ActorSystem() as system:
        ref = system.spawn(AsyncBox)

        async def ask() -> Any:
            return ref.ask(Kept())  # it blocks this loop, which is not the one that answers

        assert asyncio.run(ask()) == []


# -- without blocking ----------------------------------------------------------


async def test_an_ask_that_does_not_block_can_be_awaited() -> None:
    async with ActorSystem() as system:
        for box in BOXES:
            future = system.spawn(box).ask(Kept(), block=False)

            assert await future == []


def test_an_ask_that_does_not_block_can_be_waited_for() -> None:
    with ActorSystem() as system:
        for box in BOXES:
            future = system.spawn(box).ask(Kept(), block=False)

            assert future.get(timeout=LIMIT) == []


@pytest.mark.parametrize("box", BOXES)
async def test_the_answers_that_are_errors_go_into_the_future(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(box).using(policy=Directive.STOP))
        refused = ref.ask(Fail(Refused("no")), block=False)
        crashed = ref.ask(Fail(ValueError()), block=False)

        with pytest.raises(Refused):
            await refused
        with pytest.raises(ActorCrashed):
            await crashed
        await ref.stop(block=False)
        with pytest.raises(ActorStopped):
            await ref.ask(Kept(), block=False)


def test_several_replies_that_nobody_waits_for_are_just_dropped() -> None:
    with ActorSystem() as system:
        ref = system.spawn(Sum)
        for _ in range(10):
            ref.ask(Add(number=1), block=False)

        assert ref.ask(Add(number=0)) == 10


def test_an_ask_from_a_thread_that_runs_no_actor_has_no_sender() -> None:
    class Who(Actor):
        @handler
        def who(self, message: str) -> Any:
            return self.context.sender

    with ActorSystem() as system:
        assert system.spawn(Who).ask("") is None


@pytest.mark.parametrize("kind", [Actor, ThreadActor])
def test_an_ask_that_does_not_block_carries_its_sender(kind: type[Actor]) -> None:
    class Who(Actor):
        @handler
        def who(self, message: str) -> Any:
            return self.context.sender

    class Asks(kind):  # type: ignore[misc,valid-type] # pyright: ignore[reportGeneralTypeIssues]
        @handler
        def go(self, message: Whom) -> None:
            replies.append(message.ref.ask("", block=False))
            done.set()

    replies: list[Any] = []
    done = threading.Event()
    with ActorSystem() as system:
        who, asks = system.spawn(Who), system.spawn(Asks)
        asks.tell(Whom(who))

        assert done.wait(LIMIT)
        assert replies[0].get(timeout=LIMIT) == asks
