"""What stands on a blackboard, and where it came from: values, stored as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, final

from dramaturg.actors import RegisteredType

__all__ = ["BoardChange", "BoardView", "Deletion", "Entry", "Provenance"]


@final
@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a change came from."""

    time: datetime
    """When the board took it, by the system's clock."""
    actor: str | None = None
    """The path of the actor that asked for it; None if none did, and for a plain ``tell`` of a
    system without ``trace=True``."""
    source: str = ""
    """What whoever asked says about where it has it from."""
    cause: str | None = None
    """The id of the message that asked for it; None in a system without ``trace=True``."""


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One key with its value, and the write that put it there."""

    key: str
    value: Any
    version: int
    """The board's, which grows by one with each write: no two writes have the same. The entries
    of one :class:`PutAll` are one write."""
    key_version: int
    """1 when the key was put that was not there, and one more with each write to it since."""
    by: Provenance


@final
@dataclass(frozen=True, slots=True)
class Deletion:
    """The write that took a key away."""

    key: str
    version: int
    by: Provenance


BoardChange: TypeAlias = Entry | Deletion
"""What one write did to one key."""


@final
@dataclass(frozen=True, slots=True)
class BoardView:
    """What stood on a blackboard after a write, sorted by key."""

    version: int
    entries: tuple[Entry, ...]

    def value(self, key: str, default: Any = None) -> Any:
        """Return the value of a key."""
        return next((each.value for each in self.entries if each.key == key), default)


ENTRY_TYPES = (
    RegisteredType(Provenance, "dramaturg.blackboard.Provenance"),
    RegisteredType(Entry, "dramaturg.blackboard.Entry"),
)
"""Under names of their own, so that users may have an Entry too."""
