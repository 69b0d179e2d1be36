"""What a circuit breaker tells: its state when asked, and its changes as lifecycle events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never, final

from dramaturg.actors._events import LifecycleEvent
from dramaturg.actors._message import Request
from dramaturg.supervision._breaker_rules import BreakerState

if TYPE_CHECKING:
    from dramaturg.actors._system import ActorSystem
    from dramaturg.supervision._breaker_rules import Circuit

__all__ = [
    "BreakerClosed",
    "BreakerHalfOpened",
    "BreakerOpened",
    "BreakerStatus",
    "GetBreaker",
    "publish_change",
]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStatus:
    """A circuit breaker at one moment."""

    name: str
    state: BreakerState
    failures: int
    """Failures in a row so far; while open or half-open, those that opened it."""
    retry_after: float
    """Seconds until it half-opens; 0 if it is not open."""
    reset_timeout: float
    """Seconds for which it is open, or will be when it opens next."""


@final
class GetBreaker(Request[BreakerStatus], name="dramaturg.get_breaker"):
    """Say how the circuit is; a :class:`BreakerActor` answers it itself."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(LifecycleEvent):
    """A circuit has opened: calls fail at once for ``reset_timeout`` seconds.

    ``path`` is "/" for a breaker that is no actor.
    """

    name: str
    failures: int
    reset_timeout: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerHalfOpened(LifecycleEvent):
    """The reset timeout was over when a call came, and that one call is let through."""

    name: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(LifecycleEvent):
    """The one call of a half-open circuit has succeeded: all go through again."""

    name: str


def publish_change(system: ActorSystem, path: str, name: str, circuit: Circuit) -> None:
    """Publish the event of a circuit that has just changed its state."""
    if not system.events.wants(_EVENTS[circuit.state]):
        return
    time = system.clock.time()
    event: LifecycleEvent
    match circuit.state:
        case BreakerState.OPEN:
            event = BreakerOpened(
                path=path,
                time=time,
                name=name,
                failures=circuit.failures,
                reset_timeout=circuit.reset_timeout,
            )
        case BreakerState.HALF_OPEN:
            event = BreakerHalfOpened(path=path, time=time, name=name)
        case BreakerState.CLOSED:
            event = BreakerClosed(path=path, time=time, name=name)
        case _:
            assert_never(circuit.state)
    system.events.publish(event)


_EVENTS: dict[BreakerState, type[LifecycleEvent]] = {
    BreakerState.OPEN: BreakerOpened,
    BreakerState.HALF_OPEN: BreakerHalfOpened,
    BreakerState.CLOSED: BreakerClosed,
}
