"""What checks get to see of a simulated system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.testing._simulation import Simulation

__all__ = ["SystemView"]


class SystemView:
    """A simulated system, to look at: ``view["/till"]`` is the actor at that path."""

    __slots__ = ("_simulation",)

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def __getitem__(self, path: str) -> Any:
        """Return the instance at a path; None if it is not up. Do not change it."""
        ref = self._simulation.system.lookup(path)
        return None if ref is None else ref.cell.actor

    @property
    def system(self) -> ActorSystem:
        """The system: its health, dead letters, statistics."""
        return self._simulation.system

    @property
    def history(self) -> Sequence[Any]:
        """What was noted, in order."""
        return self._simulation.history

    @property
    def now(self) -> float:
        """Seconds of virtual time since the start."""
        return self._simulation.timers.now
