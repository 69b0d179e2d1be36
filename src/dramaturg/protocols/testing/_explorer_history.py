"""What was noted so far, as numbers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from dramaturg.protocols._borders import ITERABLE
from dramaturg.protocols.testing._borders import check_kinds
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._explorer_lazy import Ids
from dramaturg.protocols.testing._freeze import freeze
from dramaturg.protocols.testing._histories import Failed, GaveUp, Invoked, Returned

__all__ = ["NO_HISTORY", "Histories", "real_time_order"]

NO_HISTORY = 0


class Histories:
    """All histories that a search has seen.

    :param counts: what of a history counts, by default all of it in order.
    :param notes: the values noted, by number.
    """

    def __init__(
        self, counts: Callable[[tuple[Any, ...]], Hashable] | None, notes: Sequence[Any]
    ) -> None:
        self._counts = counts
        self._notes = notes
        self._ids: Ids[Hashable, tuple[int, ...]] = Ids()
        self._number(())

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        return tuple(self._notes[each] for each in self._ids.values[number])

    def grown(self, number: int, notes: Iterable[int]) -> int:
        """Return the history with more noted."""
        return self._number((*self._ids.values[number], *notes))

    def renamed(self, number: int, rename: Callable[[int], int]) -> int:
        """Return the history with other notes in the place of its own."""
        return self._number(tuple(rename(each) for each in self._ids.values[number]))

    def _number(self, history: tuple[int, ...]) -> int:
        if self._counts is None:
            return self._ids.of(history, history)
        key = self._counts(tuple(self._notes[each] for each in history))
        try:
            return self._ids.of(key, history)
        except TypeError:
            raise ScenarioError(
                thing=f"history={self._counts!r}",
                problem=f"returned {key!r}",
                expected="a hashable",
            ) from None


def real_time_order(notes: tuple[Any, ...]) -> Hashable:
    """Return what decides whether a history is linearizable, for ``Model(history=...)``.

    That is, of each operation of each process, which operations of others had ended before it
    began. So it does not matter in which order two began, nor in which order two ended. Of
    notes that are no events of operations the order counts.

    :raises ScenarioError: if there is nothing to go through.
    """
    check_kinds(notes=(notes, ITERABLE))
    processes: dict[Hashable, list[tuple[Hashable, ...]]] = {}
    ended: dict[Hashable, int] = {}
    others: list[Hashable] = []
    for note in notes:
        if isinstance(note, Invoked):
            before = frozenset((who, n) for who, n in ended.items() if who != note.process)
            processes.setdefault(note.process, []).append((freeze(note), before))
        elif isinstance(note, Returned | Failed | GaveUp):
            processes.setdefault(note.process, []).append((freeze(note),))
            ended[note.process] = ended.get(note.process, 0) + 1
        else:
            others.append(freeze(note))
    return frozenset((who, tuple(each)) for who, each in processes.items()), tuple(others)
