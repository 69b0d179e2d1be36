"""How soon a search finds the planted bugs of the zoo, and how short it makes what it finds.

Counts, not times: the same seeds give the same figures on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median
from typing import Final

from dramaturg.protocols.testing import Model, World, explore, explore_all
from tests.protocols.testing.zoo import ZOO, Specimen

BUDGET: Final = 500
"""So many schedules a search may try."""

Place = tuple[int, str]
"""A bug: which specimen of the zoo, and which of its variants."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one search has found: in which run, how many events it had, and how many are left.

    :param broken: the property.
    """

    run: int
    events: int
    shrunk: int
    broken: str


@dataclass(frozen=True, slots=True)
class BugFigures:
    """What became of one bug.

    :param found: for each seed; None if the bug was missed.
    :param exhaustive: the events of a shortest counterexample, by breadth first search; None if
        that was given up, or the bug breaks what such a search does not look at.
    :param known: those of the shortest one that the zoo tells of, where there is no search.
    """

    specimen: str
    bug: str
    level: str
    found: tuple[Found | None, ...]
    exhaustive: int | None
    known: int | None

    @property
    def share(self) -> float:
        """Which share of the searches found it within the budget."""
        return sum(each is not None for each in self.found) / len(self.found)

    @property
    def median_run(self) -> float | None:
        """In which run it is found, by half of the searches; None if half of them miss it."""
        middle = median(BUDGET + 1 if each is None else each.run for each in self.found)
        return None if middle > BUDGET else middle

    @property
    def lengths(self) -> tuple[int, ...]:
        """How many events were left, of each search that found it."""
        return tuple(each.shrunk for each in self.found if each is not None)

    @property
    def shortest(self) -> int | None:
        """The events of the shortest counterexample that is known, those found here included."""
        best = self.known if self.exhaustive is None else self.exhaustive
        return min((each for each in (best, *self.lengths) if each is not None), default=None)

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times longer than the shortest each counterexample is."""
        return tuple(each / self.shortest for each in self.lengths) if self.shortest else ()


def places(part: str = "", *, every: int = 1) -> list[Place]:
    """Return the bugs of those specimens whose names have this part; one of so many."""
    chosen = [
        (place, bug)
        for place, specimen in enumerate(ZOO)
        if part in specimen.name
        for bug in specimen.bugs
    ]
    return chosen[::every]


def measure(place: Place, *, seeds: int, states: int) -> BugFigures:
    """Search for a bug with so many seeds.

    :param states: how many states to look at for a shortest counterexample.
    """
    specimen, bug = ZOO[place[0]], place[1]
    planted = specimen.bugs[bug]
    return BugFigures(
        specimen=specimen.name,
        bug=bug,
        level=planted.level,
        found=tuple(_search(specimen, bug, seed) for seed in range(seeds)),
        exhaustive=_shortest(specimen, bug, states),
        known=planted.shortest,
    )


def _search(specimen: Specimen, bug: str, seed: int) -> Found | None:
    verdict = explore(
        specimen.scenario(bug),
        network=specimen.network,
        faults=specimen.faults,
        schedules=BUDGET,
        seed=seed,
    )
    failure = verdict.failure
    if failure is None:
        return None
    return Found(failure.found_in, failure.found_with, len(failure.schedule), failure.property)


def _shortest(specimen: Specimen, bug: str, states: int) -> int | None:
    """Look at every state, as near the start as possible, for one that is wrong."""
    found = explore_all(_model(specimen, bug), max_states=states)
    return None if found.broken is None else len(found.schedule)


def _model(specimen: Specimen, bug: str) -> Model:
    """Make a model of a scenario; what is to come some time is left out, no state breaks that."""
    world = World(network=specimen.network, faults=specimen.faults)
    specimen.fill(world, bug)
    flights = world.flights.all.values()
    return Model(
        actors=world.actors,
        sent=[(each.sender, each.receiver, each.message) for each in flights],
        network=specimen.network,
        faults=specimen.faults,
        always=dict(world.properties.always),
        at_rest=dict(world.properties.at_rest),
    )


@dataclass(frozen=True, slots=True)
class ZooFigures:
    """What became of all bugs."""

    seeds: int
    bugs: tuple[BugFigures, ...]

    def share(self, level: str) -> float:
        """Which share of the searches for bugs of a level found them."""
        shares = [each.share for each in self.bugs if each.level == level]
        return sum(shares) / len(shares) if shares else 1.0

    def median_run(self, level: str) -> float | None:
        """In which run half of these searches have found their bug."""
        runs = [
            BUDGET + 1 if each is None else each.run
            for bug in self.bugs
            if bug.level == level
            for each in bug.found
        ]
        middle = median(runs) if runs else 0
        return None if middle > BUDGET else middle

    def ratios(self, *, exhaustive: bool) -> tuple[float, ...]:
        """How many times longer than the shortest each counterexample is.

        :param exhaustive: only where breadth first search has found a shortest one.
        """
        return tuple(
            ratio
            for bug in self.bugs
            if bug.exhaustive is not None or not exhaustive
            for ratio in bug.ratios
        )


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean; 1 of nothing."""
    return exp(sum(map(log, ratios)) / len(ratios)) if ratios else 1.0
