"""Every schedule of a scenario, but for those that only swap what commutes.

Theory of operation
===================

Where actors cannot be copied, no state can be kept to go on from: each schedule is a run
from the start, and the runs go through the tree of all choices depth first. Two events that
*touch* different actors commute, and of the two orders one is enough. Sleep sets (Godefroid,
1996) say which: having tried ``a`` and now trying its sibling ``b``, ``a`` sleeps below ``b``
until something happens that it does not commute with. So every state is seen, and every order
of the events at one actor, but not every order of events at different ones.

What an event touches is known once it has happened: the receiver, whoever went on because a
reply came, and what all share (the notes of the run, the random source). What cannot be told
apart counts as touching everything: time, the beginning and the end of actors, crashes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.protocols.testing._kernel import ALL, EVERYTHING
from dramaturg.protocols.testing._repetition import repeating_tail
from dramaturg.protocols.testing._run import run
from dramaturg.protocols.testing._search import KEPT, Found, Limits, Searched

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.testing._event import Event
    from dramaturg.protocols.testing._kernel import Kernel

__all__ = ["EverySchedule"]


REST = ""
"""The choice to leave it at that, where nothing is left to do: more may go wrong, but need not."""


class _Choice:
    """One place in the tree: what has been tried there, and what may sleep."""

    __slots__ = ("left", "sleeping", "taken", "touched")

    def __init__(self, left: list[str], sleeping: dict[str, frozenset[str]]) -> None:
        self.left = left
        """What is still to be tried."""
        self.sleeping = sleeping
        """What need not be tried, with what it touches."""
        self.taken = left.pop(0)
        self.touched = ALL

    def next(self) -> bool:
        """Go on to the next thing to try; False if there is none."""
        self.sleeping[self.taken] = self.touched
        if not self.left:
            return False
        self.taken = self.left.pop(0)
        self.touched = ALL
        return True

    def below(self) -> dict[str, frozenset[str]]:
        """Return what sleeps after what was taken."""
        return {
            name: touched
            for name, touched in self.sleeping.items()
            if commute(touched, self.touched)
        }


def commute(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two events may change places."""
    return EVERYTHING not in one and EVERYTHING not in other and one.isdisjoint(other)


class EverySchedule:
    """Goes through all schedules; a picker for one run after the other.

    :param make: makes a new kernel, which notes what each step touches.
    :param limits: so many runs at most, and so many events in each.
    """

    def __init__(self, make: Callable[[], Kernel], limits: Limits) -> None:
        self._make = make
        self._limits = limits
        self._path: list[_Choice] = []
        self._depth = 0
        self._asleep = False
        self.seen = Searched()

    def go(self) -> Searched:
        """Look at them all, until one fails or the limit is reached."""
        seen = self.seen
        asleep = 0
        while seen.schedules + asleep < self._limits.schedules:
            self._depth = 0
            self._asleep = False
            ran = run(self._make, self, most=self._limits.events)
            seen.events += ran.events
            asleep += self._asleep
            seen.schedules += not self._asleep
            seen.truncated += ran.truncated
            seen.reached |= ran.reached
            seen.to_reach |= ran.to_reach
            if ran.broken is not None:
                seen.found = Found(ran, "every schedule", seen.schedules)
                return seen
            if ran.truncated:
                if seen.schedules == 1:  # which is the calm one
                    seen.livelock = repeating_tail(ran.schedule, self._limits.events)
                if seen.is_hopeless(ran):
                    return seen
            if len(seen.passing) < KEPT and not ran.truncated:
                seen.passing.append(ran.schedule)
            if not self._go_back():
                seen.complete = not seen.truncated
                return seen
        return seen

    def _go_back(self) -> bool:
        """Leave the last place that has nothing left to try; False if none has."""
        while self._path:
            if self._path[-1].next():
                return True
            self._path.pop()
        return False

    def pick(self, kernel: Kernel) -> Event | None:
        depth = self._depth
        events = {event.name: event for event in [*kernel.enabled(), *kernel.faults()]}
        if depth:
            self._path[depth - 1].touched = kernel.steps[-1].touched
        self._depth += 1
        if depth == len(self._path):
            sleeping = self._path[-1].below() if self._path else {}
            awake = [name for name in events if name not in sleeping]
            if events and not kernel.enabled():
                awake.insert(0, REST)
            if not awake:
                self._asleep = bool(events)
                self._depth -= 1
                return None
            self._path.append(_Choice(awake, sleeping))
        return events.get(self._path[depth].taken)
