"""The bulkhead around calls of functions."""

import asyncio
from typing import Any, assert_type

import pytest

from dramaturg.actors import DeadlineExceeded, DramaturgError, OptionError
from dramaturg.supervision._bulkhead import Bulkhead
from dramaturg.supervision._bulkhead_messages import BulkheadStatus
from dramaturg.supervision._bulkhead_places import BulkheadFull
from tests.actors.kit import Crash, Do, Puppet, within
from tests.actors.messaging_kit import turns
from tests.supervision.bulkhead_kit import Bench, open_bench

bench = pytest.fixture(open_bench)


async def test_a_call_returns_what_the_function_does(bench: Bench) -> None:
    def add(left: int, *, right: int) -> int:
        return left + right

    async def later() -> str:
        return "done"

    done = await bench.bulkhead.call(later)
    added = await bench.bulkhead.call(add, 1, right=2)

    assert (assert_type(done, str), assert_type(added, int)) == ("done", 3)


async def test_a_call_that_fails_gives_its_place_back(bench: Bench) -> None:
    async def fail() -> None:
        raise Crash("ill")

    for _ in range(5):
        with pytest.raises(Crash):
            await bench.bulkhead.call(fail)

    assert bench.counts == (0, 0)


async def test_so_many_calls_are_under_way_and_others_wait(bench: Bench) -> None:
    await bench.started("a", "b", "c")

    assert bench.begun == ["a", "b"]
    assert bench.counts == (2, 1)


async def test_those_that_wait_are_let_in_first_in_first_out(bench: Bench) -> None:
    calls = await bench.started("a", "b", "c", "d")

    await bench.end("b")
    assert bench.begun == ["a", "b", "c"]
    await bench.end("a", "c")

    assert bench.begun == ["a", "b", "c", "d"]
    await bench.end("d")
    assert [await within(call) for call in calls] == ["a", "b", "c", "d"]


async def test_nobody_overtakes_who_waits(bench: Bench) -> None:
    await bench.started("a", "b", "c")

    bench.ends["a"].set()
    await bench.started("d")

    assert bench.begun == ["a", "b", "c"]
    assert bench.counts == (2, 1)


async def test_one_too_many_fails_at_once(bench: Bench) -> None:
    await bench.started("a", "b", "c", "d")

    with pytest.raises(BulkheadFull, match="gateway is full: 2 in flight and 2 waiting") as caught:
        await bench.start("e")

    error = caught.value
    assert (error.name, error.max_in_flight, error.max_waiting) == ("gateway", 2, 2)
    assert isinstance(error, DramaturgError)
    assert bench.counts == (2, 2)


async def test_who_waits_too_long_fails_and_leaves_the_queue(bench: Bench) -> None:
    _, _, third = await bench.started("a", "b", "c")
    bench.clock.advance(1.0)
    _, fourth = third, (await bench.started("d"))[0]

    bench.clock.advance(2.0)
    with pytest.raises(DeadlineExceeded, match="from the bulkhead gateway within 3 s"):
        await within(third)

    assert bench.counts == (2, 1)
    await bench.end("a", "d")
    assert await within(fourth) == "d"
    assert bench.begun == ["a", "b", "d"]


async def test_who_is_under_way_has_all_the_time(bench: Bench) -> None:
    [call] = await bench.started("a")

    bench.clock.advance(1e6)
    await bench.end("a")

    assert await within(call) == "a"


async def test_without_a_timeout_who_waits_has_the_systems(bench: Bench) -> None:
    bulkhead = Bulkhead("gateway", bench.system, max_in_flight=1, max_waiting=1)
    async with bulkhead:
        waiting = asyncio.ensure_future(bulkhead.call(int))
        await turns()
        bench.clock.advance(4.9)
        await turns()
        assert not waiting.done()
        bench.clock.advance(0.1)

        with pytest.raises(DeadlineExceeded, match="within 5 s"):
            await within(waiting)


async def test_by_default_nobody_waits(bench: Bench) -> None:
    bulkhead = Bulkhead("gateway", bench.system, max_in_flight=1)

    async with bulkhead:
        with pytest.raises(BulkheadFull):
            await bulkhead.call(int)


async def test_a_request_may_be_the_call(bench: Bench) -> None:
    puppet = bench.system.spawn(Puppet)

    assert await within(bench.bulkhead.call(puppet.request, Do(lambda _: "done"))) == "done"


async def test_it_shows_who_is_there(bench: Bench) -> None:
    await bench.started("a", "b", "c")

    assert bench.bulkhead.status() == BulkheadStatus(
        name="gateway", in_flight=2, waiting=1, max_in_flight=2, max_waiting=2
    )
    assert repr(bench.bulkhead) == "<Bulkhead gateway in_flight=2/2 waiting=1/2>"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_in_flight": 0}, "max_in_flight=0: expected an int of at least 1"),
        ({"max_in_flight": 1.0}, "max_in_flight=1.0: expected an int"),
        ({"max_waiting": -1}, "max_waiting=-1: expected an int of at least 0"),
        ({"max_waiting": True}, "max_waiting=True: expected an int"),
        ({"max_waiting": None}, "max_waiting=None: expected an int"),
        ({"timeout": -1}, "timeout=-1: expected seconds, at least 0"),
        ({"timeout": "1"}, "timeout='1': expected seconds"),
        ({"name": ""}, "name='': expected a text"),
        ({"name": 3}, "name=3: expected a text"),
        ({"system": None}, "system=None: expected an ActorSystem"),
    ],
    ids=str,
)
async def test_an_option_that_cannot_be_is_an_error(
    bench: Bench, options: Any, complaint: str
) -> None:
    given_options: dict[str, Any] = {"name": "gateway", "system": bench.system, "max_in_flight": 1}
    with pytest.raises(OptionError, match=complaint):
        Bulkhead(**(given_options | options))
