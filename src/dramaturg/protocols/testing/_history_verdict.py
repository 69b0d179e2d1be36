"""What a check of a history found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["HistoryVerdict", "Outcome"]

Outcome: TypeAlias = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True, slots=True, repr=False)
class HistoryVerdict:
    """What a check found: truthy if what it checks holds, and a text that says what broke.

    ``assert verdict, verdict`` shows all of the text. A verdict that is ``unknown``, because a
    bound was reached, is not truthy, and no failure either: ``outcome`` tells them apart.
    """

    outcome: Outcome
    text: str

    def __bool__(self) -> bool:
        return self.outcome == "pass"

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{self.outcome}: {self.text.partition(chr(10))[0]}>"
