"""Futures: completed once, waited for by threads and by coroutines."""

import asyncio
import functools
import queue
import threading
from typing import Any

import pykka
import pytest
import structlog

from dramaturg.actors import ActorSystem, DeadlineExceeded, Future, Refused
from tests.actors.kit import LIMIT
from tests.actors.messaging_kit import AsyncBox, Box, Captured, Hold, Kept, turns


def test_a_future_returns_the_value_that_it_was_given() -> None:
    future: Future[int] = Future()
    future.set(1)

    assert future.get() == 1
    assert future.get(timeout=0) == 1


def test_a_future_without_a_value_was_given_none() -> None:
    future: Future[None] = Future()
    future.set()

    assert future.get() is None


def test_a_future_raises_the_exception_that_it_was_given() -> None:
    future: Future[int] = Future()
    error = ValueError("broken")
    future.set_exception((ValueError, error, None))

    for _ in range(2):
        with pytest.raises(ValueError, match="broken") as caught:
            future.get()
        assert caught.value is error


def test_a_future_takes_the_exception_that_is_being_handled() -> None:
    future: Future[int] = Future()
    try:
        int("broken")
    except ValueError:
        future.set_exception()

    with pytest.raises(ValueError, match="broken"):
        future.get()


def test_a_future_is_completed_once() -> None:
    future: Future[int] = Future()
    future.set(1)

    with pytest.raises(queue.Full):
        future.set(2)
    with pytest.raises(queue.Full):
        future.set_exception((ValueError, ValueError(), None))
    with pytest.raises(queue.Full):
        future.set_get_hook(lambda timeout: 3)

    assert future.get() == 1


def test_a_future_that_stays_empty_times_out() -> None:
    future: Future[int] = Future()

    with pytest.raises(DeadlineExceeded, match=r"within 0\.01 s") as caught:
        future.get(timeout=0.01)

    assert isinstance(caught.value, pykka.Timeout)
    assert isinstance(caught.value, TimeoutError)


def test_a_thread_that_waits_gets_the_value_when_it_comes() -> None:
    future: Future[int] = Future()
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(future.get(timeout=LIMIT)))
    thread.start()

    future.set(1)
    thread.join(LIMIT)

    assert got == [1]


async def test_a_coroutine_that_waits_gets_the_value_when_it_comes() -> None:
    future: Future[int] = Future()

    async def wait() -> int:
        return await future

    waiting = [asyncio.ensure_future(wait()) for _ in range(3)]
    await turns()
    await asyncio.to_thread(future.set, 1)

    assert await asyncio.gather(*waiting) == [1, 1, 1]
    assert await future == 1


async def test_awaiting_raises_the_exception_that_the_future_was_given() -> None:
    future: Future[int] = Future()
    future.set_exception((ValueError, ValueError("broken"), None))

    with pytest.raises(ValueError, match="broken"):
        await future


async def test_a_coroutine_that_is_cancelled_leaves_the_future_to_the_others() -> None:
    future: Future[int] = Future()

    async def wait() -> int:
        return await future

    first, second = asyncio.ensure_future(wait()), asyncio.ensure_future(wait())
    await turns()
    first.cancel()
    await asyncio.wait([first])
    future.set(1)

    assert await second == 1


def test_completing_a_future_whose_waiting_loop_was_closed_is_harmless() -> None:
    future: Future[int] = Future()

    async def give_up() -> None:
        async def wait() -> int:
            return await future

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wait(), 0.01)

    asyncio.run(give_up())
    thread = threading.Thread(target=future.set, args=(1,))
    thread.start()
    thread.join(LIMIT)

    assert future.get() == 1


def test_a_caller_whose_loop_was_closed_does_not_fail_the_actor_that_replies() -> None:
    with ActorSystem() as system:
        ref = system.spawn(AsyncBox)
        hold = Hold()

        async def give_up() -> None:
            future = ref.ask(hold, block=False)

            async def wait() -> Any:
                return await future

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(wait(), 0.01)

        asyncio.run(give_up())
        system.host.call_soon(hold.release.set)

        assert ref.ask(Kept(), timeout=LIMIT) == []


def test_callbacks_run_in_order_once_the_value_is_there() -> None:
    future: Future[int] = Future()
    order: list[int] = []
    for number in range(3):
        future.add_done_callback(functools.partial(order.append, number))
    before = list(order)
    future.set()
    future.add_done_callback(lambda: order.append(3))

    assert before == []
    assert order == [0, 1, 2, 3]


def test_a_callback_that_raises_is_logged_and_the_others_run() -> None:
    captured = Captured()
    order: list[int] = []
    structlog.configure(logger_factory=lambda *_: captured.log, processors=[])
    try:
        future: Future[int] = Future()
        future.add_done_callback(lambda: 1 / 0)
        future.add_done_callback(lambda: order.append(1))
        future.set(2)
    finally:
        structlog.reset_defaults()

    assert order == [1]
    assert future.get() == 2
    [entry] = captured.entries("future_callback_failed")
    assert isinstance(entry["exc_info"], ZeroDivisionError)


def test_a_hook_makes_the_value_when_it_is_asked_for() -> None:
    future: Future[int] = Future()
    calls: list[float | None] = []

    def hook(timeout: float | None) -> int:
        calls.append(timeout)
        return 1

    future.set_get_hook(hook)

    assert [future.get(timeout=2), future.get()] == [1, 1]
    assert calls == [2]


async def test_a_future_with_a_hook_can_be_awaited() -> None:
    async with ActorSystem() as system:
        first = system.spawn(Box).ask(Kept(), block=False)

        doubled = first.map(lambda kept: [*kept, "mapped"])

        assert await doubled == ["mapped"]


def test_pykkas_operations_work_on_our_futures() -> None:
    with ActorSystem() as system:
        refs = [system.spawn(Box) for _ in range(3)]
        futures = [ref.ask(Kept(), block=False) for ref in refs]

        joined = futures[0].join(*futures[1:])

        assert joined.get(timeout=LIMIT) == [[], [], []]
        assert pykka.get_all(futures, timeout=LIMIT) == [[], [], []]


async def test_a_second_answer_is_dropped_and_counted_as_late() -> None:
    late: list[int] = []
    future: Future[int] = Future()
    future.bind(refuse=lambda: False, on_late=lambda: late.append(1))
    future.complete(1, None)
    future.complete(2, None)
    future.complete(None, Refused())
    future.complete(None, ValueError())

    assert await future == 1
    assert late == [1, 1]


async def test_a_late_reply_to_a_future_is_counted_by_the_system() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(AsyncBox)
        hold = Hold()
        future = ref.ask(hold, block=False, timeout=0.01)
        with pytest.raises(DeadlineExceeded):
            await future
        hold.release.set()
        await ref.request(Kept())

        assert system.late_replies == 1
