"""What an object would do if its operations came one after the other: models as values.

The models that there are, and what their operations are called:

==============  =================================================================================
RegisterModel   ``write`` a value, ``read`` -> value, ``cas`` (old, new) -> whether it was old
CounterModel    ``add`` a number (1 if None) -> the new count, ``read`` -> count
QueueModel      ``enqueue`` a value, ``dequeue`` -> the eldest value
LockModel       ``acquire`` -> whether it was free, ``release`` -> whether it was the owner's
SetModel        ``add``, ``remove`` a value -> whether that changed anything,
                ``contains`` a value -> whether it is there, ``read`` -> all of them
MapModel        of many such objects, one for each key
==============  =================================================================================

What ``write`` and ``enqueue`` return does not matter. What ``add`` and ``remove`` return need not
be recorded: None tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

from dramaturg.protocols._borders import FUNCTION, NUMBER, TEXTS, instance
from dramaturg.protocols.testing._borders import check_kinds
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._histories import UNKNOWN, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

__all__ = [
    "CounterModel",
    "CustomModel",
    "DeterministicModel",
    "LockModel",
    "MapModel",
    "Part",
    "QueueModel",
    "RegisterModel",
    "SequentialModel",
    "SetModel",
    "Step",
    "same",
]

Step: TypeAlias = tuple[bool, Any]


class Part(NamedTuple):
    """Operations that concern nothing but each other."""

    label: str
    model: SequentialModel
    operations: tuple[Operation, ...]


class SequentialModel:
    """An object's behaviour without concurrency; subclass it, or use one of the values here.

    ``init`` is the first state. States are never changed: a step returns the next one. Equal
    states have to behave equally. States that can be hashed are compared faster.
    """

    init: Any
    names: ClassVar[tuple[str, ...] | None] = None
    """The operations that there are; None for any."""
    observers: Iterable[str] = ()
    """Those of them that never change the state."""

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        """Tell whether the operation can have that result in that state, and the state after it.

        What it does must depend on nothing else. The result of a pending operation is
        ``UNKNOWN``, which equals everything.
        """
        raise NotImplementedError

    def outcomes(self, state: Any, operation: str, argument: Any) -> Iterable[Any]:
        """Return the states after a pending operation; none if it can do nothing.

        Only models in which the state after an operation depends on its result, such as a bag
        that hands out any of its items, have to say more than :meth:`step` does.
        """
        return self.checked(state, operation, argument, UNKNOWN)

    def checked(self, state: Any, operation: str, argument: Any, result: Any) -> tuple[Any, ...]:
        """Return the state after :meth:`step`; none if it is impossible.

        :raises ScenarioError: if the step does not return a pair.
        """
        answer: Any = self.step(state, operation, argument, result)
        if not _is_pair(answer):
            raise ScenarioError(
                thing=f"step({state!r}, {operation!r}, {argument!r}, {result!r})",
                problem=f"returned {answer!r}",
                expected="a pair: whether it is possible, and the next state",
            )
        return (answer[1],) if answer[0] else ()

    def at_once(self, operation: Operation) -> bool:
        """Tell whether the operation may be placed as soon as that is possible.

        No alternatives are tried then, which saves most of a search. It is right for an operation
        that, with its result, leaves every state as it is.
        """
        return operation.name in self.observers

    def urgency(self, operation: Operation) -> float | None:
        """Say when, in events of the history, an operation should have been placed.

        Those with the least are tried first; None stands for their end. It is a guess that may
        save time, and has no influence on the verdict.
        """
        del operation
        return None

    def problem_with(self, operation: Operation) -> str | None:
        """Say what is wrong with a recorded operation, if anything."""
        if self.names is not None and operation.name not in self.names:
            return f"{type(self).__name__} knows only {', '.join(self.names)}"
        if operation.key is not None:
            return f"{type(self).__name__} has no keys, MapModel({type(self).__name__}()) has"
        return None

    def argument_of(self, operation: Operation) -> Any:
        """Return what the step is given as its argument."""
        return operation.argument

    def shown(self, state: Any) -> Any:
        """Return what a report shows of a state."""
        return state

    def split(self, operations: tuple[Operation, ...]) -> Sequence[Part]:
        """Divide operations into parts that can be checked apart from each other."""
        return [Part("", self, operations)]


@dataclass(frozen=True, slots=True)
class CustomModel(SequentialModel):
    """A model made of its first state and its step, as :class:`SequentialModel` describes it.

    :param observers: the operations that never change the state; a search is faster for it.
    :raises ScenarioError: for what is no function, or no names.
    """

    init: Any
    step: Callable[[Any, str, Any, Any], Step]  # type: ignore[assignment] # a field, not a method
    observers: Iterable[str] = ()

    def __post_init__(self) -> None:
        check_kinds(step=(self.step, FUNCTION), observers=(self.observers, TEXTS))


@dataclass(frozen=True, slots=True)
class DeterministicModel(SequentialModel):
    """A model made of its first state and of what an operation does.

    ``apply(state, operation, argument)`` returns its result and the next state.

    :param observers: the operations that never change the state; a search is faster for it.
    :raises ScenarioError: for what is no function, or no names.
    """

    init: Any
    apply: Callable[[Any, str, Any], tuple[Any, Any]]
    observers: Iterable[str] = ()

    def __post_init__(self) -> None:
        check_kinds(apply=(self.apply, FUNCTION), observers=(self.observers, TEXTS))

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        answer: Any = self.apply(state, operation, argument)
        if not _is_pair(answer):
            raise ScenarioError(
                thing=f"apply({state!r}, {operation!r}, {argument!r})",
                problem=f"returned {answer!r}",
                expected="a pair: the result, and the next state",
            )
        return same(answer[0], result), answer[1]


@dataclass(frozen=True, slots=True)
class RegisterModel(SequentialModel):
    """One value: ``write``, ``read`` and ``cas``."""

    names = ("read", "write", "cas")
    observers = ("read",)
    init: Any = None

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        if operation == "read":
            return same(state, result), state
        if operation == "write":
            return True, argument
        swapped = same(state, argument[0])
        return same(swapped, result), argument[1] if swapped else state

    def at_once(self, operation: Operation) -> bool:
        failed = operation.name == "cas" and operation.result is False
        return failed or operation.name in self.observers

    def problem_with(self, operation: Operation) -> str | None:
        if operation.name == "cas":
            if not _is_pair(operation.argument):
                return "the argument of cas is a pair (old, new)"
            if operation.outcome == "returned" and not isinstance(operation.result, bool):
                return "the result of cas is True or False"
        return SequentialModel.problem_with(self, operation)


@dataclass(frozen=True, slots=True)
class CounterModel(SequentialModel):
    """A number: ``add`` and ``read``."""

    names = ("add", "read")
    observers = ("read",)
    init: Any = 0

    def __post_init__(self) -> None:
        check_kinds(init=(self.init, NUMBER))

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        if operation == "read":
            return same(state, result), state
        after = state + (1 if argument is None else argument)
        return _answers(result, after), after


@dataclass(frozen=True, slots=True)
class QueueModel(SequentialModel):
    """First in, first out: ``enqueue`` and ``dequeue``.

    :param init: what is in it at first, the eldest first.
    :param empty: what a ``dequeue`` returns that finds nothing, and nobody may ``enqueue``. One
        that waits instead is pending.
    """

    names = ("enqueue", "dequeue")
    init: tuple[Any, ...] = ()
    empty: Any = None

    def __post_init__(self) -> None:
        check_kinds(init=(self.init, instance(tuple, "a tuple")))

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        if operation == "enqueue":
            return True, (*state, argument)
        if not state:
            return same(self.empty, result), state
        return same(state[0], result), state[1:]

    def at_once(self, operation: Operation) -> bool:
        return operation.name == "dequeue" and same(self.empty, operation.result)

    def problem_with(self, operation: Operation) -> str | None:
        if operation.name == "enqueue" and same(self.empty, operation.argument):
            return f"{operation.argument!r} is what an empty queue returns"
        return SequentialModel.problem_with(self, operation)


@dataclass(frozen=True, slots=True)
class LockModel(SequentialModel):
    """Somebody's or nobody's: ``acquire`` and ``release``.

    The argument is the owner; None stands for the process itself. What went well returns None or
    True. An ``acquire`` that does not wait returns False if somebody has the lock, a ``release``
    if the lock is not the owner's.
    """

    names = ("acquire", "release")
    init: Any = None

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        if operation == "acquire":
            if state is None:
                return _answers(result, expected=True), argument
            return same(False, result), state  # noqa: FBT003
        if state is not None and same(state, argument):
            return _answers(result, expected=True), None
        return same(False, result), state  # noqa: FBT003

    def at_once(self, operation: Operation) -> bool:
        return operation.result is False

    def argument_of(self, operation: Operation) -> Any:
        return operation.process if operation.argument is None else operation.argument


@dataclass(frozen=True, slots=True)
class SetModel(SequentialModel):
    """Values without order: ``add``, ``remove``, ``contains`` and ``read``.

    Where nobody reads all of it, each value is checked apart from the others.
    """

    names = ("add", "remove", "contains", "read")
    observers = ("contains", "read")
    init: frozenset[Any] = frozenset()

    def __post_init__(self) -> None:
        check_kinds(init=(self.init, instance((frozenset, set), "a set")))

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        if operation == "read":
            return same(state, result), state
        there = argument in state
        if operation == "contains":
            return same(there, result), state
        if operation == "add":
            return _answers(result, expected=not there), state if there else state | {argument}
        return _answers(result, expected=there), state - {argument} if there else state

    def at_once(self, operation: Operation) -> bool:
        return operation.result is False or operation.name in self.observers

    def problem_with(self, operation: Operation) -> str | None:
        try:
            hash(operation.argument)
        except TypeError:
            return f"{operation.argument!r} cannot be in a set"
        returned = operation.name == "read" and operation.outcome == "returned"
        if returned and not isinstance(operation.result, set | frozenset):
            return "the result of read is a set"
        return SequentialModel.problem_with(self, operation)

    def split(self, operations: tuple[Operation, ...]) -> Sequence[Part]:
        if any(each.name == "read" for each in operations):
            return [Part("", self, operations)]
        return [
            Part(f"value {value!r}", SetModel(self.init & {value}), found)
            for value, found in _grouped(operations, lambda each: each.argument).items()
        ]


@dataclass(frozen=True, slots=True)
class MapModel(SequentialModel):
    """Many objects of the same kind, one for each key; every operation has a key.

    No operation may concern more than one key: an object with such operations is one object.

    :param of: what each of them is.
    """

    of: SequentialModel = RegisterModel()
    init: None = None

    def __post_init__(self) -> None:
        if not isinstance(self.of, SequentialModel) or isinstance(self.of, MapModel):
            raise ScenarioError(
                thing=f"MapModel(of={self.of!r})",
                problem="nothing that could have a key",
                expected="a model other than MapModel",
            )

    def step(self, state: Any, operation: str, argument: Any, result: Any) -> Step:
        raise NotImplementedError  # what is checked are the parts

    def problem_with(self, operation: Operation) -> str | None:
        if operation.key is None:
            return "MapModel needs a key"
        plain = Operation(
            operation.process,
            operation.name,
            operation.argument,
            operation.result,
            None,
            operation.invoked,
            operation.ended,
            operation.outcome,
        )
        return self.of.problem_with(plain)

    def split(self, operations: tuple[Operation, ...]) -> Sequence[Part]:
        return [
            Part(f"key {key!r}" + (f", {part.label}" if part.label else ""), *part[1:])
            for key, found in _grouped(operations, lambda each: each.key).items()
            for part in self.of.split(found)
        ]


def _is_pair(value: Any) -> bool:
    return issubclass(value.__class__, tuple) and len(value) == 2  # noqa: PLR2004


def same(one: Any, other: Any) -> bool:
    """Compare as containers do."""
    return one is other or bool(one == other)


def _answers(result: Any, expected: Any) -> bool:
    return result is None or same(expected, result)


def _grouped(
    operations: tuple[Operation, ...], by: Callable[[Operation], Hashable]
) -> dict[Hashable, tuple[Operation, ...]]:
    groups: dict[Hashable, list[Operation]] = {}
    for each in operations:
        groups.setdefault(by(each), []).append(each)
    return {key: tuple(found) for key, found in groups.items()}
