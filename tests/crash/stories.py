"""All stories, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.crash.accounts import Accounts
from tests.crash.boards import Boards
from tests.crash.desks import Desks
from tests.crash.drawn_story import Drawn
from tests.crash.letters import Letters
from tests.crash.machines import Machines
from tests.crash.played import Played
from tests.crash.scenarios import SCENARIOS
from tests.crash.topics import Topics

if TYPE_CHECKING:
    from tests.crash.life import Story

__all__ = ["PATTERNS", "WORKFLOWS", "story_of"]

PATTERNS: dict[str, type[Story]] = {
    "accounts": Accounts,
    "boards": Boards,
    "desks": Desks,
    "letters": Letters,
    "machines": Machines,
    "topics": Topics,
}
WORKFLOWS = sorted(SCENARIOS)


def story_of(name: str) -> Story:
    """Return a story: a pattern, the name of a scenario, or "drawn" and a seed."""
    if name in PATTERNS:
        return PATTERNS[name]()
    if name in WORKFLOWS:
        return Played(name)
    _, _, seed = name.partition(" ")
    return Drawn(int(seed))
