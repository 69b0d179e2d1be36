"""Where faults fall, and what else a run does beside its walk (see ``_walks``).

Either faults compete with all that is enabled, so that most fall early; or they come at steps drawn
beforehand (:class:`FaultsAtSteps`); or from there on, upon what has just happened
(:class:`~._faults_follow.FaultsFollow`). It matters as much as the walk. And in each run
only some kinds of faults happen at all, and some kinds of messages dawdle (swarm testing,
Groce et al., 2012): what is always possible hides what is rarely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.protocols.testing._faults_follow import FaultsFollow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from dramaturg.protocols.testing._event import Event, Schedule
    from dramaturg.protocols.testing._kernel import Kernel
    from dramaturg.protocols.testing._run import Picker
    from dramaturg.protocols.testing._walks import Walk

__all__ = ["FaultsAtSteps", "FaultsCompete", "Following", "Swarm", "picker_of"]


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
