"""The command: `python -m benchmarks [--quick] [--rounds N] [--only NAME] [--json PATH]`.

`python -m benchmarks durable ...` is the durable part alone, with options of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks import durable
from benchmarks._plot import PlotUnavailableError, write_plot
from benchmarks._report import table, write_json
from benchmarks._runner import run
from benchmarks._workloads import WORKLOADS, Workload
from benchmarks._zoo import ZooFigures, measure, places
from benchmarks._zoo_report import zoo_lines

_LATEST: Final = Path(__file__).resolve().parent / "results" / "latest.json"
_DURABLE: Final = "durable"
_ROUNDS: Final = 3
_ZOO: Final = "zoo"
_ZOO_SEEDS: Final = 1
_ZOO_STATES: Final = 20_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks; return 1 if a measurement failed.

    A missed target is a figure, not a failure.
    """
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == [_DURABLE]:
        return durable.main(given[1:])
    options = _parser().parse_args(given)
    rounds = options.rounds or (1 if options.quick else _ROUNDS)
    started = perf_counter()
    results = run(_chosen(options.only), rounds=rounds, quick=options.quick, notify=_notify)
    _say(table(results))
    zoo = _zoo(options)
    if zoo is not None:
        _say(f"\n{zoo_lines(zoo)}")
    # A partial or quick run must not pass for the published figures.
    path = options.json or (None if options.quick or options.only else _LATEST)
    if path is not None:
        write_json(results, path, zoo=zoo, note=options.note)
        _say(f"written: {path.name}")
        try:
            write_plot(results, path.with_suffix(".png"))
        except PlotUnavailableError as error:
            _say(str(error))
    _say(f"{perf_counter() - started:.0f} s")
    failed = bool(results.failures)
    if not options.only:
        _say("")
        failed |= bool(durable.main(_durable_options(options)))
    return 1 if failed else 0


def _durable_options(options: argparse.Namespace) -> list[str]:
    """Hand on what the durable part has, too; its results go beside the others."""
    given = ["--quick"] if options.quick else []
    if options.rounds:
        given += ["--rounds", str(options.rounds)]
    if options.note:
        given += ["--note", options.note]
    if options.json:
        given += ["--json", str(options.json.with_stem(f"{options.json.stem}-{_DURABLE}"))]
    return given


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Run dramaturg beside pykka and asyncio, in CPU seconds.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one round, a tenth of the size, no large populations"
    )
    parser.add_argument("--rounds", type=_positive, metavar="N", help=f"default {_ROUNDS}")
    parser.add_argument(
        "--only",
        action="append",
        type=_pattern,
        metavar="NAME",
        help="may be repeated; tell-* works",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="PATH",
        help="where to write the results, and the plot beside it",
    )
    parser.add_argument(
        "--zoo-seeds", type=_positive, default=_ZOO_SEEDS, metavar="N", help="searches for each bug"
    )
    parser.add_argument("--note", metavar="TEXT", help="kept with the results")
    return parser


def _chosen(patterns: Sequence[str] | None) -> list[Workload]:
    return [w for w in WORKLOADS if not patterns or any(fnmatch(w.name, p) for p in patterns)]


def _zoo(options: argparse.Namespace) -> ZooFigures | None:
    """Search the zoo, or a tenth of it; the full measurement is `python -m benchmarks.zoo`."""
    seeds: int = options.zoo_seeds
    if options.only and _ZOO not in options.only:
        return None
    _notify(_ZOO)
    chosen = places(every=10 if options.quick else 1)
    bugs = tuple(measure(place, seeds=seeds, states=_ZOO_STATES) for place in chosen)
    return ZooFigures(seeds, bugs)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a positive number")
    return number


def _pattern(text: str) -> str:
    names = ", ".join([*(workload.name for workload in WORKLOADS), _ZOO])
    if text != _ZOO and not any(fnmatch(workload.name, text) for workload in WORKLOADS):
        raise argparse.ArgumentTypeError(f"no workload {text!r}; there are: {names}")
    return text


def _notify(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
