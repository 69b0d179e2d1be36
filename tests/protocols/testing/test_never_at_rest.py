"""Systems that never come to rest: what is still found, and what the verdict says to do."""

from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import Actor, handler
from dramaturg.protocols.testing import (
    SetTimer,
    Simulation,
    World,
    explore,
    explore_system,
    replay_system,
)

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")


@dataclass(frozen=True)
class Tick:
    """Comes again and again."""


class Ticker(Actor):
    def __init__(self) -> None:
        self.ticks = 0

    def on_start(self) -> None:
        self.context.start_timer("tick", Tick(), every=1.0)

    @handler
    def tick(self, message: Tick) -> None:
        self.ticks += 1


class Frail(Ticker):
    """Fails at its fifth tick, if the other one has ticked less often."""

    @handler
    def tick(self, message: Tick) -> None:
        self.ticks += 1
        other: Any = self.context.system.lookup("/other")
        if self.ticks == 5 and other.cell.actor.ticks < 5:
            raise RuntimeError("first")


async def two_tickers(sim: Simulation) -> None:
    for name in ("one", "two"):
        sim.system.spawn(Ticker, name=name)


def test_where_only_rest_can_decide_the_search_ends_early_and_says_what_to_do() -> None:
    verdict = explore_system(two_tickers, events=50)

    assert (verdict.outcome, verdict.schedules, verdict.truncated) == ("unknown", 10, 10)
    assert verdict.events == 100 + 9 * 50
    said = str(verdict)
    assert "over and over" in said
    assert "horizon=60 (it is 3600)" in said
    assert "events=50" in said
    assert "ended early" in said


def test_what_the_verdict_says_to_do_helps() -> None:
    verdict = explore_system(two_tickers, horizon=60, schedules=20)

    assert (verdict.outcome, verdict.truncated) == ("pass", 0)


def test_what_holds_always_is_looked_for_in_all_runs() -> None:
    async def watched(sim: Simulation) -> None:
        await two_tickers(sim)
        sim.always(lambda view: abs(view["/one"].ticks - view["/two"].ticks) <= 1, "abreast")

    verdict = explore_system(watched, events=50, schedules=30)

    assert (verdict.outcome, verdict.schedules) == ("unknown", 30)
    assert "ended early" not in str(verdict)


def test_what_always_holds_is_found_broken_though_no_run_comes_to_rest() -> None:
    async def watched(sim: Simulation) -> None:
        await two_tickers(sim)
        sim.always(lambda view: view["/one"].ticks >= view["/two"].ticks, "one goes first")

    failure = explore_system(watched, events=50).failure

    assert failure is not None
    assert failure.property == "always one goes first"


def test_an_exhaustive_search_ends_early_as_well() -> None:
    verdict = explore_system(two_tickers, events=30, exhaustive=True)

    assert (verdict.outcome, verdict.schedules) == ("unknown", 10)
    assert "horizon=60" in str(verdict)
    assert "calm ones" not in str(verdict)


def test_a_world_has_no_horizon_to_speak_of() -> None:
    class Clock:
        def on_start(self) -> list[SetTimer]:
            return [SetTimer("tick", after=1.0)]

        def on_timer(self, name: str) -> list[SetTimer]:
            return self.on_start()

        def on_message(self, sender: str, message: Any) -> None:
            """Nobody sends any."""

    def fill(world: World) -> None:
        world.add("c", Clock())
        world.add("d", Clock())

    verdict = explore(fill, events=20)

    assert (verdict.outcome, verdict.schedules) == ("unknown", 10)
    assert "horizon" not in str(verdict)
    assert "events=20" in str(verdict)


def test_runs_that_go_in_no_circle_are_told_to_be_cut_off() -> None:
    class Odd(Ticker):
        def on_start(self) -> None:
            self.context.start_timer("tick", Tick(), every=2**0.5)

    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Ticker, name="even")
        sim.system.spawn(Odd, name="odd")

    verdict = explore_system(scenario, events=20)

    assert (verdict.outcome, verdict.livelock) == ("unknown", ())
    said = str(verdict)
    assert f"not at rest after events=20, and as many calm ones: {verdict.truncated} of" in said
    assert "horizon=60" in said


def test_a_replay_that_was_cut_off_does_not_say_that_it_passes() -> None:
    replayed = replay_system(two_tickers, ())

    assert replayed.run.truncated
    assert str(replayed).startswith("replayed: cut off before it was at rest")
    assert str(replay_system(two_tickers, (), horizon=2)).startswith("replayed: passes")


def test_an_error_of_an_actor_is_found_in_the_first_runs() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Ticker, name="other")
        sim.system.spawn(Frail, name="frail")
        sim.always(lambda view: view["/frail"] is not None, "frail is there")

    verdict = explore_system(scenario, events=40)

    assert verdict.failure is not None
