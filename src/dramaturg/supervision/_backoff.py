"""How long to wait before the next restart."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, final

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
        _check("initial", self.initial, above=0.0, expected="seconds, more than 0")
        least = self.initial
        _check("maximum", self.maximum, least=least, expected="seconds, at least initial")
        _check("factor", self.factor, least=1.0, expected="at least 1")
        _check("jitter", self.jitter, least=0.0, most=1.0, expected="from 0 to 1")
        if self.reset_after is not None:
            expected = "seconds, at least 0, or None"
            _check("reset_after", self.reset_after, least=0.0, expected=expected)

    def delay(self, failures: int, random: Random) -> float:
        """Return the pause in seconds before the restart after so many earlier ones in a row.

        :param failures: k, from 0.
        :param random: the system's random source; used only with jitter.
        """
        pause = self.initial
        if self.factor > 1 and failures > 0:
            # Beyond so many steps the power might overflow, and the cap has long been reached.
            steps = (math.log(self.maximum) - math.log(self.initial)) / math.log(self.factor) + 1
            pause = self.maximum if failures >= steps else self.initial * self.factor**failures
        pause = min(self.maximum, pause)
        return pause * (1.0 - self.jitter * random.random()) if self.jitter else pause

    def next_count(self, failures: int, up_for: float) -> int:
        """Return k for the failure after the actor was up for so many seconds."""
        reset_after = self.reset_after
        if reset_after is None:
            reset_after = (self.initial + self.maximum) / 2
        return 0 if up_for >= reset_after else failures + 1


def _check(
    option: str,
    value: object,
    *,
    expected: str,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = sys.float_info.max,
) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    number = cast("float", value)
    if not is_number or not above < number or not least <= number <= most:
        raise OptionError(option=option, value=value, expected=expected)
