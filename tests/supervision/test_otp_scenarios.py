"""Supervisors behave as Erlang/OTP's did, in each recorded scenario."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import ManualClock, SystemClock
from tests.supervision.otp._play import play
from tests.supervision.otp.compare import Json, first_difference

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((Path(__file__).parent / "otp" / "scenarios").glob("*.json"))


def load(name: str) -> Json:
    [path] = (path for path in SCENARIOS if path.stem == name)
    return read(path)


def read(path: Path) -> Json:
    scenario: Json = json.loads(path.read_text())
    return scenario


def given(scenario: Json) -> Json:
    """Return what a runner is given: not the recorded trace."""
    return {key: scenario[key] for key in ("id", "root", "steps")}


each_scenario = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)


# -- playing ------------------------------------------------------------------------


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) == 60


@each_scenario
def test_a_scenario_goes_in_real_time_as_it_went_in_otp(path: Path) -> None:
    scenario = read(path)

    trace = play(given(scenario), SystemClock())

    assert first_difference(scenario, trace) is None


@each_scenario
def test_a_scenario_goes_in_virtual_time_as_it_went_in_otp(path: Path) -> None:
    scenario = read(path)

    trace = play(given(scenario), ManualClock())

    assert first_difference(scenario, trace) is None


@pytest.mark.parametrize("name", ["g_gates_0223", "g_timing_0075", "h_hang_sup_group"])
def test_a_scenario_goes_the_same_way_each_time_in_virtual_time(name: str) -> None:
    scenario = given(load(name))

    assert play(scenario, ManualClock()) == play(scenario, ManualClock())


def test_the_runner_reads_a_scenario_and_prints_its_trace() -> None:
    scenario = load("h_sd_mix")

    done = subprocess.run(
        [sys.executable, "-m", "tests.supervision.otp.runner"],
        input=json.dumps(given(scenario)),
        capture_output=True,
        check=True,
        cwd=ROOT,
        encoding="utf-8",
        timeout=50,
    )

    trace = [json.loads(line) for line in done.stdout.splitlines()]
    assert first_difference(scenario, trace) is None
    assert done.stderr == ""


# -- what no recorded scenario has ------------------------------------------------------


def lines(root: Json, *steps: Json) -> list[Json]:
    """Play in virtual time; return the lines that are no steps."""
    trace = play({"id": "it", "root": root, "steps": [*steps]}, ManualClock())
    return [line for line in trace if line["ev"] != "step"]


def results(root: Json, *steps: Json) -> list[Any]:
    return [line["value"] for line in lines(root, *steps) if line["ev"] == "result"]


def worker(name: str, **options: Any) -> Json:
    return {"id": name, "worker": options}


def test_a_call_that_a_busy_supervisor_never_answers_is_unanswered() -> None:
    root = {"intensity": 5, "children": [worker("a", init=["ok", "hang"])]}
    leave = {"op": "exit", "path": "root/a", "reason": "normal"}
    call = {"op": "count_children", "sup": "root", "async": True}

    *_, unanswered, final = lines(root, leave, call)

    assert unanswered == {"ev": "unanswered", "i": 2}
    assert final == {"ev": "final", "root": "alive", "children": []}


def test_a_call_whose_supervisor_is_killed_meanwhile_is_answered_with_down() -> None:
    root = {"intensity": 5, "children": [worker("a", init=["ok", "hang"])]}
    leave = {"op": "exit", "path": "root/a", "reason": "normal"}
    call = {"op": "count_children", "sup": "root", "async": True}
    kill = {"op": "kill", "path": "root"}

    assert results(root, leave, call, kill)[-2:] == [{"error": "down"}, "ok"]


def test_the_events_of_a_step_that_does_not_settle_come_with_the_next_that_does() -> None:
    root = {"children": [worker("a", terminate_ms=200)]}
    stop = {"op": "terminate_child", "sup": "root", "child": "a", "async": True, "settle": False}
    wait = {"op": "wait", "ms": 100, "min_ms": 190, "max_ms": 210}

    assert lines(root, stop, wait)[3:-1] == [
        {"ev": "terminate", "who": "root/a#1", "reason": "shutdown"},
        {"ev": "stop", "who": "root/a#1", "reason": "shutdown"},
        {"ev": "result", "i": 1, "value": "ok"},
        {"ev": "result", "i": 2, "value": "ok"},
        {"ev": "timing", "i": 2, "ok": True},
    ]


def test_a_step_that_takes_too_long_says_so() -> None:
    root = {"children": [worker("a", terminate_ms=200)]}

    timing = lines(root, {"op": "stop", "max_ms": 199})[-2]

    assert timing == {"ev": "timing", "i": 1, "ok": False}


def test_an_instance_may_have_a_start_timeout_of_its_own() -> None:
    root = {"strategy": "simple_one_for_one", "children": [worker("x")]}
    own = {"init": [{"delay": 200, "then": "ok"}], "start_timeout": 100}
    start = {"op": "start_child", "sup": "root", "instance": {"name": "i1", "worker": own}}

    assert results(root, start)[-1] == {"error": "start_failed", "reason": "timeout"}


WRONG: list[tuple[Json, str]] = [
    ({"strategy": "some", "intensity": -1}, "bad_flags:invalid_strategy"),
    ({"intensity": True, "period": 0}, "bad_flags:invalid_intensity"),
    ({"period": 0.5, "auto_shutdown": "always"}, "bad_flags:invalid_period"),
    ({"auto_shutdown": "always", "children": [{}]}, "bad_flags:invalid_auto_shutdown"),
    ({"strategy": "simple_one_for_one", "children": [{}, {}]}, "bad_spec:bad_start_spec"),
    ({"children": [{"restart": "never"}]}, "bad_spec:missing_id"),
    ({"children": [{"id": "a", "type": "x"}, {"id": "a"}]}, "bad_spec:invalid_child_type"),
    ({"children": [{"id": "a"}, {"id": "a"}, {}]}, "bad_spec:duplicate_child_name"),
]


@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_of_several_wrong_things_the_first_in_otps_order_is_reported(
    wrong: Json, reason: str
) -> None:
    assert results(wrong) == [{"error": reason}]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"restart": "never", "significant": True}, "bad_spec:invalid_restart_type"),
        ({"restart": "transient", "significant": True, "type": "x"}, "bad_spec:bad_combination"),
        ({"restart": "transient", "significant": True}, "bad_spec:bad_combination"),
        ({"type": "x", "shutdown": -1}, "bad_spec:invalid_child_type"),
        ({"shutdown": 0.5}, "bad_spec:invalid_shutdown"),
    ],
)
def test_of_several_wrong_things_in_a_child_the_first_in_otps_order_is_reported(
    wrong: Json, reason: str
) -> None:
    child = {"id": "a"} | wrong

    assert results({"children": [child]}) == [{"error": reason}]
    assert results({}, {"op": "start_child", "sup": "root", "spec": child})[1:] == [
        {"error": reason}
    ]
