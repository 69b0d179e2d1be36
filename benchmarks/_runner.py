"""Run every measurement in a fresh child process, contenders taking turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks._sample import memory_is_measurable
from benchmarks._workloads import CONTENDERS, Contender, Measure, Quick, Workload

Key = tuple[str, str]
"""A workload and a contender, by name."""

_CHILD_TIMEOUT: Final = 180.0
_ROOT: Final = Path(__file__).resolve().parents[1]


class ChildError(RuntimeError):
    """A child process failed, or took too long."""


class MeasurementError(RuntimeError):
    """A child process failed.

    The workload raised, miscounted or took too long, or its library is not installed.
    """

    def __init__(self, workload: str, contender: str, reason: str) -> None:
        super().__init__(f"{workload}, {contender}: {reason}")
        self.workload = workload
        self.contender = contender
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Results:
    """What a run measured: the cost of one operation in each round, and what failed."""

    workloads: tuple[Workload, ...]
    rounds: int
    quick: bool
    pinned: bool
    costs: Mapping[Key, tuple[float, ...]]
    failures: Mapping[Key, str]

    def median(self, workload: str, contender: str) -> float | None:
        """Return the median cost of one operation, or None if it was not measured."""
        costs = self.costs.get((workload, contender))
        return median(costs) if costs else None


def pin() -> bool:
    """Keep this process and its children on one CPU; tell whether the platform can.

    On two free CPUs the threads of a thread-per-actor library hand the GIL over between them,
    which makes it several times slower than it is.
    """
    if sys.platform != "linux":
        return False
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return True


def run(
    workloads: Iterable[Workload],
    *,
    rounds: int,
    quick: bool,
    notify: Callable[[str], None],
) -> Results:
    """Measure the workloads one by one, each in rounds of all its contenders (A B C A B C).

    Failures are results: a contender that fails is not tried again in that workload.
    """
    chosen = tuple(w for w in workloads if _runs(w, quick=quick))
    pinned = pin()
    costs: dict[Key, list[float]] = {}
    failures: dict[Key, str] = {}
    for workload in chosen:
        notify(workload.name)
        for contender in _turns(workload, rounds):
            key = (workload.name, contender.name)
            if key in failures:
                continue
            try:
                costs.setdefault(key, []).append(_measure(workload, contender, quick=quick))
            except MeasurementError as error:
                failures[key] = error.reason
                notify(f"  failed: {error}")
    kept = {key: tuple(values) for key, values in costs.items() if key not in failures}
    return Results(chosen, rounds, quick, pinned, kept, failures)


def _runs(workload: Workload, *, quick: bool) -> bool:
    if workload.measure is Measure.MEMORY and not memory_is_measurable():
        return False
    return not (quick and workload.quick is Quick.SKIPPED)


def _turns(workload: Workload, rounds: int) -> Iterator[Contender]:
    for _ in range(min(rounds, workload.most_rounds or rounds)):
        for name in workload.contenders:
            yield CONTENDERS[name]


def _measure(workload: Workload, contender: Contender, *, quick: bool) -> float:
    """Return the cost of one operation, from a child process."""
    size = workload.size(contender.name, quick=quick)
    arguments = (contender.module, contender.name, workload.name, str(size), str(workload.repeats))
    try:
        sample = run_child("benchmarks._child", arguments, timeout=_CHILD_TIMEOUT)
    except ChildError as error:
        raise MeasurementError(workload.name, contender.name, str(error)) from error
    return float(sample["cost"]) / int(sample["operations"])


def run_child(module: str, arguments: Sequence[str], *, timeout: float) -> dict[str, Any]:
    """Run a module in a process of its own; return the JSON in its last line.

    :raises ChildError: if it fails or takes too long.
    """
    command = [sys.executable, "-m", module, *arguments]
    try:
        child = subprocess.run(
            command, cwd=_ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ChildError(f"took more than {timeout:g} s") from error
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"exit status {child.returncode}"]
        raise ChildError(lines[-1])
    sample: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return sample
