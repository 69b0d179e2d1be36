"""How soon the search finds the bugs of this zoo, and whether it is silent where there are none.

``python -m tests.protocols.testing.real_zoo.measure [part of a name]``; two processes, minutes.
"""

import sys
import time
from collections import Counter
from functools import partial
from multiprocessing import Pool
from statistics import median

from tests.protocols.testing.real_zoo import REAL_ZOO, Specimen

SEEDS = 20
BUDGET = 500
CORRECT = 2_000


def bug(specimen: Specimen, name: str, seeds: int) -> str:
    began = time.process_time()
    tries = [specimen.found(name, BUDGET, seed) for seed in range(seeds)]
    took = time.process_time() - began
    found = [each for each in tries if each is not None]
    runs = sorted(BUDGET + 1 if each is None else each.schedule_number for each in tries)
    broken = Counter(each.run.broken.name for each in found if each.run.broken).most_common()
    return (
        f"{specimen.name} | {name} | {specimen.bugs[name]} | {len(found)}/{seeds}"
        f" | {median(runs):g} | {runs[-1]} | {took:.1f} s"
        f" | {', '.join(f'{what} {times}' for what, times in broken)}"
    )


def correct(specimen: Specimen, schedules: int) -> str:
    began = time.process_time()
    verdict = specimen.explored("correct", schedules)
    took = time.process_time() - began
    share = verdict.truncated / verdict.schedules
    broken = verdict.failure.property if verdict.failure else ", ".join(verdict.never)
    return (
        f"{specimen.name} | {verdict.outcome} {broken} | {verdict.schedules}"
        f" | {verdict.events / verdict.schedules:.0f} events each | {share:.1%} cut off"
        f" | {verdict.schedules / took:.0f}/s | {took:.1f} s"
    )


def job(place: int, variant: str, number: int) -> str:
    specimen = REAL_ZOO[place]
    try:
        if variant == "correct":
            return correct(specimen, number)
        return bug(specimen, variant, number)
    except Exception as error:  # noqa: BLE001 - to be seen in the table
        return f"{specimen.name} | {variant} | {type(error).__name__}: {error}"


def call(task: "partial[str]") -> str:
    return task()


def main(part: str = "", seeds: str = f"{SEEDS}", schedules: str = f"{CORRECT}") -> None:
    tasks = [
        partial(job, place, variant, int(schedules if variant == "correct" else seeds))
        for wanted in ("bugs", "correct")
        for place, specimen in enumerate(REAL_ZOO)
        if part in specimen.name
        for variant in (specimen.bugs if wanted == "bugs" else ["correct"])
    ]
    with Pool(2) as pool:
        for line in pool.imap_unordered(call, tasks):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
