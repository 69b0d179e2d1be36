"""Structured logs: the default logger, and the subscriber that writes events to it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from dramaturg.actors._events import (
    ActorFailed,
    LifecycleEvent,
    LoopHeld,
    ShutdownTimedOut,
    ThreadLeaked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from dramaturg.actors._dead_letters import DeadLetters, LogLetter
    from dramaturg.actors._event_stream import EventStream

__all__ = ["Log", "default_log", "log_events"]

DEAD_LETTERS_LOGGED = 10
"""Then the log is quiet about them; the store and its counts are not."""

Log: TypeAlias = Any
"""A structlog logger, bound or lazy."""


def default_log() -> Log:
    """Make the logger of a system that was given none.

    The application's structlog configuration if there is one; else the standard
    library's ``dramaturg`` logger, which prints warnings and errors to stderr
    unless the application says otherwise. A library configures neither.
    """
    # Here and not above: with rich installed structlog takes longer to import than all the rest.
    import structlog  # noqa: PLC0415

    if structlog.is_configured():
        return structlog.get_logger("dramaturg")
    return structlog.wrap_logger(
        logging.getLogger("dramaturg"),
        processors=[structlog.stdlib.filter_by_level, _to_logging],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
    )


def _to_logging(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    """Render for the standard library's logging, which prints tracebacks and stacks as they are."""
    error = fields.pop("exc_info", None)
    stack = fields.pop("stack", None)
    event = fields.pop("event")
    known = " ".join(f"{key}={value!r}" for key, value in fields.items() if value is not None)
    text = f"{event} {known}" if stack is None else f"{event} {known}\n{stack}"
    return (text,), {"exc_info": error}


def log_events(
    events: EventStream, letters: DeadLetters, log: Log, *, quiet: Callable[[], bool]
) -> None:
    """Let the log write what an operator has to see.

    While ``quiet`` says so, no dead letter is logged: that a system which shuts
    down leaves messages behind is no news.

    ==================  =======  ============================
    event name          level    when
    ==================  =======  ============================
    actor_failed        error    an actor ended abnormally
    loop_held           warning  a handler blocks the loop
    thread_leaked       warning  a thread did not end
    shutdown_timed_out  warning  actors did not stop in time
    dead_letter         warning  a message was not handled; the first ten only
    ==================  =======  ============================
    """

    def write(event: LifecycleEvent) -> None:
        _WRITERS[type(event)](log, event)

    loud = {each for each, level in _LEVELS.items() if _is_enabled(log, level)}
    if loud:
        events.subscribe(write, *loud)
    if _is_enabled(log, logging.WARNING):
        letters.log_first = _first_dead_letters(letters, log, quiet)


def _is_enabled(log: Log, level: int) -> bool:
    """Tell whether the log would write it: an event for nobody need not be made."""
    # Only structlog's own filters know, once and for all. Other loggers answer to any name.
    cls: Any = log.__class__
    knows = callable(getattr(cls, "is_enabled_for", None))
    return not knows or bool(log.is_enabled_for(level))


def _first_dead_letters(letters: DeadLetters, log: Log, quiet: Callable[[], bool]) -> LogLetter:
    left = DEAD_LETTERS_LOGGED

    def write(id_: int, reason: str, message: Any, target: str, sender: str | None) -> None:
        nonlocal left
        # Another thread may have just logged the last one.
        if left <= 0 or quiet():
            return
        left -= 1
        log.warning(
            "dead_letter",
            path=target,
            reason=reason,
            message_type=type(message).__qualname__,
            sender=sender,
            letter_id=id_,
            note="further ones are only in system.dead_letters" if left <= 0 else None,
        )
        if left <= 0:
            letters.log_first = None

    return write


def _actor_failed(log: Log, event: ActorFailed) -> None:
    log.error(
        "actor_failed",
        path=event.path,
        incarnation=event.incarnation,
        actor_class=event.actor_class,
        phase=event.phase,
        decision=event.decision,
        message_type=event.message_type,
        message_id=event.message_id,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        exc_info=event.error,
    )


def _loop_held(log: Log, event: LoopHeld) -> None:
    what = {"what": event.what} if event.what else {}
    log.warning("loop_held", path=event.path, **what, limit=event.limit, stack=event.stack)


def _thread_leaked(log: Log, event: ThreadLeaked) -> None:
    log.warning("thread_leaked", path=event.path, thread=event.thread, stack=event.stack)


def _shutdown_timed_out(log: Log, event: ShutdownTimedOut) -> None:
    log.warning(
        "shutdown_timed_out", timeout=event.timeout, actors=event.actors, stacks=event.stacks
    )


_WRITERS: dict[type[LifecycleEvent], Any] = {
    ActorFailed: _actor_failed,
    LoopHeld: _loop_held,
    ThreadLeaked: _thread_leaked,
    ShutdownTimedOut: _shutdown_timed_out,
}

_LEVELS: dict[type[LifecycleEvent], int] = {
    each: logging.ERROR if each is ActorFailed else logging.WARNING for each in _WRITERS
}
