"""Recordings as sequence diagrams, drawn as the runs of simulations are.

An arrow stands where the message was taken up; what was not taken up while it was recorded says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dramaturg.protocols._recording_entry import RecordingEntry
    from dramaturg.protocols.testing._kernel import Step

__all__ = ["drawn_as_mermaid", "drawn_as_text"]

OUTSIDE = "outside"
NOTES = frozenset({"failed", "restarted", "ended", "dead letter", "watch", "unwatch"})


class _Text(str):
    """Text that is shown as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class _Arrow(NamedTuple):
    sender: str
    receiver: str
    message: _Text


def drawn_as_text(entries: Iterable[RecordingEntry]) -> str:
    """Draw entries, a line for each message that was taken up, reply and failure."""
    from dramaturg.protocols.testing._diagram import sequence_diagram  # noqa: PLC0415 - the kit's

    entries = tuple(entries)
    return sequence_diagram(_actors(entries), _steps(entries))


def drawn_as_mermaid(entries: Iterable[RecordingEntry]) -> str:
    """Draw entries for Mermaid."""
    from dramaturg.protocols.testing._diagram import mermaid  # noqa: PLC0415 - the kit's

    entries = tuple(entries)
    return mermaid(_actors(entries), _steps(entries))


def _actors(entries: Iterable[RecordingEntry]) -> list[str]:
    found: dict[str, None] = {}
    for entry in entries:
        if entry.kind in {"sent", "received"}:
            ends = (entry.receiver, entry.sender)
        elif entry.kind in {"reply", "error"}:
            ends = (entry.sender, entry.receiver)
        elif entry.kind in NOTES and entry.receiver is not None:
            ends = (entry.receiver, entry.receiver)
        else:
            continue
        found |= dict.fromkeys(each or OUTSIDE for each in ends)
    if OUTSIDE in found:
        # Last, as the scenario of a simulation.
        found[OUTSIDE] = found.pop(OUTSIDE)
    return list(found)


def _steps(entries: tuple[RecordingEntry, ...]) -> Iterator[Step]:
    taken = {each.message_id for each in entries if each.kind == "received"}
    for entry in entries:
        if entry.kind in {"received", "reply", "error"}:
            yield _arrow(entry, "deliver" if entry.kind == "received" else entry.kind)
        elif entry.kind == "sent" and entry.message_id not in taken:
            yield _arrow(entry, "not taken up")
        elif entry.kind in NOTES:
            yield _note(entry)


def _arrow(entry: RecordingEntry, kind: str) -> Step:
    sender, receiver = entry.sender or OUTSIDE, entry.receiver or OUTSIDE
    message = _Text("" if entry.message is None else entry.message.text)
    return _step(kind, kind, receiver, _Arrow(sender, receiver, message))


def _note(entry: RecordingEntry) -> Step:
    path = entry.receiver or "/"
    said = f" {entry.error}" if entry.error else ""
    said += f" {entry.sender}" if entry.sender else ""
    return _step("note", f"{path} {entry.kind}{said}", path, None)


def _step(kind: str, name: str, actor: str, payload: Any) -> Step:
    from dramaturg.protocols.testing._event import Event  # noqa: PLC0415 - the kit's
    from dramaturg.protocols.testing._kernel import Step  # noqa: PLC0415 - the kit's

    return Step(Event(kind, name, actor, "", payload), (), ())
