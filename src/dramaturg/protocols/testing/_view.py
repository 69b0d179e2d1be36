"""What checks get to see of a run."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dramaturg.protocols.testing._world import World

__all__ = ["View"]


class View:
    """A world, to look at: ``view["a"]`` is the actor of that name."""

    __slots__ = ("_world",)

    def __init__(self, world: World) -> None:
        self._world = world

    def __getitem__(self, name: str) -> Any:
        """Return the actor of that name; do not change it.

        :raises ScenarioError: if there is none.
        """
        try:
            return self._world.actors[name]
        except (KeyError, TypeError):
            raise self._nobody(f"view[{name!r}]") from None

    @property
    def actors(self) -> Mapping[str, Any]:
        """All actors by name, in the order in which they were added."""
        return MappingProxyType(self._world.actors)

    def up(self, name: str) -> bool:
        """Tell whether an actor is up, that is, has not crashed or is back.

        :raises ScenarioError: if there is none of that name.
        """
        if name not in self._world.actors:
            raise self._nobody(f"view.up({name!r})")
        return name not in self._world.down

    def _nobody(self, thing: str) -> ScenarioError:
        there = ", ".join(self._world.actors) or "none: it was added after that"
        return ScenarioError(thing=thing, problem="no such actor", expected=f"one of {there}")

    @property
    def history(self) -> Sequence[Any]:
        """What was noted, in order."""
        return tuple(self._world.history)

    @property
    def in_flight(self) -> tuple[tuple[str, str, Any], ...]:
        """Sender, receiver and message of all that is on its way, the oldest first."""
        flights = self._world.flights.all.values()
        return tuple((each.sender, each.receiver, each.message) for each in flights)

    @property
    def now(self) -> float:
        """Seconds of virtual time since the start."""
        return self._world.now
