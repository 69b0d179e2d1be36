"""What a record of an instance says, for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._records import (
    Begun,
    CancelRequested,
    Decided,
    Ended,
    Failed,
    Intended,
    MadeAgain,
    Migrated,
    Resolved,
    Settled,
    Signalled,
    Succeeded,
    TimerFired,
)

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._records import Record

__all__ = ["short", "text_of"]

_LONGEST = 100
_OVER = {
    "retry": "the pause before the next attempt is over",
    "due": "the pause is over",
    "deadline": "its time is over",
    "join": "the time for its branches is over",
}


def text_of(record: Record) -> str:  # noqa: C901, PLR0911, PLR0912 - one for each kind
    """Say what a record says."""
    match record:
        case Begun():
            return f"begun with {short(record.input)} (version {record.definition})"
        case Intended():
            return f"attempt {record.attempt} intended"
        case MadeAgain():
            again = f"attempt {record.attempt} made again, since the process ended meanwhile"
            return again if record.restarts == 1 else f"{again} ({record.restarts} times by now)"
        case Succeeded():
            return f"gave {short(record.value)}"
        case Failed():
            again = "" if record.retry_at is None else f"; tried again at {_at(record.retry_at)}"
            return f"failed: {record.error}{again}"
        case Decided():
            return _decided(record.what, record.choice)
        case TimerFired():
            return _OVER.get(record.what, f"{record.what} is over")
        case Signalled():
            return f"event {record.event!r} came with {short(record.value)}"
        case CancelRequested():
            return f"cancelled: {record.reason}"
        case Resolved():
            return f"resolved by {record.by}: {record.how}"
        case Settled():
            return "what it had left running has ended"
        case Migrated():
            return f"goes on under version {record.definition}"
        case Ended():
            why = short(record.value) if record.status == "completed" else record.error
            return f"{record.status}: {why}"


def _decided(what: str, choice: Any) -> str:  # noqa: PLR0911 - one for each kind
    kind, _, which = what.partition(" ")
    match kind:
        case "when":
            return "its condition holds" if choice else "passed over: its condition does not hold"
        case "deadline":
            return f"has time until {_at(choice)}"
        case "due":
            return f"waits until {_at(choice)}"
        case "join":
            return f"waits for its branches until {_at(choice)}"
        case "items":
            return f"has {len(choice)} items: {short(choice)}"
        case "done":
            return f"round {int(which) + 1}: {'the last one' if choice else 'goes on'}"
        case "valid":
            return f"the result of {which} {'counts' if choice else 'does not count'}"
        case _:
            return f"{what}: {short(choice)}"


def _at(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S.%f %Z}"


def short(value: Any) -> str:
    """Show a value, if need be its beginning."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
