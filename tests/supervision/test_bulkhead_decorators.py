"""The bulkhead around blocks, and around functions that it decorates."""

from collections.abc import Iterator
from typing import assert_type

import pytest

from dramaturg.actors import BlockingCallError, OptionError
from dramaturg.supervision._bulkhead_places import BulkheadFull
from tests.actors.kit import Crash
from tests.supervision.bulkhead_kit import Bench, open_bench

bench = pytest.fixture(open_bench)


async def test_a_block_takes_a_place(bench: Bench) -> None:
    async with bench.bulkhead:
        assert bench.counts == (1, 0)
        async with bench.bulkhead:
            assert bench.counts == (2, 0)

    assert bench.counts == (0, 0)


async def test_a_block_that_fails_gives_its_place_back(bench: Bench) -> None:
    with pytest.raises(Crash):
        async with bench.bulkhead:
            raise Crash("ill")

    assert bench.counts == (0, 0)


async def test_a_decorated_coroutine_function_needs_a_place(bench: Bench) -> None:
    @bench.bulkhead
    async def charge(amount: int) -> int:
        """Charge."""
        assert bench.counts == (1, 0)
        return amount

    assert assert_type(await charge(3), int) == 3
    assert (charge.__name__, charge.__doc__) == ("charge", "Charge.")
    await bench.started("a", "b", "c", "d")
    with pytest.raises(BulkheadFull):
        await charge(3)


async def test_a_decorated_function_needs_a_place(bench: Bench) -> None:
    @bench.bulkhead
    def charge(amount: int) -> int:
        assert bench.counts == (1, 0)
        return amount

    assert assert_type(charge(3), int) == 3
    await bench.started("a", "b", "c", "d")
    with pytest.raises(BulkheadFull):
        charge(3)


async def test_a_function_must_not_wait_on_a_thread_that_runs_actors(bench: Bench) -> None:
    await bench.started("a", "b")

    with pytest.raises(BlockingCallError):
        bench.bulkhead(int)()

    assert bench.counts == (2, 0)


async def test_generators_cannot_be_decorated(bench: Bench) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    with pytest.raises(OptionError, match="def or async def"):
        bench.bulkhead(numbers)
