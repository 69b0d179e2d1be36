"""The programs of the page on workflows run, and say what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
PROGRAMS = re.findall(r"```python\n(.*?)```", (DOCS / "workflows.md").read_text(), re.DOTALL)


def said(directory: Path) -> str:
    program = directory / "shop.py"
    program.write_text(PROGRAMS[0])
    done = subprocess.run(
        [sys.executable, "-W", "error", program],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_the_quick_start_does_what_the_page_says(tmp_path: Path) -> None:
    first = said(tmp_path)
    again = said(tmp_path)

    assert "reserve tea under checkout/order-1/reserve" in first
    assert "charged 500" in first
    assert "release gold since checkout/order-2/reserve is undone" in first
    assert "compensated" in first
    assert "reserve tea" not in again
    assert "charged 500" in again


@pytest.mark.parametrize("name", ["README.md", "docs/workflows.md"])
def test_the_page_is_linked(name: str) -> None:
    assert "workflows" in (DOCS.parent / name).read_text()
