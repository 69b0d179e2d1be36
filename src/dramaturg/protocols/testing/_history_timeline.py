"""A history as text: one line for each process, time runs to the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Sequence

    from dramaturg.protocols.testing._histories import Operation

__all__ = ["timeline"]


def timeline(operations: Sequence[Operation], marked: Collection[Operation] = ()) -> list[str]:
    """Draw operations as bars from where they began to where they ended.

    ``|--read()=1--|`` returned, ``|--write(1)--x`` failed, ``|--write(2)...`` is pending. Bars
    overlap exactly if the operations do.

    :param marked: those to be drawn as ``|##read()=1##|``.
    """
    labels = {each.invoked: str(each) for each in operations}
    at = _columns(operations, labels)
    names = {each.process: str(each.process) for each in operations}
    width = max(map(len, names.values()), default=0)
    right = max(at.values(), default=0)
    for each in operations:
        if each.ended is None or each.outcome == "pending":
            right = max(right, at[each.invoked] + len(labels[each.invoked]) + 3)
    lines: dict[Hashable, str] = {}
    for each in operations:
        line = lines.get(each.process, f"  {names[each.process]:<{width}}  ")
        start = at[each.invoked]
        closed = each.ended is not None and each.outcome != "pending"
        end = at[each.ended] if each.ended is not None and closed else right
        if each.ended is not None and not closed:
            end = max(at[each.ended], start + len(labels[each.invoked]) + 3)
        line = line.ljust(4 + width + start)
        lines[each.process] = line + _bar(each, labels[each.invoked], end - start, each in marked)
    return list(lines.values())


def _columns(operations: Sequence[Operation], labels: dict[int, str]) -> dict[int, int]:
    """Give each event a column, in their order, so that each label fits its bar."""
    begun = {each.ended: each.invoked for each in operations if each.ended is not None}
    at: dict[int, int] = {}
    column = -1
    for event in sorted([*labels, *begun]):
        column += 1
        if event in begun:
            start = begun[event]
            column = max(column, at[start] + len(labels[start]) + 3)
        at[event] = column
    return at


def _bar(operation: Operation, label: str, length: int, marked: bool) -> str:  # noqa: FBT001
    fill = "#" if marked else "-"
    if operation.outcome == "pending":
        return f"|{fill}{label}{'.' * (length - len(label) - 1)}"
    last = "x" if operation.outcome == "failed" else "|"
    return f"|{label:{fill}^{length - 1}}{last}"
