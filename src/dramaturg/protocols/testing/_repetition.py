"""What a run does over and over: found, to be named or to be told once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dramaturg.protocols.testing._event import Schedule
    from dramaturg.protocols.testing._kernel import Step

__all__ = ["Stretch", "circle_of", "repeating_tail", "stretches", "without_numbers"]

OFTEN = 3
"""So many times in a row are a repetition."""
LONGEST_FOLDED = 24
LONGEST_CYCLE = 64

_NUMBER = re.compile(r" #\d+(?:'\d+)?$")


class Stretch(NamedTuple):
    """A part of a run: so many things from ``start`` on, so many times in a row."""

    start: int
    length: int
    times: int

    @property
    def end(self) -> int:
        """Where the next one starts."""
        return self.start + self.length * self.times


def without_numbers(name: str) -> str:
    """Return the name of an event without which one of its kind it is."""
    return _NUMBER.sub("", name)


def stretches(items: Sequence[str]) -> Iterator[Stretch]:
    """Divide a list into single things, and parts that come at least three times in a row."""
    start = 0
    while start < len(items):
        stretch = _longest_at(items, start)
        yield stretch
        start = stretch.end


def _longest_at(items: Sequence[str], start: int) -> Stretch:
    best = Stretch(start, 1, 1)
    for length in range(1, min(LONGEST_FOLDED, (len(items) - start) // OFTEN) + 1):
        times = 1
        first = items[start : start + length]
        while items[start + length * times : start + length * (times + 1)] == first:
            times += 1
        found = Stretch(start, length, times)
        if times >= OFTEN and found.end > best.end:
            best = found
    return best


def repeating_tail(schedule: Schedule, calm: int) -> Schedule:
    """Return what the calm end of a run does again and again, or nothing if it does not.

    Only the later half of it counts: it may take some time to get into the circle.

    :param calm: so many events at the end were the calm choice.
    """
    tail = [without_numbers(name) for name in schedule[-max(1, calm // 2) :]]
    for length in range(1, min(LONGEST_CYCLE, len(tail) // OFTEN) + 1):
        if tail[length:] == tail[:-length]:
            return tuple(tail[-length:])
    return ()


def circle_of(steps: Sequence[Step], calm: int) -> Schedule:
    """Return the circle that a run ends in, or nothing if it would come to its end.

    What delivers more messages than it sends uses up what was sent before, and ends some time.

    :param calm: so many events at the end were the calm choice.
    """
    circle = repeating_tail(tuple(step.event.name for step in steps), calm)
    once = steps[len(steps) - len(circle) :]
    delivered = sum(step.event.kind == "deliver" for step in once)
    return circle if sum(len(step.sent) for step in once) >= delivered else ()
