"""What a scenario calls and does not await has not happened: it may not pass."""

import asyncio
import warnings
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import Actor, handler
from dramaturg.protocols.testing import Node, ScenarioError, Simulation, explore_system

NEVER = "was never awaited"


@dataclass(frozen=True)
class Get:
    """Asks for 1."""


class One(Actor):
    @handler
    def get(self, message: Get) -> int:
        return 1


def start(node: Node) -> None:
    node.system.spawn(One, name="one")


def test_a_node_that_was_not_awaited_is_named() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.node("bank", start)  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]

    with pytest.raises(ScenarioError, match=rf"sim\.node\('bank', \.\.\.\): {NEVER}.*`await "):
        explore_system(scenario)


def test_a_node_that_was_kept_and_not_awaited_is_named_too() -> None:
    kept: list[Any] = []

    async def scenario(sim: Simulation) -> None:
        kept.append(sim.node("bank", start))

    with pytest.raises(ScenarioError, match=f"'bank'.*{NEVER}"):
        explore_system(scenario)


def test_whoever_uses_a_node_that_was_not_awaited_is_told_so() -> None:
    kept: list[Any] = []

    async def tells(sim: Simulation) -> None:
        kept.append(sim.node("bank", start))
        sim.ref("bank/one").tell(Get())

    async def looks(sim: Simulation) -> None:
        kept.append(sim.node("bank", start))
        sim.always(lambda view: view["bank/one"] is not None, "there")
        await asyncio.sleep(1.0)

    async def takes_it_for_a_node(sim: Simulation) -> None:
        bank: Any = sim.node("bank", start)
        kept.append(bank)
        bank.system.spawn(One)

    for scenario in (tells, looks, takes_it_for_a_node):
        with pytest.raises(ScenarioError, match=r"node.*bank.*awaited.*`await sim\.node\("):
            explore_system(scenario)


def test_nodes_may_be_started_side_by_side() -> None:
    async def scenario(sim: Simulation) -> None:
        await asyncio.gather(sim.node("a", start), sim.node("b", start))
        assert await sim.ref("a/one").request(Get()) == 1

    assert explore_system(scenario, schedules=5).passed


def test_a_request_that_was_not_awaited_is_named_with_its_line() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(One, name="one").request(Get())  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]

    with pytest.raises(
        ScenarioError, match=rf"request\(Get\(\)\) in scenario, .*test_unawaited\.py:\d+: {NEVER}"
    ):
        explore_system(scenario)


def test_idle_that_was_not_awaited_is_named() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.idle()  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]

    with pytest.raises(ScenarioError, match=rf"idle\(\) in scenario.*{NEVER}"):
        explore_system(scenario)


def test_of_other_coroutines_python_warns_as_ever() -> None:
    async def nothing() -> None:
        """Do nothing."""

    async def scenario(sim: Simulation) -> None:
        nothing()  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]

    with pytest.warns(RuntimeWarning, match=r"nothing' was never awaited"):
        explore_system(scenario)


def test_what_warns_is_put_back() -> None:
    name = "_warn_unawaited_coroutine"
    before = getattr(warnings, name)

    async def scenario(sim: Simulation) -> None:
        assert getattr(warnings, name) is not before

    assert explore_system(scenario).passed
    assert getattr(warnings, name) is before
