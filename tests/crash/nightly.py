"""Many random kills: ``python -m tests.crash.nightly [KILLS] [SEED] [STORY]``; 500 by default."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from tests.crash.harness import Nursery, survive
from tests.crash.killer import drawn_kill
from tests.crash.stories import PATTERNS, WORKFLOWS, story_of

__all__ = ["main"]


def main(kills: int, seed: int, only: str = "") -> int:
    """Kill so often in all, over all stories in turn; return how many processes were."""
    random = Random(seed)
    names = [only] if only else [*sorted(PATTERNS), *WORKFLOWS, *["drawn"] * 16]
    killed = rounds = drawn = 0
    told: Counter[str] = Counter()
    with Nursery() as nursery:
        while killed < kills:
            name = names[rounds % len(names)]
            rounds += 1
            if name == "drawn":
                drawn += 1
                name = f"drawn {random.randrange(10**6)}"
            story = story_of(name)
            places = [
                drawn_kill(random, story.commits, full=story.withstands)
                for _ in range(random.randint(1, 5))
            ]
            with tempfile.TemporaryDirectory() as directory:
                hit = survive(nursery, name, Path(directory), places)
            killed += hit
            told[name.partition(" ")[0]] += hit
            sys.stdout.write(f"{killed:>4} killed  {name:<14} {', '.join(places)}\n")
            sys.stdout.flush()
    by_story = ", ".join(f"{name} {count}" for name, count in sorted(told.items()))
    stories = f"{rounds} stories, {drawn} of them drawn ({by_story})"
    sys.stdout.write(f"{killed} killed in {stories}; nothing is wrong\n")
    return killed


if __name__ == "__main__":
    wanted, first, story, *_ = [*sys.argv[1:], *("500", "1", "")[len(sys.argv) - 1 :]]
    main(int(wanted), int(first), story)
