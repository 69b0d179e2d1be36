"""The clock of a system: what time it is, and what is to happen when."""

from __future__ import annotations

import heapq
import math
import threading
import time
import weakref
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, final

from dramaturg.actors._errors import OptionError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from dramaturg.actors._loop import LoopHost

__all__ = ["Clock", "ManualClock", "SystemClock", "TimerHandle"]

FEW = 64
"""As many planned calls need no tidying up, whether they were called off or not."""


class TimerHandle(Protocol):
    """One planned call."""

    def cancel(self) -> None:
        """Call it off; harmless if it has happened. Any thread."""


class Clock(Protocol):
    """The one source of time of an actor system, and its one alarm clock.

    Replace it to control time (:class:`ManualClock`).
    """

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    def time(self) -> datetime:
        """The wall time, aware, in UTC."""
        ...

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        """Call back on the system's loop when ``monotonic()`` has reached ``when``. Any thread."""
        ...

    def attach(self, host: LoopHost) -> None:
        """Bind the clock to the loop on which it calls back."""


class _Planned:
    __slots__ = ("args", "callback")

    def __init__(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.callback: Callable[..., object] | None = callback
        self.args = args

    def run(self) -> None:
        """Make the call, unless it was called off."""
        callback = self.callback
        if callback is not None:
            callback(*self.args)

    def cancel(self) -> None:
        self.callback = None
        self.args = ()


@final
class SystemClock:
    """The machine's clock. The default.

    Almost every planned call is called off before it is due: a request's deadline,
    when the reply comes. So the plan is the clock's own, where that costs little, and
    only one timer of the event loop, for the first of all calls, stands for it.
    """

    __slots__ = ("__weakref__", "_count", "_host", "_plan", "_timer", "_timer_for", "_tolerated")

    # The function itself, so that reading the clock is one call and not two.
    monotonic = staticmethod(time.monotonic)

    def time(self) -> datetime:
        return datetime.now(UTC)

    def attach(self, host: LoopHost) -> None:
        self._host = host
        self._plan: list[tuple[float, int, _Planned]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_for = math.inf
        self._tolerated = FEW

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        host = self._host
        planned = _Planned(callback, args)
        if host.is_running_here():
            self._add(when, planned)
        else:
            host.call_soon(self._add, when, planned)
        return planned

    def _add(self, when: float, planned: _Planned) -> None:
        self._count += 1
        plan = self._plan
        heapq.heappush(plan, (when, self._count, planned))
        if when < self._timer_for:
            self._set_timer(when)
        if len(plan) > self._tolerated:
            self._tidy()

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_for = when
        delay = max(0.0, when - time.monotonic())
        # The loop shall not keep alive a clock whose system has gone.
        ring = weakref.WeakMethod(self._ring)
        self._timer = self._host.loop.call_later(delay, _call_living, ring, context=Context())

    def _ring(self) -> None:
        """Have the loop make the calls that are due."""
        self._timer = None
        self._timer_for = math.inf
        plan = self._plan
        now = time.monotonic()
        while plan and (plan[0][0] <= now or plan[0][2].callback is None):
            planned = heapq.heappop(plan)[2]
            if planned.callback is not None:
                self._host.call_soon(planned.run)
        if plan:
            self._set_timer(plan[0][0])

    def _tidy(self) -> None:
        """Forget what was called off; look again when there is twice as much."""
        self._plan[:] = [entry for entry in self._plan if entry[2].callback is not None]
        heapq.heapify(self._plan)
        self._tolerated = max(FEW, 2 * len(self._plan))


def _call_living(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    living = method()
    if living is not None:
        living()


@final
class ManualClock:
    """A clock that stands still until it is told to advance; for tests.

    :param start: the wall time at ``monotonic() == 0``.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2000, 1, 1, tzinfo=UTC)
        self._now = 0.0
        self._plan: list[tuple[float, int, _Planned]] = []
        self._count = 0
        self._lock = threading.Lock()
        self._host: LoopHost | None = None

    def monotonic(self) -> float:
        return self._now

    def time(self) -> datetime:
        return self._start + timedelta(seconds=self._now)

    def attach(self, host: LoopHost) -> None:
        self._host = host

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        planned = _Planned(callback, args)
        with self._lock:
            self._count += 1
            heapq.heappush(self._plan, (when, self._count, planned))
        return planned

    @property
    def pending(self) -> int:
        """How many calls are planned and not cancelled."""
        return sum(planned.callback is not None for _, _, planned in self._plan)

    def advance(self, seconds: float) -> None:
        """Move time on, making each planned call at its own moment, in order.

        The calls are made at once in this thread, which has to be the system's
        loop thread; what they set in motion runs when the loop next does.

        :raises OptionError: if seconds is negative.
        """
        if not seconds >= 0:
            raise OptionError(option="seconds", value=seconds, expected="at least 0")
        until = self._now + seconds
        while True:
            with self._lock:
                if not self._plan or self._plan[0][0] > until:
                    break
                when, _, planned = heapq.heappop(self._plan)
                self._now = max(self._now, when)
            planned.run()
        self._now = max(self._now, until)
