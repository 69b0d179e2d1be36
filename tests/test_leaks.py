"""The check after each test sees what the test has left behind."""

import re
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.leaks import held, left_over

CHECKOUT = Path(__file__).parent.parent

LEAKY = """
import asyncio, socket, subprocess, threading

KEPT = []


def test_thread():
    threading.Thread(target=threading.Event().wait, daemon=True, name="forgotten").start()


def test_child():
    KEPT.append(subprocess.Popen(["sleep", "60"]))


def test_file():
    KEPT.append(socket.socket())


def test_unclosed():
    open(__file__)


async def test_task():
    KEPT.append(asyncio.create_task(asyncio.Event().wait(), name="forgotten"))


async def test_unread_error():
    async def fail():
        raise ValueError("unread")

    await asyncio.wait([asyncio.create_task(fail())])


async def test_tidy():
    pass


def test_kill_the_child():
    child = KEPT[0]
    child.kill()
    child.wait()
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what pytest says of `LEAKY`, run with our own settings and fixtures."""
    folder = tmp_path_factory.mktemp("leaky")
    (folder / "test_leaky.py").write_text(LEAKY)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", f"--config-file={CHECKOUT / 'pyproject.toml'}"),
            *(f"--rootdir={folder}", "-p", "tests.conftest", "-p", "no:cacheprovider"),
            *("-p", "no:randomly", str(folder)),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_nothing_is_left_over_where_nothing_was_opened() -> None:
    before = held()

    assert left_over(before) == []


def test_a_thread_that_is_ending_is_waited_for() -> None:
    end = Event()
    before = held()
    Thread(target=end.wait).start()

    end.set()

    assert left_over(before) == []


def test_an_open_file_is_named(tmp_path: Path) -> None:
    before = held()
    with (tmp_path / "open").open("w"):
        assert [line.endswith("/open is still open") for line in left_over(before)] == [True]

    assert left_over(before) == []


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param("thread forgotten still runs", id="thread"),
        pytest.param("was not waited for", id="child process"),
        pytest.param("-> socket:", id="open file"),
        pytest.param("ResourceWarning: unclosed file", id="unclosed file"),
        pytest.param("name='forgotten'", id="task"),
        pytest.param("asyncio reported: Task exception was never retrieved", id="unread error"),
    ],
)
def test_what_a_test_leaves_behind_is_reported(report: str, expected: str) -> None:
    assert expected in report


def test_only_the_tests_that_leave_something_behind_fail(report: str) -> None:
    blamed = re.findall(r"^(FAILED|ERROR) .*::test_(\w+)", report, re.MULTILINE)

    assert sorted(blamed) == [
        ("ERROR", "child"),
        ("ERROR", "file"),
        ("ERROR", "task"),
        ("ERROR", "thread"),
        ("ERROR", "unread_error"),
        ("FAILED", "unclosed"),  # it is closed, with a warning, before its test ends
    ]
