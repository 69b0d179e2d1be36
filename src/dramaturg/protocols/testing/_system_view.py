"""What checks get to see of a simulated system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.testing._simulation import Simulation

__all__ = ["SystemView"]


class SystemView:
    """A simulation, to look at: ``view["/till"]`` is the actor at that path.

    Of a node's actors: ``view["store/ledger"]``.
    """

    __slots__ = ("_simulation",)

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def __getitem__(self, path: str) -> Any:
        """Return the instance at a path; None if it is not up. Do not change it."""
        node, slash, rest = path.partition("/")
        if node and not self.up(node):
            return None
        system = self._simulation.node_named(node).system if node else self.system
        ref = system.lookup(f"{slash}{rest}")
        return None if ref is None else ref.cell.actor

    def up(self, node: str) -> bool:
        """Tell whether a node runs.

        :raises ScenarioError: if there is none of that name.
        """
        return self._simulation.node_named(node).up

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
