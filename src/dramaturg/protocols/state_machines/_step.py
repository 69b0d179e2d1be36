"""What an action is told."""

from __future__ import annotations

from enum import Enum
from typing import Any, Generic, TypeVar, final

from dramaturg.actors import Message, UsageError
from dramaturg.protocols.state_machines._timer import Timeout

__all__ = ["InsertError", "Step"]

E = TypeVar("E")
D = TypeVar("D")


class InsertError(UsageError, RuntimeError):
    """A hook inserted an event, or an action what is none."""

    def __init__(self, *, action: str, problem: str) -> None:
        self.action = action
        self.problem = problem
        super().__init__(f"{action}: {problem}")


@final
class Step(Generic[E, D]):
    """One transition, as its actions see it."""

    __slots__ = ("_action", "_events", "_is_hook", "data", "event", "key", "source", "target")

    def __init__(
        self,
        *,
        event: E,
        data: D,
        source: Enum,
        target: Enum,
        key: str,
        action: str,
        is_hook: bool,
    ) -> None:
        self.event = event
        """What led to it; None for the hook of the first state."""
        self.data = data
        """The machine's data after it."""
        self.source = source
        self.target = target
        self.key = key
        """The same whenever this action is run again for this transition, and for no other.

        Pass it on as idempotency key: persistence id, sequence number, place."""
        self._events: list[Any] = []
        self._action = action
        self._is_hook = is_hook

    def insert(self, *events: Any) -> None:
        """Have events come next, before all that is queued; stored with the action's end.

        :raises InsertError: in a hook of a state, as in OTP; or for what is no message.
        """
        if self._is_hook:
            raise InsertError(action=self._action, problem="a hook cannot insert events")
        for event in events:
            if not isinstance(event, Message) or isinstance(event, Timeout):
                raise InsertError(action=self._action, problem=f"{event!r} is no message")
        self._events.extend(events)

    @property
    def inserted(self) -> tuple[Any, ...]:
        """What this action has inserted."""
        return tuple(self._events)
