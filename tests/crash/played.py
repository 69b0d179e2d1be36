"""The workflows of ``scenarios`` as stories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors import ActorSystem
from tests.crash.scenarios import SCENARIOS, People, play

if TYPE_CHECKING:
    from tests.crash.life import Life

__all__ = ["Played"]


class Played:
    """One scenario."""

    commits = 20
    withstands = False

    def __init__(self, name: str) -> None:
        self._name = name

    async def live(self, life: Life) -> None:
        """Run all instances, and check that each ended as it had to."""
        effects = life.effects
        scenario = SCENARIOS[self._name](People(effects))
        async with ActorSystem("crash", journal=life.journal()) as system:
            ends = await play(system, scenario)
        for before in life.acknowledged.all:
            assert before == [ends], "an end that was acknowledged has changed"
        life.acknowledged.add(ends)
        assert ends == scenario.ends
        for what, keys in effects.keys_of().items():
            assert len(keys) == 1, f"{what} was intended under {sorted(keys)}"
        for instance, charged in scenario.charged.items():
            prefix = f"{scenario.workflow.name}/{instance}/"
            assert effects.left(prefix) == charged, (instance, effects.once())
