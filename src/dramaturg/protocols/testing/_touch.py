"""What a step of a simulation has touched: who would notice if it came earlier or later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.protocols.testing._kernel import ALL

if TYPE_CHECKING:
    from dramaturg.protocols.testing._event import Event
    from dramaturg.protocols.testing._simulation import Simulation

__all__ = ["Touch"]

ORDINARY = frozenset({"deliver", "take", "disk"})
"""Kinds of events of which it can be told; whatever else happens touches everything."""

OF_THE_NETWORK = frozenset({"drop", "duplicate", "delay"})
"""They share a budget, and each befalls one channel."""


class Touch:
    """Finds out, from the begin of a step to its end."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._event: Event
        self._before: tuple[int, ...] = ()

    def begin(self, event: Event) -> None:
        """A step begins."""
        simulation = self._simulation
        self._event = event
        self._before = self._population()
        simulation.loop.touched = {event.actor}
        simulation.cells.out_of_the_ordinary = False
        for system in simulation.nodes.systems():
            system.draws.used = False

    def end(self, *, noted: bool) -> frozenset[str]:
        """Return what it has touched."""
        simulation = self._simulation
        touched = simulation.loop.touched or set()
        if self._event.kind in OF_THE_NETWORK:
            return frozenset({self._event.actor, "faults"})
        if (
            self._event.kind not in ORDINARY
            or simulation.cells.out_of_the_ordinary
            or self._population() != self._before
        ):
            return ALL
        if noted:
            touched.add("notes")
        if any(system.draws.used for system in simulation.nodes.systems()):
            touched.add("random")
        return frozenset(touched)

    def _population(self) -> tuple[int, ...]:
        """Return numbers that change when an actor begins or ends."""
        return tuple(
            number
            for system in self._simulation.nodes.systems()
            for number in (system.actors_alive, system._names)
        )
