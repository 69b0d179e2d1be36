"""What a durable store of dead letters writes, and what that leads to.

The letters of a store are events under one persistence id: one when a letter is stored, one when
it is about to be replayed, one when it is settled. What they lead to is the bytes of the letters
that are still open: so a snapshot costs little more than a copy of them, and a letter's own
message is made again only when somebody looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, final
from uuid import UUID

from dramaturg.actors._codec import Codec
from dramaturg.actors._dead_letters import DeadLetter, DeadLetterReason
from dramaturg.actors._errors import DramaturgError, said
from dramaturg.actors._letter_filter import LostMessage, name_of, shown, storable
from dramaturg.actors._registry import RegisteredType, TypeRegistry
from dramaturg.actors.journal._errors import JournalDamaged

if TYPE_CHECKING:
    from dramaturg.actors.journal._journal import Journal

__all__ = [
    "LetterEvent",
    "LetterLog",
    "LetterMarked",
    "LetterStored",
    "LettersSettled",
    "StoredError",
    "read_letter",
    "stored_letter",
]


class StoredError(DramaturgError):
    """What a dead letter's error was before the process ended; never raised.

    ``type_name`` is the error's class, ``text`` what it said.
    """

    def __init__(self, *, type_name: str, text: str) -> None:
        self.type_name = type_name
        self.text = text
        super().__init__(text)


@final
@dataclass(frozen=True, slots=True)
class LetterStored:
    """There is a new letter."""

    id: int
    reason: str
    target: str
    sender: str | None
    message_id: UUID | None
    correlation_id: UUID | None
    causation_id: UUID | None
    attempts: int
    time: datetime
    error_type: str | None
    error: str
    type_name: str
    body: bytes | None
    """The message, if the store's registry has its type."""
    text: str
    """Its repr, if not."""
    note: str
    """Why it has no body."""
    in_doubt: bool = False
    requester_told: bool = False


@final
@dataclass(frozen=True, slots=True)
class LetterMarked:
    """A letter is about to be replayed."""

    id: int
    message_id: UUID
    attempts: int
    """With this one."""


@final
@dataclass(frozen=True, slots=True)
class LettersSettled:
    """Letters are no longer dead, or no longer of interest."""

    ids: tuple[int, ...]
    how: str


@final
@dataclass(frozen=True, slots=True)
class _Kept:
    """The state after some event."""

    last_id: int
    counts: dict[str, int]
    letters: dict[int, bytes]


LetterEvent: TypeAlias = LetterStored | LetterMarked | LettersSettled

_CODEC = Codec(
    TypeRegistry(
        RegisteredType(LetterStored, "dramaturg.dead_letters.LetterStored"),
        RegisteredType(LetterMarked, "dramaturg.dead_letters.LetterMarked"),
        RegisteredType(LettersSettled, "dramaturg.dead_letters.LettersSettled"),
        RegisteredType(_Kept, "dramaturg.dead_letters.Kept"),
    )
)


@final
class LetterLog:
    """What is in the journal: the events of one persistence id, and what they lead to."""

    def __init__(self, persistence_id: str) -> None:
        self.persistence_id = persistence_id
        self.sequence = 0
        self.snapshot_at = 0
        self.last_id = 0
        self.counts: dict[str, int] = {}
        self.open: dict[int, bytes] = {}
        """The letters that are not settled."""

    async def recover(self, journal: Journal) -> None:
        """Read what is there.

        :raises DramaturgError: if it cannot be read.
        """
        head = await journal.head(self.persistence_id)
        if head.snapshots:
            newest = head.snapshots[0]
            kept = _CODEC.decode_value(newest.payload)
            self.last_id, self.counts, self.open = kept.last_id, kept.counts, kept.letters
            self.sequence = self.snapshot_at = newest.sequence
        async for stored in journal.read(self.persistence_id, after=self.sequence):
            self.take(stored.payload)
        if self.sequence != head.sequence:
            raise JournalDamaged(
                journal=journal.name,
                place=f"{self.persistence_id!r}, event {self.sequence + 1}",
                detail=f"it is missing; the last is {head.sequence}",
            )

    def take(self, payload: bytes) -> None:
        """Go on to the state after one more event."""
        event: Any = _CODEC.decode(payload, object)
        self.sequence += 1
        match event:
            case LetterStored():
                self.open[event.id] = payload
                self.last_id = max(self.last_id, event.id)
                self.counts[event.reason] = self.counts.get(event.reason, 0) + 1
            case LetterMarked():
                marked = replace(
                    self.letter(event.id),
                    message_id=event.message_id,
                    attempts=event.attempts,
                    in_doubt=True,
                    requester_told=False,
                )
                self.open[event.id] = encoded(marked)
            case _:
                for each in event.ids:
                    self.open.pop(each, None)

    def letter(self, id_: int) -> LetterStored:
        """Return an open letter."""
        return _CODEC.decode(self.open[id_], LetterStored)

    def snapshot(self) -> bytes:
        """Return the state as it can be stored."""
        return _CODEC.encode_value(_Kept(self.last_id, dict(self.counts), dict(self.open)))

    @property
    def is_long(self) -> bool:
        """Whether most of what was written has been settled since the last snapshot."""
        return self.sequence - self.snapshot_at > 2 * len(self.open) + LOOSE


LOOSE = 1_000
"""So many events may be superfluous before a snapshot lets them go."""


def encoded(event: LetterEvent) -> bytes:
    """Return an event as it is stored."""
    return _CODEC.encode(event)


def stored_letter(letter: DeadLetter, codec: Codec) -> LetterStored:
    """Make of a letter what is stored of it; whatever the message is."""
    error = letter.error
    error_type = None if error is None else type(error).__qualname__
    body, text, note = _message_of(letter.message, codec)
    return LetterStored(
        id=letter.id,
        reason=letter.reason.value,
        target=letter.target,
        sender=letter.sender,
        message_id=letter.message_id,
        correlation_id=letter.correlation_id,
        causation_id=letter.causation_id,
        attempts=letter.attempts,
        time=letter.time,
        error_type=error_type,
        error="" if error is None else storable(said(error).removeprefix(f"{error_type}: ")),
        type_name=storable(name_of(letter.message)),
        body=body,
        text=text,
        note=note,
        in_doubt=letter.in_doubt,
        requester_told=letter.requester_told,
    )


def _message_of(message: Any, codec: Codec) -> tuple[bytes | None, str, str]:
    try:
        return codec.encode(message), "", ""
    except Exception as error:  # noqa: BLE001 - a registered type may have code of its own
        return None, shown(message), storable(said(error))


def read_letter(stored: LetterStored, codec: Codec) -> DeadLetter:
    """Make a letter of what is stored of it; a message that cannot be read is a `LostMessage`."""
    message: Any
    if stored.body is None:
        message = LostMessage(stored.type_name, stored.text, stored.note)
    else:
        try:
            message = codec.decode(stored.body, object)
        except Exception as error:  # noqa: BLE001 - a registered type may have code of its own
            message = LostMessage(stored.type_name, stored.text, said(error))
    error_type = stored.error_type
    return DeadLetter(
        id=stored.id,
        reason=DeadLetterReason(stored.reason),
        message=message,
        target=stored.target,
        sender=stored.sender,
        message_id=stored.message_id,
        correlation_id=stored.correlation_id,
        causation_id=stored.causation_id,
        attempts=stored.attempts,
        time=stored.time,
        error=None if error_type is None else StoredError(type_name=error_type, text=stored.error),
        in_doubt=stored.in_doubt,
        requester_told=stored.requester_told,
    )
