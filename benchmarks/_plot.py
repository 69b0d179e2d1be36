"""The run as a picture: rates over pykka's, on a logarithmic scale, with targets and OTP."""

# matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks._runner import Results
from benchmarks._targets import Faster, quotient
from benchmarks._workloads import ASYNCIO, DEF, OURS, PYKKA, Workload

EXTRA: Final = "bench"
"""The extra of the distribution that brings matplotlib."""

_BARS: Final = dict(
    zip((*OURS, ASYNCIO), ("#1b5e8c", "#4f9dc9", "#a9cfe3", "#9a9a9a"), strict=True)
)
_THICKNESS: Final = 0.2
_TICKS: Final = (1, 2, 5, 10, 20, 50, 100)


class PlotUnavailableError(RuntimeError):
    """matplotlib is not installed: install the extra."""

    def __init__(self) -> None:
        super().__init__(f'no plot, matplotlib is missing: pip install "dramaturg[{EXTRA}]"')


def write_plot(results: Results, path: Path) -> None:
    """Draw every workload that pykka ran too; nothing if there is none.

    :raises PlotUnavailableError: when matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise PlotUnavailableError from error

    workloads = [w for w in results.workloads if results.median(w.name, PYKKA) is not None]
    if not workloads:
        return
    rows = range(len(workloads))
    figure = Figure(figsize=(9, 1.6 + 0.6 * len(workloads)), layout="constrained")
    axes = figure.add_subplot()
    for index, (name, colour) in enumerate(_BARS.items()):
        ratios = [_over_pykka(results, w, name) for w in workloads]
        places = [row + _THICKNESS * (index - 1.5) for row in rows]
        axes.barh(places, ratios, _THICKNESS, label=name, color=colour)
    wanted = [_wanted(w) for w in workloads]
    tops = [row - _THICKNESS * 1.5 for row in rows]
    axes.scatter(wanted, tops, marker="|", s=90, color="#b00020", label="target (def)", zorder=3)
    otp = [w.otp or float("nan") for w in workloads]
    axes.scatter(otp, rows, marker="D", s=18, color="#c2571a", label="OTP gen_server", zorder=3)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks(_TICKS, [f"{tick} x" for tick in _TICKS])
    axes.minorticks_off()
    axes.margins(y=0.01)
    axes.set_yticks(rows, [w.name for w in workloads])
    axes.invert_yaxis()
    axes.set_xlabel("operations per CPU second over pykka's (memory: how many times less)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _over_pykka(results: Results, workload: Workload, contender: str) -> float:
    """Return the ratio, or NaN, which draws nothing."""
    ratio = quotient(results.median(workload.name, PYKKA), results.median(workload.name, contender))
    return float("nan") if ratio is None else ratio


def _wanted(workload: Workload) -> float:
    target = workload.targets.get(DEF)
    return target.times if isinstance(target, Faster) else float("nan")
