"""The circuit breaker around calls of functions."""

import asyncio
import threading
from functools import partial
from typing import assert_type

import pytest

from dramaturg.actors import DeadlineExceeded, DramaturgError, Props, SystemClock
from dramaturg.supervision._breaker import CircuitBreaker
from dramaturg.supervision._breaker_gate import CircuitOpen
from dramaturg.supervision._breaker_messages import BreakerStatus
from tests.actors.kit import LIMIT, Crash, Do, Note, Puppet, within
from tests.actors.messaging_kit import turns
from tests.supervision.breaker_kit import CLOSED, HALF_OPEN, OPEN, Bench, open_bench

bench = pytest.fixture(open_bench)


async def test_a_call_returns_what_the_function_does(bench: Bench) -> None:
    def add(left: int, *, right: int) -> int:
        return left + right

    done = await bench.breaker.call(bench.succeed)
    added = await bench.breaker.call(add, 1, right=2)

    assert (assert_type(done, str), assert_type(added, int)) == ("done", 3)


async def test_a_call_raises_what_the_function_does(bench: Bench) -> None:
    error = Crash("boom")

    with pytest.raises(Crash) as caught:
        await bench.breaker.call(bench.fail, error)

    assert caught.value is error


async def test_calls_through_an_open_circuit_fail_at_once_and_call_nothing(bench: Bench) -> None:
    await bench.failing(2)
    bench.clock.advance(4.0)

    with pytest.raises(CircuitOpen, match=r"gateway is open for 6 s") as caught:
        await bench.breaker.call(bench.succeed)

    assert (caught.value.name, caught.value.retry_after) == ("gateway", 6.0)
    assert isinstance(caught.value, DramaturgError)
    assert bench.called == 2


async def test_while_the_trial_call_is_under_way_all_others_fail_at_once(bench: Bench) -> None:
    await bench.on_trial()
    trial = asyncio.ensure_future(bench.breaker.call(bench.hang))
    await turns()

    with pytest.raises(CircuitOpen, match="until its trial call has ended") as caught:
        await bench.breaker.call(bench.succeed)

    assert caught.value.retry_after == 0.0
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(trial)


async def test_a_trial_call_that_succeeds_closes_the_circuit(bench: Bench) -> None:
    await bench.on_trial()

    await bench.breaker.call(bench.succeed)

    assert bench.state is CLOSED
    await bench.failing(1)
    assert bench.state is CLOSED


async def test_a_trial_call_that_fails_opens_it_for_longer(bench: Bench) -> None:
    await bench.on_trial()

    await bench.failing()

    assert bench.breaker.status() == BreakerStatus(
        name="gateway", state=OPEN, failures=2, retry_after=20.0, reset_timeout=20.0
    )


async def test_a_cancelled_trial_call_makes_room_for_another(bench: Bench) -> None:
    await bench.on_trial()
    trial = asyncio.ensure_future(bench.breaker.call(bench.hang))
    await turns()
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(trial)
    assert bench.state is HALF_OPEN

    await bench.breaker.call(bench.succeed)

    assert bench.state is CLOSED


async def test_a_cancelled_call_does_not_count(bench: Bench) -> None:
    for _ in range(3):
        call = asyncio.ensure_future(bench.breaker.call(bench.hang))
        await turns()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(call)

    assert bench.breaker.status().failures == 0


async def test_a_call_that_takes_too_long_is_cut_short_and_fails(bench: Bench) -> None:
    before = bench.clock.pending
    calls = [asyncio.ensure_future(bench.breaker.call(bench.hang)) for _ in range(2)]
    await turns()
    bench.clock.advance(5.0)

    for call in calls:
        with pytest.raises(DeadlineExceeded, match="no answer from gateway within 5 s"):
            await within(call)

    assert bench.state is OPEN
    assert bench.clock.pending == before


async def test_a_call_that_ends_in_time_leaves_no_alarm(bench: Bench) -> None:
    before = bench.clock.pending

    await bench.breaker.call(bench.succeed)

    assert bench.clock.pending == before


async def test_a_timeout_of_the_function_itself_stays_what_it_is(bench: Bench) -> None:
    error = TimeoutError("mine")

    with pytest.raises(TimeoutError) as caught:
        await bench.breaker.call(bench.fail, error)

    assert caught.value is error


async def test_without_a_limit_a_call_may_take_for_ever(bench: Bench) -> None:
    breaker = CircuitBreaker("gateway", bench.system, call_timeout=None)
    release = asyncio.Event()
    call = asyncio.ensure_future(breaker.call(release.wait))
    await turns()
    bench.clock.advance(1e9)
    release.set()

    assert await within(call) is True
    assert breaker.status().failures == 0


@pytest.mark.one_order("threads")
async def test_a_caller_on_another_loop_is_cut_short_there(bench: Bench) -> None:
    begun = threading.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    other = asyncio.ensure_future(asyncio.to_thread(asyncio.run, bench.breaker.call(hang)))
    assert await asyncio.to_thread(begun.wait, LIMIT)
    bench.clock.advance(5.0)

    with pytest.raises(DeadlineExceeded):
        await within(other)
    assert bench.breaker.status().failures == 1


async def test_a_request_may_be_the_call(bench: Bench) -> None:
    puppet = bench.system.spawn(Props(Puppet))

    reply = await within(bench.breaker.call(puppet.request, Do(lambda _: "done")))
    await within(bench.breaker.call(partial(puppet.request, Note("hello"))))

    assert reply == "done"


async def test_with_the_machines_clock_alone_calls_have_their_limit() -> None:
    breaker = CircuitBreaker("gateway", SystemClock(), call_timeout=1e-6)

    with pytest.raises(DeadlineExceeded):
        await within(breaker.call(asyncio.Event().wait))

    assert breaker.status().failures == 1
