"""Supervisors behave as Erlang/OTP's did whichever actor goes first."""

from pathlib import Path

import pytest

from dramaturg.protocols.testing import Simulation, explore_system
from tests.supervision.otp._simulated import play_in
from tests.supervision.otp.compare import Json, first_difference
from tests.supervision.test_otp_scenarios import SCENARIOS, given, read

SCHEDULES = 12

each_scenario = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)


def races(scenario: Json) -> bool:
    """Tell whether steps are done while those before still go on: then the order is open."""
    return any(step.get("async") or not step.get("settle", True) for step in scenario["steps"])


@each_scenario
def test_a_scenario_goes_as_it_went_in_otp_in_any_order_of_turns(path: Path) -> None:
    recorded = read(path)

    async def scenario(sim: Simulation) -> None:
        trace = await play_in(sim, given(recorded))
        assert first_difference(recorded, trace) is None

    verdict = explore_system(scenario, schedules=1 if races(recorded) else SCHEDULES, events=3_000)

    assert verdict.outcome == "pass", verdict
