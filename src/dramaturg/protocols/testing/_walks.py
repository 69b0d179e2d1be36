"""Walks: which of several events is the next.

No strategy is safe alone; each misses failures that another finds within a few runs. So a
search takes turns between them, see ``_search``. What each does:

=====================  ====================================================================
:class:`Uniform`        any of what is enabled, each as likely
:class:`RandomWalk`     any actor, then any of what may happen to it
:class:`Priorities`     PCT (Burckhardt et al., 2010): lanes have random priorities, which
                        drop at a few random moments
:class:`PartialOrder`   POS (Yuan et al., 2018): each event has a random priority; those that
                        raced with the one that won get new ones
=====================  ====================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from dramaturg.protocols.testing._event import Event

__all__ = [
    "PartialOrder",
    "Priorities",
    "RandomWalk",
    "Uniform",
    "Walk",
    "by_channel",
    "by_kind",
    "by_message",
]


class Walk(Protocol):
    """Chooses one of several events."""

    def choose(self, events: Sequence[Event]) -> Event:
        """Return one of them; there is at least one."""
        ...


class Uniform:
    """Any event, each as likely."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def choose(self, events: Sequence[Event]) -> Event:
        return events[int(self._random.random() * len(events))]


class RandomWalk:
    """Any actor that something may happen to, then any of those."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def choose(self, events: Sequence[Event]) -> Event:
        random = self._random.random
        actors = list(dict.fromkeys([event.actor for event in events]))
        if len(actors) == 1:
            return events[int(random() * len(events))]
        actor = actors[int(random() * len(actors))]
        its = [event for event in events if event.actor == actor]
        return its[int(random() * len(its))]


class Priorities:
    """The lane with the highest priority; at a few steps the highest becomes the lowest.

    :param depth: how many events have to be ordered for the failure; one less changes.
    :param length: about how many steps a run has.
    :param lane: tells to which lane an event belongs: see the functions ``by_...``.
    """

    def __init__(
        self,
        random: Random,
        *,
        depth: int = 3,
        length: int,
        lane: Callable[[Event], str],
    ) -> None:
        self._random = random
        self._lane = lane
        self._changes = {random.randrange(max(1, length)) for _ in range(depth - 1)}
        self._priorities: dict[str, float] = {}
        self._step = 0
        self._lowest = 0.0

    def choose(self, events: Sequence[Event]) -> Event:
        priorities = self._priorities
        for event in events:
            lane = self._lane(event)
            if lane not in priorities:
                priorities[lane] = self._random.random()
        best = max(events, key=self._priority)
        if self._step in self._changes:
            self._lowest -= 1.0
            priorities[self._lane(best)] = self._lowest
            best = max(events, key=self._priority)
        self._step += 1
        return best

    def _priority(self, event: Event) -> float:
        return self._priorities[self._lane(event)]


class PartialOrder:
    """The event with the highest priority; those it raced with get new ones."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._priorities: dict[str, float] = {}

    def choose(self, events: Sequence[Event]) -> Event:
        priorities = self._priorities
        random = self._random.random
        best, highest = events[0], -1.0
        for event in events:
            priority = priorities.get(event.name)
            if priority is None:
                priorities[event.name] = priority = random()
            if priority > highest:
                best, highest = event, priority
        for event in events:
            if event.actor == best.actor:
                priorities.pop(event.name, None)
        return best


def by_channel(event: Event) -> str:
    """Return its channel, or whose timer it is."""
    return event.lane


def by_message(event: Event) -> str:
    """Return the event itself: else messages that keep no order never overtake each other."""
    return event.name


def by_kind(event: Event) -> str:
    """Return to whom it happens, and which kind of message it is.

    So somebody may be slow to one kind alone, whoever sends it: a quorum goes without them.
    """
    return f"{event.actor} {event.topic or event.kind}"
