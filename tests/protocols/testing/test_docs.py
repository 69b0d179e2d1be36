"""The programs of the pages run, and find what the pages say."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dramaturg.protocols.testing import SimulationFailed

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")

pytest_plugins = ("pytester",)

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGE = DOCS / "testing.md"


FILE = re.compile(r"`(\w+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)


def blocks_of(page: Path) -> list[str]:
    """Return the programs of a page; those marked `no-run` are not among them, nor are files."""
    text = re.sub(FILE, "", page.read_text(encoding="utf-8"))
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def files_of(page: Path) -> dict[str, str]:
    """Return the files that a page tells its readers to write."""
    return dict(re.findall(FILE, page.read_text(encoding="utf-8")))


BLOCKS = blocks_of(PAGE)


def run(*blocks: str) -> dict[str, Any]:
    # Models look up their module.
    page = sys.modules["page"] = ModuleType("page")
    try:
        for block in blocks:
            exec(compile(block, "page.py", "exec"), vars(page))  # noqa: S102 - the page's own
    finally:
        del sys.modules["page"]
    return vars(page)


def test_the_race_of_the_page_is_found() -> None:
    page = run(BLOCKS[0])

    with pytest.raises(SimulationFailed) as raised:
        page["test_two_sales"]()

    text = str(raised.value)
    assert "at_rest two sold" in text
    assert "|         |<------------------|      Sell()" in text
    assert "replay: v1:eNqLV" in text


def test_the_plain_actors_of_the_page_fail_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    run(BLOCKS[2], BLOCKS[3])

    said = capsys.readouterr().out
    assert "at_rest taken once" in said
    assert "complete" in said


def test_the_nodes_of_the_page_book_twice(capsys: pytest.CaptureFixture[str]) -> None:
    run(BLOCKS[0], BLOCKS[1])

    said = capsys.readouterr().out
    assert "at_rest booked once at most" in said
    assert "(drop)" in said or "crash bank" in said


def test_the_tests_of_the_page_on_pytest_pass(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_page="\n\n".join(blocks_of(DOCS / "pytest.md")))

    result = pytester.runpytest_inprocess("-p", "dramaturg.pytest_plugin")

    result.assert_outcomes(passed=4)


def test_the_programs_on_one_actor_find_what_the_page_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(*blocks_of(DOCS / "pytest.md"))

    said = capsys.readouterr().out
    for line in ("server raises IndexError", "AskPrice~7 is AskPrice(item=", "pass: "):
        assert line in said
    assert "server raises RuntimeError: asked twice" in said
    assert "(illegal)" in said


def test_the_programs_of_the_page_on_recording_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    run(*blocks_of(DOCS / "recording.md"))

    said = capsys.readouterr().out
    assert "always conforms to one_answer: server: after the end !to client Answer" in said
    assert "pass: " in said
    assert "conforms to doubled: server far/server: after the end !to client Answer" in said


def ran(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
    )


def without_times(text: str) -> str:
    return re.sub(r"Outside\([\d.]+|\d{4}-\d\d-\d\d", "", text)


def test_the_page_on_recording_can_be_followed_to_a_test_of_the_incident(tmp_path: Path) -> None:
    page = DOCS / "recording.md"
    for name, text in files_of(page).items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    live, export = ran(tmp_path, "live.py"), ran(tmp_path, "export.py")
    assert live.returncode == 0, live.stderr
    assert "13      |        |        *        |      /store failed SoldTwiceError" in live.stdout
    assert export.stdout == "test_incident.py\n", export.stderr

    written = (tmp_path / "test_incident.py").read_text(encoding="utf-8")
    assert without_times(written) in without_times(page.read_text(encoding="utf-8"))
    tested = ran(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_incident.py")
    assert tested.returncode == 1, tested.stdout
    assert "'SoldTwiceError' not in ('SoldTwiceError',)" in tested.stdout


def test_the_page_on_recording_can_be_followed_to_a_test_of_a_journal(tmp_path: Path) -> None:
    page = DOCS / "recording.md"
    for name, text in files_of(page).items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    audit = ran(tmp_path, "audit.py")
    assert audit.stdout == "test_account.py\n", audit.stderr

    written = (tmp_path / "test_account.py").read_text(encoding="utf-8")
    assert without_moments(written) in without_moments(page.read_text(encoding="utf-8"))
    tested = ran(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_account.py")
    assert tested.returncode == 1, tested.stdout
    assert "state: Balance(cents=-44)" in tested.stdout


def without_moments(text: str) -> str:
    return re.sub(r"Happened\([\d.]+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "", text)


def test_the_program_of_the_page_on_protocols_does_what_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = DOCS / "protocols.md"
    run(*blocks_of(page))

    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    for line in said:
        assert f"    # {line}\n" in page.read_text(encoding="utf-8")


def test_the_program_of_the_page_on_blackboards_does_what_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(*blocks_of(DOCS / "blackboard.md"))

    assert capsys.readouterr().out.splitlines() == [
        "there are ['customer/1']",
        "version 2 changes ['customer/2']",
        "version 3 changes ['customer/1']",
        "refused: 'customer/1' has version 3; the writer expected 1",
        "Customer(name='Ada', limit=100)",
        "Customer(name='Ada', limit=0)",
    ]


def test_the_program_of_the_page_on_delegation_does_what_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(*blocks_of(DOCS / "delegation.md"))

    assert capsys.readouterr().out.splitlines() == [
        "Good day",
        "hat",
        "1 attempt: /dictionary",
        "[('/desk/agents/German', 1, 2), ('/dictionary', 1, 1)]",
    ]


def test_the_program_of_the_page_on_durable_topics_says_what_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = DOCS / "durable-topics.md"
    run(*blocks_of(page))

    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4
    for line in said:
        assert f"`{line}`" in page.read_text(encoding="utf-8")


def test_the_program_of_the_page_on_dead_letters_sends_one_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(*blocks_of(DOCS / "dead-letters.md"))

    assert capsys.readouterr().out.splitlines() == [
        "dead: buy bread, stopped: /notebook has stopped",
        "sent again: 1",
        "discarded: 1",
        "written: buy bread",
    ]


def test_the_first_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    run(*blocks_of(ROOT / "README.md"))

    assert capsys.readouterr().out == "Hello, Ada!\nHello, Grace!\ngreeted: 2\n"


def test_the_programs_of_the_page_on_journals_do_what_it_says(tmp_path: Path) -> None:
    blocks = blocks_of(DOCS / "journal.md")
    first = tmp_path / "first.py"
    first.write_text(blocks[0])
    every = tmp_path / "every.py"
    every.write_text("\n\n".join(blocks))

    assert said_by(first) == ["cents=100", "pay out 30", "cents=70"]
    assert said_by(first) == ["cents=170", "pay out 30", "cents=140"]
    assert said_by(every)[3:] == [
        "account-ann",
        "1 cents=100",
        "2 cents=30",
        "3 cents=100",
        "4 cents=30",
        "5 cents=100",
        "6 cents=30",
        "7 cents=5000",
        "large: cents=5000",
    ]
    assert "bank.deposited v1:\n    cents: int\n" in (tmp_path / "stored_types.txt").read_text()


def said_by(program: Path) -> list[str]:
    """Run a program in its folder, and return the lines that it prints."""
    done = subprocess.run(
        [sys.executable, program.name],
        cwd=program.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_program_of_the_page_on_state_machines_prints_what_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = DOCS / "state-machines.md"
    run(*blocks_of(page))

    assert f"```\n{capsys.readouterr().out}```" in page.read_text(encoding="utf-8")
