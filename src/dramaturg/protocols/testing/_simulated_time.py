"""Virtual time: the timers of a simulation, and the clock that an actor system gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from dramaturg.actors._timers import ReceiveTimeout, Timer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from dramaturg.actors._clock import TimerHandle
    from dramaturg.actors._loop import LoopHost

__all__ = ["SimulatedClock", "SimulatedTimer", "Timers"]


class SimulatedTimer:
    """One call that is planned."""

    __slots__ = ("_timers", "callback", "handle", "name", "owner", "when")

    def __init__(self, timers: Timers, when: float, owner: str, name: str) -> None:
        self._timers = timers
        self.when = when
        self.owner = owner
        """The path of the actor that set it, or ""."""
        self.name = name
        self.callback: Callable[[], object] | None = None
        self.handle: asyncio.TimerHandle | None = None

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

    :param whose: tells the path of the actor that runs just now, or "".
    """

    def __init__(self, whose: Callable[[], str]) -> None:
        self.now = 0.0
        self.whose = whose
        self._planned: dict[str, SimulatedTimer] = {}
        self._counts: dict[str, int] = {}

    def add_handle(self, when: float, handle: asyncio.TimerHandle) -> None:
        """Plan what the event loop was asked to do later."""
        owner = self.whose()
        name = self._numbered(f"{owner or 'scenario'}:sleep")
        self._planned[name] = planned = SimulatedTimer(self, when, owner, name)
        planned.handle = handle

    def add(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...]
    ) -> SimulatedTimer:
        """Plan what an actor system was asked to do later."""
        owner, label = self._label(callback)
        name = self._numbered(label)
        self._planned[name] = planned = SimulatedTimer(self, when, owner, name)
        planned.callback = partial(callback, *args)
        return planned

    def _label(self, callback: Callable[..., object]) -> tuple[str, str]:
        whose: object = getattr(callback, "__self__", None)
        if isinstance(whose, Timer):
            return whose._cell.path, f"{whose._cell.path}/{whose._key!r}"
        if isinstance(whose, ReceiveTimeout):
            return whose._cell.path, f"{whose._cell.path}:receive_timeout"
        owner = self.whose()
        what = getattr(callback, "__name__", type(callback).__name__)
        return owner, f"{owner or 'scenario'}:{'deadline' if what == 'expire' else what}"

    def _numbered(self, label: str) -> str:
        number = self._counts.get(label, 0)
        self._counts[label] = number + 1
        return f"{label} #{number}"

    def forget(self, timer: SimulatedTimer) -> None:
        """Take a timer out of the plan."""
        self._planned.pop(timer.name, None)

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

    def monotonic(self) -> float:
        return self._timers.now

    def time(self) -> datetime:
        return self._start + timedelta(seconds=self._timers.now)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        return self._timers.add(when, callback, args)

    def attach(self, host: LoopHost) -> None:
        """Bind the clock to its loop, which is the simulation's."""
