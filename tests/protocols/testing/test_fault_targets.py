"""Faults that name whom there is not: nothing would ever go wrong, and so they are refused."""

from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import Actor, Message, Props, Request, handler
from dramaturg.protocols import request_response
from dramaturg.protocols.testing import (
    Faults,
    Node,
    ScenarioError,
    Simulation,
    World,
    explore,
    explore_actor,
    explore_system,
)
from tests.protocols.testing import lost_update


@dataclass(frozen=True)
class Work:
    """Something to do."""


class Worker(Actor):
    def __init__(self) -> None:
        self.done = 0

    @handler
    def work(self, message: Work) -> None:
        self.done += 1


class Boss(Actor):
    """Takes a second worker on if the first one has worked when it is asked."""

    def __init__(self, first: str) -> None:
        self.first = first

    @handler
    def work(self, message: Work) -> None:
        first: Any = self.context.system.lookup(self.first)
        if first.cell.actor.done:
            self.context.spawn(Worker, name="second")


async def one_worker(sim: Simulation) -> None:
    worker = sim.system.spawn(Worker, name="worker")
    worker.tell(Work())
    worker.tell(Work())


async def perhaps_a_second(sim: Simulation) -> None:
    boss = sim.system.spawn(Props(Boss, "/worker"), name="boss")
    worker = sim.system.spawn(Worker, name="worker")
    boss.tell(Work())
    worker.tell(Work())


@pytest.mark.parametrize("name", ["/nobody", "/worker/child", "/wor"])
def test_a_crash_of_somebody_who_never_lived_is_refused(name: str) -> None:
    with pytest.raises(ScenarioError, match=f"nobody of the name '{name}'.*'/worker'"):
        explore_system(one_worker, faults=Faults(crashes={name: 1}), schedules=5)


def test_a_path_without_its_slash_is_refused_after_the_calm_run() -> None:
    runs = 0

    async def counted(sim: Simulation) -> None:
        nonlocal runs
        runs += 1
        await perhaps_a_second(sim)

    with pytest.raises(ScenarioError, match=r"nobody of the name 'worker'.*'/worker'"):
        explore_system(counted, faults=Faults(crashes={"worker": 1}))
    assert runs == 2


def test_whoever_lives_in_some_runs_only_may_crash() -> None:
    verdict = explore_system(
        perhaps_a_second, faults=Faults(crashes={"/boss/second": 1}), schedules=20
    )

    assert verdict.passed
    assert verdict.schedules == 20


def test_a_name_with_no_budget_may_be_anybodys() -> None:
    faults = Faults(crashes={"/worker": 1, "/nobody": 0})

    assert explore_system(one_worker, faults=faults, schedules=5).passed


def test_the_nearest_names_come_first() -> None:
    async def many(sim: Simulation) -> None:
        for name in ("alpha", "beta", "gamma", "delta", "store-1"):
            sim.system.spawn(Worker, name=name)

    with pytest.raises(ScenarioError, match="the nearest are '/store-1'") as caught:
        explore_system(many, faults=Faults(crashes={"/store-2": 1}))
    assert caught.value.expected.count("'") == 8


def test_a_failure_that_was_found_is_reported_all_the_same() -> None:
    async def wrong(sim: Simulation) -> None:
        await one_worker(sim)
        sim.at_rest(lambda view: view["/worker"].done == 3, "three")

    verdict = explore_system(wrong, faults=Faults(crashes={"/nobody": 1}))

    assert verdict.failure is not None


def test_actors_of_nodes_have_its_name_before_their_path() -> None:
    def start(node: Node) -> None:
        node.system.spawn(Worker, name="worker")

    async def scenario(sim: Simulation) -> None:
        await sim.node("bank", start)

    assert explore_system(scenario, faults=Faults(crashes={"bank": 1}), schedules=5).passed
    assert explore_system(scenario, faults=Faults(crashes={"bank/worker": 1}), schedules=5).passed
    with pytest.raises(ScenarioError, match=r"nobody of the name 'shop/worker'.*'bank/worker'"):
        explore_system(scenario, faults=Faults(crashes={"shop/worker": 1}), schedules=5)


def test_a_crash_of_nobody_in_a_world_is_refused_before_anything_happens() -> None:
    begun: list[str] = []

    class Starter:
        def on_start(self) -> None:
            begun.append("a")

        def on_message(self, sender: str, message: object) -> None:
            """Nobody sends any."""

    def fill(world: World) -> None:
        world.add("a", Starter())

    with pytest.raises(ScenarioError, match=r"nobody of the name 'b'.*nearest are 'a'"):
        explore(fill, faults=Faults(crashes={"b": 1}))
    assert begun == []
    named = explore(lost_update.careful, faults=Faults(crashes={"a": 1}), schedules=3)
    assert named.schedules > 0


class Price(Message):
    amount: int


class AskPrice(Request[Price]):
    item: int


class Shop(Actor):
    @handler
    def ask(self, message: AskPrice) -> Price:
        return Price(amount=1)


def test_a_crash_of_nobody_is_refused_for_a_single_actor_too() -> None:
    asking = request_response(AskPrice, Price)

    named = explore_actor(
        Shop, asking, role="server", faults=Faults(crashes={"/server": 1}), schedules=3
    )
    assert named.schedules > 0
    with pytest.raises(ScenarioError, match=r"nobody of the name 'server'.*'/server'"):
        explore_actor(
            Shop, asking, role="server", faults=Faults(crashes={"server": 1}), schedules=3
        )
