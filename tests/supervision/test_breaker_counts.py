"""What counts as a failure of a call, and what does not."""

from functools import partial
from typing import Any

import pytest

from dramaturg.actors import (
    DeadlineExceeded,
    Refused,
    RequestCycleError,
    UnhandledError,
)
from dramaturg.supervision._breaker import CircuitBreaker
from tests.actors.kit import Crash
from tests.actors.messaging_kit import Captured
from tests.any_order import new_system
from tests.supervision.breaker_kit import Bench, open_bench, throw

bench = pytest.fixture(open_bench)


@pytest.mark.parametrize(
    ("error", "failures"),
    [
        (Crash("ill"), 2),
        (OSError("ill"), 2),
        (DeadlineExceeded(waiting_for="x", timeout=1.0), 2),
        (Refused("sold out"), 0),
        (UnhandledError(path="/x", message_type="X"), 0),
        (RequestCycleError(path=("/a", "/a")), 1),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_counts_unless_it_is_said(bench: Bench, error: Exception, failures: int) -> None:
    breaker = CircuitBreaker("gateway", bench.system)
    for each in (Crash("first"), error):
        with pytest.raises(type(each)):
            await breaker.call(bench.fail, each)

    assert breaker.status().failures == failures


def _is_os_error(error: Exception) -> bool:
    return isinstance(error, OSError)


@pytest.mark.parametrize(
    "counts", [OSError, (OSError, KeyError), _is_os_error], ids=["type", "types", "function"]
)
@pytest.mark.parametrize(
    ("error", "failures"),
    [
        (ConnectionError("ill"), 2),
        (Crash("fine"), 0),
        (DeadlineExceeded(waiting_for="x", timeout=1.0), 2),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_counts_can_be_said(
    bench: Bench, counts: Any, error: Exception, failures: int
) -> None:
    breaker = CircuitBreaker("gateway", bench.system, counts=counts)
    for each in (OSError("first"), error):
        with pytest.raises(type(each)):
            await breaker.call(bench.fail, each)

    assert breaker.status().failures == failures


async def test_a_refusal_counts_if_it_is_said(bench: Bench) -> None:
    breaker = CircuitBreaker("gateway", bench.system, counts=Exception)

    with pytest.raises(Refused):
        await breaker.call(bench.fail, Refused("no"))

    assert breaker.status().failures == 1


async def test_if_the_function_that_says_what_counts_fails_that_is_logged_and_counts() -> None:
    captured = Captured()

    def counts(error: Exception) -> bool:
        raise KeyError("oops")

    async with new_system(logger=captured.log) as system:
        breaker = CircuitBreaker("gateway", system, counts=counts)
        with pytest.raises(Crash):
            breaker(partial(throw, Crash("ill")))()

    [entry] = captured.entries("breaker_counts_failed")
    assert (entry["breaker"], type(entry["exc_info"])) == ("gateway", KeyError)
    assert breaker.status().failures == 1


async def test_an_exception_that_ends_the_program_counts_neither_way(bench: Bench) -> None:
    await bench.failing()

    with pytest.raises(KeyboardInterrupt):
        bench.breaker(partial(throw, KeyboardInterrupt()))()

    assert bench.breaker.status().failures == 1
