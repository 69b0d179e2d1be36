"""What may go wrong with a journal, by who must act.

::

    JournalError
    ├── JournalUnavailable      the storage refuses: full, locked, read-only... (operator; may pass)
    ├── JournalDamaged          what is stored cannot be read (operator; restore it)
    ├── ConcurrentWriter        somebody else writes under that persistence id (deployment)
    └── RecoveryFailed          the stored events do not lead to a state (the actor's code)
"""

from __future__ import annotations

from dramaturg.actors._errors import DramaturgError

__all__ = [
    "ConcurrentWriter",
    "JournalDamaged",
    "JournalError",
    "JournalUnavailable",
    "RecoveryFailed",
]


class JournalError(DramaturgError):
    """Base of what a journal raises while it works."""


class JournalUnavailable(JournalError):  # noqa: N818 - a state, as in HTTP's 503
    """The storage refuses to work: nothing of this write will be found there.

    ``problem`` is "full", "locked", "read-only", "not to be opened" or "input/output error". What
    was acknowledged before is there.
    """

    def __init__(self, *, journal: str, problem: str, detail: str) -> None:
        self.journal = journal
        self.problem = problem
        self.detail = detail
        super().__init__(f"the journal {journal} is {problem} ({detail}); nothing was written")


class JournalDamaged(JournalError):  # noqa: N818 - what is the case, not what failed
    """What is stored is not what was written: restore the file from a copy.

    Nothing is skipped and nothing guessed; nothing is written to it any more.
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
