"""What is on stage: who lives, which attempt it is, and what has happened."""

import asyncio
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from dramaturg.actors import Actor, ActorRef
from tests.supervision.otp._clock import StageClock
from tests.supervision.otp.compare import Json

ABOVE = "above"
"""The name of the actor that the root supervisor is a child of."""


@dataclass(eq=False)
class Attempt:
    """One attempt to start what belongs at a path, and the incarnation that comes of it."""

    path: str
    number: int
    incarnation: int
    """What the runtime counts, which begins anew with a new ref."""
    ref: ActorRef[Any]
    spec: Json
    """The worker's options, or the supervisor's spec."""
    _: KW_ONLY
    is_supervisor: bool
    has_started: bool = False
    end_is_noted: bool = False
    gate: asyncio.Future[Any] | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def who(self) -> str:
        return f"{self.path}#{self.number}"

    @property
    def plan(self) -> Any:
        """What the scenario has this attempt's init do."""
        plans = self.spec.get("init") or ["ok"]
        return plans[min(self.number, len(plans)) - 1]


class Stage:
    """Knows all attempts of one run, and keeps the events until they are asked for."""

    def __init__(self, clock: StageClock) -> None:
        self.clock = clock
        self._alive: dict[str, list[Attempt]] = {}
        self.ran: dict[str, ActorRef[Any]] = {}
        """Who last ran at a path, dead or alive."""
        self.ends: dict[str, str] = {}
        """With what reason who belongs at a path last ended."""
        self._numbers: dict[str, int] = {}
        self._events: list[Json] = []

    def enter(self, actor: Actor, spec: Json, *, is_supervisor: bool) -> Attempt:
        """Take note that an attempt begins."""
        ref = actor.context.ref
        path = scenario_path(ref.path)
        number = self._numbers[path] = self._numbers.get(path, 0) + 1
        attempt = Attempt(
            path,
            number,
            actor.context.incarnation,
            ref,
            spec,
            is_supervisor=is_supervisor,
        )
        self._alive.setdefault(path, []).append(attempt)
        return attempt

    def at(self, path: str) -> Attempt | None:
        """Return the attempt at a path that is alive; the latest one, if one before lingers."""
        alive = self._alive.get(path)
        return alive[-1] if alive else None

    def of(self, path: str, incarnation: int) -> Attempt | None:
        """Return the attempt that an event is about."""
        alive = self._alive.get(path, [])
        return next((each for each in alive if each.incarnation == incarnation), None)

    def leave(self, attempt: Attempt, reason: str) -> None:
        """Take note that an attempt is over."""
        self._alive[attempt.path].remove(attempt)
        self.ends[attempt.path] = reason
        attempt.over.set()

    def alive(self) -> list[Attempt]:
        """Return all that are alive, each before those that came later."""
        return [attempt for alive in self._alive.values() for attempt in alive]

    def note(self, event: str, attempt: Attempt, reason: str | None = None) -> None:
        """Take note of an event."""
        line = {"ev": event, "who": attempt.who}
        self._events.append(line if reason is None else line | {"reason": reason})

    def take_events(self) -> list[Json]:
        """Return what has happened since they were last asked for."""
        events, self._events = self._events, []
        return events

    def who(self, ref: ActorRef[Any]) -> str:
        """Name the incarnation that is behind a ref now."""
        path = scenario_path(ref.path)
        return f"{path}#{self._numbers[path]}"


def scenario_path(path: str) -> str:
    """Write an actor's path as scenarios do."""
    return path.removeprefix(f"/{ABOVE}/")
