"""The options of a pytest run: how many schedules, which ones, and those that have failed."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# What the inner runs import has to be there already: they forget what they have imported.
from dramaturg.protocols.testing import messages_of, to_token

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")

pytest_plugins = ("pytester",)

TESTS = """
import pytest
from hypothesis import given, strategies as st
from dramaturg.protocols.testing import simulate, simulation_of
from tests.protocols.testing import lost_update, shop

@simulate(schedules=7)
def test_world(world):
    lost_update.careful(world)

@simulate
async def test_race(sim):
    await shop.racy(sim)
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert callable(messages_of)


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugins = ("-p", "no:faulthandler", "-p", "no:cacheprovider", "-p", "dramaturg.pytest_plugin")
    return pytester.runpytest_inprocess(*plugins, *arguments)


def token_in(result: pytest.RunResult) -> str:
    found = re.search(r"--simulate-replay=(\S+)", result.stdout.str())
    assert found is not None
    return found[1]


def test_a_report_ends_with_the_command_that_replays_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)

    result = run(pytester)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*at_rest none left*", "*again: pytest test_it.py::test_race --simulate-replay=v1:*"]
    )


def test_a_failing_schedule_is_replayed_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)
    token = token_in(run(pytester))

    result = run(pytester, "test_it.py::test_race", f"--simulate-replay={token}")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ReplayFailed: replayed: at_rest none left*", "*6 events*"])


def test_a_replay_tells_what_was_skipped(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)
    token = to_token(("deliver gone->store #0", "deliver b->store #0"))

    result = run(pytester, "test_it.py::test_world", f"--simulate-replay={token}")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*simulated schedules*",
            "test_it.py::test_world",
            "replayed: passes",
            "skipped, since not possible any more: deliver gone->store #0",
        ]
    )


def test_a_replay_is_for_a_single_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)

    result = run(pytester, f"--simulate-replay={to_token(())}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*for a single simulated test, and 2 are selected*"])


@pytest.mark.parametrize("token", ["v0:eNqLjgUAARUAuQ", "nonsense", "v1:####"])
def test_what_is_no_token_is_refused_at_once(pytester: pytest.Pytester, token: str) -> None:
    pytester.makepyfile(test_it=TESTS)

    result = run(pytester, "test_it.py::test_race", f"--simulate-replay={token}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--simulate-replay: token*cannot be read; expected*v1:*"])


@pytest.mark.parametrize(
    "option", ["--simulate-schedules=0", "--simulate-schedules=many", "--simulate-profile=weekly"]
)
def test_a_value_that_cannot_be_is_refused_at_once(pytester: pytest.Pytester, option: str) -> None:
    assert run(pytester, option).ret == pytest.ExitCode.USAGE_ERROR


def test_failures_are_not_kept_in_a_file_that_is_there(pytester: pytest.Pytester) -> None:
    file = pytester.makefile(".txt", notes="mine")

    result = run(pytester, f"--simulate-failures={file}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--simulate-failures=*notes.txt: a file; expected a directory"])
    assert file.read_text() == "mine"


COUNTING = """
import pytest
from pathlib import Path
from dramaturg.protocols.testing import simulate
import dramaturg.protocols.testing._pytest_search as searching
from tests.protocols.testing import lost_update

@pytest.fixture(autouse=True)
def _counted(monkeypatch):
    explore = searching.explore
    def counting(scenario, **options):
        Path("options.txt").write_text(repr(sorted(options.items())))
        return explore(scenario, **{**options, "schedules": 1})
    counting.__signature__ = __import__("inspect").signature(explore)
    monkeypatch.setattr(searching, "explore", counting)

@simulate(schedules=7, seed=3)
def test_world(world):
    world.add("store", lost_update.Store())
"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), {"schedules": 7, "seed": 3}),
        (("--simulate-schedules=9",), {"schedules": 9, "seed": 3}),
        (("--simulate-seed=11",), {"schedules": 7, "seed": 11}),
        (("--simulate-profile=nightly", "--simulate-seed=5"), {"schedules": 140, "seed": 5}),
        (
            ("--simulate-profile=nightly", "--simulate-seed=5", "--simulate-schedules=9"),
            {"schedules": 9, "seed": 5},
        ),
    ],
)
def test_options_say_how_many_schedules_and_which(
    pytester: pytest.Pytester, arguments: tuple[str, ...], expected: dict[str, int]
) -> None:
    pytester.makepyfile(test_it=COUNTING)

    result = run(pytester, *arguments)

    result.assert_outcomes(passed=1)
    assert (pytester.path / "options.txt").read_text() == repr(sorted(expected.items()))


def test_a_nightly_run_says_with_which_seed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=COUNTING)

    result = run(pytester, "--simulate-profile=nightly")

    result.stdout.re_match_lines([r"dramaturg: profile nightly, .* --simulate-seed=20\d{6}$"])
    seed = re.search(r"--simulate-seed=(\d+)", result.stdout.str())
    assert seed is not None
    assert f"('seed', {seed[1]})" in (pytester.path / "options.txt").read_text()


# -- failures in files -------------------------------------------------------------------------

FIXABLE = """
from pathlib import Path
from dramaturg.protocols.testing import simulate
from tests.protocols.testing import shop

