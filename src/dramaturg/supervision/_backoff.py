"""How long to wait before the next restart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from dramaturg.actors import OptionError

if TYPE_CHECKING:
    from random import Random

__all__ = ["Backoff"]


@final
@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with jitter under the cap.

    The pause before restart k (from 0) is ``min(maximum, initial * factor**k)``,
    less a random part of up to ``jitter`` of it: never more than ``maximum``
    (Akka adds its jitter after the cap, and exceeds it). Without jitter:

    =================================  ================================
    ``Backoff(3, 30)``                 3, 6, 12, 24, 30, 30, ...
    ``Backoff(0.1, 2)``                0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, ...
    ``Backoff(1, 100, factor=10)``     1, 10, 100, 100, ...
    ``Backoff(5, 5)``                  5, 5, 5, ...
    =================================  ================================

    With ``Backoff(3, 30, jitter=0.2)``: between 2.4 and 3, 4.8 and 6, 9.6 and
    12, 19.2 and 24, then always between 24 and 30 seconds.

    k starts again at 0 when the actor has been up for ``reset_after`` seconds
    without a failure; default ``(initial + maximum) / 2``, as in Akka.

    :param initial: seconds, more than 0.
    :param maximum: seconds, at least ``initial``.
    :param factor: at least 1.
    :param jitter: from 0 to 1.
    :param reset_after: seconds; None for the default.
    :raises OptionError: for a value outside these.
    """

    initial: float
    maximum: float
    factor: float = 2.0
    jitter: float = 0.0
    reset_after: float | None = None

    def __post_init__(self) -> None:
        _check("initial", self.initial, 0.0 < self.initial < math.inf, "seconds, more than 0")
        fits = self.initial <= self.maximum < math.inf
        _check("maximum", self.maximum, fits, "seconds, at least initial")
        _check("factor", self.factor, 1.0 <= self.factor < math.inf, "at least 1")
        _check("jitter", self.jitter, 0.0 <= self.jitter <= 1.0, "from 0 to 1")
        if self.reset_after is not None:
            fits = 0.0 <= self.reset_after < math.inf
            _check("reset_after", self.reset_after, fits, "seconds, at least 0, or None")

    def delay(self, failures: int, random: Random) -> float:
        """Return the pause in seconds before the restart after so many earlier ones in a row.

        :param failures: k, from 0.
        :param random: the system's random source; used only with jitter.
        """
        # Before the power overflows it has passed every cap.
        steps = math.log(self.maximum / self.initial, self.factor) if self.factor > 1 else 0.0
        if failures >= steps > 0:
            pause = self.maximum
        else:
            pause = min(self.maximum, self.initial * self.factor**failures)
        return pause * (1.0 - self.jitter * random.random()) if self.jitter else pause

    def next_count(self, failures: int, up_for: float) -> int:
        """Return k for the failure after the actor was up for so many seconds."""
        reset_after = self.reset_after
        if reset_after is None:
            reset_after = (self.initial + self.maximum) / 2
        return 0 if up_for >= reset_after else failures + 1


def _check(option: str, value: object, fits: bool, expected: str) -> None:  # noqa: FBT001
    if not fits:
        raise OptionError(option=option, value=value, expected=expected)
