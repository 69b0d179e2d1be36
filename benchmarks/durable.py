"""Durable work beside its peers: `python -m benchmarks durable`, or `python -m benchmarks.durable`.

`--population 100000` lets that many finished workflows pass through, some minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks._durable_report import durable_table, write_durable_json
from benchmarks._durable_runner import run
from benchmarks._durable_workloads import WORKLOADS, DurableWorkload, population

POPULATION: Final = 10_000
_ROUNDS: Final = 3
_ROOT: Final = Path(__file__).resolve().parents[1]
_LATEST: Final = _ROOT / "benchmarks" / "results" / "durable.json"
_FILES: Final = _ROOT / ".cache" / "benchmarks"
"""On the disk, where the checkout is: a temporary directory may be in memory."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; return 1 if a measurement failed. A missed target is a figure, not a failure."""
    options = _parser().parse_args(argv)
    rounds = options.rounds or (1 if options.quick else _ROUNDS)
    started = perf_counter()
    results = run(
        _chosen(options.only, options.population),
        rounds=rounds,
        quick=options.quick,
        directory=options.directory,
        notify=_notify,
    )
    sys.stdout.write(f"{durable_table(results)}\n")
    # A partial or quick run must not pass for the published figures.
    path = options.json or (None if options.quick or options.only else _LATEST)
    if path is not None:
        write_durable_json(results, path, options.note)
        sys.stdout.write(f"written: {path.name}\n")
    sys.stdout.write(f"{perf_counter() - started:.0f} s\n")
    return 1 if results.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks durable",
        description="Run durable work beside DBOS and sqlite3, by the clock on the wall.",
    )
    parser.add_argument("--quick", action="store_true", help="one round, a tenth of the size")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"default {_ROUNDS}")
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="may be repeated; workflows-* works"
    )
    parser.add_argument(
        "--population",
        type=int,
        default=POPULATION,
        metavar="N",
        help=f"finished workflows that pass through while memory is watched; default {POPULATION}",
    )
    parser.add_argument(
        "--directory", type=Path, default=_FILES, metavar="PATH", help="where the files are written"
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="where to write the results")
    parser.add_argument("--note", metavar="TEXT", help="kept with the results")
    return parser


def _chosen(patterns: Sequence[str] | None, instances: int) -> list[DurableWorkload]:
    every = (*WORKLOADS, population(instances))
    return [w for w in every if not patterns or any(fnmatch(w.name, p) for p in patterns)]


def _notify(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