@simulate(schedules=5)
async def test_race(sim):
    with open("runs.txt", "a") as file:
        file.write("x")
    await (shop.careful if Path("mended").exists() else shop.racy)(sim)
"""


def stored(pytester: pytest.Pytester) -> list[Path]:
    return sorted((pytester.path / "failures").glob("*"))


def runs(pytester: pytest.Pytester) -> int:
    file = pytester.path / "runs.txt"
    count = len(file.read_text())
    file.unlink()
    return count


def test_a_failing_schedule_is_kept_in_a_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=FIXABLE)

    result = run(pytester, "--simulate-failures=failures")

    [path] = stored(pytester)
    kept: dict[str, Any] = json.loads(path.read_text())
    assert kept["test"] == "test_it.py::test_race"
    assert kept["property"] == "at_rest none left"
    assert kept["token"] == token_in(result)
    assert kept["schedule"][0] == "deliver scenario->/ann #0"
    assert kept["seed"] == 0
    assert "at_rest none left" in kept["report"]
    assert kept["mermaid"].startswith("sequenceDiagram")
    result.stdout.fnmatch_lines([f"*kept in failures*{path.name}", "*again: pytest*"])


def test_what_is_kept_is_replayed_first(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=FIXABLE)
    run(pytester, "--simulate-failures=failures")
    runs(pytester)

    result = run(pytester, "--simulate-failures=failures")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ReplayFailed*", "*kept in*", "*again: pytest*"])
    assert runs(pytester) == 1


def test_what_was_mended_is_forgotten_and_the_search_goes_on(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=FIXABLE)
    run(pytester, "--simulate-failures=failures")
    runs(pytester)
    (pytester.path / "mended").touch()

    result = run(pytester, "--simulate-failures=failures")

    result.assert_outcomes(passed=1)
    assert stored(pytester) == []
    assert runs(pytester) > 5


@pytest.mark.parametrize("text", ["", "[]", '{"version": 0}', '{"version": 1, "test": "x"}'])
def test_a_file_that_cannot_be_read_is_named(pytester: pytest.Pytester, text: str) -> None:
    pytester.makepyfile(test_it=FIXABLE)
    run(pytester, "--simulate-failures=failures")
    [path] = stored(pytester)
    path.write_text(text)

    result = run(pytester, "--simulate-failures=failures")

    result.stdout.fnmatch_lines([f"*ScenarioError: failures/{path.name}: cannot be read*"])


# -- beside others -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_pytest_asyncio_leaves_simulated_tests_alone(pytester: pytest.Pytester, mode: str) -> None:
    pytester.makeini(
        f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n"
    )
    pytester.makepyfile(
        test_it=TESTS.replace("shop.racy", "shop.careful")
        + """
@pytest.mark.asyncio
async def test_beside(system, probe, clock):
    store = system.spawn(shop.Store)
    assert await store.request(shop.Get()) == 2
"""
    )

    result = run(pytester, "-p", "pytest_asyncio.plugin", "-Werror")

    result.assert_outcomes(passed=3)


def test_hypothesis_does_not_look_at_the_time_of_a_simulated_test(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_it="""
from hypothesis import HealthCheck, given, settings, strategies as st
from dramaturg.protocols.testing import simulate
from tests.protocols.testing import lost_update

@settings(deadline=1, max_examples=2)
@given(number=st.integers())
@simulate
def test_it(world, number):
    world.add("store", lost_update.Store())

def test_settings():
    found = test_it._hypothesis_internal_use_settings
    assert found.deadline is None and found.max_examples == 2
    assert HealthCheck.too_slow in found.suppress_health_check
"""
    )

    run(pytester).assert_outcomes(passed=2)


def test_the_plugin_may_be_named_twice(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["dramaturg.pytest_plugin"]')
    pytester.makepyfile(test_it="def test_it(system): ...")

    run(pytester, "-p", "dramaturg.pytest_plugin").assert_outcomes(passed=1)


def test_loading_the_plugin_imports_neither_the_kit_nor_hypothesis() -> None:
    program = (
        "import sys, dramaturg._pytest_plugin, dramaturg.pytest_plugin\n"
        "print(sorted(name for name in sys.modules if name.startswith(('dramaturg.', 'hypo'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == (
        "['dramaturg._pytest_plugin', 'dramaturg._running_test', 'dramaturg.pytest_plugin']"
    )


def test_without_pytest_the_extra_is_named() -> None:
    program = (
        "import sys\n"
        "sys.modules['pytest'] = None\n"
        "try:\n"
        "    import dramaturg._pytest_plugin\n"
        "except ImportError as error:\n"
        "    print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "MissingExtraError" in done.stdout
    assert "testing" in done.stdout
