"""What may go wrong with state machines, by who must act.

::

    DramaturgError
    ├── MachineDefinitionError         the declaration is wrong: change it (a UsageError)
    │   ├── UnknownStateError              it names what is none of its states
    │   ├── UnreachableStateError          nothing leads to a state
    │   ├── NoExitError                    nothing leads away from a state, and it is not final
    │   ├── AmbiguousTransitionError       two transitions for the same event, and nothing decides
    │   └── TimerMismatchError             a timer that nobody starts, or that nobody waits for
    ├── MachineDataError               an update gave what is no data of the machine (a UsageError)
    ├── MachineChanged                 the journal tells of what the declaration has no more
    └── NoTransition                   an event that leads nowhere: handle the answer (a Refused)
        ├── UnknownTransition              nothing is declared for it in this state
        ├── GuardedTransition              every guard said no
        ├── TooManyPostponed               it would be postponed, and there is no room
        └── AlreadyHandled                 a postponed event that came again
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from dramaturg.actors import DramaturgError, Refused, UsageError

__all__ = [
    "AlreadyHandled",
    "AmbiguousTransitionError",
    "GuardedTransition",
    "MachineChanged",
    "MachineDataError",
    "MachineDefinitionError",
    "NoExitError",
    "NoTransition",
    "TimerMismatchError",
    "TooManyPostponed",
    "UnknownStateError",
    "UnknownTransition",
    "UnreachableStateError",
]


class MachineDefinitionError(UsageError, ValueError):
    """A machine or a part of its table is declared wrongly; raised where that is declared."""

    def __init__(self, *, machine: str, part: str, problem: str) -> None:
        self.machine = machine
        self.part = part
        self.problem = problem
        super().__init__(f"{machine}: {part}: {problem}")


class UnknownStateError(MachineDefinitionError):
    """The declaration names what is none of the machine's states."""

    def __init__(self, *, machine: str, part: str, state: object, states: tuple[str, ...]) -> None:
        self.state = state
        self.states = states
        problem = f"{state!r} is no state: expected one of {', '.join(states)}"
        super().__init__(machine=machine, part=part, problem=problem)


class UnreachableStateError(MachineDefinitionError):
    """Nothing leads from the initial state to these."""

    def __init__(self, *, machine: str, states: tuple[str, ...]) -> None:
        self.states = states
        problem = f"nothing leads to {', '.join(states)}"
        super().__init__(machine=machine, part="the table", problem=problem)


class NoExitError(MachineDefinitionError):
    """Nothing leads away from these: declare them final, or a transition."""

    def __init__(self, *, machine: str, states: tuple[str, ...]) -> None:
        self.states = states
        problem = f"nothing leads away from {', '.join(states)}: name it in `final`, or a way out"
        super().__init__(machine=machine, part="the table", problem=problem)


class AmbiguousTransitionError(MachineDefinitionError):
    """Two transitions of one state for the same event, and no guard that decides."""

    def __init__(
        self, *, machine: str, state: str, event: str, transitions: tuple[str, str]
    ) -> None:
        self.state = state
        self.event = event
        self.transitions = transitions
        first, second = transitions
        super().__init__(
            machine=machine,
            part=f"{event} at {state}",
            problem=f"{first!r} leaves nothing to {second!r}: guard the first, or drop one",
        )


class TimerMismatchError(MachineDefinitionError):
    """A timer that nobody starts or that no state waits for."""

    def __init__(self, *, machine: str, timer: str, problem: str) -> None:
        self.timer = timer
        super().__init__(machine=machine, part=timer, problem=problem)


class MachineDataError(UsageError, TypeError):
    """A function of the table gave what cannot be; nothing was changed."""

    def __init__(self, *, machine: str, part: str, value: object, expected: str) -> None:
        self.machine = machine
        self.part = part
        self.value = value
        self.expected = expected
        super().__init__(f"{machine}: {part} gave {value!r}: expected {expected}")


class MachineChanged(DramaturgError):  # noqa: N818 - what is the case
    """The journal tells of a state, a transition or an action that is declared no more."""

    def __init__(self, *, machine: str, what: str, known: tuple[str, ...]) -> None:
        self.machine = machine
        self.what = what
        self.known = known
        super().__init__(f"{machine} has no {what} any more; it has {', '.join(known) or 'none'}")


class NoTransition(Refused):
    """An event that leads nowhere in this state; nothing was changed.

    ``allowed`` names the events for which something is declared in this state.
    """

    def __init__(
        self, *, machine: str, state: Enum, event: Any, allowed: tuple[str, ...], why: str
    ) -> None:
        self.machine = machine
        self.state = state
        self.event = event
        self.allowed = allowed
        names = ", ".join(allowed) or "nothing"
        text = f"{machine} in {state.name}: {type(event).__qualname__} {why}; allowed: {names}"
        super().__init__(text)


class UnknownTransition(NoTransition):
    """Nothing is declared for that event in this state."""

    def __init__(self, *, machine: str, state: Enum, event: Any, allowed: tuple[str, ...]) -> None:
        super().__init__(
            machine=machine, state=state, event=event, allowed=allowed, why="leads nowhere"
        )


class GuardedTransition(NoTransition):
    """Something is declared for that event in this state, but every guard said no."""

    def __init__(
        self,
        *,
        machine: str,
        state: Enum,
        event: Any,
        allowed: tuple[str, ...],
        guards: tuple[str, ...],
    ) -> None:
        self.guards = guards
        why = f"is held off by {', '.join(guards)}"
        super().__init__(machine=machine, state=state, event=event, allowed=allowed, why=why)


class TooManyPostponed(NoTransition):
    """The event would be postponed, and as many are as may be."""

    def __init__(
        self, *, machine: str, state: Enum, event: Any, allowed: tuple[str, ...], capacity: int
    ) -> None:
        self.capacity = capacity
        why = f"cannot be postponed: {capacity} events are already"
        super().__init__(machine=machine, state=state, event=event, allowed=allowed, why=why)


class AlreadyHandled(NoTransition):
    """A postponed event was sent again, as a dead letter is; it has been handled meanwhile."""

    def __init__(self, *, machine: str, state: Enum, event: Any, allowed: tuple[str, ...]) -> None:
        why = "was postponed and has been handled meanwhile"
        super().__init__(machine=machine, state=state, event=event, allowed=allowed, why=why)
