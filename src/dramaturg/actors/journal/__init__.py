"""What outlives the process: events of persistent actors, in memory or in one SQLite file."""

from dramaturg.actors.journal._errors import (
    ConcurrentWriter,
    EventsDeleted,
    JournalDamaged,
    JournalError,
    JournalInUse,
    JournalUnavailable,
    PersistCutShort,
    PersistOverlap,
    RecoveryFailed,
    StoredTypesBroken,
    StoredTypesChanged,
)
from dramaturg.actors.journal._fingerprint import check_stored_types, stored_types
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
    "EventsDeleted",
    "Head",
    "Journal",
    "JournalDamaged",
    "JournalError",
    "JournalInUse",
    "JournalUnavailable",
    "MemoryJournal",
    "MemoryStore",
    "PersistCutShort",
    "PersistOverlap",
    "RecoveryFailed",
    "SaveSnapshot",
    "Snapshot",
    "SqliteJournal",
    "StoredEvent",
    "StoredTypesBroken",
    "StoredTypesChanged",
    "TaggedEvent",
    "check_stored_types",
    "stored_types",
]
