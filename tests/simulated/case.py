"""A scenario on the simulated runtime, and the search that goes through its schedules."""

from dataclasses import dataclass

from dramaturg.protocols.testing import (
    NO_FAULTS,
    Faults,
    ScenarioError,
    Simulation,
    SystemScenario,
    explore_system,
)
from dramaturg.protocols.testing._run import Run
from dramaturg.protocols.testing._search import Limits, Search

EVENTS = 600
"""So many events are more than any of the scenarios has."""
MOST_CUT_OFF = 0.1


@dataclass(frozen=True)
class Case:
    """One scenario, with what may go wrong in it.

    ``any_sender_first``: whether messages of different senders may overtake each other.
    """

    name: str
    scenario: SystemScenario
    faults: Faults = NO_FAULTS
    any_sender_first: bool = False
    schedules: int = 100

    def check(self, seed: int = 0) -> None:
        """Go through the schedules; fail with a short one that breaks a property."""
        explore_system(
            self.scenario,
            faults=self.faults,
            schedules=self.schedules,
            events=EVENTS,
            seed=seed,
            any_sender_first=self.any_sender_first,
        ).check()

    def hunt(self, seed: int = 0, most: int | None = None) -> "Hunt":
        """Go through the schedules until one breaks a property, and leave it as it is."""
        seen = Search(self._make, seed=seed, limits=Limits(most or self.schedules, EVENTS))
        ran: Run | None = None
        try:
            found = seen.go().found
        except ScenarioError as error:  # somebody goes on without ever waiting
            return Hunt(seen.seen.schedules + 1, f"{error}")
        if found is not None:
            ran = found.run
        if ran is not None and ran.broken is not None:
            return Hunt(seen.seen.schedules, f"{ran.broken.name}: {ran.broken.detail}")
        if seen.seen.truncated > MOST_CUT_OFF * seen.seen.schedules:
            return Hunt(seen.seen.schedules, "runs do not come to rest")
        return Hunt(seen.seen.schedules, None)

    def _make(self) -> Simulation:
        return Simulation(self.scenario, faults=self.faults, any_sender_first=self.any_sender_first)


@dataclass(frozen=True)
class Hunt:
    """What came of a hunt: after so many schedules, what was broken; None if nothing was."""

    schedules: int
    broken: str | None
