"""What the functions refuse with which steps are declared: each check names the thing at fault."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Mapping
from typing import Any, cast

from dramaturg.protocols.workflows._errors import WorkflowDefinitionError, shown
from dramaturg.protocols.workflows._joins import Join, all_of
from dramaturg.protocols.workflows._participant import takes
from dramaturg.protocols.workflows._retry import Retry
from dramaturg.protocols.workflows._step import Step

__all__ = [
    "LONGEST_NAME",
    "asks",
    "branches",
    "count",
    "join",
    "made",
    "named",
    "retry",
    "seconds",
    "steps",
]

LONGEST_NAME = 200
_RESERVED = "/![]"


def asks(thing: str, function: object) -> None:
    """Check a function that is only asked."""
    takes(thing, function)
    if inspect.iscoroutinefunction(function):
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"asks the coroutine function {getattr(function, '__qualname__', function)}",
            expected="a plain function: steps do things, and wait",
        )


def named(name: object) -> str:
    """Check the name of a step, an event or a branch."""
    fine = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable()
    if not fine or any(each in cast("str", name) for each in _RESERVED):
        raise WorkflowDefinitionError(
            thing="a step",
            problem=f"is called {shown(name)}",
            expected=f"1 to {LONGEST_NAME} printable characters without any of {_RESERVED}",
        )
    return cast("str", name)


def made(kind: str, given: tuple[Any, ...]) -> str:
    """Make a name that stays as long as what is inside does."""
    first = given[0] if given else None
    name = f"{kind} {first.name}" if isinstance(first, Step) else kind
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: LONGEST_NAME - 20]}... {digest}"


def steps(thing: str, given: tuple[Any, ...]) -> tuple[Step, ...]:
    """Check what a step is to be made of."""
    wrong = [each for each in given if not isinstance(each, Step)]
    if not wrong and given:
        return given
    problem, expected = "has no steps", "steps"
    if wrong:
        problem = f"has {shown(wrong[0])} as a step"
        kind: type[Any] = type(wrong[0])  # pyright: ignore[reportUnknownVariableType]
        if kind in (list, tuple):
            problem = f"has a {kind.__name__} as a step"
            expected = f"steps one by one: {thing.partition(' ')[0]}(*steps)"
    raise WorkflowDefinitionError(thing=thing, problem=problem, expected=expected)


def branches(thing: str, given: object) -> dict[str, Step]:
    """Check the branches of a fan-out."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"has the branches {shown(given)}",
            expected="a dict of steps by name",
        )
    found = cast("dict[Any, Step]", dict(given))  # pyright: ignore[reportUnknownArgumentType]
    if found:
        steps(thing, tuple(found.values()))
    return {named(name): each for name, each in found.items()}


def join(thing: str, given: object) -> Join:
    """Check a join."""
    if given is None:
        return all_of()
    if not isinstance(given, Join):
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"has the join {shown(given)}",
            expected="all_of(), any_of(), first_valid(...), quorum(...) or partial(...)",
        )
    return given


def retry(thing: str, given: object) -> Retry:
    """Check a retry."""
    if not isinstance(given, Retry):
        raise WorkflowDefinitionError(
            thing=thing, problem=f"has the retry {shown(given)}", expected="a Retry"
        )
    return given


def count(thing: str, option: str, given: object) -> int:
    """Check a number of times."""
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise WorkflowDefinitionError(
            thing=thing, problem=f"has {option}={shown(given)}", expected="an int of at least 1"
        )
    return given


def seconds(thing: str, option: str, given: object) -> float:
    """Check a time."""
    fine = isinstance(given, int | float) and not isinstance(given, bool)
    if not fine or not 0 < cast("float", given) < math.inf:
        raise WorkflowDefinitionError(
            thing=thing, problem=f"has {option}={shown(given)}", expected="seconds, more than 0"
        )
    return float(cast("float", given))
