"""All schedules that leave the calm one at most once, then at most twice.

Nearly free, and finds about half of the failures that are usually planted: what goes wrong
mostly goes wrong around one surprise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection
    from random import Random

    from dramaturg.protocols.testing._event import Event, Schedule
    from dramaturg.protocols.testing._kernel import Kernel

__all__ = ["Departures"]


class _Plan(NamedTuple):
    """The events up to the last departure; from there the run is calm."""

    schedule: Schedule
    departures: int


class Departures:
    """Proposes the next run; a picker for one run after the other.

    What a run could have done instead, at each step after its last departure, makes the
    plans of the next level, in a random order: where there are more than a search has time
    for, each has its chance.

    :param most: so many departures at most.
    :param only: the names of the events that may be departures; default any.
    """

    def __init__(self, random: Random, most: int = 2, only: Collection[str] | None = None) -> None:
        self._random = random
        self._most = most
        self._only = only
        self._levels: list[list[_Plan]] = [[_Plan((), 0)], *([] for _ in range(most))]
        self._plan = _Plan((), 0)
        self._step = 0
        self._happened: list[str] = []
        self._found_any = False

    def begin(self) -> bool:
        """Take the next plan; False if there is none left."""
        for level in self._levels:
            if level:
                self._plan = self._take(level)
                self._step = 0
                self._happened = []
                return True
        return False

    @property
    def departures(self) -> int:
        """How many departures the present plan has."""
        return self._plan.departures

    @property
    def found_any(self) -> bool:
        """Whether there was ever anything else to do than the calm choice."""
        return self._found_any

    def _take(self, level: list[_Plan]) -> _Plan:
        chosen = self._random.randrange(len(level))
        level[chosen], level[-1] = level[-1], level[chosen]
        return level.pop()

    def pick(self, kernel: Kernel) -> Event | None:
        enabled = kernel.enabled()
        step = self._step
        self._step += 1
        planned = self._plan.schedule
        if step < len(planned):
            for event in [*enabled, *kernel.faults()]:
                if event.name == planned[step]:
                    self._happened.append(event.name)
                    return event
            return enabled[0] if enabled else None  # not reproducible: a search finds that out
        if self._plan.departures < self._most:
            others = [*enabled[1:], *kernel.faults()]
            if self._only is not None:
                others = [event for event in others if event.name in self._only]
            if others:
                self._found_any = True
                done = tuple(self._happened)
                level = self._levels[self._plan.departures + 1]
                level += [_Plan((*done, other.name), self._plan.departures + 1) for other in others]
        if not enabled:
            return None
        self._happened.append(enabled[0].name)
        return enabled[0]
