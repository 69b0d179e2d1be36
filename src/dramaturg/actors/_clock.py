"""The clock of a system: what time it is, and what is to happen when."""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, final

from dramaturg.actors._errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._loop import LoopHost

__all__ = ["Clock", "ManualClock", "SystemClock", "TimerHandle"]


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


@final
class SystemClock:
    """The machine's clock, and the event loop's timers. The default."""

    __slots__ = ("_host",)

    # The function itself, so that reading the clock is one call and not two.
    monotonic = staticmethod(time.monotonic)

    def time(self) -> datetime:
        return datetime.now(UTC)

    def attach(self, host: LoopHost) -> None:
        self._host = host

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        host = self._host
        delay = max(0.0, when - time.monotonic())
        if host.is_running_here():
            return host.loop.call_later(delay, callback, *args)
        handle = _RemoteTimer(host)
        host.call_soon(handle.arm, when, callback, args)
        return handle


class _RemoteTimer:
    """A timer asked for from another thread: the loop arms it when it comes to it."""

    __slots__ = ("_cancelled", "_handle", "_host")

    def __init__(self, host: LoopHost) -> None:
        self._host = host
        self._handle: asyncio.TimerHandle | None = None
        self._cancelled = False

    def arm(self, when: float, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        if not self._cancelled:
            delay = max(0.0, when - time.monotonic())
            self._handle = self._host.loop.call_later(delay, callback, *args)

    def cancel(self) -> None:
        self._cancelled = True
        self._host.call_soon(self._cancel)

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


class _Planned:
    __slots__ = ("args", "callback", "cancelled")

    def __init__(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.callback = callback
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


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
        return sum(not planned.cancelled for _, _, planned in self._plan)

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
            if not planned.cancelled:
                planned.callback(*planned.args)
        self._now = max(self._now, until)
