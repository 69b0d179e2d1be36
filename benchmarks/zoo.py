"""The full measurement of the zoo: `python -m benchmarks.zoo [--seeds N] [--only NAME] ...`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Final

from benchmarks._report import environment
from benchmarks._zoo import BugFigures, ZooFigures, measure, places
from benchmarks._zoo_report import zoo_lines, zoo_summary, zoo_table

SEEDS: Final = 10
STATES: Final = 100_000
"""So many states are looked at for a shortest counterexample, a few seconds of each bug."""

_LATEST: Final = Path(__file__).resolve().parent / "results" / "zoo.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write unless it was only a part."""
    options = _parser().parse_args(argv)
    chosen = places(options.only)
    task = partial(measure, seeds=options.seeds, states=options.states)
    with Pool(options.processes) as pool:
        bugs: list[BugFigures] = []
        for figures in pool.imap(task, chosen):
            bugs.append(figures)
            sys.stderr.write(f"{len(bugs)}/{len(chosen)} {figures.specimen}: {figures.bug}\n")
    zoo = ZooFigures(options.seeds, tuple(bugs))
    sys.stdout.write(f"{zoo_table(zoo)}\n\n{zoo_lines(zoo)}\n")
    path = options.json or (None if options.only else _LATEST)
    if path is not None:
        written = {**environment(options.note), "zoo": zoo_summary(zoo)}
        path.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
        sys.stdout.write(f"written: {path.name}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.zoo", description="Search for each planted bug of the zoo."
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"default {SEEDS}")
    parser.add_argument("--states", type=int, default=STATES, metavar="N", help=f"default {STATES}")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="default 2")
    parser.add_argument("--only", default="", metavar="NAME", help="a part of a protocol's name")
    parser.add_argument("--json", type=Path, metavar="PATH", help="where to write the figures")
    parser.add_argument("--note", metavar="TEXT", help="kept with the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
