"""What a system counts."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SystemStatistics"]


@dataclass(frozen=True, slots=True)
class SystemStatistics:
    """The counts of one system at one moment.

    ``actors`` are alive now, ``actors_at_peak`` were at most at the same time;
    ``dead_letters`` and ``late_replies`` count all that there ever were. A late
    reply came after its request had ended, and was dropped.
    """

    actors: int
    actors_at_peak: int
    dead_letters: int
    late_replies: int
