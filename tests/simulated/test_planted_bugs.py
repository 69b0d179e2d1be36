"""Each bug that is planted into the runtime is found by a scenario, and without one nothing is."""

import pytest

from tests.simulated.cases import CASES
from tests.simulated.planted.bugs import BUGS
from tests.simulated.planted.plant import Bug

AREAS = (
    "supervisor",
    "mailbox",
    "requests",
    "timers",
    "topic",
    "watch",
    "front",
    "blackboard",
    "delegator",
)
AT_LEAST = 8


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug) -> None:
    with bug.plant():
        hunt = CASES[bug.found_by].hunt()

    assert hunt.broken, f"not within {hunt.schedules} schedules"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_gone_afterwards(bug: Bug) -> None:
    with bug.plant():
        pass

    assert not CASES[bug.found_by].hunt(most=1).broken


@pytest.mark.parametrize("area", AREAS)
def test_each_area_has_bugs_enough(area: str) -> None:
    assert sum(bug.area == area for bug in BUGS) >= AT_LEAST


def test_each_case_has_the_area_of_its_bugs() -> None:
    assert all(bug.found_by.startswith(f"{bug.area}/") for bug in BUGS)
