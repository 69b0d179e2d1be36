"""Run durable work in fresh child processes, contenders taking turns, each on an empty file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks._durable_sample import DurableSample
from benchmarks._durable_workloads import DurableWorkload
from benchmarks._runner import ChildError, Key, pin, run_child

_CHILD_TIMEOUT: Final = 300.0
_SECONDS_EACH: Final = 0.02
"""A population takes as long as it is large."""


@dataclass(frozen=True, slots=True)
class DurableResults:
    """What a run has measured: the samples of each round, and what failed."""

    workloads: tuple[DurableWorkload, ...]
    rounds: int
    quick: bool
    pinned: bool
    samples: Mapping[Key, tuple[DurableSample, ...]]
    failures: Mapping[Key, str] = field(default_factory=dict[Key, str])

    def costs(self, workload: str, contender: str) -> tuple[float, ...]:
        """Return the seconds of one operation in each round, by the clock on the wall."""
        samples = self.samples.get((workload, contender), ())
        return tuple(each.seconds / each.operations for each in samples)

    def seconds(self, workload: str, contender: str) -> float | None:
        """Return the median of these, or None if it was not measured."""
        costs = self.costs(workload, contender)
        return median(costs) if costs else None

    def cpu(self, workload: str, contender: str) -> float | None:
        """Return the median of the CPU seconds of one operation."""
        samples = self.samples.get((workload, contender), ())
        return median(each.cpu / each.operations for each in samples) if samples else None

    def figure(self, workload: str, contender: str, name: str) -> float | None:
        """Return the median of a figure, for all operations of a run together."""
        samples = self.samples.get((workload, contender), ())
        return median(each.figures[name] for each in samples) if samples else None

    def paired(self, workload: str, contender: str, peer: str) -> tuple[float, ...]:
        """Return, round by round, how many times the peer's rate a contender has."""
        pairs = zip(self.costs(workload, contender), self.costs(workload, peer), strict=False)
        return tuple(theirs / ours for ours, theirs in pairs)


def run(
    workloads: Iterable[DurableWorkload],
    *,
    rounds: int,
    quick: bool,
    directory: Path,
    notify: Callable[[str], None],
) -> DurableResults:
    """Measure the workloads one by one, each in rounds of all its contenders (A B C A B C).

    :param directory: where the files are written; that decides what a flush costs.
    """
    chosen = tuple(workloads)
    pinned = pin()
    samples: dict[Key, list[DurableSample]] = {}
    failures: dict[Key, str] = {}
    directory.mkdir(parents=True, exist_ok=True)
    for workload in chosen:
        notify(workload.name)
        for contender in _turns(workload, rounds):
            key = (workload.name, contender)
            if key in failures:
                continue
            try:
                sample = measure(workload, contender, quick=quick, directory=directory)
                samples.setdefault(key, []).append(sample)
            except ChildError as error:
                failures[key] = str(error)
                notify(f"  failed: {contender}: {error}")
    kept = {key: tuple(values) for key, values in samples.items() if key not in failures}
    return DurableResults(chosen, rounds, quick, pinned, kept, failures)


def _turns(workload: DurableWorkload, rounds: int) -> Iterator[str]:
    for _ in range(min(rounds, workload.most_rounds or rounds)):
        yield from workload.modules


def measure(
    workload: DurableWorkload, contender: str, *, quick: bool, directory: Path
) -> DurableSample:
    """Measure one of them once, in a child process and on a new file.

    :raises ChildError: if it fails.
    """
    size = workload.size(contender, quick=quick)
    module = f"benchmarks.peers.{workload.modules[contender]}"
    with tempfile.TemporaryDirectory(dir=directory) as files:
        sample: dict[str, Any] = run_child(
            "benchmarks._durable_child",
            (module, contender, workload.name, str(size), files),
            timeout=_CHILD_TIMEOUT + size * _SECONDS_EACH,
        )
    return DurableSample(**sample)
