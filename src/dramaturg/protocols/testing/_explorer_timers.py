"""Which timers are set, as numbers: a part of the state that all actors share.

Two states with the same time to go are the same, whatever time it is: so what is kept is how
far each due time is away from now. In whole nanoseconds, for sums of floats depend on their
order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dramaturg.protocols.testing._explorer_lazy import Ids
from dramaturg.protocols.testing._outputs import CancelTimer, SetTimer

__all__ = ["NO_TIMERS", "Timer", "Timers"]

NO_TIMERS = 0
_NANOSECONDS = 1_000_000_000


class Timer(NamedTuple):
    """One timer that is set."""

    actor: str
    name: str
    left: int
    """Nanoseconds until it is due; below 0 if another one was skewed past it."""


class Timers:
    """All sets of timers that a search has seen.

    :param free: they have no due times.
    :param clock: keep the time since the start as well, for checks that read it.
    """

    def __init__(self, *, free: bool, clock: bool) -> None:
        self._free = free
        self._clock = clock and not free
        self._ids: Ids[tuple[int, tuple[Timer, ...]], tuple[int, tuple[Timer, ...]]] = Ids()
        self._number(0, ())

    def __getitem__(self, number: int) -> tuple[Timer, ...]:
        return self._ids.values[number][1]

    def now(self, number: int) -> float:
        """Return the seconds since the start, if they are kept."""
        return self._ids.values[number][0] / _NANOSECONDS

    def rung(self, number: int, timer: Timer) -> int:
        """Return what is set when one has rung, and so the time has come for it."""
        now, timers = self._ids.values[number]
        # One that another was skewed past rings late: time does not go back.
        passed = max(0, timer.left)
        rest = (each._replace(left=each.left - passed) for each in timers if each != timer)
        return self._number(now + passed, rest)

    def changed(self, number: int, actor: str, changes: Iterable[SetTimer | CancelTimer]) -> int:
        """Return what is set when an actor has set and called off some."""
        now, timers = self._ids.values[number]
        left = {(each.actor, each.name): each.left for each in timers}
        for change in changes:
            left.pop((actor, change.name), None)
            if isinstance(change, SetTimer):
                after = 0 if self._free else round(change.after * _NANOSECONDS)
                left[actor, change.name] = after
        return self._number(now, (Timer(*key, each) for key, each in left.items()))

    def without(self, number: int, actor: str) -> int:
        """Return what is set when an actor has crashed."""
        now, timers = self._ids.values[number]
        return self._number(now, (each for each in timers if each.actor != actor))

    def renamed(self, number: int, names: dict[str, str]) -> int:
        """Return the same for actors of other names."""
        now, timers = self._ids.values[number]
        renamed = (each._replace(actor=names.get(each.actor, each.actor)) for each in timers)
        return self._number(now, renamed)

    def _number(self, now: int, timers: Iterable[Timer]) -> int:
        value = (now if self._clock else 0, tuple(sorted(timers)))
        return self._ids.of(value, value)
