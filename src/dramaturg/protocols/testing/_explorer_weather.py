"""What may still go wrong, and whether the network has fallen apart, as numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from dramaturg.protocols.testing._explorer_lazy import Ids
from dramaturg.protocols.testing._faults import Faults
from dramaturg.protocols.testing._partitions import MOST_DIVIDED, divisions_of

__all__ = ["Part", "Weather", "passes"]

Part = frozenset[str]
"""One of the two parts of a network: the other are all the others."""


class _Sky(NamedTuple):
    part: Part | None
    left: tuple[int, ...]


class Weather:
    """All that a search has seen of it. Number 0 is how it is at the start."""

    def __init__(self, faults: Faults, names: Sequence[str]) -> None:
        self._names = names
        self._faults = faults
        crashes = faults.crash_budgets()
        budgets = {f"crash {beginning}": most for beginning, most in crashes.items()}
        budgets |= {
            "drop": faults.drops,
            "duplicate": faults.duplicates,
            "reorder": faults.reorders,
            "early": faults.early_timers,
            "skew": faults.skews,
            "partition": faults.partitions,
        }
        self._kinds = {kind: number for number, kind in enumerate(budgets)}
        self._skies: Ids[_Sky, _Sky] = Ids()
        self.varies = any(budgets.values())
        """Whether anything may go wrong at all."""
        self._number(None, tuple(budgets.values()))

    def part(self, number: int) -> Part | None:
        """Return one of the parts of the network, if it has any."""
        return self._skies.values[number].part

    def crash_of(self, name: str) -> str:
        """Return the kind of fault that the crash of an actor counts for."""
        return f"crash {self._faults.crash_budget_of(name)}"

    def has(self, number: int, kind: str) -> bool:
        """Tell whether one more fault of the kind may happen."""
        return self._skies.values[number].left[self._kinds[kind]] > 0

    def spent(self, number: int, kind: str) -> int:
        """Return what it is after one more fault of the kind."""
        part, left = self._skies.values[number]
        at = self._kinds[kind]
        return self._number(part, (*left[:at], left[at] - 1, *left[at + 1 :]))

    def partitions(self, number: int) -> Iterator[tuple[str, int]]:
        """Return the ways in which the network may fall apart now, and what it is then."""
        if self.part(number) is not None or not self.has(number, "partition"):
            return
        left = self._skies.values[self.spent(number, "partition")].left
        for said, part in divisions_of(self._names):
            yield said, self._number(part, left)

    def healed(self, number: int) -> int:
        """Return what it is when the network is whole again."""
        return self._number(None, self._skies.values[number].left)

    def renamed(self, number: int, names: dict[str, str]) -> int:
        """Return the same for actors of other names."""
        part, left = self._skies.values[number]
        if part is not None:
            part = frozenset(names.get(name, name) for name in part)
        return self._number(part, left)

    def _number(self, part: Part | None, left: tuple[int, ...]) -> int:
        if part is not None and not self._is_canonical(part):
            part = frozenset(self._names) - part
        sky = _Sky(part, left)
        return self._skies.of(sky, sky)

    def _is_canonical(self, part: Collection[str]) -> bool:
        """Tell whether this is the one of the two parts by which the division is known."""
        if len(self._names) > MOST_DIVIDED:
            return len(part) == 1
        return self._names[0] in part


def passes(sender: str, receiver: str, part: Part | None) -> bool:
    """Tell whether messages of the one reach the other."""
    return part is None or (sender in part) == (receiver in part)
