"""Keyed timers and the receive timeout of one actor.

A timer that was cancelled, replaced or belongs to an earlier incarnation never
ticks again, also if its tick waits in the mailbox already: a tick is valid only
while it is the very timer that its key names.
"""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._errors import OptionError
from dramaturg.actors._resolve import invoke
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import STOPPED

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import TimerHandle

__all__ = ["ReceiveTimeout", "Timer", "cancel_all", "check_seconds"]


def check_seconds(option: str, value: float) -> float:
    """Check a time span.

    :raises OptionError: if it is not a finite number of at least 0.
    """
    if not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise OptionError(option=option, value=value, expected="seconds, at least 0 and finite")
    return value


@final
class Timer:
    """One running timer of an actor."""

    __slots__ = ("_cell", "_fixed_rate", "_handle", "_key", "_message", "_period", "_when")

    def __init__(
        self,
        cell: Cell,
        key: Any,
        message: Any,
        *,
        after: float,
        period: float | None,
        fixed_rate: bool,
    ) -> None:
        self._cell = cell
        self._key = key
        self._message = message
        self._period = period
        self._fixed_rate = fixed_rate
        self._when = cell.system.now() + after
        self._handle: TimerHandle = cell.system.clock.call_at(self._when, self._ring)

    def cancel(self) -> None:
        """Stop the clock; the actor has forgotten the timer already."""
        self._handle.cancel()

    def _ring(self) -> None:
        # On the loop's thread; the actor handles the tick in its own turn.
        if not self._is_current():
            return
        self._cell.post_internal(_Tick(self))
        if self._period is not None and self._fixed_rate:
            self._arm(self._when + self._period)

    def _is_current(self) -> bool:
        extra = self._cell.extra
        # A task that an actor left behind may still start timers after its end.
        living = self._cell.state is not STOPPED
        return living and extra is not None and extra.timers.get(self._key) is self

    def _arm(self, when: float) -> None:
        self._when = when
        self._handle = self._cell.system.clock.call_at(when, self._ring)

    def tick(self, cell: Cell) -> Any:
        """Handle one tick inside the actor."""
        if not self._is_current() or cell.extra is None:
            return None
        cell.message = self._message
        if self._period is not None and not self._fixed_rate:
            return self._handle_and_arm(cell, self._period)
        if self._period is None:
            del cell.extra.timers[self._key]
        return invoke(cell, self._message)

    def _handle_and_arm(self, cell: Cell, delay: float) -> Any:
        """Handle a tick; the delay to the next one begins when the handler has returned."""
        result: Any = None
        try:
            result = invoke(cell, self._message)
        finally:
            if result.__class__ is not CoroutineType:
                self._arm_after(delay)
        return self._await_and_arm(result, delay) if result.__class__ is CoroutineType else result

    async def _await_and_arm(self, handling: Any, delay: float) -> Any:
        try:
            return await handling
        finally:
            self._arm_after(delay)

    def _arm_after(self, delay: float) -> None:
        # The handler may have cancelled or replaced the timer.
        if self._is_current():
            self._arm(self._cell.system.now() + delay)


class _Tick(Internal):
    __slots__ = ("_timer",)

    def __init__(self, timer: Timer) -> None:
        self._timer = timer

    def handle(self, cell: Cell) -> Any:
        return self._timer.tick(cell)


@final
class ReceiveTimeout:
    """Sends the actor one message when no other came for a while."""

    __slots__ = ("_cell", "_handle", "_message", "_seconds")

    def __init__(self, cell: Cell, seconds: float, message: Any) -> None:
        self._cell = cell
        self._seconds = seconds
        self._message = message
        self._handle: TimerHandle | None = None
        self.restart()

    def restart(self) -> None:
        """Begin the period anew: a message has come."""
        self.cancel()
        when = self._cell.system.now() + self._seconds
        self._handle = self._cell.system.clock.call_at(when, self._ring)

    def cancel(self) -> None:
        """Stop the clock."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self) -> None:
        if self._is_current():
            self._cell.post_internal(_Silence(self))

    def _is_current(self) -> bool:
        extra = self._cell.extra
        living = self._cell.state is not STOPPED
        return living and extra is not None and extra.receive_timeout is self

    def expire(self, cell: Cell) -> Any:
        """Handle the message inside the actor, unless another one was faster."""
        if not self._is_current() or cell.depth:
            return None
        cell.message = self._message
        return invoke(cell, self._message)


class _Silence(Internal):
    __slots__ = ("_timeout",)

    def __init__(self, timeout: ReceiveTimeout) -> None:
        self._timeout = timeout

    def handle(self, cell: Cell) -> Any:
        return self._timeout.expire(cell)


def cancel_all(cell: Cell) -> None:
    """Cancel every timer of an incarnation that ends."""
    extra = cell.extra
    if extra is None:
        return
    for timer in extra.timers.values():
        timer.cancel()
    extra.timers.clear()
    if extra.receive_timeout is not None:
        extra.receive_timeout.cancel()
        extra.receive_timeout = None
