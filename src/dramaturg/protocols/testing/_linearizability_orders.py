"""Which operations may come next: by real time, or by the program of each process.

What has been placed is told in as few bits as possible, because it is hashed at each step of a
search. In real time nearly all of what has been placed lies before the first operation that has
not: the number of that one and a bit for each later one will do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from dramaturg.protocols.testing._histories import Operation

__all__ = ["ProgramOrder", "RealTimeOrder"]

_Window: TypeAlias = tuple[tuple[int, int], int]
"""The first required operation not placed, a bit for each one from there on that is, and a bit for
each pending one that is."""

_Counts: TypeAlias = tuple[tuple[int, ...], int]
"""How many required operations of each process are placed, and a bit for each pending one that
is."""


class RealTimeOrder:
    """An operation may come next if none that is still to be placed ended before it began."""

    def __init__(
        self,
        operations: Sequence[Operation],
        required: int,
        kinds: Sequence[int],
        urgency: Sequence[float | None],
    ) -> None:
        """Take the operations: those that returned, then those that are pending.

        Both in the order of their invocation.

        :param required: how many returned.
        :param urgency: by which event each should be placed, for the order in which they are tried;
            None for its end.
        :param kinds: a number for each, the same for those that no model can tell apart.
        """
        self.required = required
        self.start: _Window = ((0, 0), 0)
        self.furthest = 0.0
        """The end that no order got past so far: the position of its event."""
        self._invoked = [each.invoked for each in operations]
        ends = (each.ended for each in operations[:required])
        self._ended = [math.inf if each is None else each for each in ends]
        self._urgency = [
            end if wanted is None else wanted
            for end, wanted in zip(self._ended, urgency, strict=False)
        ]
        self._kinds = kinds

    def ready(self, placed: _Window) -> Sequence[int]:
        """Return what may come next, what ended first in front, pending ones last."""
        (index, window), lost = placed
        invoked, ended = self._invoked, self._ended
        found: list[int] = []
        limit = math.inf
        while index < self.required and invoked[index] < limit:
            if window & 1:
                run = _ones(window)
                index += run
                window >>= run
                continue
            found.append(index)
            limit = min(limit, ended[index])
            index += 1
            window >>= 1
        self.furthest = max(self.furthest, limit)
        # By their ends first: of twins the one that ended first has to stand in front.
        found.sort(key=ended.__getitem__)
        found.sort(key=self._urgency.__getitem__)
        for each in range(self.required, len(invoked)):
            if invoked[each] >= limit:
                break
            if not lost >> (each - self.required) & 1:
                found.append(each)
        return _without_twins(found, self._kinds)

    def place(self, placed: _Window, index: int) -> _Window:
        """Return what stands for one more having been placed."""
        (first, window), lost = placed
        if index >= self.required:
            return (first, window), lost | 1 << (index - self.required)
        window |= 1 << (index - first)
        run = _ones(window)
        return (first + run, window >> run), lost


class ProgramOrder:
    """An operation may come next if those that its own process made before it have been placed."""

    def __init__(
        self, operations: Sequence[Operation], required: int, kinds: Sequence[int]
    ) -> None:
        """Take the operations: those that returned, then those that are pending.

        Both in the order of their invocation.

        :param required: how many returned.
        :param kinds: a number for each, the same for those that no model can tell apart.
        """
        self.required = required
        self._programs: dict[Hashable, list[int]] = {}
        for index, each in enumerate(operations[:required]):
            self._programs.setdefault(each.process, []).append(index)
        self._lanes = list(self._programs.values())
        self._lane_of = [0] * self.required
        for number, lane in enumerate(self._lanes):
            for index in lane:
                self._lane_of[index] = number
        # A pending operation follows what its process did before, and precedes nothing: it may
        # take effect when its process has long gone on to other things.
        self._after = [self._last_before(each, operations) for each in operations[required:]]
        self._kinds = kinds[self.required :]
        self.start: _Counts = ((0,) * len(self._lanes), 0)

    def _last_before(self, pending: Operation, operations: Sequence[Operation]) -> tuple[int, int]:
        program = self._programs.get(pending.process)
        if program is None:
            return 0, 0
        count = sum(1 for index in program if operations[index].invoked < pending.invoked)
        return self._lane_of[program[0]], count

    def ready(self, placed: _Counts) -> Sequence[int]:
        """Return what may come next, what was invoked first in front, pending ones last."""
        counts, lost = placed
        found = [
            lane[count]
            for lane, count in zip(self._lanes, counts, strict=True)
            if count < len(lane)
        ]
        found.sort()
        late = [
            number
            for number, (lane, count) in enumerate(self._after)
            if not lost >> number & 1 and (not count or counts[lane] >= count)
        ]
        late = _without_twins(late, self._kinds)
        return [*found, *(self.required + number for number in late)]

    def place(self, placed: _Counts, index: int) -> _Counts:
        """Return what stands for one more having been placed."""
        counts, lost = placed
        if index >= self.required:
            return counts, lost | 1 << (index - self.required)
        lane = self._lane_of[index]
        return (*counts[:lane], counts[lane] + 1, *counts[lane + 1 :]), lost


def _ones(bits: int) -> int:
    """Count the ones below the lowest zero."""
    return (~bits & (bits + 1)).bit_length() - 1


def _without_twins(indices: list[int], kinds: Sequence[int]) -> list[int]:
    """Leave out those that are of the same kind as one that stands before them."""
    if len(indices) < 2:  # noqa: PLR2004
        return indices
    seen: set[int] = set()
    left: list[int] = []
    for index in indices:
        if kinds[index] not in seen:
            seen.add(kinds[index])
            left.append(index)
    return left
