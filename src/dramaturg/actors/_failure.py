"""What is known of a failure, and what may be decided about it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, final

from dramaturg.actors._timers import check_seconds

if TYPE_CHECKING:
    from dramaturg.actors._ref import ActorRef

__all__ = ["RESTARTS_REMEMBERED", "Directive", "Failure", "Policy", "Restart"]

RESTARTS_REMEMBERED = 1024
"""How many restarts of an actor its policy can see."""


class Directive(Enum):
    """What becomes of an actor that has failed (the four of Akka's supervision)."""

    STOP = "stop"
    """It stops. The default; under a supervisor, that decides what follows."""
    RESTART = "restart"
    """A new instance takes over ref and mailbox; see ``Actor.on_restart``. An actor
    that fails while it restarts stops, so that nothing restarts for ever."""
    RESUME = "resume"
    """It goes on with the next message, its state as the failure left it. An actor
    that failed to start stops instead."""
    ESCALATE = "escalate"
    """It stops, and its parent fails with the same error."""


@final
@dataclass(frozen=True, slots=True)
class Restart:
    """``Directive.RESTART`` after a pause, also of an actor that failed to start.

    A policy that returns it sets the limit itself: with none, an actor that
    cannot start tries for ever. While it waits messages queue.

    :param after: seconds.
    :param in_a_row: for the policy's own use: how many restarts in a row there were
        before; the next ``Failure`` brings it back.
    :raises OptionError: if that is negative or infinite.
    """

    after: float = 0.0
    in_a_row: int = 0

    def __post_init__(self) -> None:
        check_seconds("after", self.after)


@dataclass(frozen=True, slots=True)
class Failure:
    """One abnormal end, as a policy sees it.

    ``phase`` is "message" or the hook that failed; ``restarts`` how often this
    actor has been restarted so far, ``restarted_at`` when (the last 1,024, oldest
    first, in the clock's monotonic seconds), ``now`` the time, ``random`` the
    system's random source. ``in_a_row`` is what the last :class:`Restart` said, -1
    if there was none.
    """

    ref: ActorRef[Any]
    error: BaseException
    phase: str
    message: Any
    incarnation: int
    restarts: int
    restarted_at: tuple[float, ...] = field(default=(), compare=False)
    now: float = field(default=0.0, compare=False)
    in_a_row: int = field(default=-1, compare=False)
    random: Random = field(default_factory=Random, compare=False, repr=False)

    @property
    def up_for(self) -> float:
        """How many seconds ago the last restart was; infinite before the first."""
        return self.now - self.restarted_at[-1] if self.restarted_at else math.inf


Policy: TypeAlias = Directive | Callable[[Failure], Directive | Restart]
"""A directive, or a function that chooses one; it runs where the actor runs."""
