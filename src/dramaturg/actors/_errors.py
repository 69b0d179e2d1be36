"""The errors of the runtime, ordered by who must act.

::

    DramaturgError
    ├── UsageError                 the calling code is wrong: change it
    │   ├── HandlerDefinitionError     a handler is declared wrongly (TypeError)
    │   ├── OptionError                an option has an impossible value (ValueError)
    │   ├── InvalidNameError           a name no path can hold (ValueError)
    │   ├── DuplicateNameError         the parent has a child of that name (ValueError)
    │   ├── BlockingCallError          a blocking call on a thread that runs actors (RuntimeError)
    │   ├── RequestCycleError          the request would wait for itself (RuntimeError)
    │   ├── SystemStateError           a system that has not started, or has already (RuntimeError)
    │   ├── OutsideActorError          the runtime's inside used from outside (RuntimeError)
    │   ├── MissingExtraError          a package that only this call needs is missing (ImportError)
    │   └── StashOverflowError         more stashed than the capacity (RuntimeError)
    ├── UnhandledError             the receiver has no handler for the message (TypeError)
    ├── Refused                    the actor said no, and lives: handle the answer
    ├── Ignore                     an actor asks not to be started: raise it while starting
    ├── GoneError                  whoever was asked is not there to answer (LookupError)
    │   ├── ActorStopped               it had stopped, or stopped first (pykka.ActorDeadError)
    │   │   └── SystemStopped          its whole system has stopped
    │   ├── ActorCrashed               it failed on this very message
    │   └── StartFailed                it never came up
    ├── DeadlineExceeded           time ran out (TimeoutError, pykka.Timeout)
    ├── MailboxFull                the receiver has no room: slow down
    └── InternalError              a defect of this library: please report it

Every error holds its data as attributes, builds its own sentence and survives
``pickle`` and ``copy``.
"""

from __future__ import annotations

from typing import Any

import pykka

__all__ = [
    "ActorCrashed",
    "ActorStopped",
    "BlockingCallError",
    "DeadlineExceeded",
    "DramaturgError",
    "DuplicateNameError",
    "GoneError",
    "HandlerDefinitionError",
    "Ignore",
    "InternalError",
    "InvalidNameError",
    "MailboxFull",
    "MissingExtraError",
    "OptionError",
    "OutsideActorError",
    "Refused",
    "RequestCycleError",
    "StartFailed",
    "StashOverflowError",
    "SystemStateError",
    "SystemStopped",
    "UnhandledError",
    "UsageError",
    "said",
]


def _rebuild(
    cls: type[DramaturgError], args: tuple[Any, ...], fields: dict[str, Any]
) -> DramaturgError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(fields)
    return error


def said(error: BaseException | None) -> str:
    """Render an error in a line, whatever its ``__str__`` does."""
    if error is None:
        return "it was stopped first"
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the user's method
        return type(error).__name__


class DramaturgError(Exception):
    """Base of every error that this library raises."""

    def __reduce__(self) -> Any:
        # Exception's own rule calls the class with `args`, which here is the
        # finished sentence and not what __init__ takes.
        return _rebuild, (type(self), self.args, dict(self.__dict__))


class UsageError(DramaturgError):
    """The calling code is wrong; nothing was changed by the call."""


class HandlerDefinitionError(UsageError, TypeError):
    """A handler is declared wrongly; raised when its class is defined."""

    def __init__(self, *, owner: str, method: str, problem: str) -> None:
        self.owner = owner
        self.method = method
        self.problem = problem
        super().__init__(f"{owner}.{method}: {problem}")


class OptionError(UsageError, ValueError):
    """An option has a value that cannot be."""

    def __init__(self, *, option: str, value: object, expected: str) -> None:
        self.option = option
        self.value = value
        self.expected = expected
        super().__init__(f"{option}={value!r}: expected {expected}")


class InvalidNameError(UsageError, ValueError):
    """An actor name that no path can hold."""

    def __init__(self, *, name: object) -> None:
        self.name = name
        super().__init__(
            f"{name!r} cannot name an actor: expected 1 to 255 printable characters"
            " without '/' or blanks, and not '.' or '..'"
        )


class DuplicateNameError(UsageError, ValueError):
    """The parent already has a living child of that name."""

    def __init__(self, *, path: str) -> None:
        self.path = path
        super().__init__(f"{path} exists already: the names of an actor's children are unique")


class BlockingCallError(UsageError, RuntimeError):
    """A blocking call on a thread that has to go on running actors.

    It would wait for an answer that only this very thread can produce.
    """

    def __init__(self, *, call: str, instead: str) -> None:
        self.call = call
        self.instead = instead
        super().__init__(
            f"{call} blocks, and this thread runs the actors that would answer: {instead}"
        )


class RequestCycleError(UsageError, RuntimeError):
    """The request would close a circle of actors that wait for each other.

    Raised at the sender, before anything is sent. ``path`` names every actor
    of the circle in order, the sender first and again last.
    """

    def __init__(self, *, path: tuple[str, ...]) -> None:
        self.path = path
        super().__init__("each would wait for the next, for ever: " + " -> ".join(path))


