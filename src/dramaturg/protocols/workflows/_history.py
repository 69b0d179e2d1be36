"""What has happened in an instance, readable."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._record_text import short, text_of
from dramaturg.protocols.workflows._records import Failed, Intended, Succeeded

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
        return f"{self.sequence:>4}  {self.time:%Y-%m-%d %H:%M:%S.%f %Z}  {place}{self.what}"


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
    asked: dict[str, str] = {}
    lines: list[str] = []
    for entry in history.entries:
        address, said = entry.address, _plain(entry.address)
        match entry.record:
            case Intended(attempt=attempt):
                label = _label(history.labels, address)
                asked[address] = who.setdefault(label, f"p{len(who)}")
                again = f" (attempt {attempt})" if attempt > 1 else ""
                lines.append(f"w->>{asked[address]}: {said}{again}")
            case Succeeded(value=value) if address in asked:
                lines.append(f"{asked[address]}-->>w: {_plain(short(value))}")
            case Failed(error=error) if address in asked:
                lines.append(f"{asked[address]}--xw: {_plain(f'{error.type}: {error.text}')}")
            case _:
                lines.append(f"note over w: {said} {_plain(entry.what)}")
    cast = [f"participant {key} as {_plain(label)}" for label, key in who.items()]
    title = f"participant w as {_plain(f'{history.workflow} {history.instance}')}"
    return "\n    ".join(["sequenceDiagram", title, *cast, *lines]) + "\n"


def _label(labels: Mapping[str, str], address: str) -> str:
    """Return who does what has an address: "pay", "lines[3]/pay", "pay!undo", "pay!pay-error"."""
    name = address.rpartition("/")[2]
    while name not in labels and "!" in name:
        name = name.partition("!")[2]
    return labels.get(name, address.rpartition("/")[2])


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
        what=text_of(record),
        record=record,
        cause=cause,
    )
