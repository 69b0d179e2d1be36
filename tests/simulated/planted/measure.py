"""Plant each bug, and print which scenarios find it, after how many schedules.

::

    python -m tests.simulated.planted.measure [--seeds 5] [--all] [AREA ...]

With ``--all`` each bug is looked for by all scenarios of its area, else by the one that is
to find it, from several seeds.
"""

import argparse
import sys
from collections.abc import Iterator
from statistics import median

from tests.simulated.cases import CASES
from tests.simulated.planted.bugs import BUGS
from tests.simulated.planted.plant import Bug


def found_after(bug: Bug, case: str, seeds: int) -> list[int | None]:
    """Look for a bug from several seeds; return after how many schedules it was found."""
    with bug.plant():
        hunts = [CASES[case].hunt(seed) for seed in range(seeds)]
    return [None if hunt.broken is None else hunt.schedules for hunt in hunts]


def lines(bug: Bug, *, seeds: int, all_of_area: bool) -> Iterator[str]:
    """Say who finds a bug."""
    names = [name for name in CASES if name.startswith(f"{bug.area}/")]
    for name in names if all_of_area else [bug.found_by]:
        after = found_after(bug, name, seeds)
        hits = [each for each in after if each is not None]
        if not hits and name != bug.found_by:
            continue
        said = f"median {median(hits):g}, at most {max(hits)}" if hits else "not found"
        yield f"{bug.name:<52} {name:<44} {len(hits)}/{seeds}  {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", help="default: all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    for bug in BUGS:
        if not options.areas or bug.area in options.areas:
            for line in lines(bug, seeds=options.seeds, all_of_area=options.all):
                sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
