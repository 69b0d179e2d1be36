"""A dict that fills itself: what the explorer looks up in its inner loop."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Ids", "Lazy"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lazy(dict[K, V]):
    """A memo: each value is worked out when it is first asked for.

    A subclass of dict, for a value that is there costs no call of a Python function.
    """

    __slots__ = ("_fill",)

    def __init__(self, fill: Callable[[K], V]) -> None:
        super().__init__()
        self._fill = fill

    def __missing__(self, key: K) -> V:
        value = self[key] = self._fill(key)
        return value


class Ids(Generic[K, V]):
    """Numbers for values, from 0 in the order in which they were first seen."""

    __slots__ = ("_ids", "values")

    def __init__(self) -> None:
        self._ids: dict[K, int] = {}
        self.values: list[V] = []

    def of(self, key: K, value: V) -> int:
        """Return the number of the key; its value is the one that it first came with."""
        number = self._ids.get(key)
        if number is None:
            number = self._ids[key] = len(self.values)
            self.values.append(value)
        return number
