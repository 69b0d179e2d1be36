"""What checks get to see of a simulated system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._addresses import name_of
from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.testing._simulation import Simulation

__all__ = ["SystemView"]


class SystemView:
    """A simulation, to look at: ``view["/till"]`` is the actor at that path.

    Of a node's actors: ``view["store/ledger"]``.
    """

    __slots__ = ("_missed", "_simulation")

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._missed: tuple[int, str] | None = None
        """At whose path nobody was, and after how many events."""

    def __getitem__(self, path: str) -> Any:
        """Return the instance at a path; None if it is not up. Do not change it.

        :raises ScenarioError: if it is no path, or that of a node that there is not.
        """
        node, slash, rest = path.partition("/") if isinstance(path, str) else ("", "", "")
        if not slash:
            raise ScenarioError(
                thing=f"view[{path!r}]",
                problem="is no path",
                expected=f'one with a slash, such as "/store" or "node/store"; {self.there()}',
            )
        found = None
        if not node or self.up(node):
            system = self._simulation.node_named(node).system if node else self.system
            ref = system.lookup(f"{slash}{rest}")
            found = None if ref is None else ref.cell.actor
        if found is None:
            self._missed = len(self._simulation.steps), path
        return found

    def missed(self, error: Exception) -> str:
        """Say who was not there, if that is why a check has raised an error."""
        if self._missed is None or "'NoneType'" not in str(error):
            return ""
        events, path = self._missed
        if events != len(self._simulation.steps):
            return ""
        return f"; nobody is up at {path}, {self.there()}"

    def there(self) -> str:
        """Say who lives."""
        names = sorted(name_of(cell) for cell in self._simulation.living())
        return f"there are {', '.join(names)}" if names else "there is nobody yet"

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
