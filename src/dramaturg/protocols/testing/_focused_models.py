"""Models that see a dead end when it begins, for one particular history.

A search that has taken a wrong turn notices it only when an operation has no place, maybe thousands
of operations later, and then tries all that lies between. Most often the history could have told
it at once:

* A value that is written once can be read only until it is overwritten. So nothing may overwrite
  it while reads of it are still to be placed.
* What is enqueued once is dequeued after all that was enqueued before it. So it must not be
  enqueued behind something whose ``dequeue`` began only after its own had ended.

Such a model allows the very same complete orders of the operations that it was made for.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._histories import UNKNOWN
from dramaturg.protocols.testing._sequential_models import (
    QueueModel,
    RegisterModel,
    SequentialModel,
    Step,
    same,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from dramaturg.protocols.testing._histories import Operation

__all__ = ["focused"]


def focused(model: SequentialModel, operations: Sequence[Operation]) -> SequentialModel:
    """Return the model that is best for a search through these operations."""
    try:
        if type(model) is RegisterModel:
            return _FocusedRegister(model, operations)
        if type(model) is QueueModel:
            return _FocusedQueue(model, operations)
    except TypeError:  # a value that cannot be hashed
        pass
    return model


class _FocusedRegister(SequentialModel):
    """The state is the value, and how many operations still need to see it; None if unknown."""

    def __init__(self, model: RegisterModel, operations: Sequence[Operation]) -> None:
        self._model = model
        written = [model.init, *(each for op in operations for each in _written(op))]
        self._once = _once(written)
        self._needed = Counter(each for op in operations for each in _seen(op))
        self.init = self._state(model.init)

    def _state(self, value: Any) -> tuple[Any, int | None]:
        return value, self._needed[value] if value in self._once else None

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        value, needed = state
        if operation == "read":
            if needed is None or result is UNKNOWN:
                return same(value, result), state
            return same(value, result), (value, needed - 1)
        possible, after = self._model.step(value, operation, argument, result)
        if not possible or (operation == "cas" and not same(value, argument[0])):
            return possible, state
        if needed and needed > (operation == "cas" and result is True):
            return False, state
        return True, self._state(after)

    def at_once(self, operation: Operation) -> bool:
        return self._model.at_once(operation)

    def shown(self, state: Any) -> Any:
        return state[0]


def _written(operation: Operation) -> Iterable[Hashable]:
    """Return what an operation may have made the value."""
    if operation.name == "write":
        return [operation.argument]
    swaps = operation.name == "cas" and operation.result is not False
    return [operation.argument[1]] if swaps else []


def _seen(operation: Operation) -> Iterable[Hashable]:
    """Return what an operation found to be the value."""
    if operation.outcome != "returned":
        return []
    if operation.name == "read":
        return [operation.result]
    swapped = operation.name == "cas" and operation.result is True
    return [operation.argument[0]] if swapped else []


class _FocusedQueue(SequentialModel):
    """The state is the queue, and the latest beginning of a ``dequeue`` of what was put in it."""

    def __init__(self, model: QueueModel, operations: Sequence[Operation]) -> None:
        self._model = model
        enqueued = [each.argument for each in operations if each.name == "enqueue"]
        self._once = _once([*model.init, *enqueued])
        taken = [each for each in operations if each.name == "dequeue"]
        # A pending dequeue may yet take what no other one took.
        lost = any(each.outcome == "pending" for each in taken)
        self._never = (-1.0, math.inf) if lost else (math.inf, math.inf)
        self._dequeued: dict[Hashable, tuple[float, float]] = {
            each.result: (each.invoked, math.inf if each.ended is None else each.ended)
            for each in taken
            if each.outcome == "returned"
        }
        latest = max((self._span(each)[0] for each in model.init), default=-1.0)
        self.init = (model.init, latest)

    def _span(self, value: Any) -> tuple[float, float]:
        if value not in self._once:
            return -1.0, math.inf
        return self._dequeued.get(value, self._never)

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        queue, latest = state
        if operation == "enqueue":
            began, ended = self._span(argument)
            return ended >= latest, ((*queue, argument), max(latest, began))
        possible, after = self._model.step(queue, operation, argument, result)
        return possible, (after, latest)

    def at_once(self, operation: Operation) -> bool:
        # Nobody else can take it, and what is enqueued meanwhile ends up behind it all the same.
        takes = operation.name == "dequeue" and operation.result in self._once
        return takes or self._model.at_once(operation)

    def urgency(self, operation: Operation) -> float | None:
        # What is taken first was put first.
        return self._span(operation.argument)[1] if operation.name == "enqueue" else None

    def shown(self, state: Any) -> Any:
        return state[0]


def _once(values: Sequence[Hashable]) -> set[Hashable]:
    return {value for value, count in Counter(values).items() if count == 1}
