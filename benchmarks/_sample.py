"""What one measurement gives, and the two things that are measured."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

BURST: Final = 1_000
"""How many messages a producer on an event loop sends before it lets the others run."""

_LEAST_SHARE: Final = 5
_STATM: Final = Path("/proc/self/statm")


class Sample(NamedTuple):
    """Operations done, and what they cost together: CPU seconds of the process, or bytes."""

    operations: int
    cost: float


Run = Callable[[int], Sample]
"""One workload of one contender: do about `n` operations, check and measure them."""

Suite = Mapping[str, Run]
"""The workloads that a contender can run, by name."""


class MiscountError(AssertionError):
    """A workload ended with another total than it should have: its figure is worth nothing."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"expected a total of {expected}, got {actual}")
        self.expected = expected
        self.actual = actual


def expect(expected: int, actual: int) -> None:
    """Check a total; a function and no `assert`, so that `python -O` counts as well.

    :raises MiscountError: when the totals differ.
    """
    if expected != actual:
        raise MiscountError(expected, actual)


def memory_is_measurable() -> bool:
    """Tell whether the platform says how much memory a process has now: Linux does."""
    return _STATM.exists()


def resident_bytes() -> int:
    """Return the resident set of this process after a full collection.

    :raises OSError: where memory is not measurable.
    """
    gc.collect()
    pages = int(_STATM.read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def spread_burst(actors: int) -> int:
    """Return how many messages each of `actors` gets before the producer lets them run.

    `BURST` in all, but never fewer than five for each: one message per actor and pass would
    measure how actors are woken, which ring-100 does.
    """
    return max(BURST // actors, _LEAST_SHARE)
