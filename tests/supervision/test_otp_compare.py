"""The comparison of traces: what it sees, and what it passes over."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.supervision.otp.compare import ENDINGS, Json, first_difference

SCENARIOS = sorted((Path(__file__).parent / "otp" / "scenarios").glob("*.json"))

KILLED = "h_hang_sup_group"
"""Has a killed supervisor."""
POOL = "h_simple_sup_stop"
"""Has a pool, whose instances are stopped side by side."""


def read(path: Path) -> Json:
    scenario: Json = json.loads(path.read_text())
    return scenario


def load(name: str) -> Json:
    [path] = (path for path in SCENARIOS if path.stem == name)
    return read(path)


each_scenario = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)


@each_scenario
def test_a_recorded_trace_differs_in_nothing_from_itself(path: Path) -> None:
    scenario = read(path)

    assert first_difference(scenario, scenario["expect"]) is None


@each_scenario
def test_a_trace_without_one_of_its_lines_differs(path: Path) -> None:
    scenario = read(path)
    trace = scenario["expect"]

    for place in range(len(trace)):
        assert first_difference(scenario, trace[:place] + trace[place + 1 :]) is not None


@each_scenario
def test_a_trace_with_another_value_differs(path: Path) -> None:
    scenario = read(path)
    trace = scenario["expect"]

    for place, line in enumerate(trace):
        changed = [*trace[:place], changed_line(line), *trace[place + 1 :]]
        assert first_difference(scenario, changed) is not None


def changed_line(line: Json) -> Json:
    key = next(key for key in ("reason", "value", "who", "ok", "op", "children") if key in line)
    other: Any = not line[key] if key == "ok" else "root/nobody#1"
    return line | {key: other}


def test_a_difference_names_the_step_and_both_lines() -> None:
    scenario = load("h_empty")
    trace = [*scenario["expect"]]
    place = trace.index({"ev": "sup_stop", "who": "root#1", "reason": "shutdown"})
    trace[place] = trace[place] | {"reason": "killed"}

    difference = first_difference(scenario, trace)

    assert difference is not None
    assert difference.step == {"i": 3, "op": "stop"}
    assert difference.expected is not None
    assert difference.expected["reason"] == "shutdown"
    assert difference.got is not None
    assert difference.got["reason"] == "killed"


def test_a_trace_that_ends_early_differs_in_a_line_that_is_missing() -> None:
    scenario = load("h_empty")

    difference = first_difference(scenario, scenario["expect"][:-1])

    assert difference is not None
    assert difference.got is None


def test_a_trace_that_goes_on_differs_in_a_line_too_many() -> None:
    scenario = load("h_empty")

    difference = first_difference(scenario, scenario["expect"] * 2)

    assert difference is not None
    assert difference.expected is None


def swapped(scenario: Json, first: Json, second: Json) -> list[Json]:
    """Return the recorded trace with two lines in each other's place."""
    trace = [*scenario["expect"]]
    a, b = trace.index(first), trace.index(second)
    trace[a], trace[b] = trace[b], trace[a]
    return trace


def test_the_order_of_two_starts_counts() -> None:
    scenario = load(KILLED)
    a, q = ({"ev": "start", "who": f"root/{name}#2"} for name in ("a", "s/q"))

    assert first_difference(scenario, swapped(scenario, a, q)) is not None


def test_what_the_descendants_of_a_killed_supervisor_do_may_come_later_and_in_any_order() -> None:
    scenario = load(KILLED)
    start = {"ev": "start", "who": "root/a#2"}
    orphan = {"ev": "start_fail", "who": "root/s/x#2", "reason": "killed"}

    assert first_difference(scenario, swapped(scenario, start, orphan)) is None


def test_what_others_do_may_not_come_before_the_end_of_the_killed_supervisor() -> None:
    scenario = load(KILLED)
    start = {"ev": "start", "who": "root/a#2"}
    end = {"ev": "sup_stop", "who": "root/s#1", "reason": "killed"}

    assert first_difference(scenario, swapped(scenario, start, end)) is not None


def test_different_instances_of_a_pool_may_end_in_any_order() -> None:
    scenario = load(POOL)
    trace = scenario["expect"]
    first = [line for line in trace if line["ev"] in ENDINGS and "root/i1" in line["who"]]
    others = [line for line in trace if line not in first]
    place = others.index({"ev": "sup_stop", "who": "root/i3#1", "reason": "shutdown"})

    moved = others[:place] + first + others[place:]

    assert moved != trace
    assert first_difference(scenario, moved) is None


def test_the_ends_within_one_instance_of_a_pool_may_not_be_mixed() -> None:
    scenario = load(POOL)
    first, second = (
        {"ev": "terminate", "who": f"root/i1/{name}#1", "reason": "shutdown"} for name in "qp"
    )

    assert first_difference(scenario, swapped(scenario, first, second)) is not None


def with_listing_reversed(scenario: Json, step: int) -> list[Json]:
    trace = [*scenario["expect"]]
    place = next(i for i, line in enumerate(trace) if line["ev"] == "result" and line["i"] == step)
    trace[place] = trace[place] | {"value": trace[place]["value"][::-1]}
    return trace


def test_the_listed_instances_of_a_pool_may_be_in_any_order() -> None:
    scenario = load("h_simple_extra")

    assert first_difference(scenario, with_listing_reversed(scenario, 4)) is None


def test_the_listed_children_of_other_supervisors_have_an_order() -> None:
    scenario = load("h_type_transient_abnormal")

    assert first_difference(scenario, with_listing_reversed(scenario, 4)) is not None


def test_the_instances_of_a_pool_may_be_in_any_order_at_the_end() -> None:
    scenario = load("g_simple_0400")
    trace = json.loads(json.dumps(scenario["expect"]))
    trace[-1]["children"][1]["children"].reverse()

    assert first_difference(scenario, trace) is None
