"""The restart window: how many restarts there were lately, as a pure value."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias, cast

__all__ = ["RestartWindow"]

_Node: TypeAlias = tuple[float, object]
"""An instant, and the node of the one before it or None."""


class RestartWindow(NamedTuple):
    """The restarts of one incarnation of one supervisor, shared by all its children.

    OTP's rule with float seconds: the supervisor gives up when more than
    ``intensity`` restarts lie in the closed window ``[now - period, now]``. OTP
    itself counts in whole seconds; a restart 5.9 s ago is outside a period of 5 s
    here, and inside there.

    A value: :meth:`add` makes the next one. The instants are kept in two parts
    that successors share, so that a restart costs the same whether the window
    holds three or a million: ``old``, ascending, of which those before ``first``
    are out of the window, and ``new``, a linked list of the ``new_length`` latest.
    """

    intensity: int
    period: float
    old: tuple[float, ...] = ()
    first: int = 0
    new: Any = None
    new_length: int = 0

    def __repr__(self) -> str:
        held = len(self.old) - self.first + self.new_length
        return f"RestartWindow({held} of {self.intensity} in {self.period:g} s)"

    # By what they stand for, and without recursion along the linked list.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RestartWindow) and self._key() == other._key()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> Any:
        return RestartWindow, self._key()

    def _key(self) -> tuple[int, float, tuple[float, ...]]:
        instants = self.old[self.first :] + _unlinked(self.new, -math.inf)
        return self.intensity, self.period, instants

    def add(self, now: float) -> RestartWindow:
        """Note a restart attempt at ``now``, and forget what is older than the period."""
        start = now - self.period
        old, first = self.old, self.first
        new: _Node | None = (now, self.new)
        length = self.new_length + 1
        while first < len(old) and old[first] < start:
            first += 1
        if first == len(old):
            # Each instant is moved once, so that this costs little on average.
            old, first, new, length = _unlinked(new, start), 0, None, 0
        return RestartWindow(self.intensity, self.period, old, first, new, length)

    def restarts(self, now: float) -> int:
        """Count the restarts in the closed window that ends now."""
        start = now - self.period
        counted = 0
        node = self.new
        while node is not None and node[0] >= start:
            counted += 1
            node = cast("_Node | None", node[1])
        if node is None:
            counted += sum(1 for each in self.old[self.first :] if each >= start)
        return counted

    @property
    def exceeded(self) -> bool:
        """Whether the last :meth:`add` was one too many."""
        return len(self.old) - self.first + self.new_length > self.intensity


def _unlinked(node: _Node | None, start: float) -> tuple[float, ...]:
    instants: list[float] = []
    while node is not None and node[0] >= start:
        instants.append(node[0])
        node = cast("_Node | None", node[1])
    instants.reverse()
    return tuple(instants)
