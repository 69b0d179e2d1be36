"""Compare a trace with the recorded one of its scenario.

Some things have no order in OTP: what the descendants of a killed supervisor do, and the ends of
a pool's instances, which are stopped side by side. Both traces are first brought into a form in
which these stand in one order.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Any, TypeAlias, cast

Json: TypeAlias = dict[str, Any]

BEGINNINGS = frozenset({"init", "start", "sup_start"})
OVER = frozenset({"start_fail", "stop", "sup_start_fail", "sup_stop"})
ENDINGS = frozenset({"terminate", "stop", "sup_stop"})
EVENTS = BEGINNINGS | OVER | ENDINGS
POOL = "simple_one_for_one"


@dataclass(frozen=True)
class Difference:
    """The first line in which two traces differ, and the step that it belongs to."""

    step: Json | None
    expected: Json | None
    got: Json | None


def first_difference(scenario: Json, trace: Sequence[Json]) -> Difference | None:
    """Compare with what the scenario expects; None if there is no difference."""
    step: Json | None = None
    recorded = canonical(scenario, scenario["expect"])
    for expected, got in zip_longest(recorded, canonical(scenario, trace)):
        if expected is not None and expected["ev"] == "step":
            number = expected["i"]
            step = scenario["steps"][number - 1] | {"i": number} if number else {"op": "start_root"}
        if expected != got:
            return Difference(step, expected, got)
    return None


def canonical(scenario: Json, trace: Iterable[Json]) -> list[Json]:
    """Put in one order what has none."""
    trace = list(trace)
    pools = _pools(scenario, {_path(line) for line in trace if line["ev"] in EVENTS})
    living = set[str]()
    ordered: list[Json] = []
    for is_event, lines in groupby(trace, lambda line: line["ev"] in EVENTS):
        if is_event:
            run = _with_orphans_gathered(list(lines), living)
            for pool in pools:
                run = _with_instances_sorted(run, pool + "/")
            living = _living_after(run, living)
            ordered += run
        else:
            ordered += (_with_listings_sorted(line) for line in lines)
    return ordered


def _path(line: Json) -> str:
    path, _, _ = line["who"].rpartition("#")
    return str(path)


# -- what comes behind the end of a killed supervisor --------------------------------


def _with_orphans_gathered(run: list[Json], living: set[str]) -> list[Json]:
    """Move what the descendants of a killed supervisor do right behind its end, sorted by who."""
    for place, line in enumerate(run):
        if line["ev"] != "sup_stop" or line.get("reason") != "killed":
            continue
        below = _path(line) + "/"
        orphans = {who for who in _living_after(run[:place], living) if who.startswith(below)}
        rest = run[place + 1 :]
        theirs = [each for each in rest if each["who"] in orphans]
        theirs.sort(key=lambda each: str(each["who"]))
        run[place + 1 :] = theirs + [each for each in rest if each["who"] not in orphans]
    return run


def _living_after(run: Iterable[Json], living: set[str]) -> set[str]:
    living = set(living)
    for line in run:
        if line["ev"] in BEGINNINGS:
            living.add(line["who"])
        elif line["ev"] in OVER:
            living.discard(line["who"])
    return living


# -- instances of pools ------------------------------------------------------------------


def _pools(scenario: Json, paths: set[str]) -> list[str]:
    """Find the pools above these paths, the outer ones first."""
    above = {
        "/".join(names[:count])
        for names in (path.split("/") for path in paths)
        for count in range(1, len(names))
    }
    pools = [path for path in above if (_supervisor(scenario, path) or {}).get("strategy") == POOL]
    return sorted(pools, key=lambda path: (path.count("/"), path))


def _supervisor(scenario: Json, path: str) -> Json | None:
    """Find the specification of the supervisor at a path; None if a worker is there."""
    at, *names = path.split("/")
    spec: Json | None = scenario["root"]
    for name in names:
        if spec is None:
            return None
        spec = (_child(scenario, spec, at, name) or {}).get("sup")
        at = f"{at}/{name}"
    return spec


def _child(scenario: Json, spec: Json, at: str, name: str) -> Json | None:
    children = spec.get("children", [])
    if spec.get("strategy") == POOL:
        return children[0] if children else None
    added = [
        step["spec"]
        for step in scenario["steps"]
        if step["op"] == "start_child" and step["sup"] == at and "spec" in step
    ]
    return next((child for child in [*children, *added] if child.get("id") == name), None)


def _with_instances_sorted(run: list[Json], below: str) -> list[Json]:
    """Sort each stretch of endings below a pool by instance."""

    def instance(line: Json) -> str:
        return _path(line).removeprefix(below).split("/")[0]

    ordered: list[Json] = []
    for ends, lines in groupby(
        run, lambda line: line["ev"] in ENDINGS and line["who"].startswith(below)
    ):
        stretch = list(lines)
        if ends:
            stretch.sort(key=instance)
        ordered += stretch
    return ordered


def _with_listings_sorted(node: Any) -> Any:
    """Sort the instances wherever they are listed."""
    if isinstance(node, dict):
        fields = cast("Json", node)
        return {key: _with_listings_sorted(value) for key, value in fields.items()}
    if not isinstance(node, list):
        return node
    rows = [_with_listings_sorted(row) for row in cast("Iterable[Any]", node)]
    if all(_is_instance(row) for row in rows):
        rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
    return rows


def _is_instance(row: Any) -> bool:
    if isinstance(row, dict):
        return cast("Json", row).get("id") == "-"
    return isinstance(row, list) and cast("Sequence[Any]", row)[:1] == ["-"]
