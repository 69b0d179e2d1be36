"""A run as a sequence diagram: as text, and for Mermaid.

An arrow stands where the message arrived, not where it was sent. What was lost ends in a
cross, all else that happened stands at the actor it happened to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._repetition import stretches, without_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dramaturg.protocols.testing._kernel import Step

__all__ = ["mermaid", "sequence_diagram", "shown"]

NARROWEST = 8
LONGEST = 60


def shown(value: Any, longest: int = LONGEST) -> str:
    """Return the value's repr in one line of limited length."""
    text = " ".join(repr(value).split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def sequence_diagram(actors: Sequence[str], steps: Iterable[Step]) -> str:
    """Draw a run as text, a line for each event, the events numbered from 1.

    What comes three times in a row or more is drawn once, and how often it came.
    """
    steps = tuple(steps)
    names = _columns(actors, steps)
    width = max([NARROWEST, *[len(name) + 2 for name in names]])
    margin = len(str(len(steps))) + 2
    center = {name: margin + width * place + width // 2 for place, name in enumerate(names)}
    head = [" "] * (margin + width * len(names))
    for name, at in center.items():
        _write(head, at - len(name) // 2, name)
    rows: list[str] = []
    for step in steps:
        row = [" "] * (margin + width * len(names))
        for at in center.values():
            row[at] = "|"
        said = _draw(row, center, step)
        rows.append(f"{''.join(row)}  {said}".rstrip()[margin:])
    numbered = [f"{number:>{margin - 2}}  {row}" for number, row in enumerate(rows, 1)]
    lines = ["".join(head).rstrip()]
    for start, length, times in stretches([without_numbers(row) for row in rows]):
        lines += numbered[start : start + length]
        if times > 1:
            same = "same" if length == 1 else f"same {length} events"
            again = f"... the {same} {times - 1} times more, up to {start + length * times}"
            lines.append(f"{' ' * margin}{again}")
    return "\n".join(lines)


def _columns(actors: Sequence[str], steps: Sequence[Step]) -> list[str]:
    """Return the actors, then who has ended or is none, as they first appear."""
    names = dict.fromkeys(actors)
    for step in steps:
        flight = step.event.payload
        if "/" in step.event.actor:  # a node has no column
            names.setdefault(step.event.actor)
        if hasattr(flight, "sender"):
            names.setdefault(flight.sender)
            names.setdefault(flight.receiver)  # it may have ended since
    return list(names)


def _draw(row: list[str], center: dict[str, int], step: Step) -> str:
    event = step.event
    flight = event.payload
    if not hasattr(flight, "sender"):
        if event.actor in center:
            row[center[event.actor]] = "*"
        return event.name
    start, end = center[flight.sender], center[flight.receiver]
    lost = event.kind == "drop"
    if start == end:
        row[end] = "x" if lost else "@"
    elif start < end:
        _write(row, start + 1, "-" * (end - start - 2) + ("x" if lost else ">"))
    else:
        _write(row, end + 1, ("x" if lost else "<") + "-" * (start - end - 2))
    more = "" if event.kind == "deliver" else f"   ({event.kind})"
    return f"{shown(flight.message)}{more}"


def _write(row: list[str], at: int, text: str) -> None:
    row[at : at + len(text)] = text


def mermaid(actors: Sequence[str], steps: Iterable[Step]) -> str:
    """Draw a run for Mermaid, as a ``sequenceDiagram``."""
    steps = tuple(steps)
    names = _columns(actors, steps)
    lines = ["sequenceDiagram"]
    lines += [f"    participant {_word(name)} as {_text(name)}" for name in names]
    lines += [f"    {_mermaid_line(step, names)}" for step in steps]
    return "\n".join(lines) + "\n"


def _mermaid_line(step: Step, names: Sequence[str]) -> str:
    event = step.event
    flight = event.payload
    if hasattr(flight, "sender"):
        arrow = "-x" if event.kind == "drop" else "->>"
        more = "" if event.kind in {"deliver", "drop"} else f" ({event.kind})"
        said = _text(shown(flight.message))
        return f"{_word(flight.sender)}{arrow}{_word(flight.receiver)}: {said}{more}"
    if event.actor:
        return f"Note over {_word(event.actor)}: {_text(event.name)}"
    ends = ",".join(dict.fromkeys((_word(names[0]), _word(names[-1]))))
    return f"Note over {ends}: {_text(event.name)}"


def _word(name: str) -> str:
    """Return an identifier for Mermaid."""
    return "".join(each if each.isalnum() else "_" for each in name)


def _text(text: str) -> str:
    """Return text that ends no statement of Mermaid's."""
    return text.translate({ord("#"): "#35;", ord(";"): "#59;"})
