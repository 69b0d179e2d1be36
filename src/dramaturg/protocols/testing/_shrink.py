"""Making a failing run short: the same failure with the fewest events, then the fewest departures.

Works on the names of events. What is taken out is not done at its place; what then is not
possible is passed over; and after the last name the run goes on calmly. So a shorter list
of names is again a whole run, and what it really did is the next list to shorten.

1. ddmin (Zeller and Hildebrandt, 2002): take out ever smaller parts as long as it fails.
2. Search anew, at random, among runs of fewer events that consist of the same ones, and
   begin again from there: ddmin alone gets stuck, since it never changes the order.
3. Try the schedules that leave the calm one once, for whatever event: the failure may come
   earlier by another message. Then those that leave it twice, for one of the same events; and
   where the run departs from the calm choice, let it make the calm choice first.
4. Search anew with each strategy in turn: what was found may have come a long way round, and
   another run that is longer may become shorter when parts are taken out of it.
5. Wander: change a little of the best run, and go on from whatever fails and is about as short.

It has to stay the *same* failure, of the same property, or it would slip to another one. But
where something did not come to hold in the end, and a shorter run breaks what always holds,
that is where it went wrong: the shorter one is reported, and the other is named beside.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

from dramaturg.protocols.testing._departures import Departures
from dramaturg.protocols.testing._pickers import Following
from dramaturg.protocols.testing._run import Run, run
from dramaturg.protocols.testing._search import strategies
from dramaturg.protocols.testing._shrink_pickers import Near, Some

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.testing._event import Schedule
    from dramaturg.protocols.testing._kernel import Kernel
    from dramaturg.protocols.testing._run import Picker

__all__ = ["Shrunk", "departures_of", "shrink"]

MOST_REPLAYS = 1_500
LEAST_REPLAYS = 300
MOST_EVENTS = 100_000
"""Replays end when there were too many, or those there were had too many events together."""
AFRESH = 60
"""So many random runs in a row that find nothing shorter end the second step."""
ANEW = 300
"""So many runs of any strategy that are not shorter end the fourth step."""
OTHERS = 8
"""And so many that fail and do not become shorter."""
WANDERING = 300
"""So many runs near the best one that are not shorter end that step."""
LONGER = 2
"""Such a run may be so many events longer than the best one."""
ROUNDABOUT = 2
"""Such a run may be so many times longer than the best one, until parts are taken out of it."""
SINGLES = 300
"""So many schedules of few departures are tried."""
ABOUT_THE_END = ("at_rest ", "eventually ", "leads_to ", "scenario ends")
"""How the names of properties begin that only the end of a run can break."""
ROOM = 1_000
"""So many events a run may go on calmly after the last name."""


class Shrunk(NamedTuple):
    """The shortest failing run that was found."""

    run: Run
    calm: tuple[str | None, ...]
    """What the calm choice would have been at each of its steps."""
    replays: int
    instead_of: str | None = None
    """The property that was broken at first, if a shorter run shows what went wrong before."""

    @property
    def departures(self) -> int:
        """How many of its steps are not the calm choice."""
        return departures_of(self.run.schedule, self.calm)


def departures_of(schedule: Schedule, calm: tuple[str | None, ...]) -> int:
    """Count the steps that are not the calm choice."""
    return sum(name != choice for name, choice in zip(schedule, calm, strict=False))


def shrink(make: Callable[[], Kernel], failing: Run, *, seed: int = 0) -> Shrunk | None:
    """Shorten a failing run.

    :param failing: a run that broke a property.
    :return: None if its own schedule does not fail again.
    """
    shrinker = _Shrinker(make, failing)
    if not shrinker.starts():
        return None
    shrunk = _shorten(shrinker, seed)
    sooner, found = shrinker.sooner, failing.broken
    if sooner is None or found is None or len(sooner.schedule) >= len(shrunk.run.schedule):
        return shrunk
    instead = shrink(make, sooner, seed=seed)
    return shrunk if instead is None else instead._replace(instead_of=found.name)


def _shorten(shrinker: _Shrinker, seed: int) -> Shrunk:
    shrinker.take_out()
    shrinker.search_afresh(Random(seed))
    shrinker.depart_less(Random(seed))
    shrinker.search_anew(Random(seed))
    shrinker.wander(Random(seed))
    shrinker.calm_down()
    best = shrinker.best
    return Shrunk(best.run, best.calm, shrinker.replays)


class _Shrinker:
    def __init__(self, make: Callable[[], Kernel], failing: Run) -> None:
        self._make = make
        self._first = failing
        self.best = Shrunk(failing, (), 0)
        self.replays = 0
        self._events = 0
        self.sooner: Run | None = None
        """The shortest run that breaks what always holds, where the failure is about the end."""

    def goes_on(self) -> bool:
        """Tell whether there is time for one more replay."""
        if self.replays < LEAST_REPLAYS:
            return True
        return self.replays < MOST_REPLAYS and self._events < MOST_EVENTS

    def starts(self) -> bool:
        """Replay the run itself; tell whether it fails again."""
        again = self._replay(self._first.schedule)
        if again is None:
            return False
        self.best = again
        return True

    def take_out(self) -> None:
        """Take out parts, halves first, as long as the run fails without them."""
        size = max(1, len(self.best.run.schedule) // 2)
        while self.goes_on():
            if self._take_out_parts(size):
                continue
            if size == 1:
                return
            size = max(1, size // 2)

    def _take_out_parts(self, size: int) -> bool:
        """Try each part of that size, the last first; tell whether any could go."""
        shorter = False
        start = len(self.best.run.schedule) - size
        while start > -size and self.goes_on():
            schedule = self.best.run.schedule
            candidate = schedule[: max(0, start)] + schedule[max(0, start) + size :]
            if self._accept(self._replay(candidate)):
                shorter = True
                start = min(start, len(self.best.run.schedule))
            start -= size
        return shorter

    def search_afresh(self, random: Random) -> None:
        """Look for a shorter run made of the same events, in any order."""
        tries = 0
        while tries < AFRESH and self.goes_on():
            schedule = self.best.run.schedule
            if len(schedule) <= 1:
                return
            leave_out = set(random.sample(schedule, random.randrange(1 + len(schedule) // 3)))
            some = frozenset(schedule) - leave_out
            picker = Some(some, random)
            found = self._try(picker, len(schedule) - 1)
            # What it did has to do so as a list of names, too.
            if found is not None and self._accept(self._replay(found.schedule)):
                self.take_out()
                tries = 0
            tries += 1

    def search_anew(self, random: Random) -> None:
        """Look for a run of whatever events that is shorter, or becomes so."""
        tries = others = 0
        length = len(self.best.run.schedule)
        if length <= 1:
            return
        for _, picker in strategies(random, length):
            tries += 1
            if tries > ANEW or others > OTHERS or not self.goes_on():
                return
            found = self._try(picker, ROUNDABOUT * len(self.best.run.schedule))
            if found is None:
                continue
            if self._is_shorter_in_parts(found):
                tries = others = 0
            else:
                others += 1

    def _is_shorter_in_parts(self, found: Run) -> bool:
        """Take out parts of another run; keep it if it has become shorter than the best one."""
        before, other = self.best, self._replay(found.schedule)
        if other is None:
            return False
        self.best = other
        self.take_out()
        shorter = len(self.best.run.schedule) < len(before.run.schedule)
        if not shorter:
            self.best = before
        return shorter

    def wander(self, random: Random) -> None:
        """Look for a shorter run by way of others that are about as short, and fail too."""
        tries = 0
        near = self.best.run
        while tries < WANDERING and self.goes_on():
            most = len(self.best.run.schedule)
            if most <= 1:
                return
            tries += 1
            found = self._try(Near(near, random), most + LONGER)
            if found is None:
                continue
            near = found
            if self._accept(self._replay(found.schedule)):
                self.take_out()
                near = self.best.run
                tries = 0

    def depart_less(self, random: Random) -> None:
        """Look for a run with one departure, then two, that is shorter, or as short."""
        self._depart(random, 1, None)
        schedule = self.best.run.schedule
        departing = {
            name for name, calm in zip(schedule, self.best.calm, strict=False) if name != calm
        }
        if len(departing) > 2:  # noqa: PLR2004 - else there is nothing to be won
            self._depart(random, 2, departing)

    def _depart(self, random: Random, most: int, only: set[str] | None) -> None:
        departures = Departures(random, most, only)
        tries = 0
        while tries < SINGLES and self.goes_on() and departures.begin():
            tries += 1
            found = self._try(departures, len(self.best.run.schedule))
            if found is not None:
                self._accept(self._replay(found.schedule))

    def calm_down(self) -> None:
        """Make the calm choice first wherever the run does not need its departure there."""
        step = 0
        while step < len(self.best.run.schedule) and self.goes_on():
            schedule = self.best.run.schedule
            calm = self.best.calm[step]
            if calm is not None and calm != schedule[step]:
                without = tuple(name for name in schedule[step:] if name != calm)
                for candidate in (
                    (*schedule[:step], calm, *without),
                    schedule[:step] + schedule[step + 1 :],
                ):
                    if self._accept(self._replay(candidate)):
                        break
            step += 1

    def _accept(self, found: Shrunk | None) -> bool:
        if found is None:
            return False
        best = self.best
        better = (len(found.run.schedule), found.departures) < (
            len(best.run.schedule),
            best.departures,
        )
        if better:
            self.best = found
        return better

    def _replay(self, schedule: Schedule) -> Shrunk | None:
        following = Following(schedule)
        found = self._try(following, len(schedule) + ROOM)
        if found is None:
            return None
        return Shrunk(found, tuple(following.calm), self.replays)

    def _try(self, picker: Picker, most: int) -> Run | None:
        self.replays += 1
        found = run(self._make, picker, most=most)
        self._events += found.events
        first = self._first.broken
        if found.broken is None or first is None:
            return None
        if found.broken.name == first.name:
            return found
        if first.name.startswith(ABOUT_THE_END) and found.broken.name.startswith("always "):
            sooner = self.sooner
            if sooner is None or len(found.schedule) < len(sooner.schedule):
                self.sooner = found
        return None
