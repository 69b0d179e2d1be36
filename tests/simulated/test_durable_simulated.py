"""Each durable pattern keeps its protocol and its promises, whatever goes wrong at which write."""

import pytest

from tests.simulated.durable.bugs import PLANTED, SCENARIOS, WRITTEN
from tests.simulated.durable.every_write import sweep

FIRST_FAILS_THE_START = {"state machine": 3}
"""From which operation on the disk may refuse: whose start fails is not restarted."""


AT_LEAST = 8
"""Operations: four appends."""


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_nothing_is_lost_at_any_write(name: str) -> None:
    found = sweep(SCENARIOS[name], fails_from=FIRST_FAILS_THE_START.get(name, 1))

    assert found.broken == ()
    assert found.spared == ()
    assert found.operations >= AT_LEAST


@pytest.mark.parametrize("bug", sorted(WRITTEN))
def test_a_bug_in_a_class_is_found(bug: str) -> None:
    assert sweep(WRITTEN[bug], most=1).broken


@pytest.mark.parametrize("bug", sorted(PLANTED))
def test_a_planted_bug_is_found(bug: str) -> None:
    name, plant = PLANTED[bug]

    with plant():
        found = sweep(SCENARIOS[name], fails_from=FIRST_FAILS_THE_START.get(name, 1), most=1)

    assert found.broken
