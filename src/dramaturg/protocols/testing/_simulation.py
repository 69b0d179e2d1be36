"""A whole actor system as a kernel: each message, timer and signal is an event that is chosen.

Theory of operation
===================

The system is the real one: cells, mailboxes, supervisors, requests, timers. Two things are
exchanged. Its dispatchers do not run a ready cell but note it (``_simulated_system``); and
its clock and event loop stand still (``_simulated_time``, ``_simulated_loop``). An event lets
one ready cell take one turn of one message, or a timer ring; then the loop runs all that has
become ready by it, in order, until everybody waits again. So what runs between two waits
is atomic, and nothing runs that was not chosen.

A cell takes its messages in the order in which they arrived, as it does in a real system:
who runs first decides who sends first, and so all orders that one process can bring about
come from the choice of cells. What is *promised* is less: only the messages of one sender
stay in order (and the runtime's own, ticks for instance, stay behind what came before).
``any_sender_first=True`` makes each order that is promised a choice, as between machines.

Time jumps to the first timer when no cell is ready. The scenario itself is a task on the
same loop: what it awaits is there when the run has come so far.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from dramaturg.actors._trace import running_cell
from dramaturg.protocols.testing._errors import EscapeError, ScenarioError
from dramaturg.protocols.testing._escapes import ESCAPES, Guards
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults
from dramaturg.protocols.testing._kernel import Step
from dramaturg.protocols.testing._properties import Broken, Observer, Properties
from dramaturg.protocols.testing._simulated_loop import SimulatedLoop
from dramaturg.protocols.testing._simulated_system import ReadyCells, SimulatedSystem
from dramaturg.protocols.testing._simulated_time import SimulatedClock, SimulatedTimer, Timers
from dramaturg.protocols.testing._simulation_choices import OUTSIDE, Choices
from dramaturg.protocols.testing._simulation_faults import SimulationFaults, check_faults
from dramaturg.protocols.testing._system_view import SystemView

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence

    from dramaturg.actors import ActorSystem
    from dramaturg.actors._cell import Cell
    from dramaturg.protocols.testing._properties import Check

__all__ = ["Simulation", "SystemScenario"]

SystemScenario: TypeAlias = "Callable[[Simulation], Awaitable[object]]"

SETTLING = 10_000
"""So many events the end of a run may take, once it is over."""


class Simulation:
    """One run of a scenario on a whole actor system.

    :param scenario: awaited inside the simulation, with this object.
    :param faults: the budgets of what may go wrong.
    :param seed: of the system's random source and ids.
    :param allow: what of the outside may be used: "clock", "sleep", "random", "thread", "socket".
    :param any_sender_first: let messages of different senders overtake each other.
    :param horizon: seconds of virtual time after which no timer rings any more.
    :raises ScenarioError: for an unknown name in ``allow``, or faults that need a network.
    """

    def __init__(
        self,
        scenario: SystemScenario,
        *,
        faults: Faults = NO_FAULTS,
        seed: int = 0,
        allow: Collection[str] = (),
        any_sender_first: bool = False,
        horizon: float = 3_600.0,
    ) -> None:
        check_faults(faults)
        unknown = sorted(set(allow) - set(ESCAPES))
        if unknown:
            raise ScenarioError(
                thing=f"allow={unknown}",
                problem="nothing that is guarded",
                expected=f"some of {', '.join(ESCAPES)}",
            )
        self._scenario = scenario
        self._horizon = horizon
        self.steps: list[Step] = []
        self.history: list[Any] = []
        self.properties = Properties()
        self.random = Random(seed)
        self.timers = Timers(self._whose)
        self.loop = SimulatedLoop(self.timers)
        self.cells = ReadyCells()
        self._choices = Choices(self.cells, any_sender_first=any_sender_first)
        self.system: ActorSystem = SimulatedSystem(
            "simulation",
            self.cells,
            clock=SimulatedClock(self.timers),
            seed=seed,
            logger=structlog.wrap_logger(None, processors=[_drop]),
        )
        self._guards = Guards(allow, self._where)
        self._draining = False
        self._going_wrong = SimulationFaults(self, faults)
        self._observer = Observer(self.properties, SystemView(self))
        self._broken: Broken | None = None
        self._finished = False
        self._over = self.loop.create_future()
        self._enabled: list[Event] | None = None

    # -- what a scenario says --------------------------------------------------------------

    def always(self, check: Check, name: str | None = None) -> None:
        """Declare what holds from now on, after each event."""
        self.properties.add("always", check, name)

    def at_rest(self, check: Check, name: str | None = None) -> None:
        """Declare what holds when nothing is left to do."""
        self.properties.add("at_rest", check, name)

    def sometimes(self, check: Check, name: str | None = None) -> None:
        """Declare what holds at some moment of some run."""
        self.properties.add("sometimes", check, name)

    def eventually(
        self, check: Check, *, within: float | None = None, name: str | None = None
    ) -> None:
        """Declare what holds at some moment of each run; ``within`` seconds of virtual time."""
        self.properties.add_later("eventually", None, check, within, name)

    def leads_to(
        self, cause: Check, effect: Check, *, within: float | None = None, name: str | None = None
    ) -> None:
        """Declare that whenever the one holds, the other holds then or later."""
        self.properties.add_later("leads_to", cause, effect, within, name)

    def note(self, value: Any) -> None:
        """Add something to the history of the run, which properties may read."""
        self.history.append(value)

    # -- the run -----------------------------------------------------------------------------

    def begin(self) -> Broken | None:
        self._guards.on()
        self.loop.create_task(self._main(), name=OUTSIDE)
        return self._go_on()

    async def _main(self) -> None:
        async with self.system:
            try:
                await self._scenario(self)
            except AssertionError as error:
                self._broken = Broken("scenario", str(error))
            except (ScenarioError, EscapeError):
                raise
            except Exception as error:  # noqa: BLE001 - the test's author's code
                name = type(error).__name__
                self._broken = Broken(f"scenario raises {name}", f"{name}: {error}")
            else:
                self._finished = True
            await self._over

    def _go_on(self) -> Broken | None:
        """Let the loop run what is ready; see to the properties."""
        self._enabled = None
        self._draining = True
        try:
            self.loop.drain()
        finally:
            self._draining = False
        for context in self.loop.errors:
            error = context.get("exception")
            if isinstance(error, ScenarioError | EscapeError):
                raise error
        return self._broken or self._observer.look()

    def enabled(self) -> Sequence[Event]:
        if self._enabled is None:
            self._enabled = self._choices.all() or self._due()
        return self._enabled

    def faults(self) -> Sequence[Event]:
        return self._going_wrong.possible()

    def execute(self, event: Event) -> Broken | None:
        noted = len(self.history)
        self._choices.sent()
        self._let_happen(event)
        self._going_wrong.spend(event)
        broken = self._go_on()
        self.steps.append(Step(event, self._choices.sent(), tuple(self.history[noted:])))
        return broken

    def _let_happen(self, event: Event) -> None:
        if event.kind in {"deliver", "signal"}:
            self._choices.take(event)
        elif event.kind in {"timer", "early"}:
            self._ring(event.payload)
        else:
            self._going_wrong.execute(event)

    def finish(self) -> Broken | None:
        if not self._finished:
            return Broken("scenario ends", self._who_waits())
        failure = self.system._failure
        if failure is not None and not self._going_wrong.is_simulated(failure):
            return Broken("system fails", f"{type(failure).__name__}: {failure}")
        return self._observer.rest()

    def to_reach(self) -> list[str]:
        return [name for name, _ in self.properties.sometimes]

    def reached(self) -> frozenset[str]:
        return frozenset(self._observer.reached)

    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            cell.path: {
                name: value for name, value in vars(cell.actor).items() if not name.startswith("_")
            }
            for cell in _below(self.system.root)
            if cell.actor is not None
        }

    def close(self) -> None:
        """End the system, calmly, and the loop."""
        self._over.set_result(None)
        try:
            self._settle()
        finally:
            self._guards.off()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.drain()
            self.loop.close()

    def _settle(self) -> None:
        self._horizon = float("inf")
        for _ in range(SETTLING):
            self._enabled = None
            self.loop.drain()
            if self.system.stopped and not self.cells.all:
                return
            events = self.enabled()
            if not events:
                return
            self._let_happen(events[0])

    # -- timers ----------------------------------------------------------------------------------

    def _due(self) -> list[Event]:
        """Return the timers that may ring when all is quiet: those that are due first."""
        living = sorted(self.timers.living(), key=lambda timer: timer.when)
        if not living or living[0].when > self._horizon:
            return []
        first = living[0].when
        return [self.timer_event("timer", timer) for timer in living if timer.when <= first]

    def timer_event(self, kind: str, timer: SimulatedTimer) -> Event:
        """Return the event that a timer rings."""
        return Event(kind, f"{kind} {timer.name}", timer.owner, f"{kind} {timer.owner}", timer)

    def _ring(self, timer: SimulatedTimer) -> None:
        self.timers.now = max(self.timers.now, timer.when)
        self.timers.forget(timer)
        if timer.handle is not None:
            self.loop.take_now(timer.handle)
        elif timer.callback is not None:
            self.loop.call_soon(timer.callback)

    # -- who -------------------------------------------------------------------------------

    def _running(self) -> Cell | None:
        return running_cell(self.system) if hasattr(self.system, "root") else None

    def _whose(self) -> str:
        cell = self._running()
        return "" if cell is None else cell.path

    def _where(self) -> str | None:
        """Tell who runs just now; None if it is the kit itself."""
        if not self._draining:
            return None
        cell = self._running()
        if cell is None:
            return "the scenario"
        return f"{cell.path} ({cell.actor_class.__qualname__})"

    def _who_waits(self) -> str:
        waits = [
            f"{asker.path} for {reply.target.path}"
            for asker, edges in self.system.waits_for.items()
            for _, reply in edges
        ]
        return "it still waits" + (f"; {', '.join(waits)}" if waits else "")


def _below(cell: Cell) -> Iterator[Cell]:
    for child in tuple((cell.children or {}).values()):
        yield child
        yield from _below(child)


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent
