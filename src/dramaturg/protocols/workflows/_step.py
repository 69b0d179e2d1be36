"""Steps as values: the algebra of workflows.

A step takes a value and gives one. All that is here is immutable, knows no system and no
instance, and composes at any depth; what becomes of it in one instance is in ``_live`` and the
files beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dramaturg.actors import ActorRef
    from dramaturg.protocols.workflows._joins import Join
    from dramaturg.protocols.workflows._participant import Call, Participant
    from dramaturg.protocols.workflows._retry import Retry

__all__ = [
    "Action",
    "Branch",
    "FanOut",
    "ForEach",
    "Function",
    "Loop",
    "Options",
    "Pause",
    "Recover",
    "Saga",
    "Sequence",
    "Step",
    "Switch",
    "WaitFor",
    "Who",
]

Function: TypeAlias = "Callable[[Any], Any] | Callable[[Any, Call], Any]"
"""A function of the value, and of the call if it takes two parameters."""
Who: TypeAlias = "Function | ActorRef[Any] | str | Participant"
"""Whoever can do what a step says."""


@dataclass(frozen=True, slots=True)
class Recover:
    """What a step gives instead when it fails: a value, or the result of another step."""

    value: Any = None
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What every step may have."""

    when: Function | None = None
    timeout: float | None = None
    on_error: Recover | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """A part of a workflow; made by :func:`step`, :func:`sequence` and the others.

    Steps are values: they are compared by identity, hold nothing of any run, and one cannot
    stand at two places of a workflow, since the name of a step is its address.
    """

    name: str
    options: Options = field(default_factory=Options)

    @property
    def inside(self) -> tuple[Step, ...]:
        """The steps that it is made of."""
        return ()

    @property
    def kind(self) -> str:
        """What it is, in one word."""
        return type(self).__name__.lower()

    @property
    def aside(self) -> tuple[Step, ...]:
        """The steps that are taken when it fails or is undone."""
        recover = self.options.on_error
        return () if recover is None or recover.step is None else (recover.step,)

    def walk(self) -> Iterator[Step]:
        """Go through this step and all within, outer ones first."""
        left: list[Step] = [self]
        while left:
            each = left.pop()
            yield each
            left += reversed((*each.inside, *each.aside))


@dataclass(frozen=True, eq=False, kw_only=True)
class Action(Step):
    """Somebody does something."""

    participant: Participant
    retry: Retry
    compensate: Action | None = None

    @property
    def aside(self) -> tuple[Step, ...]:
        undo = () if self.compensate is None else (self.compensate,)
        return (*super().aside, *undo)


@dataclass(frozen=True, eq=False, kw_only=True)
class Sequence(Step):
    """One after the other, each with the result of the one before."""

    steps: tuple[Step, ...]

    @property
    def inside(self) -> tuple[Step, ...]:
        return self.steps


@dataclass(frozen=True, eq=False, kw_only=True)
class Saga(Sequence):
    """A sequence that is undone as a whole when it fails."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Branch(Step):
    """One of two."""

    condition: Function
    then: Step
    otherwise: Step | None

    @property
    def inside(self) -> tuple[Step, ...]:
        return (self.then,) if self.otherwise is None else (self.then, self.otherwise)


@dataclass(frozen=True, eq=False, kw_only=True)
class Switch(Step):
    """One of several, by a key."""

    key: Function
    cases: Mapping[Any, Step]
    default: Step | None

    @property
    def inside(self) -> tuple[Step, ...]:
        default = () if self.default is None else (self.default,)
        return (*self.cases.values(), *default)


@dataclass(frozen=True, eq=False, kw_only=True)
class Loop(Step):
    """Again and again, at most so often."""

    body: Step
    until: Function
    at_most: int

    @property
    def inside(self) -> tuple[Step, ...]:
        return (self.body,)


@dataclass(frozen=True, eq=False, kw_only=True)
class ForEach(Step):
    """The same for each item of a collection, at most so many at once."""

    items: Function
    body: Step
    limit: int | None
    join: Join

    @property
    def inside(self) -> tuple[Step, ...]:
        return (self.body,)


@dataclass(frozen=True, eq=False, kw_only=True)
class FanOut(Step):
    """Several at once, each with the same value; their outcomes, by name."""

    branches: Mapping[str, Step]
    optional: frozenset[str]
    join: Join
    late: Step | None
    keep_late: bool

    @property
    def inside(self) -> tuple[Step, ...]:
        late = () if self.late is None else (self.late,)
        return (*self.branches.values(), *late)


@dataclass(frozen=True, eq=False, kw_only=True)
class WaitFor(Step):
    """Wait for an event from outside."""

    event: str
    takes: type | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Pause(Step):
    """Wait for a time, which goes on while the process is down."""

    seconds: float | Function
