"""What supervisors tell of themselves, on the system's event stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dramaturg.actors import LifecycleEvent

if TYPE_CHECKING:
    from dramaturg.actors import ExitReason

__all__ = [
    "ChildDegraded",
    "ChildRecovered",
    "ProbeFailed",
    "RestartLimitExceeded",
    "ShutdownFailed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartLimitExceeded(LifecycleEvent):
    """A supervisor gives up: this child would have been restarted once too often."""

    child: str
    intensity: int
    period: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownFailed(LifecycleEvent):
    """A child ended otherwise than it was told to; ``path`` is the child's (OTP's shutdown_error).

    It was killed, for its time was over, or failed while it stopped. No restart is counted.
    """

    reason: ExitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildDegraded(LifecycleEvent):
    """A fallback serves under the child's ref; ``path`` is the child's.

    ``rung`` counts from 1; ``serving`` is the fallback's path.
    """

    rung: int
    serving: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFailed(LifecycleEvent):
    """The original was tried in vain, and is tried again later; ``path`` is the child's.

    ``error`` is what its start, the function that makes the probe, or the probe's request
    raised; None if it ended, or took longer than ``probe_timeout``.
    """

    error: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRecovered(LifecycleEvent):
    """The original serves again; ``path`` is its."""

    degraded_for: float
