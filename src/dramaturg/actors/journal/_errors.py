"""What may go wrong with a journal, by who must act.

::

    JournalError
    ├── JournalUnavailable      the storage refuses: full, locked, read-only... (operator; may pass)
    ├── JournalDamaged          what is stored cannot be read (operator; restore it)
    ├── ConcurrentWriter        somebody else writes under that persistence id (deployment)
    ├── PersistCutShort         nobody waited until it was stored (the actor's code)
    ├── PersistOverlap          two at once in one actor (the actor's code)
    ├── EventsDeleted           they were deleted after a snapshot (who reads too late)
    ├── RecoveryFailed          the stored events do not lead to a state (the actor's code)
    ├── StoredTypesBroken       a changed type cannot read what is stored (the change)
    └── StoredTypesChanged      the file of stored types is not up to date (the change)
"""

from __future__ import annotations

from dramaturg.actors._errors import DramaturgError, SystemStateError

__all__ = [
    "ConcurrentWriter",
    "EventsDeleted",
    "JournalDamaged",
    "JournalError",
    "JournalInUse",
    "JournalUnavailable",
    "PersistCutShort",
    "PersistOverlap",
    "RecoveryFailed",
    "StoredTypesBroken",
    "StoredTypesChanged",
]


class JournalError(DramaturgError):
    """Base of what a journal raises while it works."""


class JournalUnavailable(JournalError):  # noqa: N818 - a state, as in HTTP's 503
    """The storage refuses to work: this write was not acknowledged.

    ``problem`` is "full", "locked", "read-only", "not to be opened", "failing" (an input/output
    error), "gone" (its file was moved or deleted), "closed" or "another process's" (after a
    fork). Nothing of the write is there; only after "failing" the disk may have it all the same,
    or not. What was acknowledged before is not touched.
    """

    def __init__(self, *, journal: str, problem: str, detail: str) -> None:
        self.journal = journal
        self.problem = problem
        self.detail = detail
        super().__init__(f"the journal {journal} is {problem}: {detail}")


class JournalInUse(SystemStateError):  # noqa: N818 - what is the case
    """A journal was opened that is open: each system wants one of its own.

    ``user`` is the system that has it; "" if it was opened by hand. ``kind`` is the class of
    the journal.
    """

    def __init__(self, *, journal: str, user: str, kind: str) -> None:
        super().__init__(system=journal, state="open", call="journal.open")
        self.journal = journal
        self.user = user
        self.kind = kind
        who = f" by system {user!r}" if user else ""
        self.args = (f"the journal {journal} is in use{who}: make another {kind} for each system",)


class JournalDamaged(JournalError):  # noqa: N818 - what is the case, not what failed
    """What is stored is not what was written: restore the file from a copy.

    Nothing is skipped and nothing guessed. What a write has met it on is not written to any more.
    """

    def __init__(self, *, journal: str, place: str, detail: str) -> None:
        self.journal = journal
        self.place = place
        self.detail = detail
        super().__init__(f"the journal {journal} is damaged at {place}: {detail}")


class ConcurrentWriter(JournalError):  # noqa: N818 - names who is there
    """Another writer holds that persistence id, or has written under it meanwhile.

    There is one writer for each id, and this is not the one: nothing was written. ``holder`` says
    who it is, where that is known.
    """

    def __init__(
        self, *, persistence_id: str, expected: int, found: int | None, holder: str | None = None
    ) -> None:
        self.persistence_id = persistence_id
        self.expected = expected
        self.found = found
        self.holder = holder
        if holder is not None:
            problem = f"is written by {holder}"
        else:
            problem = f"has {found} events where this writer knows of {expected}"
        super().__init__(f"{persistence_id!r} {problem}: one writer for each persistence id")


class PersistCutShort(JournalError):  # noqa: N818 - what happened
    """Whoever persisted was cancelled meanwhile: nobody knows whether the events are stored.

    So the actor fails, and recovers what is there. Let no timeout end a ``persist``.
    """

    def __init__(self, *, persistence_id: str, expected: int) -> None:
        self.persistence_id = persistence_id
        self.expected = expected
        super().__init__(
            f"{persistence_id!r}: a persist behind event {expected} was cancelled before its end"
        )


class PersistOverlap(JournalError):  # noqa: N818 - what happened
    """An actor persists while it still waits for its last persist; nothing was stored by this one.

    Each event is decided upon in the state that the ones before have led to: await one persist,
    then the next.
    """

    def __init__(self, *, persistence_id: str) -> None:
        self.persistence_id = persistence_id
        super().__init__(f"{persistence_id!r}: a persist is under way; await it before the next")


class EventsDeleted(JournalError):  # noqa: N818 - what happened
    """Somebody reads on behind an event, and the next ones have been deleted.

    An actor deletes what its snapshots contain if its class says ``delete_events``.
    """

    def __init__(self, *, persistence_id: str, after: int, oldest: int) -> None:
        self.persistence_id = persistence_id
        self.after = after
        self.oldest = oldest
        super().__init__(
            f"{persistence_id!r}: of the events behind {after} the first that is left is {oldest}"
        )


class RecoveryFailed(JournalError):  # noqa: N818 - Akka's name for it
    """The stored events of an actor do not lead to a state: its ``apply`` or a type refuses one.

    ``sequence`` names the event, or the snapshot; the reason is the ``__cause__``. The actor does
    not start; nothing stored was changed.
    """

    def __init__(self, *, persistence_id: str, sequence: int, what: str, cause: str) -> None:
        self.persistence_id = persistence_id
        self.sequence = sequence
        self.what = what
        self.cause = cause
        super().__init__(f"{persistence_id!r} cannot recover at {what} {sequence}: {cause}")


class StoredTypesBroken(JournalError, ValueError):  # noqa: N818 - what is the case
    """Types have changed so that what is stored under them could not be read any more.

    ``changes`` names each. Give the type a new version and an upcaster. Where it is certain that
    nothing of the kind is stored, take its lines out of the file by hand.
    """

    def __init__(self, *, path: str, changes: tuple[str, ...]) -> None:
        self.path = path
        self.changes = changes
        super().__init__(f"what {path} says is stored could not be read: {'; '.join(changes)}")


class StoredTypesChanged(JournalError, ValueError):  # noqa: N818 - what is the case
    """Types have changed, compatibly, and the file of stored types does not say so yet."""

    def __init__(self, *, path: str, changes: tuple[str, ...]) -> None:
        self.path = path
        self.changes = changes
        super().__init__(
            f"{path} is not up to date ({'; '.join(changes)}):"
            " write it with check_stored_types(..., update=True), and commit it"
        )
