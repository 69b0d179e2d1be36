"""Bugs in timers: what ticks though it should not, too often, or at the wrong time."""

from typing import Any

from dramaturg.actors import _incarnation as incarnations, _timers as timers
from dramaturg.actors._begin import _go
from dramaturg.actors._cell import Cell
from dramaturg.actors._context import ActorContext
from dramaturg.actors._resolve import invoke
from dramaturg.actors._state import RUNNING
from dramaturg.actors._timers import ReceiveTimeout, Timer
from tests.simulated.planted.plant import Bug, both, function, method


def _takes_any_tick(is_current: Any) -> Any:
    def buggy(self: Timer) -> bool:
        return self._cell.extra is not None

    return buggy


def _goes_by_the_key(is_current: Any) -> Any:
    def buggy(self: Timer) -> bool:
        extra = self._cell.extra
        return extra is not None and self._key in extra.timers

    return buggy


def _checks_only_when_it_rings(tick: Any) -> Any:
    def buggy(self: Timer, cell: Cell) -> Any:
        if self._is_current():
            return tick(self, cell)
        return invoke(cell, self._message)

    return buggy


def _stops_the_clock_only(cancel: Any) -> Any:
    def buggy(self: ActorContext, key: Any) -> bool:
        extra = self._cell.extra
        timer = extra.timers.get(key) if extra is not None else None
        if timer is not None:
            timer.cancel()
        return timer is not None

    return buggy


def _cancels_nothing(cancel_all: Any) -> Any:
    def buggy(cell: Cell) -> None:
        """Leave the timers of an incarnation that ends."""

    return buggy


def _cancels_but_one(cancel_all: Any) -> Any:
    def buggy(cell: Cell) -> None:
        extra = cell.extra
        if extra is None:
            return
        for key in tuple(extra.timers)[1:]:
            extra.timers.pop(key).cancel()

    return buggy


def _leaves_the_receive_timeout(cancel_all: Any) -> Any:
    def buggy(cell: Cell) -> None:
        extra = cell.extra
        kept = None if extra is None else extra.receive_timeout
        if extra is not None:
            extra.receive_timeout = None
        cancel_all(cell)
        if extra is not None:
            extra.receive_timeout = kept

    return buggy


def _drifts(ring: Any) -> Any:
    def buggy(self: Timer) -> None:
        if not self._is_current():
            return
        self._cell.post_internal(timers._Tick(self))
        if self._period is not None and self._fixed_rate:
            self._arm(self._when + self._period * 1.1)

    return buggy


def _catches_nothing_up(ring: Any) -> Any:
    def buggy(self: Timer) -> None:
        # One tick waits at most.
        waiting = any(isinstance(each, timers._Tick) for each in self._cell.mailbox)
        if waiting and self._period is not None and self._is_current():
            self._arm(self._when + self._period)
        else:
            ring(self)

    return buggy


def _arms_before_it_handles(handle: Any) -> Any:
    def buggy(self: Timer, cell: Cell, delay: float) -> Any:
        self._arm_after(delay)
        return invoke(cell, self._message)

    return buggy


def _arms_again_whatever_was_done(arm_after: Any) -> Any:
    def buggy(self: Timer, delay: float) -> None:
        self._cell.more().timers[self._key] = self
        self._arm(self._cell.system.now() + delay)

    return buggy


def _stays_when_it_has_rung(tick: Any) -> Any:
    def buggy(self: Timer, cell: Cell) -> Any:
        result = tick(self, cell)
        if self._period is None and cell.extra is not None:
            cell.extra.timers.setdefault(self._key, self)
        return result

    return buggy


def _rings_twice(ring: Any) -> Any:
    def buggy(self: Timer) -> None:
        ring(self)
        if self._period is not None and not self._fixed_rate and self._is_current():
            self._cell.post_internal(timers._Tick(self))

    return buggy


def _overtakes(ring: Any) -> Any:
    def buggy(self: Timer) -> None:
        if self._is_current():
            self._cell.mailbox.insert(0, timers._Tick(self))
            if self._cell.idle:
                self._cell.dispatcher.schedule(self._cell)
            if self._period is not None and self._fixed_rate:
                self._arm(self._when + self._period)

    return buggy


