"""How far an instance is, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._outcome import StepError
    from dramaturg.protocols.workflows._records import Status
    from dramaturg.protocols.workflows._run import Run

__all__ = ["InstanceStatus", "status_of"]


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """How far an instance is."""

    workflow: str
    instance: str
    version: int
    status: Status
    running: tuple[str, ...]
    """The addresses of the steps at which an attempt is under way."""
    waiting: tuple[str, ...]
    """Those that wait for a time or an event."""
    results: dict[str, Any]
    """The results so far, by address."""
    stuck: dict[str, StepError]
    """The compensations that have failed for good, by address."""
    result: Any = None
    error: StepError | None = None


def status_of(run: Run) -> InstanceStatus:
    """Describe an instance."""
    waits = [live.address for found in run.waits.values() for live in found]
    times = [address for address, _ in run.timers]
    ended = run.ended
    return InstanceStatus(
        workflow=run.workflow,
        instance=run.instance,
        version=run.definition.version,
        status=run.status,
        running=tuple(run.open),
        waiting=tuple(dict.fromkeys([*waits, *times])),
        results=dict(run.results),
        stuck={address: each.error for address, each in run.stuck.items()},
        result=None if ended is None else ended.value,
        error=None if ended is None else ended.error,
    )
