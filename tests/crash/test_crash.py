"""Each pattern outlives the death of its process, wherever that comes."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.crash.harness import Nursery, survive
from tests.crash.killer import drawn_kill, early_kill
from tests.crash.stories import PATTERNS, WORKFLOWS, story_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEEDS = range(10)
STORIES = [*sorted(PATTERNS), *WORKFLOWS, *(f"drawn {seed}" for seed in SEEDS)]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """The process whose children are killed."""
    with Nursery() as opened:
        yield opened


def drawn(story: str) -> list[str]:
    """Draw where to kill: three times, the first of them so that it hits."""
    random = Random(story)
    told = story_of(story)
    more = [drawn_kill(random, told.commits, full=told.withstands) for _ in range(2)]
    return [early_kill(random), *more]


@pytest.mark.parametrize("story", STORIES)
def test_a_story_comes_to_its_end_whenever_its_process_is_killed(
    nursery: Nursery, story: str, tmp_path: Path
) -> None:
    assert survive(nursery, story, tmp_path, drawn(story))
