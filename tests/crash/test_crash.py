"""Each pattern outlives the death of its process, wherever that comes."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.crash.harness import check, survive
from tests.crash.scenarios import SCENARIOS

if TYPE_CHECKING:
    from pathlib import Path


def drawn(scenario: str, number: int) -> list[str]:
    """Draw where to kill, twice: the second process has less left to do than the first."""
    random = Random(f"{scenario} {number}")
    return [f"{random.choice(['before', 'after'])} {random.randint(1, most)}" for most in (8, 4)]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_instance_reaches_its_end_and_nothing_is_done_twice(
    scenario: str, number: int, tmp_path: Path
) -> None:
    found = survive(scenario, tmp_path, drawn(scenario, number))

    check(scenario, tmp_path, found)
    assert found.killed
