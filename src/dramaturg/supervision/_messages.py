"""What a supervisor can be asked (OTP's ``supervisor`` functions of the same names)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

from dramaturg.actors import ActorRef, OptionError, PlainRequest
from dramaturg.actors._paths import check_name
from dramaturg.supervision._spec import ChildSpec, ChildType

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ChildCounts",
    "ChildInfo",
    "ChildStarted",
    "ChildState",
    "CountChildren",
    "DeleteChild",
    "GetChildSpec",
    "RestartChild",
    "StartChild",
    "StartInstance",
    "TerminateChild",
    "WhichChildren",
]

ChildState: TypeAlias = Literal["running", "restarting", "down"]


@final
@dataclass(frozen=True, slots=True)
class ChildStarted:
    """A child is up.

    ``ref`` is None if it asked to be ignored; ``info`` is what its ``on_start`` returned.
    """

    ref: ActorRef[Any] | None
    info: Any = None


@final
@dataclass(frozen=True, slots=True)
class ChildInfo:
    """One child; ``ref`` is None unless it runs."""

    id: str
    ref: ActorRef[Any] | None
    state: ChildState
    type: ChildType


@final
@dataclass(frozen=True, slots=True)
class ChildCounts:
    """How many children: ``specs`` (1 for a pool), ``active`` ones that run, and of each type."""

    specs: int
    active: int
    supervisors: int
    workers: int


@final
@dataclass(frozen=True, slots=True)
class StartChild(PlainRequest[ChildStarted]):
    """Add a child, as the last in start order, and start it; the reply is :class:`ChildStarted`.

    A child that asks to be ignored keeps its spec unless it is temporary. What is
    added so is lost when the supervisor itself is restarted.

    :raises AlreadyStarted: if the id is running.
    :raises AlreadyPresent: if it has a spec and does not run.
    :raises ChildStartFailed: if it did not come up; its spec is not kept.
    :raises SpecRefused: if it is significant and nothing is to come of that.
    :raises PoolRefused: by a pool; send it :class:`StartInstance`.
    """

    spec: ChildSpec

    def __post_init__(self) -> None:
        if not isinstance(self.spec, ChildSpec):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise OptionError(option="spec", value=self.spec, expected="a ChildSpec")


@final
@dataclass(frozen=True, slots=True, init=False)
class StartInstance(PlainRequest[ChildStarted]):
    """Add a child to a pool; the reply is :class:`ChildStarted`.

    ``StartInstance("ann", limit=10)``: the arguments come after those of the template.

    :param name: the actor's name; default the template's id and a number.
    :raises ChildStartFailed: if it did not come up.
    :raises AlreadyStarted: if an instance has the name.
    :raises AlreadyPresent: if that one is about to be restarted.
    :raises InvalidNameError: in the caller, for a name that no path can hold.
    :raises ChildNotFound: by a supervisor that is no pool.
    """

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    name: str | None = None

    def __init__(self, *args: Any, name: str | None = None, **kwargs: Any) -> None:
        if name is not None:
            check_name(name)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "kwargs", kwargs)
        object.__setattr__(self, "name", name)


@final
@dataclass(frozen=True, slots=True)
class TerminateChild(PlainRequest[None]):
    """Stop a child by its shutdown rule, without a restart; the reply is None.

    Also one whose restart is due: it is not tried any more. The spec stays unless
    it is temporary. Fine if it does not run.

    :param child: its id; for a pool its ref.
    :raises ChildNotFound: if there is no such child.
    :raises PoolRefused: by a pool, for an id.
    """

    child: str | ActorRef[Any]

    def __post_init__(self) -> None:
        _check_child(self.child)


@final
@dataclass(frozen=True, slots=True)
class RestartChild(PlainRequest[ChildStarted]):
    """Start a child that has a spec and does not run; the reply is :class:`ChildStarted`.

    Its ref comes back to life. A failed start is not tried again.

    :raises ChildRunning: if it runs.
    :raises ChildRestarting: if a restart is due.
    :raises ChildNotFound: if there is no such child.
    :raises ChildStartFailed: if it did not come up; its spec stays.
    :raises PoolRefused: by a pool.
    """

    child: str

    def __post_init__(self) -> None:
        _check_child(self.child)


@final
@dataclass(frozen=True, slots=True)
class DeleteChild(PlainRequest[None]):
    """Forget the spec of a child that does not run; the reply is None.

    :raises ChildRunning: if it runs.
    :raises ChildRestarting: if a restart is due.
    :raises ChildNotFound: if there is no such child.
    :raises PoolRefused: by a pool.
    """

    child: str

    def __post_init__(self) -> None:
        _check_child(self.child)


@final
@dataclass(frozen=True, slots=True)
class WhichChildren(PlainRequest[tuple[ChildInfo, ...]]):
    """List the children in start order; the reply is a tuple of :class:`ChildInfo`."""


@final
@dataclass(frozen=True, slots=True)
class CountChildren(PlainRequest[ChildCounts]):
    """Count the children; the reply is :class:`ChildCounts`."""


@final
@dataclass(frozen=True, slots=True)
class GetChildSpec(PlainRequest[ChildSpec]):
    """Return the spec of a child (for a pool: the template), with all defaults filled in.

    :raises ChildNotFound: if there is no such child.
    """

    child: str | ActorRef[Any]

    def __post_init__(self) -> None:
        _check_child(self.child)


def _check_child(child: object) -> None:
    if not isinstance(child, str | ActorRef):
        raise OptionError(option="child", value=child, expected="the id of a child, or its ref")
