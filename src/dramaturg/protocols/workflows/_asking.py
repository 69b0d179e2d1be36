"""The way from a workflow to the engine of a system, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors import (
    ActorCrashed,
    ActorStopped,
    ConcurrentWriter,
    DuplicateNameError,
    JournalError,
    OptionError,
    SystemStateError,
)
from dramaturg.protocols.workflows._engine import NAME, Engine
from dramaturg.protocols.workflows._errors import WorkflowChanged, WorkflowError
from dramaturg.protocols.workflows._messages import Stored

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef, ActorSystem

__all__ = ["ask_engine", "no_journal"]

LONG = 1e9
"""Seconds: what a request for something local gets that waits for the journal."""


async def ask_engine(system: ActorSystem, request: Any) -> Any:
    """Ask for something, and return the answer.

    A coordinator that fails, or does not even start, cannot answer; then the reason is raised.

    :raises JournalError: if the journal refuses to work, or another process has the instance.
    :raises WorkflowError: what is answered, or why the coordinator does not start.
    :raises OptionError: if the system has no journal.
    :raises SystemStateError: if it has not started.
    """
    engine = _engine(system)
    try:
        answer = await engine.request(request, timeout=LONG)
    except (ActorCrashed, ActorStopped) as gone:
        why = gone.__cause__
        if not isinstance(why, JournalError | WorkflowError):
            raise
        answer = why
    if isinstance(answer, ConcurrentWriter | WorkflowChanged) and hasattr(request, "instance"):
        answer = await engine.request(Stored(request, answer), timeout=LONG)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _engine(system: ActorSystem) -> ActorRef[Any]:
    if system.journal is None:
        raise no_journal()
    ref = system.lookup(f"/{NAME}")
    if ref is not None:
        return ref
    if not system.host.ident:
        raise SystemStateError(system=system.name, state="not started", call="workflow.run")
    try:
        return system.spawn(Engine, name=NAME)
    except DuplicateNameError:  # another thread was first
        return _engine(system)


def no_journal() -> OptionError:
    """Make the error for a system that has none."""
    expected = (
        "a journal: ActorSystem(..., journal=SqliteJournal(...)), since workflows are durable"
    )
    return OptionError(option="journal", value=None, expected=expected)
