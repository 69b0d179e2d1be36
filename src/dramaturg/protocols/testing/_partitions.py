"""The ways in which a network may fall in two."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from dramaturg.protocols.testing._event import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MOST_DIVIDED", "divisions_of", "partitions_of"]

MOST_DIVIDED = 4
"""Up to so many members every division of the network is tried; of more, one against the rest."""


def partitions_of(names: Sequence[str]) -> list[Event]:
    """Return an event for each division of a network; its payload is one of the two parts."""
    return [
        Event("partition", f"partition {said}", "", "partition", part)
        for said, part in divisions_of(names)
    ]


def divisions_of(names: Sequence[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Return the ways in which a network may fall in two: as text, and one of the two parts."""
    for part in _parts(names):
        rest = [name for name in names if name not in part]
        yield f"{','.join(part)}|{','.join(rest)}", frozenset(part)


def _parts(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    if len(names) > MOST_DIVIDED:
        yield from ((name,) for name in names)
        return
    # The part that has the first one: else each division would come twice.
    for size in range(len(names) - 1):
        for others in combinations(names[1:], size):
            yield (names[0], *others)
