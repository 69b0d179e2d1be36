"""A journal of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dramaturg.actors.journal import Journal
from tests.actors.journal.kit import KINDS, Place


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where journals of one kind keep what they keep."""
    return Place(request.param, tmp_path)


@pytest.fixture
async def journal(place: Place) -> AsyncIterator[Journal]:
    """An open one."""
    async with place.journal() as opened:
        yield opened
