"""Strategies: how a run departs from the calm one.

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

Where faults fall matters as much. Either they compete with all that is enabled, so that most
fall early; or at steps drawn beforehand (:class:`FaultsAtSteps`); or from there on, upon what has
just happened (:class:`~._faults_follow.FaultsFollow`). And in each run
only some kinds of faults happen at all, and some kinds of messages dawdle (swarm testing,
Groce et al., 2012): what is always possible hides what is rarely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dramaturg.protocols.testing._faults_follow import FaultsFollow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from dramaturg.protocols.testing._event import Event, Schedule
    from dramaturg.protocols.testing._kernel import Kernel
    from dramaturg.protocols.testing._run import Picker

__all__ = [
    "FaultsAtSteps",
    "FaultsCompete",
    "Following",
    "PartialOrder",
    "Priorities",
    "RandomWalk",
    "Swarm",
    "Uniform",
    "Walk",
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
    :param by_message: let each message be a lane of its own, and not each channel: else the
        messages of a channel that keeps no order never overtake each other.
    """

    def __init__(
        self, random: Random, *, depth: int = 3, length: int, by_message: bool = False
    ) -> None:
        self._random = random
        self._by_message = by_message
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

    def _lane(self, event: Event) -> str:
        return event.name if self._by_message else event.lane


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


class FaultsCompete:
    """What may go wrong is as likely as all else."""

    def __init__(self, walk: Walk, swarm: Swarm) -> None:
        self._walk = walk
        self._swarm = swarm

    def pick(self, kernel: Kernel) -> Event | None:
        enabled = kernel.enabled()
        if not enabled:
            # A crash of somebody who is done may show something yet.
            wrong = self._swarm.faults(kernel)
            if not wrong or not self._swarm.once_at_rest():
                return None
            return self._walk.choose(wrong)
        return self._walk.choose([*self._swarm.regular(enabled), *self._swarm.faults(kernel)])


class FaultsAtSteps:
    """Something goes wrong at steps drawn beforehand, any kind as likely."""

    def __init__(self, walk: Walk, swarm: Swarm, random: Random, *, length: int) -> None:
        self._walk = walk
        self._swarm = swarm
        self._random = random
        self._steps = sorted(random.randrange(max(1, length)) for _ in range(MOST_FAULTS))

    def pick(self, kernel: Kernel) -> Event | None:
        enabled = kernel.enabled()
        due = self._steps and self._steps[0] <= len(kernel.steps)
        if due or (not enabled and self._steps):
            del self._steps[0]
            wrong = self._swarm.faults(kernel)
            if wrong:
                kinds = sorted({event.kind for event in wrong})
                kind = kinds[self._random.randrange(len(kinds))]
                its = [event for event in wrong if event.kind == kind]
                return its[self._random.randrange(len(its))]
        if not enabled:
            return None
        return self._walk.choose(self._swarm.regular(enabled))


MOST_FAULTS = 6
"""At so many steps of a run something may go wrong, if the budgets allow it."""


MENDING = frozenset({"heal", "restart"})
MOST_PATIENCE = 12
"""In a run, timers may go before those kinds fewer times than this."""


class Swarm:
    """Which kinds of faults happen in a run, and which messages dawdle."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._on: dict[str, bool] = {}
        self._dawdling: dict[str, bool] = {}
        # In every other run all messages are alike.
        self._some_dawdle = random.random() < 0.5  # noqa: PLR2004 - a coin
        self._at_rest = random.random() < 0.5  # noqa: PLR2004 - a coin
        self._patience = random.randrange(MOST_PATIENCE)

    def faults(self, kernel: Kernel) -> list[Event]:
        """Return what may go wrong, of the kinds that happen in this run."""
        return [event for event in kernel.faults() if self._happens(event.kind)]

    def regular(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return what is enabled, without what this run has no time for if there is anything else.

        That is, messages that dawdle; and timers that went before the network healed, or somebody
        came back, often enough: an unfair walk would let them ring for ever.
        """
        if events[0].kind in MENDING and events[-1].kind == "timer":
            if not self._patience:
                events = [event for event in events if event.kind != "timer"]
            self._patience = max(0, self._patience - 1)
        if not self._some_dawdle or len(events) == 1:
            return events
        brisk = [event for event in events if not self._dawdles(event)]
        return brisk or events

    def once_at_rest(self) -> bool:
        """Tell, once a run, whether something may go wrong when all is done."""
        answer, self._at_rest = self._at_rest, False
        return answer

    def _happens(self, kind: str) -> bool:
        on = self._on.get(kind)
        if on is None:
            self._on[kind] = on = self._random.random() < 2 / 3
        return on

    def _dawdles(self, event: Event) -> bool:
        key = event.topic or event.kind
        dawdles = self._dawdling.get(key)
        if dawdles is None:
            self._dawdling[key] = dawdles = self._random.random() < 1 / 4
        return dawdles


class Following:
    """A schedule: each event by its name, or passed over if it is not possible; then calmly on.

    :param only: stop at the end of the schedule instead.
    """

    def __init__(self, schedule: Schedule, *, only: bool = False) -> None:
        self._schedule = schedule
        self._only = only
        self._next = 0
        self.skipped: list[str] = []
        self.calm: list[str | None] = []
        """What the calm choice was at each step."""

    def pick(self, kernel: Kernel) -> Event | None:
        enabled = kernel.enabled()
        calm = enabled[0] if enabled else None
        self.calm.append(None if calm is None else calm.name)
        while self._next < len(self._schedule):
            name = self._schedule[self._next]
            self._next += 1
            event = find(kernel, name)
            if event is not None:
                return event
            self.skipped.append(name)
        return None if self._only else calm


def find(kernel: Kernel, name: str) -> Event | None:
    """Return the event of that name, if it is possible now."""
    for event in kernel.enabled():
        if event.name == name:
            return event
    if name.startswith(REGULAR):
        return None
    for event in kernel.faults():
        if event.name == name:
            return event
    return None


REGULAR = ("restart ", "heal")
"""Names that no fault has."""


def picker_of(walk: Walk, swarm: Swarm, random: Random, *, length: int, falling: str) -> Picker:
    """Put a strategy together.

    :param falling: where faults fall: they "compete", come "at drawn steps", or "follow".
    """
    if falling == "compete":
        return FaultsCompete(walk, swarm)
    if falling == "follow":
        return FaultsFollow(walk, swarm, random, most=MOST_FAULTS, length=length)
    return FaultsAtSteps(walk, swarm, random, length=length)
