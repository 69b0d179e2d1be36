"""Properties that a scenario declares while it runs."""

import asyncio

import pytest

from dramaturg.protocols.testing import (
    Simulation,
    explore_system,
)
from tests.protocols.testing.shop import Put, Store

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")


def test_what_is_never_reached_fails() -> None:
    async def scenario(sim: Simulation) -> None:
        store = sim.system.spawn(Store, name="store")
        sim.sometimes(lambda view: view["/store"].stock == 7, "seven")
        sim.sometimes(lambda view: view["/store"].stock == 1, "one")
        await store.request(Put(1))

    verdict = explore_system(scenario, schedules=3)

    assert verdict.outcome == "fail"
    assert verdict.never == ("sometimes seven",)


def test_what_does_not_come_to_hold_fails() -> None:
    async def scenario(sim: Simulation) -> None:
        store = sim.system.spawn(Store, name="store")
        await asyncio.sleep(10.0)
        sim.eventually(lambda view: view["/store"].stock == 7, name="seven")
        sim.eventually(lambda view: view["/store"].stock == 1, within=2.0, name="one")
        await asyncio.sleep(1.0)
        await store.request(Put(1))

    verdict = explore_system(scenario, schedules=3)

    assert verdict.failure is not None
    assert verdict.failure.property == "eventually seven"


def test_what_holds_too_late_fails() -> None:
    async def scenario(sim: Simulation) -> None:
        store = sim.system.spawn(Store, name="store")
        sim.eventually(lambda view: view["/store"].stock == 1, within=2.0, name="one")
        await asyncio.sleep(3.0)
        await store.request(Put(1))

    verdict = explore_system(scenario, schedules=3)

    assert verdict.failure is not None
    assert verdict.failure.detail == "did not hold within 2 s"


def test_a_cause_without_its_effect_fails() -> None:
    async def scenario(sim: Simulation) -> None:
        store = sim.system.spawn(Store, name="store")
        sim.leads_to(
            lambda view: view["/store"].stock == 1,
            lambda view: view["/store"].stock == 2,
            name="one, then two",
        )
        await store.request(Put(1))
        await store.request(Put(3))

    verdict = explore_system(scenario, schedules=3)

    assert verdict.failure is not None
    assert verdict.failure.property == "leads_to one, then two"
