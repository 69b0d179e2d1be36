"""The programs of the page on testing run, and find what the page says."""

import re
from pathlib import Path
from typing import Any

import pytest

from dramaturg.protocols.testing import SimulationFailed

pytest_plugins = ("pytester",)

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "testing.md"


def blocks_of(page: Path) -> list[str]:
    """Return the programs of a page; those marked `no-run` are not among them."""
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


BLOCKS = blocks_of(PAGE)


def run(*blocks: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - the page's own programs
    return names


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


def test_the_programs_of_the_page_on_recording_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    run(*blocks_of(DOCS / "recording.md"))

    said = capsys.readouterr().out
    assert "|-------->|      15   (reply)" in said
    assert "always conforms to one_answer: server: after the end !to client Answer" in said
