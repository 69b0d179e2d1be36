"""What every test gets: the settings of hypothesis, and a check that it leaves nothing behind."""

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Generator, Iterator
from itertools import count

import pytest
import structlog
from hypothesis import settings
from pytest_asyncio import is_async_test

from tests.leaks import held, left_over

TASKS_END_WITHIN = 2.0
TESTS_BETWEEN_FREEZES = 25
_TESTS_RUN = count(1)

# No deadlines: how long one example takes says more about the machine than about the code.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile(
    "brief", deadline=None, derandomize=True, database=None, print_blob=True, max_examples=25
)
settings.register_profile("nightly", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_finish() -> None:
    # The check for leaks collects garbage after each test. What has been imported by now stays,
    # and need not be walked each time: a collection takes 1 ms instead of 40.
    _freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    # What pytest keeps of each test stays too: after thousands of them it would be 40 ms again.
    ran = yield
    if next(_TESTS_RUN) % TESTS_BETWEEN_FREEZES == 0:
        _freeze()
    return ran


def _freeze() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def configured_logs() -> Iterator[None]:
    """Fail a test that leaves structlog configured: all later ones would log in that way."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        pytest.fail("structlog was left configured", pytrace=False)


@pytest.fixture(autouse=True)
def unread_errors(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Fail a test in which asyncio reported an error, unless the test clears this list.

    A test marked `loses_tasks` closes a loop under its tasks; whenever the collector finds them
    asyncio says so, and that is no error of the test's.
    """
    handler = _Errors(logging.ERROR)
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    yield handler.messages
    loses_tasks = request.node.get_closest_marker("loses_tasks") is not None
    if loses_tasks:
        gc.collect()
    logger.removeHandler(handler)
    unread = [each for each in handler.messages if not (loses_tasks and "was destroyed" in each)]
    if unread:
        pytest.fail("asyncio reported: " + "; ".join(unread), pytrace=False)


@pytest.fixture(autouse=True)
def _nothing_is_left(unread_errors: list[str]) -> Iterator[None]:
    """Fail a test that leaves a thread, a child process or an open file."""
    before = held()
    yield
    left = left_over(before)
    if left:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)


@pytest.fixture(autouse=True)
def _no_task_is_left(request: pytest.FixtureRequest, _nothing_is_left: None) -> None:
    """Fail an async test that leaves a task, which the end of its loop would cancel in silence."""
    if is_async_test(request.node):
        request.getfixturevalue("_tasks_of_the_loop")


@pytest.fixture
async def _tasks_of_the_loop() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    started = asyncio.all_tasks() - before - {asyncio.current_task()}
    if not started:
        return
    _, pending = await asyncio.wait(started, timeout=TASKS_END_WITHIN)
    if pending:
        pytest.fail(f"left behind: {', '.join(sorted(map(repr, pending)))}", pytrace=False)


class _Errors(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
