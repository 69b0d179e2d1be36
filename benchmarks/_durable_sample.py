"""What one measurement of durable work gives: what was done, and what it took."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter, process_time
from types import TracebackType
from typing import NamedTuple, Self


class DurableSample(NamedTuple):
    """So many operations, and what they took together.

    :param seconds: by the clock on the wall: who waits for the disk waits.
    :param cpu: seconds of the whole process, all its threads.
    :param storage: what the storage said of itself: "journal_mode", "synchronous".
    :param figures: what else there is to tell, by name.
    """

    operations: int
    seconds: float
    cpu: float
    storage: Mapping[str, str] = {}
    figures: Mapping[str, float] = {}


DurableRun = Callable[[int, Path], DurableSample]
"""One workload of one contender: about so many operations, in a directory of its own."""

DurableSuite = Mapping[str, DurableRun]
"""The workloads that a contender can run, by name."""


class Watch:
    """Both times of a `with` block."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu = 0.0

    def __enter__(self) -> Self:
        self.seconds = -perf_counter()
        self.cpu = -process_time()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cpu += process_time()
        self.seconds += perf_counter()
