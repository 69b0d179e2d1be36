"""What a delegator understands itself, what it tells, and what it refuses.

::

    DramaturgError
    ├── RouteError                 the routes are declared wrongly (also a UsageError)
    ├── DelegationFailed           every agent has failed; it has all attempts
    └── Refused
        ├── NoRouteError           no route is for such a task
        └── DelegatorFull          too many tasks are in flight
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast, final

from dramaturg.actors import DramaturgError, OptionError, PlainRequest, Refused, UsageError
from dramaturg.actors._errors import said
from dramaturg.protocols._delegator_figures import AgentFigures

__all__ = [
    "Attempt",
    "Delegate",
    "DelegationFailed",
    "DelegatorFigures",
    "DelegatorFull",
    "FailedTask",
    "GetFigures",
    "NoRouteError",
    "RouteError",
]


@final
@dataclass(frozen=True, slots=True)
class Delegate(PlainRequest[Any]):
    """Hand a task to whoever has a capability, whatever the type of the task.

    :raises OptionError: for a capability that is no text.
    """

    task: Any
    capability: str

    def __post_init__(self) -> None:
        if not isinstance(cast("object", self.capability), str) or not self.capability:
            raise OptionError(option="capability", value=self.capability, expected="a text")


@final
@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a task, which has failed."""

    agent: str
    """The path of who was asked."""
    number: int
    """1 for the first attempt of this agent at this task."""
    seconds: float
    error: BaseException

    def __str__(self) -> str:
        return (
            f"{self.agent}, attempt {self.number}, after {self.seconds:.3g} s: {said(self.error)}"
        )


@final
@dataclass(frozen=True, slots=True)
class FailedTask(PlainRequest[Any]):
    """Asks the handler of a route for the answer to a task at which all agents have failed."""

    task: Any
    attempts: tuple[Attempt, ...]


@final
@dataclass(frozen=True, slots=True)
class DelegatorFigures:
    """The counts of a delegator since it was spawned, its restarts included.

    ``accepted == answered + handed_up + expired + in_flight``.
    """

    agents: tuple[AgentFigures, ...]
    """Each agent once, in the order of the routes."""
    accepted: int
    in_flight: int
    """Tasks that are with agents, or wait for another attempt."""
    answered: int
    handed_up: int
    """Ended with :class:`DelegationFailed`."""
    expired: int
    """Their callers' deadline had passed."""
    turned_away: int
    """Not accepted: no route, or too many in flight."""

    def of(self, agent: str) -> AgentFigures:
        """Return the figures of the agent at a path.

        :raises KeyError: if there is none.
        """
        for each in self.agents:
            if each.agent == agent:
                return each
        raise KeyError(agent)


@final
@dataclass(frozen=True, slots=True)
class GetFigures(PlainRequest[DelegatorFigures]):
    """Say how the delegator and its agents have done."""


# -- errors


class RouteError(UsageError, ValueError):
    """Routes are declared wrongly; raised when they are declared, or the delegator starts."""

    def __init__(self, *, route: str, problem: str, expected: str) -> None:
        self.route = route
        self.problem = problem
        self.expected = expected
        super().__init__(f"{route} {problem}: expected {expected}")


class NoRouteError(Refused, LookupError):
    """No route is for the task, or the one that is could not choose an agent."""

    def __init__(self, *, path: str, task: str, problem: str) -> None:
        self.path = path
        self.task = task
        self.problem = problem
        super().__init__(f"{path} cannot route {task}: {problem}")


class DelegatorFull(Refused):
    """As many tasks are in flight as may be: try again later."""

    def __init__(self, *, path: str, in_flight: int) -> None:
        self.path = path
        self.in_flight = in_flight
        super().__init__(f"{path} is full: {in_flight} tasks are in flight")


class DelegationFailed(DramaturgError):  # noqa: N818 - what happened
    """All agents of a route have failed at a task; ``attempts`` says who, and how.

    The error of the last attempt is the ``__cause__``.
    """

    def __init__(self, *, path: str, task: str, attempts: tuple[Attempt, ...]) -> None:
        self.path = path
        self.task = task
        self.attempts = attempts
        tried = "; ".join(map(str, attempts)) or "nobody could be asked"
        super().__init__(f"{path} has found nobody for {task}: {tried}")
