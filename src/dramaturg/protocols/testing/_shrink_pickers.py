"""What a shrinker tries: runs made of the same events as a failing one, and runs near it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dramaturg.protocols.testing._repetition import without_numbers

if TYPE_CHECKING:
    from random import Random

    from dramaturg.protocols.testing._event import Event
    from dramaturg.protocols.testing._kernel import Kernel
    from dramaturg.protocols.testing._run import Run

__all__ = ["Near", "Some"]

_WORDS = re.compile("(->| )")


class Some:
    """Any of some events, as long as one of them is possible; then calmly on."""

    def __init__(self, names: frozenset[str], random: Random) -> None:
        self._names = names
        self._random = random

    def pick(self, kernel: Kernel) -> Event | None:
        enabled = kernel.enabled()
        some = [event for event in enabled if event.name in self._names]
        some += [event for event in kernel.faults() if event.name in self._names]
        if some:
            return some[self._random.randrange(len(some))]
        return enabled[0] if enabled else None


class Near:
    """A run, of which a part is left out, and that is left for something else now and then.

    In half of the runs two actors change places: what came by the one may come sooner by the
    other. Then the numbers of messages differ, and only their channels count.
    """

    def __init__(self, best: Run, random: Random) -> None:
        self._random = random
        length = len(best.schedule)
        omitted = random.randrange(4) / length
        names = [name for name in best.schedule if random.random() >= omitted]
        self._else = random.randrange(4) / length
        self._faults = frozenset(best.schedule)
        self._by_channel = random.random() < 0.5  # noqa: PLR2004 - a coin
        if self._by_channel:
            names = [without_numbers(name) for name in names]
            actors = sorted({step.event.actor for step in best.steps if step.event.actor})
            if len(actors) > 1:
                first = random.randrange(1 + len(names))
                names[first:] = _exchanged(names[first:], *random.sample(actors, 2))
        self._names = names

    def pick(self, kernel: Kernel) -> Event | None:
        enabled = kernel.enabled()
        if len(enabled) > 1 and self._random.random() < self._else:
            return enabled[self._random.randrange(len(enabled))]
        possible: dict[str, Event] = {}
        for event in [*enabled, *(each for each in kernel.faults() if each.name in self._faults)]:
            possible.setdefault(self._known_as(event), event)
        for place, name in enumerate(self._names):
            if name in possible:
                del self._names[place]
                return possible[name]
        return enabled[0] if enabled else None

    def _known_as(self, event: Event) -> str:
        return without_numbers(event.name) if self._by_channel else event.name


def _exchanged(names: list[str], one: str, other: str) -> list[str]:
    """Return the names of events with two actors exchanged."""
    places = {one: other, other: one}
    return ["".join(places.get(word, word) for word in _WORDS.split(name)) for name in names]
