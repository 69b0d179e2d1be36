"""What the tree of the state machine runs on: an event loop, or a simulation."""

import math
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from dramaturg.actors import ActorSystem, ManualClock
from dramaturg.protocols.testing import Simulation
from tests.actors.messaging_kit import Captured
from tests.supervision.kit import QuietLoop, next_call

Choose = Callable[[int], int]
"""Says which of so many events comes next, from 0; the calm choice is 0."""


class Stage(Protocol):
    """A system in virtual time that comes to rest after whatever is done to it."""

    system: ActorSystem

    async def begin(self) -> None:
        """Start the system, if it does not run yet; within :meth:`do`."""

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine, and then all that follows from it at this moment."""

    def advance(self, seconds: float) -> None:
        """Move time on, with all that is due then."""

    def planned(self) -> int:
        """Return how many calls are planned."""
        ...

    def next_due(self) -> float | None:
        """Return the moment of the first of them."""

    def close(self) -> None:
        """Shut the system down, if that was not done, and what it runs on."""


class LoopStage:
    """A system on an event loop of its own: one order of turns; for threads."""

    def __init__(self) -> None:
        self._clock = ManualClock()
        self._loop = QuietLoop()
        # Formatting the traceback of each crash would take most of the time.
        silence = Captured().log
        self.system = ActorSystem("test", clock=self._clock, hold_limit=None, logger=silence)

    async def begin(self) -> None:
        await self.system.__aenter__()

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        async def until_quiet() -> Any:
            result = await coroutine
            await self._loop.quiet(self.system)
            return result

        return self._loop.run(until_quiet())

    def advance(self, seconds: float) -> None:
        async def advance() -> None:
            self._clock.advance(seconds)

        self.do(advance())

    def planned(self) -> int:
        return self._clock.pending

    def next_due(self) -> float | None:
        return next_call(self._clock)

    def close(self) -> None:
        self._loop.run(self.system.shutdown())
        self._loop.close()


class SimulatedStage:
    """The system of a simulation, in which each turn is somebody's choice.

    :param choose: is asked whenever more than one actor may go next, or timer ring.
    """

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._simulation = Simulation(_nothing, horizon=math.inf)
        self._simulation.begin()
        self.system = self._simulation.system

    async def begin(self) -> None:
        """It runs since the simulation began."""

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        task = self._simulation.loop.create_task(coroutine)
        self._simulation._go_on()
        self._come_to_rest()
        assert task.done(), "what was asked for has no answer"
        return task.result()

    def _come_to_rest(self) -> None:
        simulation = self._simulation
        while (events := simulation.enabled()) and events[0].kind != "timer":
            simulation.execute(events[self._among(len(events))])

    def _among(self, count: int) -> int:
        return self._choose(count) if count > 1 else 0

    def advance(self, seconds: float) -> None:
        timers = self._simulation.timers
        until = timers.now + seconds
        while (events := self._simulation.enabled()) and events[0].payload.due <= until:
            self._simulation.execute(events[self._among(len(events))])
            self._come_to_rest()
        timers.now = until

    def planned(self) -> int:
        return sum(1 for _ in self._simulation.timers.living())

    def next_due(self) -> float | None:
        return min((each.due for each in self._simulation.timers.living()), default=None)

    def close(self) -> None:
        self._simulation.close()


async def _nothing(_: Simulation) -> None:
    """Leave all to the machine."""
