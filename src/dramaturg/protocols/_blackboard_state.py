"""What a blackboard stores, and the state that it leads to: pure values.

The state is a sorted list of entries, cut into pages. A write copies one page and the list of
pages, so that each state is a value of its own, a write to a large board costs little, and a
pattern that begins with known words is looked for where these stand.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias, final

from dramaturg.actors import RegisteredType, TypeRegistry
from dramaturg.protocols._blackboard_entry import (
    ENTRY_TYPES,
    BoardChange,
    Deletion,
    Entry,
    Provenance,
)
from dramaturg.protocols._blackboard_keys import fits, known_beginning

__all__ = [
    "EMPTY",
    "STORED_TYPES",
    "BoardEvent",
    "BoardState",
    "EntriesPut",
    "EntryDeleted",
    "Written",
]

PAGE = 128
"""So many entries are on a page at most."""

_key_of = attrgetter("key")


@final
@dataclass(frozen=True, slots=True)
class Written:
    """One key of a write."""

    key: str
    value: Any
    key_version: int


@final
@dataclass(frozen=True, slots=True)
class EntriesPut:
    """Some keys have new values, all at once."""

    writes: tuple[Written, ...]
    by: Provenance

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that it changes."""
        return tuple(each.key for each in self.writes)

    def changes(self, version: int) -> tuple[BoardChange, ...]:
        """Return what it does as the write of that number."""
        return self.entries(version)

    def entries(self, version: int) -> tuple[Entry, ...]:
        """Return the new entries of the write of that number."""
        return tuple(
            Entry(each.key, each.value, version, each.key_version, self.by) for each in self.writes
        )


@final
@dataclass(frozen=True, slots=True)
class EntryDeleted:
    """A key is gone."""

    key: str
    by: Provenance

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that it changes."""
        return (self.key,)

    def changes(self, version: int) -> tuple[BoardChange, ...]:
        """Return what it does as the write of that number."""
        return (Deletion(self.key, version, self.by),)


BoardEvent: TypeAlias = EntriesPut | EntryDeleted


@final
@dataclass(frozen=True, slots=True)
class BoardState:
    """All entries after a write."""

    version: int = 0
    """How many writes there were."""
    pages: tuple[tuple[Entry, ...], ...] = ()
    """The entries, sorted by key; no page is empty."""

    def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        page = self._page_of(key)
        if page < 0:
            return None
        entries = self.pages[page]
        place = bisect_left(entries, key, key=_key_of)
        return entries[place] if place < len(entries) and entries[place].key == key else None

    def fitting(self, pattern: str) -> Iterator[Entry]:
        """Go through the entries whose keys fit a pattern, sorted by key."""
        beginning = known_beginning(pattern)
        for page in self.pages[max(0, self._page_of(beginning)) :]:
            if page[0].key > beginning and not page[0].key.startswith(beginning):
                return
            for entry in page:
                if fits(pattern, entry.key):
                    yield entry

    def after(self, event: BoardEvent) -> BoardState:
        """Return the state after one more write."""
        version = self.version + 1
        pages = list(self.pages)
        for change in event.changes(version):
            _change(pages, change)
        return BoardState(version, tuple(pages))

    def _page_of(self, key: str) -> int:
        """Return on which page a key stands if it does; -1 if before all."""
        return bisect_right(self.pages, key, key=_first_key) - 1


def _first_key(page: tuple[Entry, ...]) -> str:
    return page[0].key


def _change(pages: list[tuple[Entry, ...]], change: BoardChange) -> None:
    number = max(0, bisect_right(pages, change.key, key=_first_key) - 1)
    page = pages[number] if pages else ()
    place = bisect_left(page, change.key, key=_key_of)
    stands = place < len(page) and page[place].key == change.key
    put = (change,) if isinstance(change, Entry) else ()
    new = page[:place] + put + page[place + stands :]
    half = len(new) // 2 if len(new) > PAGE else 0
    pages[number : number + 1] = [part for part in (new[:half], new[half:]) if part]


EMPTY = BoardState()

STORED_TYPES = TypeRegistry(
    *ENTRY_TYPES,
    RegisteredType(Written, "dramaturg.blackboard.Written"),
    RegisteredType(EntriesPut, "dramaturg.blackboard.EntriesPut"),
    RegisteredType(EntryDeleted, "dramaturg.blackboard.EntryDeleted"),
    RegisteredType(BoardState, "dramaturg.blackboard.BoardState"),
)
