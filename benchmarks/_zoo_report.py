"""What was found in the zoo: as a table, as a few lines, and as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from benchmarks._zoo import BUDGET, BugFigures, ZooFigures, geometric_mean

MEAN_RATIO: Final = 1.1
MOST_RATIO: Final = 1.5
"""What the lengths of counterexamples are held against, as multiples of the shortest known."""

_LEVELS: Final = ("easy", "hard")


def zoo_table(figures: ZooFigures) -> str:
    """Return a line for each bug."""
    head = f"{'protocol: bug':<70} level  found  median run  shrunk   shortest  ratio"
    return "\n".join([head, "-" * len(head), *map(_line, figures.bugs)])


def zoo_lines(figures: ZooFigures) -> str:
    """Return what came of the whole, in a few lines."""
    return "\n".join(_lines(figures))


def zoo_summary(figures: ZooFigures) -> dict[str, object]:
    """Return what came of the zoo as JSON values."""
    return {
        "seeds": figures.seeds,
        "schedules": BUDGET,
        "bugs": len(figures.bugs),
        "levels": {
            level: {"found": figures.share(level), "median_run": figures.median_run(level)}
            for level in _LEVELS
        },
        "lengths": {
            "over the shortest known": _lengths(figures.ratios(exhaustive=False)),
            "over the shortest there is": _lengths(figures.ratios(exhaustive=True)),
            "targets": {"geometric_mean": MEAN_RATIO, "most": MOST_RATIO},
        },
        "figures": [_bug_summary(each) for each in figures.bugs],
    }


def _lengths(ratios: tuple[float, ...]) -> Mapping[str, float | int]:
    return {
        "counterexamples": len(ratios),
        "geometric_mean": geometric_mean(ratios),
        "most": max(ratios, default=1.0),
        f"above {MOST_RATIO}": sum(each > MOST_RATIO for each in ratios),
    }


def _bug_summary(bug: BugFigures) -> Mapping[str, object]:
    return {
        "protocol": bug.specimen,
        "bug": bug.bug,
        "level": bug.level,
        "found": bug.share,
        "median_run": bug.median_run,
        "runs": [None if each is None else each.run for each in bug.found],
        "lengths": list(bug.lengths),
        "shortest_exhaustive": bug.exhaustive,
        "shortest_known": bug.shortest,
    }


def _line(bug: BugFigures) -> str:
    lengths = bug.lengths
    shrunk = f"{min(lengths)}-{max(lengths)}" if lengths else "-"
    mark = "" if bug.exhaustive is None else "="
    shortest = "-" if bug.shortest is None else f"{mark}{bug.shortest}"
    ratio = f"{geometric_mean(bug.ratios):.2f}" if bug.ratios else "-"
    run = "missed" if bug.median_run is None else f"{bug.median_run:g}"
    cells = (
        f"{f'{bug.specimen}: {bug.bug}':<70} {bug.level:<5} {bug.share:6.0%}",
        f"{run:>10}  {shrunk:>6} ",
        f"{shortest:>8}  {ratio:>5}",
    )
    return "  ".join(cells)


def _lines(figures: ZooFigures) -> Iterable[str]:
    yield (
        f"zoo: {len(figures.bugs)} planted bugs, {figures.seeds} seed(s) each, at most {BUDGET}"
        " schedules"
    )
    for level in _LEVELS:
        run = figures.median_run(level)
        said = "half are missed" if run is None else f"median run {run:g}"
        yield f"  {level}: {figures.share(level):.1%} found, {said}"
    for what, exhaustive in (("known", False), ("there is, by exhaustive search", True)):
        ratios = figures.ratios(exhaustive=exhaustive)
        mean, most = geometric_mean(ratios), max(ratios, default=1.0)
        yield (
            f"  shrunk over the shortest {what}: {mean:.3f}x on geometric average"
            f" ({_met(mean, MEAN_RATIO)}), at most {most:.2f}x ({_met(most, MOST_RATIO)}),"
            f" {len(ratios)} counterexamples"
        )


def _met(figure: float, target: float) -> str:
    return f"target {target:g}x {'met' if figure <= target else 'MISSED'}"
