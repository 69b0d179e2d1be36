import io
import sys
from importlib.util import find_spec

import pytest

from examples.storefront.census import tree_of
from examples.storefront.display import open_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("file", [io.StringIO(), Terminal()], ids=["no terminal", "no rich"])
def test_without_a_terminal_or_rich_progress_is_a_line_for_each_tenth(
    file: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)

    with open_bar(20, file) as bar:
        for done in range(1, 21):
            bar.show(done)

    lines = file.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "  10 %  2 of 20 orders"
    assert lines[-1] == " 100 %  20 of 20 orders"


def test_without_a_terminal_what_happens_is_a_line_between_the_others() -> None:
    file = io.StringIO()

    with open_bar(1, file) as bar:
        bar.note("payment: is back")
        bar.show(1)

    assert file.getvalue() == "payment: is back\n 100 %  1 of 1 orders\n"


@pytest.mark.skipif(find_spec("rich") is None, reason="rich is an extra")
def test_on_a_terminal_progress_is_a_bar_of_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    file = Terminal()

    with open_bar(20, file) as bar:
        bar.note("payment: is back, [life 2]")
        bar.show(20)

    assert "payment: is back, [life 2]" in file.getvalue()
    assert "20/20" in file.getvalue()
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" in file.getvalue()


def test_the_tree_names_a_few_children_and_counts_many() -> None:
    crowd = {f"/customers/{number:04}" for number in range(13)}

    assert tree_of(frozenset({"/customers", "/desk", "/desk/bell"} | crowd)) == (
        "/",
        "├── customers (13)",
        "└── desk (1)",
        "    └── bell",
    )
