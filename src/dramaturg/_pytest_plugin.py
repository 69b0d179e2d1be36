"""What pytest loads: options and fixtures for tests that simulate.

It imports nothing of the kit, until a test uses it.
"""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dramaturg._running_test import RUNNING, RunningTest

try:
    import pytest
except ImportError as error:
    from dramaturg.actors import MissingExtraError

    raise MissingExtraError(
        call="dramaturg.pytest_plugin", package="pytest", extra="testing"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.testing import TestProbe, VirtualClock
    from dramaturg.protocols.testing._stage import Stage

NIGHTLY = 20
"""So many times as many schedules are tried in the profile "nightly"."""

SAID = pytest.StashKey[list[str]]()


# -- options -----------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dramaturg", "simulated schedules (dramaturg)")
    group.addoption(
        "--simulate-schedules",
        type=_positive,
        metavar="N",
        help="try N schedules for each simulated test, whatever it says",
    )
    group.addoption(
        "--simulate-seed",
        type=int,
        metavar="N",
        help="draw the schedules from this seed, whatever the test says",
    )
    group.addoption(
        "--simulate-replay",
        metavar="TOKEN",
        help="run only this schedule, as a report gives it; select a single simulated test",
    )
    group.addoption(
        "--simulate-profile",
        choices=("nightly",),
        help=f"nightly: {NIGHTLY} times as many schedules, other ones each day",
    )
    group.addoption(
        "--simulate-failures",
        type=Path,
        metavar="DIR",
        help="keep failing schedules in this directory, and replay them first",
    )


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return number


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SAID] = []
    token = config.getoption("simulate_replay")
    if token is not None:
        from dramaturg.protocols.testing import ScenarioError, from_token  # noqa: PLC0415 - lazy

        try:
            from_token(token)
        except ScenarioError as error:
            raise pytest.UsageError(f"--simulate-replay: {error}") from None
    failures: Path | None = config.getoption("simulate_failures")
    if failures is not None and failures.exists() and not failures.is_dir():
        raise pytest.UsageError(f"--simulate-failures={failures}: a file; expected a directory")


def pytest_report_header(config: pytest.Config) -> str | None:
    if config.getoption("simulate_profile") is None:
        return None
    return (
        f"dramaturg: profile nightly, {NIGHTLY} times as many schedules,"
        f" --simulate-seed={_seed(config)}"
    )


def _seed(config: pytest.Config) -> int | None:
    seed: int | None = config.getoption("simulate_seed")
    if seed is None and config.getoption("simulate_profile") is not None:
        today: date = datetime.now(UTC).date()
        return int(today.strftime("%Y%m%d"))
    return seed


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    said = config.stash[SAID]
    if said:
        terminalreporter.section("simulated schedules")
        for text in said:
            terminalreporter.write_line(text)


# -- tests -------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    simulated = [item for item in items if _is(item, "is_simulated_test")]
    if config.getoption("simulate_replay") is not None and len(simulated) != 1:
        raise pytest.UsageError(
            f"--simulate-replay is for a single simulated test, and {len(simulated)} are selected:"
            " name it by its node id"
        )
    for item in simulated:
        if _is(item, "is_hypothesis_test"):
            _without_deadline(item)


def _is(item: pytest.Item, mark: str) -> bool:
    return bool(getattr(getattr(item, "obj", None), mark, False))


def _without_deadline(item: Any) -> None:
    """Let Hypothesis not look at the time: how long a search takes says nothing about the test."""
    from hypothesis import HealthCheck, settings  # noqa: PLC0415 - lazy

    given = getattr(item.obj, "__func__", item.obj)
    current = getattr(given, "_hypothesis_internal_use_settings", None) or settings()
    suppressed = {*current.suppress_health_check, HealthCheck.too_slow}
    given._hypothesis_internal_use_settings = settings(
        current, deadline=None, suppress_health_check=tuple(suppressed)
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    __tracebackhide__ = True
    config = item.config
    nightly = config.getoption("simulate_profile") is not None
    running = RunningTest(
        item.nodeid,
        config.stash[SAID].append,
        schedules=config.getoption("simulate_schedules"),
        times=NIGHTLY if nightly else 1,
        seed=_seed(config),
        replay=config.getoption("simulate_replay"),
        failures=config.getoption("simulate_failures"),
    )
    token = RUNNING.set(running)
    try:
        return (yield)
    finally:
        RUNNING.reset(token)


# -- fixtures ----------------------------------------------------------------------------------


@pytest.fixture
def actor_failures() -> list[BaseException]:
    """What actors have failed with and nobody was told; a test clears it that has looked."""
    return []


@pytest.fixture
def _stage(actor_failures: list[BaseException]) -> Iterator[Stage]:
    from dramaturg.protocols.testing._stage import Stage  # noqa: PLC0415 - lazy

    stage = Stage(failures=actor_failures)
    try:
        yield stage
    finally:
        stage.close()
    unread = stage.unread()
    if unread:
        said = "; ".join(f"{type(each).__name__}: {each}" for each in unread)
        pytest.fail(f"actors have failed, and nobody was told: {said}", pytrace=False)


@pytest.fixture
def system(_stage: Stage) -> ActorSystem:
    """A whole actor system in virtual time, in which everything that is ready runs at once."""
    return _stage.system


@pytest.fixture
def clock(_stage: Stage) -> VirtualClock:
    """The clock of the fixture ``system``: ``clock.advance(2.0)``."""
    return _stage.clock


@pytest.fixture
def probe(_stage: Stage) -> TestProbe:
    """An actor of the fixture ``system`` in the hands of the test, at ``/probe``."""
    from dramaturg.protocols.testing._probe import TestProbe  # noqa: PLC0415 - lazy

    return TestProbe(_stage.system, name="probe")