class SystemStateError(UsageError, RuntimeError):
    """An actor system was used before it was started, or started twice."""

    def __init__(self, *, system: str, state: str, call: str) -> None:
        self.system = system
        self.state = state
        self.call = call
        advice = (
            "use `async with ActorSystem(...)` or `with ActorSystem(...)`"
            if state == "not started"
            else "a system starts once: make another"
        )
        super().__init__(f"{call}: the actor system {system!r} is {state}; {advice}")


class OutsideActorError(UsageError, RuntimeError):
    """Something that only a running actor has was used from elsewhere."""

    def __init__(self, *, what: str, who: str) -> None:
        self.what = what
        self.who = who
        super().__init__(f"{what} exists only while an actor runs; {who} does not")


class StashOverflowError(UsageError, RuntimeError):
    """An actor stashed more messages than its stash holds."""

    def __init__(self, *, path: str, capacity: int) -> None:
        self.path = path
        self.capacity = capacity
        super().__init__(f"the stash of {path} is full: it holds {capacity} messages")


class Refused(DramaturgError):  # noqa: N818 - the protocol's word for a declared no
    """Raise it in a handler to say no: the caller gets it and the actor lives on.

    The declared opposite of a crash. ``reason`` is for people, ``details`` for
    programs.
    """

    def __init__(self, reason: str = "refused", **details: Any) -> None:
        self.reason = reason
        self.details = details
        super().__init__(reason)


class Ignore(DramaturgError):  # noqa: N818 - OTP's word
    """Raise it in ``__init__`` or ``on_start``: the actor is not needed now.

    No failure: nothing is reported and no restart follows (OTP's ``ignore``).
    Under a supervisor the start succeeds without an actor; else ``started()``
    and, from ``__init__``, ``spawn`` raise :class:`StartFailed` caused by it.
    """

    def __init__(self, reason: str = "ignored") -> None:
        self.reason = reason
        super().__init__(reason)


class MissingExtraError(UsageError, ImportError):
    """A package that only this call needs is not installed: name its extra to pip."""

    def __init__(self, *, call: str, package: str, extra: str) -> None:
        self.call = call
        self.package = package
        self.extra = extra
        super().__init__(f"{call} needs the package {package!r}: pip install 'dramaturg[{extra}]'")


class UnhandledError(DramaturgError, TypeError):
    """The receiver has no handler for messages of that type, and lives on.

    The message is a dead letter; a request fails with this.
    """

    def __init__(self, *, path: str, message_type: str, handled: tuple[str, ...] = ()) -> None:
        self.path = path
        self.message_type = message_type
        self.handled = handled
        names = ", ".join(handled) or "nothing: is @handler missing?"
        super().__init__(f"{path} has no handler for {message_type}; it handles {names}")


class GoneError(DramaturgError, LookupError):
    """Whoever was asked is not there to answer."""


class ActorStopped(GoneError, pykka.ActorDeadError):  # noqa: N818 - a lifecycle term
    """The actor had stopped, or stopped before it came to the message.

    The message is among the dead letters. Compare :class:`ActorCrashed`: there
    the actor had begun with it.
    """

    def __init__(self, *, path: str, detail: str = "has stopped") -> None:
        self.path = path
        self.detail = detail
        super().__init__(f"{path} {detail}")


class SystemStopped(ActorStopped):
    """The whole actor system has stopped."""


class ActorCrashed(GoneError):  # noqa: N818 - a lifecycle term
    """The actor failed while it handled this very message.

    The actor's own exception is the ``__cause__``, and ``where`` says which line
    raised it ("shop.py:12 in charge"). The message is a dead letter and is not
    handled again, also if the actor restarts.
    """

    def __init__(
        self, *, path: str, cause: str, incarnation: int, where: str | None = None
    ) -> None:
        self.path = path
        self.cause = cause
        self.incarnation = incarnation
        self.where = where
        super().__init__(f"{path} (incarnation {incarnation}) failed: {cause}")


class StartFailed(GoneError):  # noqa: N818 - a lifecycle term
    """The actor never came up: its ``__init__`` or its ``on_start`` raised.

    That exception is the ``__cause__``.
    """

    def __init__(self, *, path: str, cause: str) -> None:
        self.path = path
        self.cause = cause
        super().__init__(f"{path} did not start: {cause}")


class DeadlineExceeded(DramaturgError, TimeoutError, pykka.Timeout):  # noqa: N818 - gRPC's name for it
    """Time ran out before the answer came.

    The actor may have handled the message or may still do so; a reply that
    comes later is dropped and counted.
    """

    def __init__(self, *, waiting_for: str, timeout: float | None) -> None:
        self.waiting_for = waiting_for
        self.timeout = timeout
        within = "in time" if timeout is None else f"within {timeout:g} s"
        super().__init__(f"no answer from {waiting_for} {within}")


class MailboxFull(DramaturgError):  # noqa: N818 - after queue.Full
    """The receiver's bounded mailbox had no room; the message is a dead letter."""

    def __init__(self, *, path: str, capacity: int) -> None:
        self.path = path
        self.capacity = capacity
        super().__init__(f"the mailbox of {path} is full: it holds {capacity} messages")


class InternalError(DramaturgError):
    """A defect of this library, not of its user: please report it."""
