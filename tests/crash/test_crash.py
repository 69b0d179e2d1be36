"""Each pattern outlives the death of its process, wherever that comes."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.crash.harness import check, survive
from tests.crash.scenarios import SCENARIOS

if TYPE_CHECKING:
    from pathlib import Path

# So many commits each of them makes when nothing kills it, or a few less.
PLACES = 12


def drawn(scenario: str, number: int) -> list[str]:
    """Draw where to kill: one to three times in a row."""
    random = Random(f"{scenario} {number}")
    return [
        f"{random.choice(['before', 'after'])} {random.randint(1, PLACES)}"
        for _ in range(random.randint(1, 3))
    ]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_instance_reaches_its_end_and_nothing_is_done_twice(
    scenario: str, number: int, tmp_path: Path
) -> None:
    found = survive(scenario, tmp_path, drawn(scenario, number))

    check(scenario, tmp_path, found)
