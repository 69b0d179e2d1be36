"""What is known of a failure, and what may be decided about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from dramaturg.actors._ref import ActorRef

__all__ = ["Directive", "Failure", "Policy"]


class Directive(Enum):
    """What becomes of an actor that has failed (the four of Akka's supervision)."""

    STOP = "stop"
    """It stops. The default."""
    RESTART = "restart"
    """A new instance takes over ref and mailbox; see ``Actor.on_restart``. An actor
    that fails while it restarts stops, so that nothing restarts for ever."""
    RESUME = "resume"
    """It goes on with the next message, its state as the failure left it. An actor
    that failed to start stops instead."""
    ESCALATE = "escalate"
    """It stops, and its parent fails with the same error."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One abnormal end, as a policy sees it.

    ``phase`` is "message" or the hook that failed; ``restarts`` how often this
    actor has been restarted so far.
    """

    ref: ActorRef[Any]
    error: BaseException
    phase: str
    message: Any
    incarnation: int
    restarts: int


Policy: TypeAlias = Directive | Callable[[Failure], Directive]
"""A directive, or a function that chooses one; it runs where the actor runs."""
