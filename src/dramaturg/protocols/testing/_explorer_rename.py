"""Values in which actors have other names."""

from __future__ import annotations

import copy
import dataclasses
from collections import deque
from collections.abc import Mapping, Set as AbstractSet
from enum import Enum
from typing import Any

from dramaturg.protocols.testing._freeze import is_function

__all__ = ["renamed"]

_NO_NAMES = (str, int, float, bytes, Enum, type)
"""What holds no names; a subclass of str is not what actors are known by."""


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a value in which each string that is a name stands for another one.

    Looks into whatever :func:`~._freeze.freeze` looks into: containers, dataclasses, objects.
    """
    cls = value.__class__
    if cls is str:
        return names.get(value, value)
    if cls is int or value is None or isinstance(value, _NO_NAMES) or is_function(value):
        return value
    if isinstance(value, Mapping):
        return _mapping(value, names)
    if isinstance(value, tuple | list | deque | AbstractSet):
        return _collection(value, names)
    return _object(value, names)


def _mapping(value: Any, names: Mapping[str, str]) -> Any:
    items = {renamed(key, names): renamed(each, names) for key, each in value.items()}
    if value.__class__ is dict:
        return items
    same = copy.copy(value)  # a defaultdict keeps its factory
    same.clear()
    same.update(items)
    return same


def _collection(value: Any, names: Mapping[str, str]) -> Any:
    items = [renamed(each, names) for each in value]
    if hasattr(value, "_make"):
        return value._make(items)
    if isinstance(value, deque):
        return deque(items, value.maxlen)
    return type(value)(items)


def _object(value: Any, names: Mapping[str, str]) -> Any:
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value)]
    else:
        fields = list(getattr(value, "__dict__", ()))
    if not fields:
        return value
    same = copy.copy(value)
    for field in fields:
        object.__setattr__(same, field, renamed(getattr(value, field), names))
    return same
