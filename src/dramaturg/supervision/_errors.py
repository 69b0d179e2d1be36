"""The errors of supervision, below those of :mod:`dramaturg.actors`.

::

    UsageError
    └── OptionError
        └── SpecError               a child or supervisor spec that cannot be
    Refused
    ├── ChildRefused                a supervisor says no; ``outcome`` is OTP's word for it
    │   ├── AlreadyStarted              the child is running
    │   ├── AlreadyPresent              its spec is there, without an actor
    │   ├── ChildRunning                it has to be terminated first
    │   ├── ChildRestarting             a restart of it is due
    │   ├── ChildNotFound               no such child
    │   ├── PoolRefused                 a pool does not know its children by id
    │   ├── SpecRefused                 the spec does not fit this supervisor
    │   └── ChildStartFailed            its start failed
    ├── CircuitOpen                 a circuit breaker keeps calls away for now (``_breaker_gate``)
    └── BulkheadFull                a bulkhead has no room, nor room to wait (``_bulkhead_places``)
    GoneError
    └── FailedToStartChild          a supervisor did not come up, for a child did not
    RestartLimitReached         a supervisor gave up (an OTP supervisor's end with ``shutdown``)
    StartTimeout                a start took longer than its spec allows (TimeoutError)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors import DramaturgError, GoneError, OptionError, Refused
from dramaturg.actors._errors import said

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef

__all__ = [
    "AlreadyPresent",
    "AlreadyStarted",
    "ChildNotFound",
    "ChildRefused",
    "ChildRestarting",
    "ChildRunning",
    "ChildStartFailed",
    "FailedToStartChild",
    "PoolRefused",
    "RestartLimitReached",
    "SpecError",
    "SpecRefused",
    "StartTimeout",
]


class SpecError(OptionError):
    """A spec that cannot be; nothing was started.

    ``problem`` is OTP's word for it, such as "invalid_restart_type".
    """

    def __init__(self, *, problem: str, option: str, value: object, expected: str) -> None:
        self.problem = problem
        super().__init__(option=option, value=value, expected=expected)


class ChildRefused(Refused):
    """A supervisor says no to a request, and nothing has changed.

    ``outcome`` is OTP's word for why; ``child`` the id that was asked for.
    """

    outcome = "refused"
    sentence = "{path}: {child!r} was refused"

    def __init__(self, *, path: str, child: object, **details: Any) -> None:
        self.path = path
        self.child = child
        super().__init__(self.sentence.format(path=path, child=child, **details), **details)


class AlreadyStarted(ChildRefused):
    """``StartChild`` of an id that is running, as ``ref``."""

    outcome = "already_started"
    sentence = "{path}: child {child!r} is running already"

    def __init__(self, *, path: str, child: object, ref: ActorRef[Any]) -> None:
        self.ref = ref
        super().__init__(path=path, child=child)


class AlreadyPresent(ChildRefused):
    """``StartChild`` of an id whose spec is there, without a running actor."""

    outcome = "already_present"
    sentence = (
        "{path}: child {child!r} has a spec but does not run: send RestartChild, or DeleteChild"
        " (after TerminateChild, if a restart of it is due)"
    )


class ChildRunning(ChildRefused):
    """``RestartChild`` or ``DeleteChild`` of a child that runs."""

    outcome = "running"
    sentence = "{path}: child {child!r} is running: send TerminateChild first"


class ChildRestarting(ChildRefused):
    """``RestartChild`` or ``DeleteChild`` of a child whose restart is due."""

    outcome = "restarting"
    sentence = "{path}: child {child!r} is restarting: send TerminateChild first"


class ChildNotFound(ChildRefused):
    """The supervisor has no such child."""

    outcome = "not_found"
    sentence = "{path} has no child {child!r}"


class PoolRefused(ChildRefused):
    """A pool knows its children by their refs only (``StartInstance``, ``TerminateChild(ref)``)."""

    outcome = "simple_one_for_one"
    sentence = (
        "{path} is a simple_one_for_one pool and has no child ids, such as {child!r}:"
        " send StartInstance(*args), TerminateChild(ref)"
    )


class SpecRefused(ChildRefused):
    """The child's spec does not fit this supervisor; ``problem`` as in :class:`SpecError`."""

    outcome = "bad_spec"
    sentence = "{path}: the spec of {child!r} does not fit: {problem}"

    def __init__(self, *, path: str, child: object, problem: str) -> None:
        self.problem = problem
        super().__init__(path=path, child=child, problem=problem)


class ChildStartFailed(ChildRefused):
    """The child did not come up; ``error`` is what it raised, also the ``__cause__``."""

    outcome = "start_failed"
    sentence = "{path}: child {child!r} did not start: {cause}"

    def __init__(self, *, path: str, child: object, error: BaseException | None) -> None:
        self.error = error
        super().__init__(path=path, child=child, cause=said(error))
        self.__cause__ = error


class FailedToStartChild(GoneError):  # noqa: N818 - OTP's failed_to_start_child
    """A supervisor did not come up: a child did not; those before it have been stopped again."""

    def __init__(self, *, path: str, child: str, error: BaseException | None) -> None:
        self.path = path
        self.child = child
        self.error = error
        super().__init__(f"{path}: child {child!r} did not start: {said(error)}")
        self.__cause__ = error


class RestartLimitReached(DramaturgError):  # noqa: N818 - OTP's reached_max_restart_intensity
    """A supervisor gave up: more than ``intensity`` restarts within ``period`` seconds.

    The ``__cause__`` is what the last child failed with: for a supervisor that
    gave up itself another ``RestartLimitReached``, and so on down to the first error.
    """

    def __init__(self, *, path: str, child: str, intensity: int, period: float) -> None:
        self.path = path
        self.child = child
        self.intensity = intensity
        self.period = period
        super().__init__(
            f"{path} gave up: more than {intensity} restarts within {period:g} s,"
            f" the last one of {child!r}"
        )


class StartTimeout(DramaturgError, TimeoutError):  # noqa: N818 - OTP's word
    """A start took longer than the ``start_timeout`` of its spec, and was cut short."""

    def __init__(self, *, path: str, timeout: float) -> None:
        self.path = path
        self.timeout = timeout
        super().__init__(f"{path} did not start within {timeout:g} s")
