"""What has happened in an instance, readable."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._records import (
    Begun,
    CancelRequested,
    Decided,
    Ended,
    Failed,
    Intended,
    Migrated,
    Resolved,
    Settled,
    Signalled,
    Succeeded,
    TimerFired,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dramaturg.protocols.workflows._records import Record

__all__ = ["History", "HistoryEntry", "entry_of"]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that has happened."""

    sequence: int
    time: datetime
    address: str
    """The step; "" for the whole instance."""
    what: str
    record: Any
    """As it is stored."""
    cause: str | None
    """The id of the message that led to it, where it carried one (``trace=True``)."""

    def __str__(self) -> str:
        place = f"{self.address}: " if self.address else ""
        return f"{self.sequence:>4}  {self.time:%Y-%m-%d %H:%M:%S.%f}  {place}{self.what}"


@dataclass(frozen=True, slots=True)
class History:
    """All that has happened in an instance, in order."""

    workflow: str
    instance: str
    entries: tuple[HistoryEntry, ...]
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Who does what, by the name of the step."""

    def to_mermaid(self) -> str:
        """Draw who was asked for what, and what came back: a Mermaid sequence diagram."""
        return sequence_diagram(self)

    def __str__(self) -> str:
        lines = [f"{self.workflow} {self.instance}", *map(str, self.entries)]
        return "\n".join(lines)


def sequence_diagram(history: History) -> str:
    """Draw a history; see :meth:`History.to_mermaid`."""
    who: dict[str, str] = {}
    lines: list[str] = []
    for entry in history.entries:
        name = entry.address.rpartition("/")[2]
        label = history.labels.get(name, name)
        key = who.setdefault(label, f"p{len(who)}") if name in history.labels else ""
        match entry.record:
            case Intended(attempt=attempt):
                again = f" (attempt {attempt})" if attempt > 1 else ""
                lines.append(f"w->>{key}: {_plain(entry.address)}{again}")
            case Succeeded(value=value):
                lines.append(f"{key}-->>w: {_plain(_short(value))}")
            case Failed(error=error) if key:
                lines.append(f"{key}--xw: {_plain(f'{error.type}: {error.text}')}")
            case _:
                lines.append(f"note over w: {_plain(entry.address)} {_plain(entry.what)}")
    cast = [f"participant {key} as {_plain(label)}" for label, key in who.items()]
    title = f"participant w as {_plain(f'{history.workflow} {history.instance}')}"
    return "\n    ".join(["sequenceDiagram", title, *cast, *lines]) + "\n"


def _plain(text: str) -> str:
    """Leave out what Mermaid would take for its own."""
    for mark, instead in ((";", ","), ("#", " "), ("%%", "% "), (":", " -"), ('"', "'")):
        text = text.replace(mark, instead)
    return "".join(each if each.isprintable() else " " for each in text[:120])


def entry_of(sequence: int, seconds: float, record: Record, cause: str | None) -> HistoryEntry:
    """Describe a record."""
    return HistoryEntry(
        sequence=sequence,
        time=datetime.fromtimestamp(seconds, UTC),
        address=getattr(record, "address", ""),
        what=_what(record),
        record=record,
        cause=cause,
    )


def _what(record: Record) -> str:  # noqa: C901, PLR0911 - one for each kind
    match record:
        case Begun():
            return f"begun with {_short(record.input)} (version {record.definition})"
        case Intended():
            return f"attempt {record.attempt} intended"
        case Succeeded():
            return f"gave {_short(record.value)}"
        case Failed():
            again = "" if record.retry_at is None else "; tried again later"
            return f"failed: {record.error}{again}"
        case Decided():
            return f"{record.what}: {_short(record.choice)}"
        case TimerFired():
            return f"{record.what} is over"
        case Signalled():
            return f"event {record.event!r} came with {_short(record.value)}"
        case CancelRequested():
            return f"cancelled: {record.reason}"
        case Resolved():
            return f"resolved by {record.by}: {record.how}"
        case Settled():
            return "what it had left running has ended"
        case Migrated():
            return f"goes on under version {record.definition}"
        case Ended():
            why = _short(record.value) if record.status == "completed" else record.error
            return f"{record.status}: {why}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."  # noqa: PLR2004
