"""One search over some operations of a history: by real time, or by the program of each process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dramaturg.protocols.testing._focused_models import focused
from dramaturg.protocols.testing._linearizability_orders import ProgramOrder, RealTimeOrder
from dramaturg.protocols.testing._linearizability_search import Found, search

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dramaturg.protocols.testing._histories import Operation
    from dramaturg.protocols.testing._sequential_models import Part, SequentialModel

__all__ = ["Tried", "Try", "by_program", "by_real_time"]


class Tried(NamedTuple):
    """What a search found.

    :param numbered: the operations as the search has numbered them.
    :param surely: no beginning of the history of fewer events than this fails.
    """

    found: Found
    numbered: tuple[Operation, ...]
    surely: float


Try: TypeAlias = "Callable[[Sequence[Part], tuple[Operation, ...], int], Tried]"
"""From parts, some of their operations in the order of their invocation, and the number of steps
that may be taken."""


def by_real_time(
    parts: Sequence[Part],
    operations: tuple[Operation, ...],
    max_steps: int,
    *,
    focus: bool = True,
) -> Tried:
    """Search for an order of the operations of one part that keeps the order of time.

    :param focus: whether to look for dead ends, which may leave operations out of the longest order
        that could be in it.
    """
    (part,) = parts
    counted = [each for each in operations if each.outcome != "failed"]
    model = focused(part.model, counted) if focus else part.model
    task = _Task([model], operations, lambda _: 0)
    urgency = [model.urgency(each) for each in task.numbered]
    order = RealTimeOrder(task.numbered, task.required, task.kinds, urgency)
    found = search(order, task.after, model.init, at_once=task.at_once, max_steps=max_steps)
    found = found._replace(state=model.shown(found.state))
    return Tried(found, task.numbered, order.furthest)


def by_program(parts: Sequence[Part], operations: tuple[Operation, ...], max_steps: int) -> Tried:
    """Search for an order of all operations that keeps the order of each process.

    The state is that of all parts together, unless there is only one.
    """
    # Told by the first event, which stays the same in every beginning of the history.
    part_of = {each.invoked: n for n, part in enumerate(parts) for each in part.operations}
    models = [each.model for each in parts]
    task = _Task(models, operations, lambda each: part_of[each.invoked])
    order = ProgramOrder(task.numbered, task.required, task.kinds)

    def after(states: tuple[Any, ...], index: int) -> Sequence[Any]:
        part = task.part_of[index]
        following = task.after(states[part], index)
        return [(*states[:part], each, *states[part + 1 :]) for each in following]

    alone = len(parts) == 1
    found = search(
        order,
        task.after if alone else after,
        models[0].init if alone else tuple(each.init for each in models),
        at_once=task.at_once,
        max_steps=max_steps,
    )
    return Tried(found, task.numbered, 0)


class _Task:
    """Operations by numbers: first those that returned, which are required, then pending ones."""

    def __init__(
        self,
        models: Sequence[SequentialModel],
        operations: tuple[Operation, ...],
        part_of: Callable[[Operation], int],
    ) -> None:
        returned = [each for each in operations if each.outcome == "returned"]
        pending = [each for each in operations if each.outcome == "pending"]
        self.numbered = (*returned, *pending)
        self.required = len(returned)
        self.part_of = [part_of(each) for each in self.numbered]
        self._models = [models[part] for part in self.part_of]
        both = list(zip(self._models, self.numbered, strict=True))
        self._arguments = [model.argument_of(each) for model, each in both]
        self.at_once = {n for n, (model, each) in enumerate(both) if model.at_once(each)}
        self.kinds = _kinds(self.numbered, self._arguments)

    def after(self, state: Any, index: int) -> Sequence[Any]:
        """Return the states of its part after an operation; none if it cannot be."""
        model, operation = self._models[index], self.numbered[index]
        argument = self._arguments[index]
        if index >= self.required:
            return tuple(model.outcomes(state, operation.name, argument))
        return model.checked(state, operation.name, argument, operation.result)


def _typed(value: Any) -> tuple[object, object]:
    """Return the value so that ``1`` and ``True`` differ, as they may to a model."""
    kind: type[object] = value.__class__
    return kind, value


def _kinds(numbered: Sequence[Operation], arguments: Sequence[Any]) -> list[int]:
    """Give each operation a number, the same to those that no model can tell apart."""
    numbers: dict[Any, int] = {}
    found: list[int] = []
    for place, (each, argument) in enumerate(zip(numbered, arguments, strict=True)):
        known = _typed(each.result) if each.outcome == "returned" else None
        kind = (each.name, each.key, _typed(argument), known)
        try:
            found.append(numbers.setdefault(kind, place))
        except TypeError:
            found.append(place)
    return found
