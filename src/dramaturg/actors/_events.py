"""Lifecycle events: what the runtime tells of itself.

Frozen values on the system's event stream. Logs, metrics, traces and pages are
nothing but subscribers. An event that nobody has subscribed to is not made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from dramaturg.actors._exit_reason import ExitReason

__all__ = [
    "ActorEnded",
    "ActorFailed",
    "ActorRestarted",
    "ActorStarted",
    "ActorStopping",
    "DeadLettered",
    "IncarnationEnded",
    "LateReply",
    "LifecycleEvent",
    "LoopHeld",
    "ShutdownTimedOut",
    "SystemEnded",
    "ThreadLeaked",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleEvent:
    """Base of all; subscribe to it to get every event.

    ``path`` is the actor's, or "/" where the event is the system's own;
    ``time`` the system clock's wall time.
    """

    path: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorStarted(LifecycleEvent):
    """``on_start`` has run; the first message may follow."""

    actor_class: str
    incarnation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorFailed(LifecycleEvent):
    """The one report of an abnormal end, with the decision that was taken.

    ``decision`` is a :class:`Directive`'s value, or "supervisor" where that decides, or "none".

    ``phase`` is what failed: "message", or the hook ("__init__", "on_start",
    "on_stop", "on_failure", "on_restart").
    """

    actor_class: str
    incarnation: int
    phase: str
    error: BaseException
    decision: str
    restarts: int
    message_type: str | None
    message_id: str | None
    correlation_id: str | None
    causation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRestarted(LifecycleEvent):
    """A new instance has taken over; ref and mailbox have stayed."""

    actor_class: str
    incarnation: int
    restarts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorStopping(LifecycleEvent):
    """An incarnation begins to stop; its children stop before ``on_stop`` runs.

    Once more, with "killed", if it is killed while it stops.
    """

    actor_class: str
    incarnation: int
    reason: ExitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class IncarnationEnded(LifecycleEvent):
    """One incarnation is over: it has stopped, failed, was killed, or did not come up.

    Another one may follow; if none does, ``ActorEnded`` comes next.
    """

    actor_class: str
    incarnation: int
    reason: ExitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorEnded(LifecycleEvent):
    """The actor is gone: ``on_stop`` has run, and its descendants went before it."""

    actor_class: str
    incarnation: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLettered(LifecycleEvent):
    """A message was not handled; ``path`` is its target."""

    letter_id: int
    reason: str
    message_type: str
    sender: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LateReply(LifecycleEvent):
    """A reply came after its request had ended, and was dropped; ``path`` is who replied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopHeld(LifecycleEvent):
    """A ``def`` handler has held the loop longer than the limit, and still does.

    ``stack`` is where it stood when it was looked at. Reported once for each turn. ``what`` is
    told of what an actor has going on beside its turns, as a workflow has its steps.
    """

    limit: float
    stack: str
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLeaked(LifecycleEvent):
    """An actor's thread did not end in time; a thread cannot be killed.

    The actor counts as ended; what the abandoned thread still returns is dropped.
    What it still sends arrives.
    """

    thread: str
    stack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownTimedOut(LifecycleEvent):
    """The system stopped although these actors had not, with the handler each was in."""

    timeout: float
    actors: tuple[str, ...]
    stacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEnded(LifecycleEvent):
    """The last event: no actor runs any more."""

    failure: Any = None
