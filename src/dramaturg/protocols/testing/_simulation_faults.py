"""What goes wrong in a simulated system: crashes and early timers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors._signals import Internal
from dramaturg.actors._state import RUNNING
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._event import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.actors._cell import Cell
    from dramaturg.protocols.testing._faults import Faults
    from dramaturg.protocols.testing._simulation import Simulation

__all__ = ["SimulatedCrash", "SimulationFaults", "check_faults"]


def check_faults(faults: Faults) -> None:
    """Check that these faults can happen within one system.

    :raises ScenarioError: if not.
    """
    for budget in ("drops", "duplicates", "reorders", "skews", "partitions"):
        if getattr(faults, budget):
            raise ScenarioError(
                thing=f"Faults({budget}=...)",
                problem="cannot happen within one system",
                expected="crashes and early_timers",
            )


class SimulatedCrash(Exception):  # noqa: N818 - what the simulation does, not an error of anybody's
    """What an actor fails with when the simulation lets it crash."""


class _Crash(Internal):
    __slots__ = ()

    def handle(self, cell: Cell) -> Any:
        raise SimulatedCrash(cell.path)


class SimulationFaults:
    """The faults of one run, within their budgets."""

    def __init__(self, simulation: Simulation, faults: Faults) -> None:
        self._simulation = simulation
        self._faults = faults
        self._crashes = faults.crash_budgets()
        self._early = faults.early_timers
        self._numbers: dict[str, int] = {}

    def possible(self) -> list[Event]:
        """Return what may go wrong now."""
        found: list[Event] = []
        if self._early:
            found += self._early_timers()
        if any(self._crashes.values()):
            found += self._possible_crashes()
        return found

    def spend(self, event: Event) -> None:
        """Take what an event costs off its budget."""
        if event.kind == "early":
            self._early -= 1
        elif event.kind == "crash":
            self._crashes[self._budget_of(event.actor)] -= 1

    def execute(self, event: Event) -> None:
        """Let an actor crash: between two messages, or where its handler waits."""
        cell: Cell = event.payload
        self._numbers[event.actor] = self._numbers.get(event.actor, 0) + 1
        simulation = self._simulation
        if simulation.system.tasks.interrupt(cell):
            return
        simulation.cells.all.pop(cell, None)
        cell.mailbox.insert(0, _Crash())
        cell.throughput = 1
        dispatcher: Any = cell.dispatcher
        dispatcher.release(cell)

    @staticmethod
    def is_simulated(error: BaseException) -> bool:
        """Tell whether a failure goes back to a crash of the simulation's."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, SimulatedCrash):
                return True
            cause = cause.__cause__
        return False

    def _budget_of(self, path: str) -> str:
        return self._faults.crash_budget_of(path)

    def _possible_crashes(self) -> Iterator[Event]:
        simulation = self._simulation
        below = [simulation.system.root]
        while below:
            cell = below.pop(0)
            below += tuple((cell.children or {}).values())
            if cell.parent is None or not self._crashes[self._budget_of(cell.path)]:
                continue
            waits = simulation.system.tasks.suspended_in(cell) is not None
            at_hand = cell.idle or cell in simulation.cells.all
            if cell.state is RUNNING and (waits or (at_hand and cell.mailbox.__class__ is list)):
                number = self._numbers.get(cell.path, 0)
                path = cell.path
                yield Event("crash", f"crash {path} #{number}", path, f"crash {path}", cell)

    def _early_timers(self) -> Iterator[Event]:
        simulation = self._simulation
        if not simulation.cells.all:
            return
        living = sorted(simulation.timers.living(), key=lambda timer: timer.when)
        for timer in living:
            if timer.when <= living[0].when:
                yield simulation.timer_event("early", timer)
