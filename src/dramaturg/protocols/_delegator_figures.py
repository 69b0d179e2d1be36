"""What a delegator knows of each of its agents: counts, and a small histogram of latencies."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import final

__all__ = ["AgentFigures", "AgentRecord", "LatencyHistogram"]

SHORTEST = 1e-5
"""Seconds; what is shorter counts as this."""
STEPS = 8
"""So many buckets for each doubling: a percentile is at most a tenth too high."""
BUCKETS = 28 * STEPS
"""Up to some 45 minutes; what is longer counts as that."""
REMEMBERED = 50
"""So many outcomes make up the recent success rate."""


@final
class LatencyHistogram:
    """How long something took, in buckets that grow with the time: little memory, any number."""

    __slots__ = ("_buckets", "count", "longest", "total")

    def __init__(self) -> None:
        self._buckets = [0] * (BUCKETS + 1)
        self.count = 0
        self.total = 0.0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Note one time."""
        place = 0
        if seconds > SHORTEST:
            place = min(BUCKETS, math.ceil(math.log2(seconds / SHORTEST) * STEPS))
        self._buckets[place] += 1
        self.count += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    def mean(self) -> float | None:
        """Return the mean, exactly; None if there is nothing."""
        return self.total / self.count if self.count else None

    def percentile(self, percent: float) -> float | None:
        """Return a time that so many percent did not exceed; None if there is nothing."""
        if not self.count:
            return None
        wanted = max(1, math.ceil(self.count * percent / 100))
        found = 0
        for place, count in enumerate(self._buckets):
            found += count
            if found >= wanted:
                return min(self.longest, SHORTEST * 2 ** (place / STEPS))
        return self.longest


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFigures:
    """How one agent has done. ``tasks == successes + refusals + failures + in_flight``.

    What was tried twice counts twice. Latencies are those of answers, refusals included.
    """

    agent: str
    """Its path."""
    tasks: int
    """How often it was given a task."""
    in_flight: int
    successes: int
    refusals: int
    """Answered with an error that is final: see ``Route.final``."""
    failures: int
    timeouts: int
    """Those of the failures where no answer came in time."""
    late: int
    """Answers that came after all, and were dropped."""
    recent_success: float
    """Of the last 50 outcomes: (successes + 1) / (outcomes + 1), so 1.0 if none has failed."""
    mean: float | None
    """Seconds; None if it has not answered yet."""
    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None


@final
class AgentRecord:
    """The counts of one agent, as they are kept."""

    __slots__ = (
        "agent",
        "failures",
        "in_flight",
        "late",
        "latency",
        "recent",
        "refusals",
        "successes",
        "tasks",
        "timeouts",
    )

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.tasks = 0
        self.in_flight = 0
        self.successes = 0
        self.refusals = 0
        self.failures = 0
        self.timeouts = 0
        self.late = 0
        self.latency = LatencyHistogram()
        self.recent: deque[bool] = deque(maxlen=REMEMBERED)

    def given(self) -> None:
        """Note that it has been given a task."""
        self.tasks += 1
        self.in_flight += 1

    def succeeded(self, seconds: float) -> None:
        """Note an answer."""
        self.successes += 1
        self._done(seconds, good=True)

    def refused(self, seconds: float) -> None:
        """Note an error that is an answer, too."""
        self.refusals += 1
        self._done(seconds, good=True)

    def failed(self, *, in_time: bool) -> None:
        """Note a failure."""
        self.failures += 1
        self.timeouts += not in_time
        self.in_flight -= 1
        self.recent.append(False)

    def _done(self, seconds: float, *, good: bool) -> None:
        self.in_flight -= 1
        self.latency.add(seconds)
        self.recent.append(good)

    def figures(self) -> AgentFigures:
        """Take a picture."""
        latency = self.latency
        return AgentFigures(
            agent=self.agent,
            tasks=self.tasks,
            in_flight=self.in_flight,
            successes=self.successes,
            refusals=self.refusals,
            failures=self.failures,
            timeouts=self.timeouts,
            late=self.late,
            recent_success=(sum(self.recent) + 1) / (len(self.recent) + 1),
            mean=latency.mean(),
            p50=latency.percentile(50),
            p90=latency.percentile(90),
            p99=latency.percentile(99),
            longest=latency.longest if latency.count else None,
        )
