"""Hashable forms of values: equal for equal values, whatever order a dict or set was filled in."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping, Set as AbstractSet
from enum import Enum
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, cast

from dramaturg.protocols.testing._errors import ScenarioError

__all__ = ["freeze", "is_function"]

BOUND = (MethodType, BuiltinFunctionType, partial)
"""What calls a function with something that it keeps, which nobody can look at or copy well."""

_PLAIN = frozenset({int, str, bytes, type(None)})


def freeze(value: Any, where: str = "value") -> Any:
    """Return a hashable form of a value made of containers, dataclasses, objects and hashables.

    Two values have equal forms if and only if they are equal and of the same types, so that
    ``1``, ``1.0`` and ``True`` differ. An object without an ``__eq__`` of its own is what its
    fields are, also if it can be called; a function is itself.

    :param where: whose value it is, for the error.
    :raises ScenarioError: for something that is neither: a generator or a lock for instance, and
        a bound method or a ``partial``, which are not equal although they do the same.
    """
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, tuple | list | deque | AbstractSet | Mapping):
        return _container(cast("Any", value), where)
    if isinstance(value, Enum | type) or is_function(value):
        return value
    if isinstance(value, BOUND):
        raise _refused(cast("object", value), where)
    return _object(value, where)


def is_function(value: object) -> bool:
    """Tell whether it is a function, that is, equal only to itself and with no state to see."""
    if isinstance(value, BuiltinFunctionType):
        return value.__self__ is None or isinstance(value.__self__, ModuleType)
    if isinstance(value, MethodType):
        return isinstance(value.__self__, type)
    return isinstance(value, FunctionType)


def _container(value: Any, where: str) -> Any:
    if isinstance(value, AbstractSet):
        return ("set", frozenset([freeze(each, where) for each in cast("Any", value)]))
    if isinstance(value, Mapping):
        items = cast("Any", value).items()
        return (
            "dict",
            frozenset([(freeze(key, where), freeze(each, where)) for key, each in items]),
        )
    return (value.__class__, *[freeze(each, where) for each in value])


def _object(value: Any, where: str) -> Any:
    cls = value.__class__
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return (cls, *[freeze(getattr(value, name), where) for name in names])
    if cls.__eq__ is not object.__eq__ and cls.__hash__ is not None:
        try:
            hash(value)
        except TypeError:
            raise _refused(value, where) from None
        return (cls, value)
    if hasattr(value, "__dict__"):
        return (cls, freeze(vars(value), where))
    raise _refused(value, where)


def _refused(value: object, where: str) -> ScenarioError:
    return ScenarioError(
        thing=where,
        problem=f"holds {value!r}, a {type(value).__qualname__}",
        expected="containers, dataclasses, plain objects and hashable values",
    )
