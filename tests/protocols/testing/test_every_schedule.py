"""Going through all schedules of real actors, but for those that only swap what commutes."""

from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorRef, Props, handler
from dramaturg.protocols.testing import (
    Faults,
    Simulation,
    SystemScenario,
    explore_system,
)
from dramaturg.protocols.testing._every_schedule import EverySchedule
from dramaturg.protocols.testing._kernel import ALL
from dramaturg.protocols.testing._search import Limits
from tests.protocols.testing.nodes_kit import Add, Counter, Pay, Who, pay_once, start_counter


class Cell(Actor):
    """Holds a number that others read and write."""

    def __init__(self) -> None:
        self.value = 0

    @handler
    def read(self, message: Who) -> int:
        return self.value

    @handler
    def write(self, message: Add) -> None:
        self.value = message.amount


class Adder(Actor):
    """Reads, then writes one more."""

    def __init__(self, cell: ActorRef[Any]) -> None:
        self.cell = cell

    @handler
    async def go(self, message: Pay) -> None:
        value = await self.cell.request(Who())
        await self.cell.request(Add(value + message.amount))


class Passer(Actor):
    """Passes on what it is told, once more for each actor behind it."""

    def __init__(self, *others: ActorRef[Any]) -> None:
        self.others = others

    @handler
    def add(self, message: Add) -> None:
        for other in self.others:
            other.tell(Add(message.amount * 2))


async def adders(sim: Simulation) -> None:
    cell = sim.system.spawn(Cell, name="cell")
    for name, amount in (("ann", 1), ("bob", 10)):
        sim.system.spawn(Props(Adder, cell), name=name).tell(Pay(amount))


async def fan(sim: Simulation) -> None:
    """Let two senders reach one counter by different ways."""
    last = sim.system.spawn(Counter, name="last")
    left = sim.system.spawn(Props(Passer, last), name="left")
    right = sim.system.spawn(Props(Passer, last, left), name="right")
    left.tell(Add(1))
    right.tell(Add(3))


async def alone(sim: Simulation) -> None:
    """Let three actors take two messages each, with nothing between them."""
    for number in range(3):
        counter = sim.system.spawn(Counter, name=f"counter-{number}")
        counter.tell(Add(1))
        counter.tell(Add(2))


async def noting(sim: Simulation) -> None:
    class Noting(Actor):
        @handler
        def add(self, message: Add) -> None:
            sim.note(message.amount)

    for number in range(3):
        sim.system.spawn(Noting, name=f"noting-{number}").tell(Add(number))


async def drawing(sim: Simulation) -> None:
    class Drawing(Actor):
        def __init__(self) -> None:
            self.drawn = 0.0

        @handler
        def add(self, message: Add) -> None:
            self.drawn = self.context.random.random()

    for number in range(3):
        sim.system.spawn(Drawing, name=f"drawing-{number}").tell(Add(number))


async def breeding(sim: Simulation) -> None:
    """Let actors make others without names: who comes first gets the first number."""

    class Breeding(Actor):
        @handler
        def add(self, message: Add) -> None:
            self.context.spawn(Counter).tell(message)

    for number in range(2):
        sim.system.spawn(Breeding, name=f"breeding-{number}").tell(Add(number))


async def dying(sim: Simulation) -> None:
    class Watching(Actor):
        def __init__(self, *others: ActorRef[Any]) -> None:
            self.others = others
            self.seen: list[str] = []

        def on_start(self) -> None:
            for other in self.others:
                self.context.watch(other, message=Add(1))

        @handler
        def add(self, message: Add) -> None:
            self.seen.append("add")

        @handler
        def pay(self, message: Pay) -> None:
            self.seen.append("pay")

    class Dying(Actor):
        @handler
        def pay(self, message: Pay) -> None:
            self.context.stop_self()

    mortal = sim.system.spawn(Dying, name="mortal")
    watching = sim.system.spawn(Props(Watching, mortal), name="watching")
    mortal.tell(Pay(1))
    watching.tell(Pay(2))


async def two_nodes(sim: Simulation) -> None:
    await sim.node("far", start_counter)
    for number in range(2):
        passer = Props(Passer, sim.ref("far/counter"))
        sim.system.spawn(passer, name=f"passer-{number}").tell(Add(number))


SCENARIOS = [adders, fan, alone, noting, drawing, breeding, dying, two_nodes]


def outcomes(
    scenario: SystemScenario, *, sleeping: bool, faults: Faults | None = None
) -> tuple[set[str], int]:
    """Return how all runs end, and how many there are."""
    ends: set[str] = set()

    def make() -> Simulation:
        simulation = _Ending(
            scenario, any_sender_first=True, find_out_touched=sleeping, faults=faults or Faults()
        )
        simulation.at_end = ends.add
        return simulation

    search = EverySchedule(make, Limits(20_000, 200))
    seen = search.go()
    assert seen.complete
    return ends, seen.schedules


class _Ending(Simulation):
    at_end: Callable[[str], object]

    def finish(self) -> Any:
        self.at_end(repr((self.fields(), self.history)))
        return super().finish()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_no_outcome_is_missed(scenario: SystemScenario) -> None:
    every, number = outcomes(scenario, sleeping=False)
    some, fewer = outcomes(scenario, sleeping=True)

    assert some == every
    assert fewer <= number


def test_no_outcome_is_missed_where_actors_crash() -> None:
    faults = Faults(crashes=1)

    assert (
        outcomes(fan, sleeping=True, faults=faults)[0]
        == (outcomes(fan, sleeping=False, faults=faults)[0])
    )


def test_what_commutes_is_tried_once() -> None:
    assert outcomes(alone, sleeping=True)[1] == 1
    assert outcomes(alone, sleeping=False)[1] == 90  # 6! / 2!**3


def test_what_shares_the_notes_of_the_run_does_not_commute() -> None:
    assert outcomes(noting, sleeping=True)[1] == 6


def test_a_pass_says_that_it_is_complete() -> None:
    verdict = explore_system(alone, exhaustive=True)

    assert verdict.complete
    assert str(verdict).startswith("pass: 1 schedule, complete")


def test_a_bound_that_is_reached_is_no_pass() -> None:
    verdict = explore_system(adders, exhaustive=True, schedules=3)

    assert verdict.outcome == "unknown"
    assert not verdict.complete
    assert "the bound was reached" in str(verdict)


def test_runs_that_are_cut_off_are_no_pass() -> None:
    verdict = explore_system(adders, exhaustive=True, events=2)

    assert verdict.outcome == "unknown"
    assert not verdict.complete


def test_a_lost_update_is_found() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.at_rest(lambda view: view["/cell"].value == 11, "both added")
        await adders(sim)

    verdict = explore_system(scenario, exhaustive=True)

    assert verdict.failure is not None
    assert verdict.failure.property == "at_rest both added"
    assert verdict.failure.strategy == "every schedule"


def test_every_way_to_lose_a_message_is_tried() -> None:
    verdict = explore_system(pay_once, exhaustive=True, faults=Faults(drops=1), schedules=1_000)

    assert verdict.outcome == "pass"
    assert verdict.complete
    assert verdict.schedules == 3


def test_a_search_that_is_not_exhaustive_finds_out_nothing_about_its_steps() -> None:
    simulation = Simulation(alone)
    try:
        simulation.begin()
        simulation.execute(simulation.enabled()[0])
        assert simulation.steps[0].touched == ALL
    finally:
        simulation.close()
