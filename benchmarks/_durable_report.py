"""What a run of durable work found: as a table, and as JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks._durable_runner import DurableResults
from benchmarks._durable_workloads import DBOS, DBOS_WAL, DurableWorkload
from benchmarks._report import environment, figure_of, ratio_of, version_of
from benchmarks._targets import AtMost, Target, quotient

_HEADER: Final = (
    "workload",
    "per",
    "contender",
    "rate",
    "from",
    "to",
    "CPU ms",
    "beside it",
    "target",
    "",
)
_LEFT: Final = frozenset({0, 1, 2, 7, 8, 9})


def durable_table(results: DurableResults) -> str:
    """Return the medians of a run beside the targets, and what the columns mean."""
    rows = [_HEADER, *(row for workload in results.workloads for row in _rows(results, workload))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join([*lines, "", *_notes(results)])


def durable_summary(results: DurableResults, note: str | None = None) -> dict[str, object]:
    """Return what a run found as JSON values."""
    return {
        **environment(note),
        "dbos": version_of("dbos"),
        "sqlite": sqlite3.sqlite_version,
        "pinned_to_one_cpu": results.pinned,
        "rounds": results.rounds,
        "quick": results.quick,
        "workloads": {w.name: _workload_summary(results, w) for w in results.workloads},
        "failures": [
            {"workload": workload, "contender": contender, "reason": reason}
            for (workload, contender), reason in results.failures.items()
        ],
    }


def write_durable_json(results: DurableResults, path: Path, note: str | None = None) -> None:
    """Write the summary of a run."""
    written = durable_summary(results, note)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def _rows(results: DurableResults, workload: DurableWorkload) -> Iterator[Sequence[str]]:
    for contender in workload.modules:
        key = (workload.name, contender)
        costs = results.costs(*key)
        targets = workload.targets.get(contender, ())
        verdicts = [_verdict(results, workload, contender, each) for each in targets]
        if key in results.failures:
            verdicts = ["FAILED"]
        yield (
            workload.name,
            workload.operation,
            contender,
            figure_of(results.seconds(*key)),
            figure_of(max(costs, default=None)),
            figure_of(min(costs, default=None)),
            _milliseconds(results.cpu(*key)),
            ", ".join(_beside(results, workload, contender)),
            ", ".join(str(each) for each in targets),
            ", ".join(verdicts),
        )


def _beside(results: DurableResults, workload: DurableWorkload, contender: str) -> Iterator[str]:
    """Say how it stands to the peers, or how much it grew."""
    if workload.bytes_of:
        grown = results.figure(workload.name, contender, workload.bytes_of)
        if grown is not None:
            yield f"{grown / 2**20:+.1f} MiB"
    if contender not in _ours(workload):
        return
    for peer in workload.modules:
        if peer in _ours(workload):
            continue
        yield f"{ratio_of(ratio(results, workload.name, contender, peer))}x {peer}"


def ratio(results: DurableResults, workload: str, contender: str, peer: str) -> float | None:
    """Return how many times the peer's rate a contender has, as medians."""
    return quotient(results.seconds(workload, peer), results.seconds(workload, contender))


def _ours(workload: DurableWorkload) -> Sequence[str]:
    return tuple(name for name in workload.modules if name in ("dramaturg", "journal"))


def _met(
    results: DurableResults, workload: DurableWorkload, contender: str, target: Target
) -> bool | None:
    if isinstance(target, AtMost):
        figure = results.figure(workload.name, contender, workload.bytes_of)
        return None if figure is None else figure <= target.limit
    return target.met(results.seconds, workload.name, contender)


def _verdict(
    results: DurableResults, workload: DurableWorkload, contender: str, target: Target
) -> str:
    met = _met(results, workload, contender, target)
    return "-" if met is None else "met" if met else "MISSED"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:.3g}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cell.ljust(width) if i in _LEFT else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()


def _notes(results: DurableResults) -> Iterator[str]:
    where = "pinned to one CPU" if results.pinned else "not pinned: the platform cannot"
    yield f"Medians of {results.rounds} round(s), contenders in turn; fresh processes and files,"
    yield f"  {where}."
    yield "Rates by the clock on the wall, with the slowest and the fastest round beside them;"
    yield "  CPU: milliseconds of the whole process for one."
    for name in (DBOS, DBOS_WAL):
        found = {
            f"{key}={value}"
            for (_, contender), samples in results.samples.items()
            for sample in samples
            for key, value in sample.storage.items()
            if contender == name
        }
        if found:
            yield f"{name} says of its own connections: {', '.join(sorted(found))} (2 is FULL)."
    for (workload, contender), reason in results.failures.items():
        yield f"FAILED {workload}, {contender}: {reason}"


def _workload_summary(results: DurableResults, workload: DurableWorkload) -> dict[str, object]:
    peers = [name for name in workload.modules if name not in _ours(workload)]
    return {
        "operation": workload.operation,
        "contenders": {
            name: {
                "operations": workload.size(name, quick=results.quick),
                "median_seconds": results.seconds(workload.name, name),
                "median_cpu_seconds": results.cpu(workload.name, name),
                "samples": [
                    each._asdict() for each in results.samples.get((workload.name, name), ())
                ],
            }
            for name in workload.modules
        },
        "times_the_rate_of": {
            ours: {peer: _ratios(results, workload.name, ours, peer) for peer in peers}
            for ours in _ours(workload)
        },
        "targets": {
            ours: [
                {"target": str(each), "met": _met(results, workload, ours, each)}
                for each in targets
            ]
            for ours, targets in workload.targets.items()
        },
    }


def _ratios(results: DurableResults, workload: str, ours: str, peer: str) -> dict[str, object]:
    pairs = results.paired(workload, ours, peer)
    return {
        "by_wall": ratio(results, workload, ours, peer),
        "by_cpu": quotient(results.cpu(workload, peer), results.cpu(workload, ours)),
        "median_of_rounds": median(pairs) if pairs else None,
        "rounds": pairs,
    }
