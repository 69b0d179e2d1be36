"""Who takes part in the workloads of the kit: the same plain actors with a kernel and without."""

from __future__ import annotations

from typing import Final

from dramaturg.protocols.testing import Output
from tests.protocols.testing.zoo.two_phase_commit import NAMES, Coordinator, Participant

HOPS: Final = 100
"""How often each of the two tokens of a game is hit back."""

GAME: Final = 2 * (HOPS + 1)
"""The messages of one game of ping-pong: two tokens, so that there is something to choose."""

COMMIT: Final = 3 * len(NAMES)
"""The messages of one two-phase commit: each participant is asked, votes, and is told."""


class Player:
    """Hits a token back until it has made all its hops."""

    def __init__(self) -> None:
        self.hits = 0

    def on_message(self, sender: str, left: int) -> list[Output]:
        self.hits += 1
        return [(sender, left - 1)] if left else []


def players() -> dict[str, Player]:
    return {"ping": Player(), "pong": Player()}


def parties() -> dict[str, Coordinator | Participant]:
    """Make a coordinator and its participants, without a bug."""
    return {"c": Coordinator("correct", NAMES)} | {each: Participant("correct") for each in NAMES}
