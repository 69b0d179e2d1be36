"""What a circuit breaker tells of its changes, and what can be seen of it."""

from functools import partial

import pytest

from dramaturg.actors import ManualClock
from dramaturg.supervision._breaker import CircuitBreaker
from dramaturg.supervision._breaker_gate import CircuitOpen
from dramaturg.supervision._breaker_messages import BreakerClosed, BreakerHalfOpened, BreakerOpened
from dramaturg.supervision._breaker_rules import BreakerState
from tests.actors.kit import Crash
from tests.any_order import new_system
from tests.supervision.breaker_kit import CLOSED, OPEN, Bench, open_bench, throw

bench = pytest.fixture(open_bench)


async def test_changes_are_events(bench: Bench) -> None:
    await bench.on_trial()
    await bench.failing()
    bench.clock.advance(20.0)
    await bench.breaker.call(bench.succeed)

    start = ManualClock().time()
    common = [
        {"path": each.path, "name": getattr(each, "name", None), "at": (each.time - start).seconds}
        for each in bench.events
    ]
    assert [type(each) for each in bench.events] == [
        BreakerOpened,
        BreakerHalfOpened,
        BreakerOpened,
        BreakerHalfOpened,
        BreakerClosed,
    ]
    assert common == [{"path": "/", "name": "gateway", "at": at} for at in (0, 10, 10, 30, 30)]
    opened = [each for each in bench.events if isinstance(each, BreakerOpened)]
    assert [(each.failures, each.reset_timeout) for each in opened] == [(2, 10.0), (2, 20.0)]


async def test_an_event_that_nobody_wants_is_not_made() -> None:
    clock = ManualClock()
    async with new_system(clock=clock) as system:
        breaker = CircuitBreaker("gateway", system, max_failures=1)
        with pytest.raises(Crash):
            breaker(partial(throw, Crash("ill")))()

        assert not system.events.wants(BreakerOpened)
        assert breaker.status().state is OPEN


async def test_looking_at_it_changes_nothing(bench: Bench) -> None:
    await bench.on_trial()

    assert repr(bench.breaker) == "<CircuitBreaker gateway half_open failures=2>"
    assert [type(each) for each in bench.events] == [BreakerOpened]


async def test_a_subscriber_may_look_at_the_breaker(bench: Bench) -> None:
    seen: list[BreakerState] = []
    bench.system.events.subscribe(lambda _: seen.append(bench.state), BreakerOpened)

    await bench.failing(2)

    assert seen == [OPEN]


def test_with_a_clock_alone_it_works_and_tells_nobody() -> None:
    clock = ManualClock()
    breaker = CircuitBreaker("gateway", clock, max_failures=1, reset_timeout=2.0)
    with pytest.raises(Crash):
        breaker(partial(throw, Crash("ill")))()
    with pytest.raises(CircuitOpen):
        breaker(int)()
    clock.advance(2.0)

    assert breaker(int)() == 0
    assert breaker.status().state is CLOSED
