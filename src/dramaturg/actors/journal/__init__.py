"""What outlives the process: events of persistent actors, in memory or in one SQLite file."""

from dramaturg.actors.journal._errors import (
    ConcurrentWriter,
    JournalDamaged,
    JournalError,
    JournalUnavailable,
    RecoveryFailed,
)
from dramaturg.actors.journal._journal import Journal
from dramaturg.actors.journal._memory import MemoryJournal, MemoryStore
from dramaturg.actors.journal._sqlite import SqliteJournal
from dramaturg.actors.journal._stored import (
    Append,
    Head,
    SaveSnapshot,
    Snapshot,
    StoredEvent,
    TaggedEvent,
)

__all__ = [
    "Append",
    "ConcurrentWriter",
    "Head",
    "Journal",
    "JournalDamaged",
    "JournalError",
    "JournalUnavailable",
    "MemoryJournal",
    "MemoryStore",
    "RecoveryFailed",
    "SaveSnapshot",
    "Snapshot",
    "SqliteJournal",
    "StoredEvent",
    "TaggedEvent",
]