def _hears_no_message(restart: Any) -> Any:
    def buggy(self: ReceiveTimeout) -> None:
        if self._handle is None:
            restart(self)

    return buggy


def _ends_with_its_first_ring(ring: Any) -> Any:
    def buggy(self: ReceiveTimeout) -> None:
        if self._is_current():
            # Nothing sets it up again.
            self._cell.post_internal(timers._Silence(self))
            self._handle = None
            self._seconds = 1e9

    return buggy


def _is_taken_back_in_vain(is_current: Any) -> Any:
    def buggy(self: ReceiveTimeout) -> bool:
        return self._cell.state is RUNNING

    return buggy


def _loses_attention(go: Any) -> Any:
    def buggy(cell: Cell, cause: BaseException | None) -> None:
        # As it was until a simulation found it.
        go(cell, cause)
        if not cell.control:
            cell.attention = False

    return buggy


def _keeps_internals(rest: Any) -> Any:
    def buggy(cell: Cell, reason: Any) -> None:
        kept = [each for each in cell.take_rest() if isinstance(each, timers._Tick)]
        rest(cell, reason)
        cell.mailbox.extend(kept)

    return buggy


BUGS = (
    Bug("timers/any tick is taken", "timers/restarted",
        method(Timer, "_is_current", _takes_any_tick)),
    Bug("timers/a tick goes by its key", "timers/exchanged, early",
        method(Timer, "_is_current", _goes_by_the_key)),
    Bug("timers/a tick in the mailbox counts", "timers/cancelled, early",
        method(Timer, "tick", _checks_only_when_it_rings)),
    Bug("timers/cancelling stops the clock only", "timers/cancelled, early",
        method(ActorContext, "cancel_timer", _stops_the_clock_only)),
    Bug("timers/a restart cancels nothing", "timers/restarted",
        function(timers.cancel_all, _cancels_nothing)),
    Bug("timers/a restart cancels but one", "timers/restarted by policy",
        function(timers.cancel_all, _cancels_but_one)),
    Bug("timers/a receive timeout outlives a restart", "timers/told no more",
        function(timers.cancel_all, _leaves_the_receive_timeout)),
    Bug("timers/a fixed rate drifts", "timers/on time", method(Timer, "_ring", _drifts)),
    Bug("timers/a fixed rate catches nothing up", "timers/at a fixed rate",
        method(Timer, "_ring", _catches_nothing_up)),
    Bug("timers/a pause begins too early", "timers/with a pause",
        method(Timer, "_handle_and_arm", _arms_before_it_handles)),
    Bug("timers/a timer cancelled in its handler goes on", "timers/cancelled by itself",
        method(Timer, "_arm_after", _arms_again_whatever_was_done)),
    Bug("timers/a timer stays when it has rung", "timers/cancelled",
        method(Timer, "tick", _stays_when_it_has_rung)),
    Bug("timers/a repeated timer rings twice", "timers/with a pause",
        method(Timer, "_ring", _rings_twice)),
    Bug("timers/a tick overtakes messages", "timers/behind what came before",
        method(Timer, "_ring", _overtakes)),
    Bug("timers/messages do not count as noise", "timers/told of silence",
        method(ReceiveTimeout, "restart", _hears_no_message)),
    Bug("timers/silence is told once", "timers/told of silence",
        method(ReceiveTimeout, "_ring", _ends_with_its_first_ring)),
    Bug("timers/silence is told after its end", "timers/told no more",
        method(ReceiveTimeout, "_is_current", _is_taken_back_in_vain)),
    Bug("timers/a new incarnation hears no message", "timers/told of silence",
        function(_go, _loses_attention)),
    Bug("timers/ticks outlive a restart, and any is taken", "timers/restarted", both(
        function(incarnations.rest, _keeps_internals),
        method(Timer, "tick", _checks_only_when_it_rings))),
)  # fmt: skip
