"""The alarm clocks of one incarnation: what its durable timers are made to ring by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dramaturg.actors import ActorContext
    from dramaturg.protocols.state_machines._records import Running
    from dramaturg.protocols.state_machines._timer import Kind

__all__ = ["Alarms", "Tick"]

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
                left = timer.due - context.clock.time().timestamp()
                tick = Tick(timer.kind, timer.name, timer.started)
                after = max(0.0, round(left, DIGITS))
                context.start_timer(("machine", *key), tick, after=after)
                self._set[key] = timer.started
