"""What went wrong in the shop and what became of it, told by its lifecycle events alone."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from dramaturg.actors import (
    ActorFailed,
    ActorStarted,
    ActorSystem,
    DeadLetter,
    IncarnationEnded,
    LifecycleEvent,
)
from dramaturg.supervision import ChildDegraded, ChildRecovered, RestartLimitExceeded
from examples.storefront.addresses import SHOP
from examples.storefront.caretaker import LettersReplayed
from examples.storefront.faults import FaultInjected

MOST_LINES: Final = 60
"""So many events are told as they happen; all are counted."""

TOLD: Final = 2
"""So often the same is told of an actor."""


@dataclass(slots=True)
class Annals:
    """What is counted of a day, by the names of actors.

    :param faults: by name and kind.
    :param degraded: who recovered, and after how many seconds.
    :param replayed: the dead letters that were sent again.
    """

    faults: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    restarts: Counter[str] = field(default_factory=Counter[str])
    degraded: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    degraded_now: set[str] = field(default_factory=set[str])
    replayed: list[DeadLetter] = field(default_factory=list[DeadLetter])


class Chronicle:
    """Keeps the annals, and tells a line for each event; make it before the first actor.

    :param tell: gets each line, at once.
    """

    def __init__(self, system: ActorSystem, tell: Callable[[str], None]) -> None:
        self.annals = Annals()
        self._tell = tell
        self._begun: datetime = system.clock.time()
        self._lines = 0
        self._last: dict[str, str] = {}
        self._told = Counter[tuple[str, str, str]]()
        subscribe = system.events.subscribe
        self._subscriptions = [
            subscribe(self._fault, FaultInjected),
            subscribe(self._failed, ActorFailed),
            subscribe(self._ended, IncarnationEnded),
            subscribe(self._started, ActorStarted),
            subscribe(self._degraded, ChildDegraded),
            subscribe(self._recovered, ChildRecovered),
            subscribe(self._gave_up, RestartLimitExceeded),
            subscribe(self._replayed, LettersReplayed),
        ]

    def close(self) -> Annals:
        """Write no more: what ends from now on ends with the shop."""
        for subscription in self._subscriptions:
            subscription.cancel()
        return self.annals

    def _fault(self, event: FaultInjected) -> None:
        self.annals.faults[name_of(event), event.kind] += 1
        if event.kind == "hang":
            self._line(event, "hangs")

    def _failed(self, event: ActorFailed) -> None:
        what = "failed" if event.phase == "message" else f"failed in {event.phase}"
        self._line(event, f"{what}: {event.error}")

    def _ended(self, event: IncarnationEnded) -> None:
        if event.reason.kind == "killed":
            self._line(event, "was killed")
        elif event.reason.kind == "shutdown":
            self._line(event, "is stopped")

    def _started(self, event: ActorStarted) -> None:
        if event.incarnation > 1:
            name = name_of(event)
            # Of the customers there are too many to name each.
            self.annals.restarts["customers" if name.startswith("customers/") else name] += 1
            self._line(event, "is back", life=event.incarnation)

    def _degraded(self, event: ChildDegraded) -> None:
        self.annals.degraded_now.add(name_of(event))
        # The fallback's path has a number instead of the class that the tree names.
        self._line(event, f"is degraded to rung {event.rung}: {event.reason}")

    def _recovered(self, event: ChildRecovered) -> None:
        self.annals.degraded_now.discard(name_of(event))
        self.annals.degraded.append((name_of(event), event.degraded_for))
        self._line(event, f"has recovered after {event.degraded_for:.2f} s")

    def _gave_up(self, event: RestartLimitExceeded) -> None:
        self._line(event, f"gives up, for the sake of {event.child}")

    def _replayed(self, event: LettersReplayed) -> None:
        self.annals.replayed += event.letters
        self._line(event, "sends dead letters again")

    def _line(self, event: LifecycleEvent, text: str, *, life: int | None = None) -> None:
        name = name_of(event)
        if name == "/":
            return
        # The number of the life is no part of what is the same.
        key = (name, self._last.get(name, ""), text)
        self._last[name] = text
        self._told[key] += 1
        if self._told[key] > TOLD or self._lines > MOST_LINES:
            return
        self._lines += 1
        if self._lines > MOST_LINES:
            self._tell("(and so on; the rest is counted)")
            return
        seconds = (event.time - self._begun).total_seconds()
        said = text if life is None else f"{text}, life {life}"
        self._tell(f"{seconds:6.2f} s  {name}: {said}")


def name_of(event: LifecycleEvent) -> str:
    """Name the actor by its path below the shop."""
    return event.path.removeprefix(f"{SHOP}/")
