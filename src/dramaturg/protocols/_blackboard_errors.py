"""What a blackboard refuses: each a declared no, after which nothing has changed.

::

    Refused
    └── BoardRefused
        ├── EntryConflict       another value stands there than the writer thought
        ├── ValueRefused        a value that the board does not hold, or could not store
        ├── VersionAhead        nothing has been written under that version yet
        ├── VersionGone         the events that lead there have been deleted
        └── PredicateFailed     the function that is to choose entries fails on one
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors import Refused

if TYPE_CHECKING:
    from dramaturg.protocols._blackboard_entry import Entry

__all__ = [
    "BoardRefused",
    "EntryConflict",
    "PredicateFailed",
    "ValueRefused",
    "VersionAhead",
    "VersionGone",
]


LONGEST_VALUE = 200
"""So many characters of a value's repr are shown."""


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


class BoardRefused(Refused):
    """Base of what a blackboard refuses."""


class EntryConflict(BoardRefused):
    """A write expected another entry than the one that stands there; nothing was written.

    ``current`` is that entry, None if the key is not there; look at it, and try again.
    ``expected`` is what the writer thought: a version (0: no entry), or, ``by_value``, a value
    (None: no entry).
    """

    def __init__(
        self, *, key: str, expected: object, current: Entry | None, by_value: bool = False
    ) -> None:
        self.key = key
        self.expected = expected
        self.current = current
        self.by_value = by_value
        found = "no entry" if current is None else f"version {current.version}"
        if by_value and current is not None:
            found = f"{_cut(current.value)} ({found})"
        wanted = "no entry" if by_value and expected is None else _cut(expected)
        super().__init__(f"{key!r} has {found}; the writer expected {wanted}")


class ValueRefused(BoardRefused, TypeError):  # noqa: N818 - what the board said
    """A value is of no type that the board was declared to hold, or could not be stored."""

    def __init__(self, *, key: str, value: object, expected: str) -> None:
        self.key = key
        self.value = value
        self.expected = expected
        super().__init__(f"{key!r}: {type(value).__qualname__} {value!r}; expected {expected}")


class VersionAhead(BoardRefused, LookupError):  # noqa: N818 - what is the case
    """The board has not come to that version yet."""

    def __init__(self, *, path: str, version: int, current: int) -> None:
        self.path = path
        self.version = version
        self.current = current
        super().__init__(f"{path} has no version {version}: it is at {current}")


class VersionGone(BoardRefused, LookupError):  # noqa: N818 - what is the case
    """What leads to that version, or moment, was deleted after a snapshot.

    ``oldest`` is the oldest version that can be told.
    """

    def __init__(self, *, path: str, wanted: object, oldest: int) -> None:
        self.path = path
        self.wanted = wanted
        self.oldest = oldest
        super().__init__(f"{path} cannot go back to {wanted}: the oldest it has is {oldest}")


class PredicateFailed(BoardRefused):
    """The ``where`` of a follower raised an error for an entry; the error is the cause."""

    def __init__(self, *, path: str, key: str, problem: str) -> None:
        self.path = path
        self.key = key
        self.problem = problem
        super().__init__(f"the predicate of {path} fails on {key!r}: {problem}")
