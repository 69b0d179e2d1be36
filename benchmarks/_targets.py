"""What a figure is held against. All figures are costs of one operation: less is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Medians = Callable[[str, str], float | None]
"""The median cost of an operation, by workload and contender; None where not measured."""


@dataclass(frozen=True, slots=True)
class Faster:
    """At least `times` the rate of a peer in the same workload and run; `aim` is hoped for."""

    times: float
    peer: str = "pykka"
    aim: float | None = None

    def __str__(self) -> str:
        """Say what is asked for."""
        aim = "" if self.aim is None else f" (aim {self.aim:g}x)"
        return f">= {self.times:g}x {self.peer}{aim}"

    def met(self, medians: Medians, workload: str, contender: str) -> bool | None:
        """Tell whether it holds; None where one side was not measured."""
        ratio = quotient(medians(workload, self.peer), medians(workload, contender))
        return None if ratio is None else ratio >= self.times


@dataclass(frozen=True, slots=True)
class Keeps:
    """At least `share` of the rate that the same contender has in another workload."""

    share: float
    workload: str

    def __str__(self) -> str:
        """Say what is asked for."""
        return f">= {self.share:g}x {self.workload}"

    def met(self, medians: Medians, workload: str, contender: str) -> bool | None:
        """Tell whether it holds; None where one side was not measured."""
        ratio = quotient(medians(self.workload, contender), medians(workload, contender))
        return None if ratio is None else ratio >= self.share


@dataclass(frozen=True, slots=True)
class AtMost:
    """No more than so many bytes for one."""

    limit: int

    def __str__(self) -> str:
        """Say what is asked for."""
        return f"<= {self.limit:,} B"

    def met(self, medians: Medians, workload: str, contender: str) -> bool | None:
        """Tell whether it holds; None where it was not measured."""
        cost = medians(workload, contender)
        return None if cost is None else cost <= self.limit


@dataclass(frozen=True, slots=True)
class Rate:
    """At least so many in a CPU second; of the machine as well, so read it beside a ratio."""

    least: int

    def __str__(self) -> str:
        """Say what is asked for."""
        return f">= {self.least:,}/s"

    def met(self, medians: Medians, workload: str, contender: str) -> bool | None:
        """Tell whether it holds; None where it was not measured."""
        cost = medians(workload, contender)
        return None if cost is None else cost * self.least <= 1


Target = Faster | Keeps | AtMost | Rate


def quotient(of: float | None, by: float | None) -> float | None:
    """Divide what was measured."""
    return None if of is None or not by else of / by
