"""What a run found: as a table, and as JSON that says nothing of the machine's name or paths."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks._runner import Results
from benchmarks._targets import quotient
from benchmarks._workloads import BARE, COLUMNS, PYKKA, SHOWN, Measure, Workload
from benchmarks._zoo import ZooFigures
from benchmarks._zoo_report import zoo_summary

_DASH: Final = "-"
_HEADER: Final = (
    "workload",
    "per",
    "contender",
    "rate",
    *COLUMNS,
    *(f"x {peer}" for peer in COLUMNS),
    "target",
    "",
    f"OTP x {PYKKA}",
)


def table(results: Results) -> str:
    """Return the medians of a run beside the targets, and what the columns mean."""
    rows = [_HEADER, *(row for workload in results.workloads for row in _rows(results, workload))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join([*lines, "", *_notes(results)])


def environment(note: str | None = None) -> dict[str, object]:
    """Return on what it was measured; a note says what else there is to know."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "versions": {name: version_of(name) for name in ("dramaturg", "pykka", "pydantic")},
        **({} if note is None else {"note": note}),
    }


def summary(
    results: Results, *, zoo: ZooFigures | None = None, note: str | None = None
) -> dict[str, object]:
    """Return what a run found as JSON values."""
    return {
        **environment(note),
        "pinned_to_one_cpu": results.pinned,
        "rounds": results.rounds,
        "quick": results.quick,
        "workloads": {w.name: _workload_summary(results, w) for w in results.workloads},
        "failures": [
            {"workload": workload, "contender": contender, "reason": reason}
            for (workload, contender), reason in results.failures.items()
        ],
        **({} if zoo is None else {"zoo": zoo_summary(zoo)}),
    }


def write_json(
    results: Results, path: Path, *, zoo: ZooFigures | None = None, note: str | None = None
) -> None:
    """Write the summary of a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = json.dumps(summary(results, zoo=zoo, note=note), indent=2)
    path.write_text(written + "\n", encoding="utf-8")


def _ours(workload: Workload) -> Iterable[str]:
    return (name for name in SHOWN if name in workload.contenders)


def _rows(results: Results, workload: Workload) -> Iterable[Sequence[str]]:
    for contender in _ours(workload):
        cost = results.median(workload.name, contender)
        theirs = [results.median(workload.name, peer) for peer in COLUMNS]
        yield (
            workload.name,
            workload.operation,
            contender,
            _figure(workload, cost),
            *(_figure(workload, other) for other in theirs),
            *(ratio_of(quotient(other, cost)) for other in theirs),
            *_verdict(results, workload, contender),
            ratio_of(workload.otp),
        )


def _verdict(results: Results, workload: Workload, contender: str) -> tuple[str, str]:
    if (workload.name, contender) in results.failures:
        return "", "FAILED"
    target = workload.targets.get(contender)
    if target is None:
        return "", ""
    met = target.met(results.median, workload.name, contender)
    return str(target), _DASH if met is None else "met" if met else "MISSED"


def _figure(workload: Workload, cost: float | None) -> str:
    if cost and workload.measure is Measure.MEMORY:
        return f"{cost:,.0f} B"
    return figure_of(cost)


def figure_of(cost: float | None) -> str:
    """Return the rate that a cost of one operation is."""
    if not cost:
        return _DASH
    rate = 1 / cost
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if rate >= size:
            return f"{rate / size:.3g}{suffix}/s"
    return f"{rate:.3g}/s"


def ratio_of(ratio: float | None) -> str:
    """Return a ratio in three digits."""
    return _DASH if ratio is None else f"{ratio:.3g}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    left = {0, 1, 2, len(row) - 3, len(row) - 2}
    cells = (
        cell.ljust(width) if i in left else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()


def _notes(results: Results) -> Iterable[str]:
    where = "pinned to one CPU" if results.pinned else "not pinned: the platform cannot"
    yield f"Medians of {results.rounds} round(s), contenders in turn; fresh processes, {where}."
    yield "Rates: operations per CPU second of the whole process. x peer: so many times its rate,"
    yield "  or so many times less memory than it."
    yield "def, async: handlers of that kind, plain slotted objects as messages;"
    yield "  model: def handlers, a new `Message` (pydantic) made for every message."
    yield f"kit: all that a search does for one event or state; {BARE}: the same plain actors, the"
    yield "  same messages, and nothing else."
    for (workload, contender), reason in results.failures.items():
        yield f"FAILED {workload}, {contender}: {reason}"


def _workload_summary(results: Results, workload: Workload) -> dict[str, object]:
    return {
        "operation": workload.operation,
        "paid_in": workload.measure.value,
        "otp_over_pykka": workload.otp,
        "contenders": {
            name: {
                "operations": workload.size(name, quick=results.quick),
                "median_cost": results.median(workload.name, name),
                "costs": results.costs.get((workload.name, name), ()),
            }
            for name in workload.contenders
        },
        "ratios": {
            ours: {
                peer: quotient(
                    results.median(workload.name, peer), results.median(workload.name, ours)
                )
                for peer in COLUMNS
                if peer in workload.contenders
            }
            for ours in _ours(workload)
        },
        "targets": {
            ours: {
                "target": str(target),
                "met": target.met(results.median, workload.name, ours),
            }
            for ours, target in workload.targets.items()
        },
    }


def version_of(distribution: str) -> str | None:
    """Return which version is installed, if any."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
