"""The alarm clocks of one incarnation: what its durable timers are made to ring by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._resolve import invoke
from dramaturg.actors._signals import Internal

if TYPE_CHECKING:
    from dramaturg.actors import ActorContext
    from dramaturg.actors._cell import Cell
    from dramaturg.protocols.state_machines._records import Running
    from dramaturg.protocols.state_machines._timer import Kind

__all__ = ["Alarms", "Late", "Tick", "first_due"]

DIGITS = 6
"""Wall time has microseconds; what is below is noise of the floats."""


@final
@dataclass(frozen=True, slots=True)
class Tick:
    """A timer has run out; sent by the machine to itself."""

    kind: Kind
    name: str
    started: int


@final
class Late(Internal):
    """A tick that has to wait for a timer that was due before it."""

    __slots__ = ("_tick",)

    def __init__(self, tick: Tick) -> None:
        self._tick = tick

    def handle(self, cell: Cell) -> Any:
        cell.message = self._tick
        return invoke(cell, self._tick)


def first_due(timers: tuple[Running, ...], tick: Tick, now: float) -> Running | None:
    """Return which timer comes first when one has run out; None if that runs no more.

    What ran out while nobody was there rings in any order; it comes in the order of due times,
    and of one instant in that of their starts.

    :param now: seconds since 1970.
    """
    rung = (tick.kind, tick.name, tick.started)
    own = next((each for each in timers if (each.kind, each.name, each.started) == rung), None)
    if own is None:
        return None
    # Where the wall clock was set, due times are not in the order in which the alarms ring.
    due = [each for each in timers if each.due <= own.due and _left(each, now) <= 0]
    return min([each for each in timers if each is own or each in due], key=lambda each: each.due)


def _left(timer: Running, now: float) -> float:
    return round(timer.due - now, DIGITS)


@final
class Alarms:
    """Keeps the runtime's timers in step with those of the situation."""

    def __init__(self) -> None:
        self._set: dict[tuple[str, str], int] = {}

    def follow(self, context: ActorContext, timers: tuple[Running, ...]) -> None:
        """Start and cancel what has changed. What is left of a timer's time is waited for."""
        wanted = {(each.kind, each.name): each for each in timers if not each.at_once}
        for key, started in tuple(self._set.items()):
            if key not in wanted or wanted[key].started != started:
                del self._set[key]
                context.cancel_timer(("machine", *key))
        for key, timer in wanted.items():
            if key not in self._set:
                tick = Tick(timer.kind, timer.name, timer.started)
                after = max(0.0, _left(timer, context.clock.time().timestamp()))
                context.start_timer(("machine", *key), tick, after=after)
                self._set[key] = timer.started
