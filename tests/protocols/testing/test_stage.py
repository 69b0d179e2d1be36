"""A system that a test drives by hand: what happens at once, and what waits for the clock."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from dramaturg.actors import Actor, DeadlineExceeded, OptionError, Props, handler
from dramaturg.protocols.testing import ScenarioError, Stage, TestProbe, TimeStandsStillError
from dramaturg.supervision import Backoff, ChildSpec, Supervisor, SupervisorSpec
from tests.protocols.testing.shop import Get, Put, Store, Take


class Slow(Actor):
    """Takes 2 s for what others do at once."""

    @handler
    async def get(self, message: Get) -> str:
        await asyncio.sleep(2)
        return "done"

    @handler
    def put(self, message: Put) -> None:
        self.context.start_timer("tick", Take(), every=message.stock)
        self.ticks = 0

    @handler
    def take(self, message: Take) -> int:
        self.ticks += 1
        return self.ticks


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def test_what_is_told_has_happened_when_tell_returns(stage: Stage) -> None:
    store = stage.system.spawn(Store)

    store.tell(Put(7))

    inside: Any = store.cell.actor
    assert inside.stock == 7


def test_a_request_is_answered_within_the_call(stage: Stage) -> None:
    assert stage.system.spawn(Store).ask(Get()) == 2


def test_time_stands_still(stage: Stage) -> None:
    stage.system.spawn(Slow).tell(Get())

    assert (stage.now, stage.clock.next_timer) == (0, 2)


def test_timers_ring_each_at_its_moment_when_the_clock_is_advanced(stage: Stage) -> None:
    slow = stage.system.spawn(Slow)
    slow.tell(Put(3))

    stage.clock.advance(10)

    assert slow.ask(Take()) == 4
    assert stage.now == 10
    assert stage.clock.next_timer == 2


def test_an_answer_that_takes_time_comes_when_it_has_passed(stage: Stage) -> None:
    later = stage.system.spawn(Slow).ask(Get(), block=False)
    assert not later.is_done()

    stage.clock.advance(2)

    assert later.get() == "done"


def test_waiting_for_an_answer_while_time_stands_still_is_an_error(stage: Stage) -> None:
    slow = stage.system.spawn(Slow, name="slow")

    with pytest.raises(TimeStandsStillError, match="the next timer rings in 2 s") as raised:
        slow.ask(Get())

    assert (raised.value.path, raised.value.next_timer) == ("/slow", 2)


def test_waiting_for_a_busy_actor_is_an_error(stage: Stage) -> None:
    slow = stage.system.spawn(Slow)
    slow.tell(Get())

    with pytest.raises(TimeStandsStillError):
        slow.ask(Take())


async def test_waiting_in_a_coroutine_is_an_error(stage: Stage) -> None:
    slow = stage.system.spawn(Slow)

    with pytest.raises(TimeStandsStillError):
        await slow.request(Get())


async def test_a_coroutine_waits_for_what_the_clock_lets_happen(stage: Stage) -> None:
    later = stage.system.spawn(Slow).ask(Get(), block=False)

    stage.clock.advance(2)

    assert await later == "done"


def test_a_deadline_passes_with_the_clock(stage: Stage) -> None:
    probe = TestProbe(stage.system)
    later = probe.ref.ask("?", block=False, timeout=5)

    stage.clock.advance(5)

    with pytest.raises(DeadlineExceeded):
        later.get()


def test_supervisors_restart_after_their_pause(stage: Stage) -> None:
    spec = SupervisorSpec([ChildSpec("it", Slow, backoff=Backoff(1.0, 5.0))], intensity=3)
    supervisor = stage.system.spawn(Props(Supervisor, spec), name="sup")
    it: Any = stage.system.lookup("/sup/it")

    it.tell(Take())  # fails, since it has not been put
    down = it.cell.actor
    stage.clock.advance(5)

    assert down is None
    assert it.cell.actor is not None
    assert supervisor.is_alive()
    assert stage.unread() == []


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_time_only_goes_forward(stage: Stage, seconds: float) -> None:
    with pytest.raises(OptionError, match="seconds"):
        stage.clock.advance(seconds)


def test_a_system_that_never_rests_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dramaturg.protocols.testing._stage.MOST_EVENTS", 100)

    class Restless(Actor):
        @handler
        def go(self, message: Get) -> None:
            self.context.ref.tell(message)

    with pytest.raises(ScenarioError, match="goes on after 100 events"):
        stage.system.spawn(Restless).tell(Get())


def test_failures_are_kept_until_somebody_looks(stage: Stage) -> None:
    store = stage.system.spawn(Store)
    store.tell(Put("none"))  # type: ignore[arg-type]

    store.tell(Take())

    assert [type(each) for each in stage.unread()] == [TypeError]
    stage.failures.clear()
    assert stage.unread() == []
