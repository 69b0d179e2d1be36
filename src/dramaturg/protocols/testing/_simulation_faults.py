"""What goes wrong in simulated systems: actors that crash or are slow, timers out of turn."""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

from dramaturg.actors._signals import Internal
from dramaturg.actors._state import RUNNING
from dramaturg.protocols.testing._addresses import name_of
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._node_faults import NodeFaults
from dramaturg.protocols.testing._simulated_system import Cut, SimulatedCrash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.actors._cell import Cell
    from dramaturg.protocols.testing._faults import Faults
    from dramaturg.protocols.testing._simulated_time import SimulatedClock
    from dramaturg.protocols.testing._simulation import Simulation

__all__ = ["SimulationFaults"]

MOST_CUTS = 2
"""A handler may crash at its first message, or at one up to this one."""


CRASHED = "the simulation lets the actor crash"
"""Why a handler that waits is cancelled."""


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
        self._left = {
            "early": faults.early_timers,
            "skew": faults.skews,
            "slow": faults.slow,
        }
        self._numbers: dict[str, int] = {}
        self._nodes = NodeFaults(simulation.nodes, faults, simulation.network)

    def possible(self) -> list[Event]:
        """Return what may go wrong now."""
        found: list[Event] = []
        left = self._left
        if left["early"] or left["skew"]:
            found += self._timers_out_of_turn()
        if any(self._crashes.values()):
            found += self._possible_crashes()
            found += self._possible_cuts()
        if left["slow"]:
            found += self._slow_actors()
        if self._simulation.nodes.all:
            found += self._nodes.possible()
        return found

    def spend(self, event: Event) -> None:
        """Take what an event costs off its budget."""
        if event.kind in self._left:
            self._left[event.kind] -= 1
        elif event.kind in {"crash", "cut"}:
            self._crashes[self._faults.crash_budget_of(event.actor)] -= 1
        else:
            self._nodes.spend(event)

    def execute(self, event: Event) -> None:
        """Let it happen."""
        simulation = self._simulation
        if event.kind == "crash":
            self._crash(event.payload)
        elif event.kind == "cut":
            self._cut(event)
        elif event.kind == "skew":
            timer = event.payload
            # Its clock is ahead by so much that the timer is due.
            timer.clock.ahead += max(0.0, timer.due - simulation.timers.now)
            simulation.ring(timer)
        elif event.kind == "slow":
            simulation.slow[event.payload] = None
        else:
            self._nodes.execute(event)

    def check_possible(self) -> None:
        """Check that the faults asked for can happen in this scenario.

        :raises ScenarioError: if not.
        """
        if not self._simulation.nodes.all:
            self._nodes.check_unused()

    @staticmethod
    def is_simulated(error: BaseException) -> bool:
        """Tell whether a failure goes back to a crash of the simulation's."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, SimulatedCrash):
                return True
            if isinstance(cause, CancelledError) and cause.args == (CRASHED,):
                return True
            cause = cause.__cause__
        return False

    # -- crashes ---------------------------------------------------------------------------

    def _crash(self, cell: Cell) -> None:
        """Let an actor crash between two messages, or where its handler waits."""
        name = name_of(cell)
        self._numbers[name] = self._numbers.get(name, 0) + 1
        simulation = self._simulation
        waits = cell.system.tasks.suspended_in(cell)
        if waits is not None:
            waits.cancel(CRASHED)
            return
        simulation.cells.all.pop(cell, None)
        if cell.mailbox.__class__ is list:
            cell.mailbox.insert(0, _Crash())
        else:
            cell.put_back([_Crash()])
        cell.throughput = 1
        dispatcher: Any = cell.dispatcher
        dispatcher.release(cell)

    def _cut(self, event: Event) -> None:
        """Let an actor crash within a handler, or right after it."""
        delivery, cell, number = event.payload
        simulation = self._simulation
        simulation.cells.cut = Cut(cell, number)
        incarnation = cell.incarnation
        try:
            simulation.let_happen(delivery)
            simulation.loop.drain()
        finally:
            simulation.cells.cut = None
        # The handler had less to send, or has caught what was to end it.
        if cell.incarnation == incarnation and self._may_crash(cell):
            self._crash(cell)

    def _budget_of(self, cell: Cell) -> int:
        return self._crashes[self._faults.crash_budget_of(name_of(cell))]

    def _may_crash(self, cell: Cell) -> bool:
        simulation = self._simulation
        waits = cell.system.tasks.suspended_in(cell) is not None
        at_hand = cell.idle or cell in simulation.cells.all
        # One that has been told to stop has stopped before it could crash.
        return cell.state is RUNNING and not cell.control and (waits or at_hand)

    def _possible_crashes(self) -> Iterator[Event]:
        for cell in self._simulation.living():
            if self._budget_of(cell) and self._may_crash(cell):
                name = name_of(cell)
                number = self._numbers.get(name, 0)
                yield Event("crash", f"crash {name} #{number}", name, f"crash {name}", cell)

    def _possible_cuts(self) -> Iterator[Event]:
        for delivery in self._simulation.enabled():
            cell = self._simulation.receiver_of(delivery)
            if cell is None or not self._budget_of(cell) or cell.state is not RUNNING:
                continue
            for number in range(1, MOST_CUTS + 1):
                name = f"crash {delivery.actor} in {delivery.name} @{number}"
                lane = f"crash {delivery.actor}"
                yield Event("cut", name, delivery.actor, lane, (delivery, cell, number))

    # -- slowness and timers ---------------------------------------------------------------

    def _slow_actors(self) -> Iterator[Event]:
        simulation = self._simulation
        seen = set(simulation.slow)
        for event in simulation.enabled():
            cell = simulation.receiver_of(event)
            if cell is not None and cell not in seen:
                seen.add(cell)
                name = name_of(cell)
                yield Event("slow", f"slow {name}", name, f"slow {name}", cell)

    def _timers_out_of_turn(self) -> Iterator[Event]:
        simulation = self._simulation
        acting = (timer for timer in simulation.timers.living() if not timer.watches)
        living = sorted(acting, key=lambda timer: timer.due)
        if not living:
            return
        first = living[0].due
        clocks: set[SimulatedClock] = set()
        for timer in living:
            if timer.due <= first:
                clocks.add(timer.clock)
                if self._left["early"] and simulation.is_busy():
                    yield simulation.timer_event("early", timer)
            elif self._left["skew"] and timer.clock not in clocks:
                # The first of a clock that the others are behind of.
                clocks.add(timer.clock)
                yield simulation.timer_event("skew", timer)
