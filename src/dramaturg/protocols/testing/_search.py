"""The search for a schedule that breaks a property.

First the calm run. Then turns between strategies (see ``_walks`` and ``_pickers``), each with
faults that compete and with faults at drawn steps, and now and then with faults that follow at
once upon what has just happened. After every two of them comes a schedule that leaves the calm one
once, and when there are none left, after every six one that leaves it twice. Taking turns costs
at most as many times the best strategy as there are strategies, and no failure needs luck in
choosing one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import cycle, product
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from dramaturg.protocols.testing._departures import Departures
from dramaturg.protocols.testing._pickers import Swarm, picker_of
from dramaturg.protocols.testing._repetition import circle_of
from dramaturg.protocols.testing._run import Run, run
from dramaturg.protocols.testing._walks import (
    PartialOrder,
    Priorities,
    RandomWalk,
    Uniform,
    by_channel,
    by_kind,
    by_message,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dramaturg.protocols.testing._event import Event, Schedule
    from dramaturg.protocols.testing._kernel import Kernel
    from dramaturg.protocols.testing._run import Picker
    from dramaturg.protocols.testing._walks import Walk

__all__ = ["Found", "Limits", "Search", "Searched", "strategies"]

Make: TypeAlias = "Callable[[], Kernel]"

BETWEEN = (2, 2, 6)
"""After so many runs of other strategies comes a schedule of one departure, or of two: of those
there are mostly more than a search has time for."""
FEW = 10
"""After so many runs that were all cut off, those that could only show something at rest end."""
KEPT = 64
"""So many passing schedules are kept, to compare a failing one with."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a search goes.

    :param schedules: so many runs.
    :param events: so many events a run; then it goes on calmly for as many, 2,000 by default
        together, and if it has not come to rest by then its end has shown nothing. If the very
        first run, which is calm, goes in a circle, no other goes on so.
    """

    schedules: int = 500
    events: int = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """A failing run, and which strategy found it in which run (from 1)."""

    run: Run
    strategy: str
    schedule_number: int


@dataclass(slots=True)
class Searched:
    """What a search has seen."""

    schedules: int = 0
    events: int = 0
    truncated: int = 0
    reached: set[str] = field(default_factory=set[str])
    to_reach: set[str] = field(default_factory=set[str])
    passing: list[Schedule] = field(default_factory=list["Schedule"])
    found: Found | None = None
    livelock: Schedule = ()
    """What a run does over and over with nothing going wrong, so that it never comes to rest."""
    gave_up: bool = False
    """Whether it ended early, since no run came to rest and nothing else could show."""
    complete: bool = False
    """Whether there was no other schedule left to try."""

    def is_hopeless(self, last: Run) -> bool:
        """Tell, and note, whether more runs are to no purpose, but for errors of actors."""
        all_cut_off = FEW <= self.schedules == self.truncated
        self.gave_up = all_cut_off and not last.decides
        return self.gave_up


class Search:
    """One search, from one seed: the same seed tries the same schedules.

    :param make: makes a new kernel, as the scenario fills it.
    """

    def __init__(self, make: Make, *, seed: int = 0, limits: Limits | None = None) -> None:
        self._make = make
        self._random = Random(seed)
        self._limits = limits or Limits()
        self._circles = False
        """Whether the calm run never comes to rest: what others do calmly then leads to no end."""
        self._length = 1
        """How many events the longest calm run had."""
        self.seen = Searched()

    def go(self) -> Searched:
        """Search, until a run fails or the limit is reached."""
        seen = self.seen
        for strategy, picker in self._pickers():
            if seen.schedules >= self._limits.schedules:
                return seen
            most = self._limits.events
            ran = run(self._make, picker, most=most, suffix=0 if self._circles else most)
            seen.schedules += 1
            seen.events += ran.events
            seen.truncated += ran.truncated
            seen.reached |= ran.reached
            seen.to_reach |= ran.to_reach
            if ran.truncated and not seen.livelock:
                seen.livelock = circle_of(ran.steps, most)
            if ran.broken is not None:
                seen.found = Found(ran, strategy, seen.schedules)
                return seen
            if seen.schedules == 1:
                self._length = max(1, ran.events)
                self._circles = bool(seen.livelock)
            if not ran.truncated:
                self._keep(ran.schedule)
            elif seen.is_hopeless(ran):
                return seen
        seen.complete = True
        return seen

    def _keep(self, schedule: Schedule) -> None:
        passing = self.seen.passing
        if len(passing) < KEPT:
            passing.append(schedule)
        else:
            passing[self._random.randrange(KEPT)] = schedule

    def _pickers(self) -> Iterator[tuple[str, Picker]]:
        departures = Departures(Random(self._random.getrandbits(64)))
        more = departures.begin()
        yield "calm", departures
        if not departures.found_any:
            return
        more = departures.begin()
        for turn, chosen in enumerate(strategies(self._random, self._length * 2), 1):
            yield chosen
            count = departures.departures
            if more and turn % BETWEEN[count] == 0:
                yield f"{count} departure" + ("" if count == 1 else "s"), departures
                more = departures.begin()


LANES: dict[str, Callable[[Event], str]] = {
    "PCT": by_channel,
    "PCT by message": by_message,
    "PCT by kind": by_kind,
}
STRATEGIES = ("uniform", "random walk", "PCT", "POS", "PCT by message", "PCT by kind")


def strategies(source: Random, length: int) -> Iterator[tuple[str, Picker]]:
    """Return one strategy after the other, without end, each for one run.

    :param length: so many events a run is expected to have.
    """
    for name, falling in _turns():
        random = Random(source.getrandbits(64))
        swarm = Swarm(random)
        walk = _walk(name, random, length)
        picker = picker_of(walk, swarm, random, length=length, falling=falling)
        yield f"{name}, faults {falling}", picker


def _turns() -> Iterator[tuple[str, str]]:
    """Return whose turn it is, and where faults fall; one turn in 13 is for those that follow.

    More of them find more where something should be durable, and less of all else.
    """
    for following in cycle(STRATEGIES):
        yield from product(STRATEGIES, ("compete", "at drawn steps"))
        yield following, "follow"


def _walk(name: str, random: Random, length: int) -> Walk:
    if name == "uniform":
        return Uniform(random)
    if name == "random walk":
        return RandomWalk(random)
    if name == "POS":
        return PartialOrder(random)
    return Priorities(random, length=length, lane=LANES[name])
