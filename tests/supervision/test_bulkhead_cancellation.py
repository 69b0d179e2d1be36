"""Whatever is cancelled, no place of a bulkhead is lost and nobody is forgotten."""

import pytest
from hypothesis import given, strategies as st

from dramaturg.supervision._bulkhead_places import BulkheadFull, Places
from tests.actors.kit import within
from tests.actors.messaging_kit import turns
from tests.supervision.bulkhead_kit import Bench, open_bench

bench = pytest.fixture(open_bench)


async def test_a_cancelled_waiter_leaves_the_queue(bench: Bench) -> None:
    _, _, third, fourth = await bench.started("a", "b", "c", "d")

    third.cancel()
    await turns()
    assert bench.counts == (2, 1)
    await bench.end("a", "d")

    assert third.cancelled()
    assert await within(fourth) == "d"


async def test_a_waiter_that_is_cancelled_when_it_has_just_got_its_place_passes_it_on(
    bench: Bench,
) -> None:
    async with bench.bulkhead:
        _, third, fourth = await bench.started("b", "c", "d")
    third.cancel()  # it has its place, and has not run yet
    await turns()

    assert third.cancelled()
    assert bench.begun == ["b", "d"]
    assert not fourth.done()


async def test_a_waiter_that_got_its_place_as_its_time_ended_keeps_it(bench: Bench) -> None:
    async with bench.bulkhead:
        _, third = await bench.started("b", "c")
    bench.clock.advance(3.0)
    await turns()

    assert bench.begun == ["b", "c"]
    assert not third.done()


async def test_a_cancelled_call_gives_its_place_back(bench: Bench) -> None:
    first, *_ = await bench.started("a", "b", "c")

    first.cancel()
    await turns()

    assert bench.begun == ["a", "b", "c"]
    assert bench.counts == (2, 0)


@given(st.lists(st.tuples(st.sampled_from(["begin", "end", "cancel"]), st.integers(0, 9))))
def test_no_place_is_lost_and_nobody_is_forgotten(steps: list[tuple[str, int]]) -> None:
    places = Places("x", 2, 3)
    inside: list[int] = []
    queue: list[_Turn] = []

    for number, (step, which) in enumerate(steps):
        if step == "begin":
            if len(inside) == 2 and len(queue) == 3:
                with pytest.raises(BulkheadFull):
                    places.enter(pytest.fail)
            else:
                turn = places.enter(lambda number=number: _Turn(number, inside))  # type: ignore[misc]
                if turn is None:
                    inside.append(number)
                else:
                    queue.append(turn)
        elif step == "end" and inside:
            inside.pop(which % len(inside))
            expected = queue.pop(0) if queue else None
            places.leave()
            assert expected is None or inside[-1] == expected.number
        elif step == "cancel" and queue:
            assert not places.withdraw(queue.pop(which % len(queue)))

        status = places.status()
        assert (status.in_flight, status.waiting) == (len(inside), len(queue))


class _Turn:
    def __init__(self, number: int, inside: list[int]) -> None:
        self.number = number
        self.given = False
        self._inside = inside

    def wake(self) -> bool:
        self._inside.append(self.number)
        return True


def test_who_is_thrown_away_as_it_gets_its_place_gives_it_back_once() -> None:
    class Lost(_Turn):
        def wake(self) -> bool:
            assert places.withdraw(self)
            places.leave()
            return False

    places = Places("x", 1, 1)
    places.enter(pytest.fail)
    places.enter(lambda: Lost(1, []))

    places.leave()

    assert (places.status().in_flight, places.status().waiting) == (0, 0)
