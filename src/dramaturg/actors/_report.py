"""Tell the world what happened to an actor: lifecycle events."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Any

from dramaturg.actors._envelope import Envelope
from dramaturg.actors._events import (
    ActorEnded,
    ActorFailed,
    ActorRestarted,
    ActorStarted,
    ActorStopping,
    IncarnationEnded,
    ThreadLeaked,
)
from dramaturg.actors._failure import Restart

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._events import LifecycleEvent
    from dramaturg.actors._exit_reason import ExitReason
    from dramaturg.actors._failure import Directive

__all__ = [
    "failed",
    "hook_failed",
    "incarnation_ended",
    "restarted",
    "started",
    "stopped",
    "stopping",
    "thread_leaked",
]


def class_name(cell: Cell) -> str:
    """Name the actor's class."""
    return cell.actor_class.__qualname__


def started(cell: Cell) -> None:
    """The actor is up."""
    if cell.system.events.wants(ActorStarted):
        _publish(cell, ActorStarted)


def restarted(cell: Cell) -> None:
    """A new incarnation is up."""
    if cell.system.events.wants(ActorRestarted):
        _publish(cell, ActorRestarted, restarts=cell.more().restarts)


def stopping(cell: Cell, reason: ExitReason) -> None:
    """An incarnation begins to stop."""
    if cell.system.events.wants(ActorStopping):
        _publish(cell, ActorStopping, reason=reason)


def incarnation_ended(cell: Cell, reason: ExitReason) -> None:
    """An incarnation is over."""
    if cell.system.events.wants(IncarnationEnded):
        _publish(cell, IncarnationEnded, reason=reason)


def stopped(cell: Cell, reason: ExitReason) -> None:
    """The actor is gone."""
    if cell.system.events.wants(ActorEnded):
        _publish(cell, ActorEnded, reason=reason.kind)


def _publish(cell: Cell, event: Callable[..., LifecycleEvent], **fields: Any) -> None:
    """Publish an event of one incarnation; not called unless somebody wants it."""
    system = cell.system
    system.events.publish(
        event(
            path=cell.path,
            time=system.clock.time(),
            actor_class=class_name(cell),
            incarnation=cell.incarnation,
            **fields,
        )
    )


def failed(
    cell: Cell,
    error: BaseException,
    phase: str,
    item: Any,
    decision: Directive | Restart | None,
    *,
    decided: bool,
) -> None:
    """Make the one report of a failure; an undecided one at the top fails the system.

    :param decision: None: its supervisor decides.
    """
    if isinstance(decision, Restart):
        said = "restart"
    else:
        said = "supervisor" if decision is None else decision.value
    _publish_failure(cell, error, phase, item, said)
    parent = cell.parent
    if parent is None or (parent.parent is None and not decided):
        cell.system.note_failure(error)


def hook_failed(cell: Cell, hook: str, error: BaseException) -> None:
    """A hook failed while the actor was ending anyway: reported, and nothing to decide."""
    _publish_failure(cell, error, hook, None, "none")


def _publish_failure(
    cell: Cell, error: BaseException, phase: str, item: Any, decision: str
) -> None:
    if not cell.system.events.wants(ActorFailed):
        return
    envelope = item if item.__class__ is Envelope else None
    message = envelope.message if envelope is not None else item
    headers = envelope.headers if envelope is not None else None
    cell.system.events.publish(
        ActorFailed(
            path=cell.path,
            time=cell.system.clock.time(),
            actor_class=class_name(cell),
            incarnation=cell.incarnation,
            phase=phase,
            error=error,
            decision=decision,
            restarts=cell.extra.restarts if cell.extra is not None else 0,
            message_type=None if message is None else type(message).__qualname__,
            message_id=_text(headers and headers.message_id),
            correlation_id=_text(headers and headers.correlation_id),
            causation_id=_text(headers and headers.causation_id),
        )
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def thread_leaked(cell: Cell) -> None:
    """A blocking actor's thread goes on although the actor was stopped."""
    from dramaturg.actors._thread import stack_of  # noqa: PLC0415 - _thread needs _cell

    dispatcher = cell.more().thread
    if dispatcher is None:
        return
    thread = dispatcher.thread
    cell.system.events.publish(
        ThreadLeaked(
            path=cell.path,
            time=cell.system.clock.time(),
            thread=thread.name,
            stack=stack_of(thread.ident),
        )
    )


def task_stack(task: asyncio.Task[Any] | None) -> str:
    """Render where a suspended handler waits."""
    places: list[traceback.FrameSummary] = []
    # The task itself knows only its outermost frame while it waits.
    waits: Any = None if task is None else task.get_coro()
    while (frame := getattr(waits, "cr_frame", None)) is not None:
        code = frame.f_code
        places.append(traceback.FrameSummary(code.co_filename, frame.f_lineno, code.co_name))
        waits = waits.cr_await
    return "".join(traceback.format_list(places))
