"""The programs of the page on testing run, and find what the page says."""

import re
from pathlib import Path
from typing import Any

import pytest

from dramaturg.protocols.testing import SimulationFailed

PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


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
    run(BLOCKS[1], BLOCKS[2])

    said = capsys.readouterr().out
    assert "at_rest taken once" in said
    assert "complete" in said
