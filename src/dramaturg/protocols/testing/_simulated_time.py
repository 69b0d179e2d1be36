"""Virtual time: the timers of a simulation, and the clock that an actor system gets.

Each node has a clock of its own, which may run ahead of the others'. A timer is set by the
clock of its node; when it is *due* is by the simulation's.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from dramaturg.actors._timers import ReceiveTimeout, Timer
from dramaturg.protocols.testing._addresses import name_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import TimerHandle
    from dramaturg.actors._loop import LoopHost

__all__ = ["STARTED_BY", "SimulatedClock", "SimulatedTimer", "Timers"]

STARTED_BY: ContextVar[Any] = ContextVar("dramaturg_started_by", default=None)
"""The system of the node whose start function has set going what runs here."""


class SimulatedTimer:
    """One call that is planned.

    :param when: by the clock it was set by.
    :param cell: the actor that set it, None if the scenario did, or what starts a node.
    """

    __slots__ = (
        "_timers",
        "callback",
        "cell",
        "clock",
        "handle",
        "name",
        "system",
        "watches",
        "when",
    )

    def __init__(
        self, timers: Timers, when: float, cell: Cell | None, name: str, clock: SimulatedClock
    ) -> None:
        self._timers = timers
        self.when = when
        self.cell = cell
        self.system = STARTED_BY.get() if cell is None else cell.system
        """With which it ends; None if that of the scenario."""
        self.name = name
        self.clock = clock
        self.callback: Callable[[], object] | None = None
        self.handle: asyncio.TimerHandle | None = None
        self.watches = False
        """Whether it is of somebody who only looks on, and so rings after all others."""

    @property
    def owner(self) -> str:
        """The name of the actor that set it, or ""."""
        return "" if self.cell is None else name_of(self.cell)

    @property
    def due(self) -> float:
        """When it rings, by the simulation's clock."""
        return self.when - self.clock.ahead

    @property
    def live(self) -> bool:
        """Whether it was not called off."""
        if self.handle is not None:
            return not self.handle.cancelled()
        return self.callback is not None

    def cancel(self) -> None:
        """Call it off."""
        self.callback = None
        self._timers.forget(self)


class Timers:
    """What is planned, by name; and what time it is.

    :param running: tells which actor runs just now, if one does.
    """

    def __init__(self, running: Callable[[], Cell | None]) -> None:
        self.now = 0.0
        self.running = running
        self._scenarios = SimulatedClock(self)
        self._planned: dict[str, SimulatedTimer] = {}
        self._counts: dict[str, int] = {}

    def local_now(self) -> float:
        """Return the time by the clock of whoever runs just now."""
        return self._clock_of(self.running()).monotonic()

    def add_handle(self, when: float, handle: asyncio.TimerHandle) -> None:
        """Plan what the event loop was asked to do later."""
        cell = self.running()
        self._plan(when, cell, "sleep", self._clock_of(cell)).handle = handle

    def add(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        clock: SimulatedClock,
    ) -> SimulatedTimer:
        """Plan what an actor system was asked to do later."""
        whose: object = getattr(callback, "__self__", None)
        what = getattr(callback, "__name__", type(callback).__name__)
        cell = self.running()
        watches = getattr(whose, "only_watches", False)
        if watches:
            cell, what = None, "monitor"
        elif isinstance(whose, Timer):
            cell, what = whose._cell, f"/{whose._key!r}"
        elif isinstance(whose, ReceiveTimeout):
            cell, what = whose._cell, "receive_timeout"
        elif what == "expire":
            what = "deadline"
        planned = self._plan(when, cell, what, clock)
        planned.callback = partial(callback, *args)
        planned.watches = watches
        return planned

    def _plan(
        self, when: float, cell: Cell | None, what: str, clock: SimulatedClock
    ) -> SimulatedTimer:
        owner = "scenario" if cell is None else name_of(cell)
        label = f"{owner}{what}" if what.startswith("/") else f"{owner}:{what}"
        number = self._counts.get(label, 0)
        self._counts[label] = number + 1
        name = f"{label} #{number}"
        self._planned[name] = planned = SimulatedTimer(self, when, cell, name, clock)
        return planned

    def _clock_of(self, cell: Cell | None) -> SimulatedClock:
        system = STARTED_BY.get() if cell is None else cell.system
        clock: Any = None if system is None else system.clock
        return clock if isinstance(clock, SimulatedClock) else self._scenarios

    def forget(self, timer: SimulatedTimer) -> None:
        """Take a timer out of the plan."""
        self._planned.pop(timer.name, None)

    def forget_those_of(self, system: object) -> None:
        """Take out the timers of all actors of a system, and of what has started it."""
        for timer in tuple(self._planned.values()):
            if timer.system is system:
                timer.cancel()

    def living(self) -> Iterator[SimulatedTimer]:
        """Return what is planned and was not called off."""
        for timer in tuple(self._planned.values()):
            if timer.live:
                yield timer
            else:
                self.forget(timer)


class SimulatedClock:
    """The clock of one actor system in a simulation."""

    def __init__(self, timers: Timers, start: datetime | None = None) -> None:
        self._timers = timers
        self._start = start or datetime(2000, 1, 1, tzinfo=UTC)
        self.ahead = 0.0
        """Seconds by which it is ahead of the simulation's."""

    def begin_at(self, start: datetime) -> None:
        """Let it be that time when the simulation begins."""
        self._start = start

    def monotonic(self) -> float:
        return self._timers.now + self.ahead

    def time(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        return self._timers.add(when, callback, args, self)

    def attach(self, host: LoopHost) -> None:
        """Bind the clock to its loop, which is the simulation's."""
