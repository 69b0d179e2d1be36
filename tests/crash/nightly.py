"""Many random kills: ``python -m tests.crash.nightly [KILLS] [SEED]``; 500 by default."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

from tests.crash.harness import check, survive
from tests.crash.scenarios import SCENARIOS

__all__ = ["main"]


def main(kills: int, seed: int) -> int:
    """Kill so often in all, over all scenarios in turn; return how many processes were."""
    random = Random(seed)
    names = sorted(SCENARIOS)
    killed = rounds = 0
    while killed < kills:
        name = names[rounds % len(names)]
        rounds += 1
        places = [
            f"{random.choice(['before', 'after'])} {random.randint(1, 15)}"
            for _ in range(random.randint(1, 4))
        ]
        with tempfile.TemporaryDirectory() as directory:
            found = survive(name, Path(directory), places)
            check(name, Path(directory), found)
        killed += found.killed
        sys.stdout.write(f"{killed:>4} killed  {name:<10} {', '.join(places)}\n")
        sys.stdout.flush()
    return killed


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]]
    main(*[*numbers, *(500, 1)[len(numbers) :]])
