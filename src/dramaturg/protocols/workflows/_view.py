"""How far an instance is, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._errors import WorkflowInputError
from dramaturg.protocols.workflows._step import Action

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._outcome import StepError
    from dramaturg.protocols.workflows._records import Status
    from dramaturg.protocols.workflows._run import Run

__all__ = ["InstanceStatus", "not_stuck", "status_of"]


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


def not_stuck(run: Run, address: str) -> WorkflowInputError | None:
    """Refuse what is the address of no compensation at all."""
    name = address.removesuffix("!undo").rpartition("/")[2].rpartition("!")[2]
    actions = (each for each in run.definition.steps if isinstance(each, Action))
    can_be_undone = any(each.name == name and each.compensate is not None for each in actions)
    if address.endswith("!undo") and can_be_undone:
        return None
    stuck = ", ".join(map(repr, run.stuck)) or "nothing: nothing is stuck"
    return WorkflowInputError(
        workflow=run.workflow, what="what was resolved", value=address, expected=stuck
    )


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
