"""The shop, run by the tests."""

from pathlib import Path

import pytest

from examples.storefront.__main__ import main
from examples.storefront.tree import Staff, Terms
from tests.examples.storefront_kit import Ran, Run


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the demo in this process, without faults unless some are asked for."""

    def run(*options: str | Path, staff: Staff | None = None, terms: Terms | None = None) -> Ran:
        folder = tmp_path / "out"
        argv = ["--out", str(folder / "ledger.csv"), "--faults", "none", *map(str, options)]
        code = main(argv, terms or Terms(staff=staff or Staff()))
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err, folder)

    return run
