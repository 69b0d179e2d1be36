"""The circuit breaker around blocks, and around functions that it decorates."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

import pytest

from dramaturg.actors import DeadlineExceeded, OptionError
from dramaturg.supervision._breaker import CircuitBreaker
from dramaturg.supervision._breaker_gate import CircuitOpen
from tests.actors.kit import LIMIT, Crash, in_threads, within
from tests.actors.messaging_kit import quick_switches, turns
from tests.supervision.breaker_kit import CLOSED, Bench, open_bench

bench = pytest.fixture(open_bench)


async def test_a_block_counts_as_a_call(bench: Bench) -> None:
    for _ in range(2):
        with pytest.raises(Crash):
            async with bench.breaker:
                raise Crash("ill")

    with pytest.raises(CircuitOpen):
        async with bench.breaker:
            pytest.fail("nobody comes here")


async def test_blocks_may_stand_within_each_other_and_side_by_side(bench: Bench) -> None:
    async def nested() -> None:
        async with bench.breaker:
            await asyncio.sleep(0)
            async with bench.breaker:
                await asyncio.sleep(0)

    await within(asyncio.gather(nested(), nested()))

    assert bench.breaker.status().failures == 0


async def test_a_block_that_takes_too_long_is_cut_short(bench: Bench) -> None:
    async def block() -> None:
        async with bench.breaker:
            await asyncio.Event().wait()

    task = asyncio.ensure_future(block())
    await turns()
    bench.clock.advance(5.0)

    with pytest.raises(DeadlineExceeded):
        await within(task)


async def test_a_decorated_coroutine_function_is_guarded(bench: Bench) -> None:
    @bench.breaker
    async def charge(amount: int) -> int:
        """Charge."""
        if amount < 0:
            raise Crash("ill")
        return amount

    assert assert_type(await charge(3), int) == 3
    for _ in range(2):
        with pytest.raises(Crash):
            await charge(-1)
    with pytest.raises(CircuitOpen):
        await charge(3)
    assert (charge.__name__, charge.__doc__) == ("charge", "Charge.")


async def test_a_decorated_function_is_guarded(bench: Bench) -> None:
    @bench.breaker
    def charge(amount: int) -> int:
        if amount < 0:
            raise Crash("ill")
        return amount

    assert assert_type(charge(3), int) == 3
    for _ in range(2):
        with pytest.raises(Crash):
            charge(-1)
    with pytest.raises(CircuitOpen):
        charge(3)


async def test_a_function_that_took_too_long_returns_and_has_failed(bench: Bench) -> None:
    @bench.breaker
    def charge(seconds: float) -> str:
        bench.clock.advance(seconds)
        return "done"

    assert charge(5.0) == "done"
    assert bench.breaker.status().failures == 0
    assert charge(5.1) == "done"
    assert bench.breaker.status().failures == 1


@pytest.mark.one_order("threads")
async def test_many_threads_are_counted_each_once(bench: Bench) -> None:
    breaker = CircuitBreaker("gateway", bench.system, max_failures=1_000)

    @breaker
    def charge() -> None:
        raise Crash("ill")

    def charge_often() -> None:
        for _ in range(100):
            with pytest.raises(Crash):
                charge()

    await in_threads(8, charge_often)

    assert breaker.status().failures == 800


@pytest.mark.one_order("threads")
async def test_of_many_threads_one_makes_the_trial_call(bench: Bench) -> None:
    await bench.on_trial()
    turned_away = threading.Semaphore(0)

    @bench.breaker
    def charge() -> None:
        for _ in range(7):
            assert turned_away.acquire(timeout=LIMIT)

    def attempt() -> str:
        try:
            charge()
        except CircuitOpen:
            turned_away.release()
            return "open"
        return "closed"

    with quick_switches():
        results = await in_threads(8, attempt)

    assert sorted(results) == ["closed", *["open"] * 7]
    assert bench.state is CLOSED


@pytest.mark.parametrize("function", [None, "charge", 3])
async def test_what_cannot_be_called_cannot_be_decorated(bench: Bench, function: Any) -> None:
    with pytest.raises(OptionError, match="function="):
        bench.breaker(function)


async def test_generators_cannot_be_decorated(bench: Bench) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, later):
        with pytest.raises(OptionError, match="def or async def"):
            bench.breaker(function)
