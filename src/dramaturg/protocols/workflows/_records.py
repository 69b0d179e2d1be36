"""What the journal of a workflow instance holds: its progress, and nothing else.

``address`` is the place of a step in its instance: its name, behind the loops and collections
that it is in: "ship", "lines[3]/reserve"; its compensation is "ship!undo", what recovers it from
an error "ship!error".
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from dramaturg.actors import Message, TypeRegistry
from dramaturg.protocols.workflows._outcome import BranchOutcome, Outcomes, StepError

__all__ = [
    "RECORDS",
    "Begun",
    "CancelRequested",
    "Decided",
    "Ended",
    "Failed",
    "Intended",
    "MadeAgain",
    "Migrated",
    "Record",
    "Resolved",
    "Settled",
    "Signalled",
    "Status",
    "Succeeded",
    "TimerFired",
]

Status = Literal[
    "running", "compensating", "completed", "failed", "compensated", "cancelled", "stuck"
]


class Begun(Message, name="dramaturg.workflow.Begun"):
    """The instance was started."""

    workflow: str
    definition: int
    """The version of the definition."""
    fingerprint: str
    instance: str
    input: Any = None


class Intended(Message, name="dramaturg.workflow.Intended"):
    """An attempt at a step is about to be made, under this idempotency key."""

    address: str
    attempt: int
    key: str
    at: float
    """Seconds since 1970."""


class MadeAgain(Message, name="dramaturg.workflow.MadeAgain"):
    """An attempt is about to be made once more, since its process ended before it did."""

    address: str
    attempt: int
    restarts: int
    """How often that is by now."""


class Succeeded(Message, name="dramaturg.workflow.Succeeded"):
    """A step has a result."""

    address: str
    value: Any = None


class Failed(Message, name="dramaturg.workflow.Failed"):
    """An attempt has failed; it is tried again at a time in seconds since 1970, or never."""

    address: str
    error: StepError
    retry_at: float | None = None
    made_before: bool = False
    """Whether the same attempt was made, or may have been, by a process that has ended."""


class Decided(Message, name="dramaturg.workflow.Decided"):
    """A condition, a choice, a collection or a due time was found, and is not asked for again."""

    address: str
    what: str
    choice: Any = None


class TimerFired(Message, name="dramaturg.workflow.TimerFired"):
    """A pause or a deadline is over."""

    address: str
    what: str


class Signalled(Message, name="dramaturg.workflow.Signalled"):
    """An event came from outside; the same ``signal`` counts once."""

    event: str
    value: Any = None
    signal: str | None = None


class CancelRequested(Message, name="dramaturg.workflow.CancelRequested"):
    """Somebody wants the instance to end."""

    reason: str
    is_last: bool = False
    """Whether the workflow around it goes on without it: then also a result is given up that
    waits for what is stuck."""


class Resolved(Message, name="dramaturg.workflow.Resolved"):
    """An operator has dealt with a compensation that was stuck."""

    address: str
    how: Literal["done", "retry"]
    by: str


class Settled(Message, name="dramaturg.workflow.Settled"):
    """The workflow within that a step had left running has ended, or was never begun."""

    address: str


class Migrated(Message, name="dramaturg.workflow.Migrated"):
    """The instance goes on under another version of its definition."""

    definition: int
    fingerprint: str


class Ended(Message, name="dramaturg.workflow.Ended"):
    """The instance is over, but for a stuck compensation."""

    status: Status
    value: Any = None
    error: StepError | None = None
    stuck: tuple[str, ...] = ()
    """The addresses of the compensations that are."""
    completes: bool = False
    """Whether it has a result, and is completed as soon as what is stuck was seen to."""


Record: TypeAlias = (
    Begun
    | Intended
    | MadeAgain
    | Succeeded
    | Failed
    | Decided
    | TimerFired
    | Signalled
    | CancelRequested
    | Resolved
    | Settled
    | Migrated
    | Ended
)

RECORDS = TypeRegistry(
    Begun,
    Intended,
    MadeAgain,
    Succeeded,
    Failed,
    Decided,
    TimerFired,
    Signalled,
    CancelRequested,
    Resolved,
    Settled,
    Migrated,
    Ended,
    StepError,
    BranchOutcome,
    Outcomes,
)
