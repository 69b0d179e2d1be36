"""How soon the search finds the bugs of the zoo, and whether it is silent where there are none.

``python -m tests.protocols.testing.zoo.measure [part of a name]``; two processes, some minutes.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from multiprocessing import Pool
from statistics import median

from dramaturg.protocols.testing import Verdict, explore
from tests.protocols.testing.zoo import ZOO, Specimen

SEEDS = 20
BUDGET = 500
CORRECT = 5_000


def explored(specimen: Specimen, variant: str, schedules: int, seed: int) -> Verdict:
    return explore(
        specimen.scenario(variant),
        network=specimen.network,
        faults=specimen.faults,
        schedules=schedules,
        seed=seed,
    )


def bug(specimen: Specimen, name: str) -> str:
    began = time.process_time()
    verdicts = [explored(specimen, name, BUDGET, seed) for seed in range(SEEDS)]
    took = time.process_time() - began
    planted = specimen.bugs[name]
    said = f"{specimen.name} | {name} | {planted.level}"
    found = [verdict.failure for verdict in verdicts if verdict.failure is not None]
    if not found:
        outcomes = Counter(verdict.outcome for verdict in verdicts)
        return f"{said} | 0/{SEEDS} | | | {dict(outcomes)} | | | | {took:.1f}"
    runs = sorted(each.found_in if each else BUDGET + 1 for each in (v.failure for v in verdicts))
    worst = f"{runs[-1]}" if runs[-1] <= BUDGET else "missed"
    strategies = Counter(each.strategy for each in found).most_common(3)
    by = ", ".join(f"{strategy} {times}" for strategy, times in strategies)
    before = median(each.found_with for each in found)
    lengths = sorted(len(each.schedule) for each in found)
    departures = median(each.departures for each in found)
    return (
        f"{said} | {len(found)}/{SEEDS} | {median(runs):g} | {worst} | {by} | {before:g}"
        f" | {median(lengths):g} ({lengths[0]}-{lengths[-1]}) | {departures:g} | {took:.1f}"
    )


def correct(specimen: Specimen, variant: str) -> str:
    began = time.process_time()
    verdict = explored(specimen, variant, CORRECT, 0)
    took = time.process_time() - began
    share = verdict.truncated / verdict.schedules
    broken = verdict.failure.property if verdict.failure else ", ".join(verdict.never)
    return (
        f"{specimen.name} | {variant} | {verdict.outcome} {broken} | {verdict.schedules}"
        f" | {verdict.events / verdict.schedules:.0f} | {verdict.events / took:,.0f} | {share:.1%}"
    )


def work(part: str, what: str) -> Iterator[partial[str]]:
    for place, specimen in enumerate(ZOO):
        if part not in specimen.name:
            continue
        for variant in specimen.bugs if what == "bug" else specimen.correct:
            yield partial(job, place, variant, what)


def job(place: int, variant: str, what: str) -> str:
    return (bug if what == "bug" else correct)(ZOO[place], variant)


def call(task: "partial[str]") -> str:
    return task()


def main(part: str = "") -> None:
    heads = {
        "correct": "protocol | variant | verdict | schedules | events each | events/s | cut off",
        "bug": "protocol | bug | level | found | median run | worst | by | events | shrunk (range)"
        " | departures | CPU s",
    }
    with Pool(2) as pool:
        for what, head in heads.items():
            sys.stdout.write(f"\n{head}\n")
            for line in pool.imap(call, work(part, what)):
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
