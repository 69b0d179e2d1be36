"""Following what a real system did: its deliveries in their order, and what that order needs.

Only deliveries were recorded. For each to become possible other events may have to come before:
an actor starts, a timer rings, a message from outside is sent; a message that was stashed comes
up again, which no recording shows as a delivery. So for the next name that is not possible yet
such an event is taken, the first that helps; if none is left the name is passed over, and told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from dramaturg.protocols.testing._pickers import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dramaturg.protocols.testing._event import Event
    from dramaturg.protocols.testing._kernel import Kernel
    from dramaturg.protocols.testing._simulated_time import SimulatedTimer
    from dramaturg.protocols.testing._simulation import Simulation

__all__ = ["Retracing"]

PATIENCE = 200
"""So many events may come in between for one name."""

FROM_OUTSIDE = "deliver scenario->"


class Retracing:
    """A picker that follows recorded names, and then goes on calmly.

    :param sends: the timers by which messages from outside are sent, in order; filled
        when the run begins.
    """

    def __init__(self, schedule: Sequence[str], sends: list[SimulatedTimer]) -> None:
        self._schedule = tuple(schedule)
        self._sends = sends
        self._next = 0
        self._helped = 0
        self._delivered: dict[str, int] = {}
        # What was stashed comes again: the same envelope.
        self._seen: dict[int, Any] = {}
        self.skipped: list[str] = []

    def pick(self, kernel: Kernel) -> Event | None:
        simulation = cast("Simulation", kernel)
        while self._next < len(self._schedule):
            name = self._schedule[self._next]
            event = self._find(simulation, name)
            if event is None and self._helped < PATIENCE:
                helping = self._towards(simulation, name)
                if helping is not None:
                    self._helped += 1
                    return self._noted(helping)
            self._next += 1
            self._helped = 0
            if event is not None:
                return self._noted(event)
            self.skipped.append(name)
        events = simulation.enabled()
        return self._noted(events[0]) if events else None

    def _noted(self, event: Event) -> Event:
        if event.kind == "deliver" and self._is_fresh(event):
            self._delivered[event.lane] = self._delivered.get(event.lane, 0) + 1
            item = event.payload.item
            self._seen[id(item)] = item
        return event

    def _is_fresh(self, event: Event) -> bool:
        return id(event.payload.item) not in self._seen

    def _name(self, event: Event) -> str:
        """Return the name of a delivery as the recording has it: what was stashed counts once."""
        return f"deliver {event.lane} #{self._delivered.get(event.lane, 0)}"

    def _find(self, simulation: Simulation, name: str) -> Event | None:
        if not name.startswith("deliver "):
            return find(simulation, name)
        for event in simulation.enabled():
            if event.kind == "deliver" and self._is_fresh(event) and self._name(event) == name:
                return event
        return None

    def _towards(self, simulation: Simulation, name: str) -> Event | None:
        """Return what has to happen first, if anything can help."""
        events = simulation.enabled()
        for event in events:
            again = event.kind == "deliver" and not self._is_fresh(event)
            if event.kind == "signal" or again:
                return event
        if events and events[0].kind == "timer":
            return events[0]
        waits_for_timer = self._waits_for_timer(simulation, name)
        timers = sorted(simulation.timers.living(), key=lambda timer: timer.due)
        if timers and waits_for_timer:
            # In the real system time went by while messages waited.
            return simulation.timer_event("timer", timers[0])
        left = set(self._schedule[self._next :])
        # What the recording does not know may be what leads on.
        return next((each for each in events if self._name(each) not in left), None)

    def _waits_for_timer(self, simulation: Simulation, name: str) -> bool:
        if name.startswith(FROM_OUTSIDE):
            return any(each.live for each in self._sends)
        sender = name.removeprefix("deliver ").partition("->")[0]
        return any(timer.owner == sender for timer in simulation.timers.living())
