"""The whole demo: what it books, sets aside and prints, and files that it cannot use."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from examples.storefront.__main__ import SAMPLE
from tests.examples.storefront_kit import MALFORMED, Ran, Run

CHECKOUT = Path(__file__).parent.parent.parent


@contextmanager
def start(folder: Path) -> Generator[subprocess.Popen[str]]:
    """Start the demo as `make demo` does, but in a folder of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "examples.storefront"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(CHECKOUT), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()  # one that hangs is not waited for


# -- the whole demo ------------------------------------------------------------


def test_the_demo_books_the_whole_sample_and_reconciles(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        out, err = demo.communicate(timeout=50)

    assert (demo.returncode, err) == (0, "")
    assert "figures agree" in out
    assert "customers (2357)" in out
    assert "pricing/catalogue has recovered" in out.replace(":", "")
    assert ", 0 left" in out
    assert "100 %  6919 of 6919 orders" in out
    entries = Ran(0, "", "", tmp_path / "storefront-out").entries()
    assert [int(entry["order"]) for entry in entries] == list(range(1, 6920))
    assert sum(Decimal(entry["dollars"]) for entry in entries) == Decimal("244091.94")
    assert sum(int(entry["units"]) for entry in entries) == 16479


def test_the_demo_can_be_interrupted(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        assert demo.stdout is not None
        assert any("10 %" in line for line in demo.stdout)

        demo.send_signal(signal.SIGINT)
        _, err = demo.communicate(timeout=50)

    assert demo.returncode == 130
    assert err.splitlines()[-1] == "storefront: interrupted"


def test_each_entry_of_the_ledger_is_a_line_of_the_file(run: Run) -> None:
    ran = run("--limit", "300")

    assert ran.code == 0
    booked = [
        (e["master_id"], e["customer"], e["day"].replace("-", ""), e["units"], e["dollars"])
        for e in ran.entries()
    ]
    assert booked == [tuple(line.split()) for line in SAMPLE.read_text().splitlines()[:300]]


def test_malformed_lines_are_set_aside_and_all_others_are_booked(run: Run, tmp_path: Path) -> None:
    good = SAMPLE.read_bytes().splitlines(keepends=True)[:300]
    bad = [raw if raw.endswith(b"\n") else raw + b"\n" for raw, _ in MALFORMED.values()]
    mixed = [
        line for at, pair in enumerate(zip(good, bad, strict=False)) for line in pair if at >= 0
    ]
    source = tmp_path / "mixed.txt"
    truncated = b" 00004 0001 199701"
    source.write_bytes(b"".join([*mixed, *good[len(bad) :], truncated]))

    ran = run("--input", source)

    assert ran.code == 0
    assert [int(e["order"]) for e in ran.entries()] == [
        *range(1, 2 * len(bad), 2),
        *range(2 * len(bad) + 1, 301 + len(bad)),
    ]
    assert (ran.folder / "rejected.txt").read_bytes() == b"".join([*bad, truncated])
    with (ran.folder / "rejected_reasons.csv").open(newline="") as file:
        reasons = list(csv.DictReader(file))
    assert [int(row["line"]) for row in reasons] == [*range(2, 2 * len(bad) + 1, 2), 301 + len(bad)]
    assert f"{len(bad) + 1} malformed lines" in ran.out
    assert "line 2: the line is empty" in ran.out


def test_without_malformed_lines_the_file_of_an_earlier_run_is_emptied(run: Run) -> None:
    (out := run("--limit", "1").folder / "rejected.txt").write_bytes(b"of an earlier run")

    run("--limit", "1")

    assert out.read_bytes() == b""


# -- files that cannot be used -------------------------------------------------


def test_a_missing_input_is_named(run: Run, tmp_path: Path) -> None:
    ran = run("--input", tmp_path / "nowhere.txt")

    assert ran.code == 2
    assert f"cannot read {tmp_path / 'nowhere.txt'}: No such file" in ran.err


def test_an_unreadable_input_is_named(run: Run, tmp_path: Path) -> None:
    ran = run("--input", tmp_path)

    assert ran.code == 2
    assert f"cannot read {tmp_path}: Is a directory" in ran.err


def test_an_empty_input_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()

    ran = run("--input", tmp_path / "empty.txt")

    assert ran.code == 2
    assert f"{tmp_path / 'empty.txt'} is empty" in ran.err


def test_an_input_without_a_single_purchase_is_named_and_its_lines_are_set_aside(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_bytes(b"something\nelse\n")

    ran = run("--input", tmp_path / "other.txt")

    assert ran.code == 2
    assert "holds no purchase" in ran.err
    assert (ran.folder / "rejected.txt").read_bytes() == b"something\nelse\n"


def test_an_input_that_would_be_overwritten_is_left_alone(run: Run) -> None:
    ran = run("--limit", "1")
    source = ran.folder / "rejected.txt"
    source.write_bytes(b" 00004 0001 19970101  2   29.33\r\n")

    again = run("--input", source)

    assert again.code == 2
    assert "would be overwritten" in again.err
    assert source.read_bytes() == b" 00004 0001 19970101  2   29.33\r\n"


def test_an_output_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ran = run("--out", tmp_path / "file" / "ledger.csv")

    assert ran.code == 2
    assert f"cannot write to {tmp_path / 'file'}" in ran.err


def test_a_limit_below_one_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run("--limit", "0")

    assert stopped.value.code == 2
    assert "must be 1 or more" in capsys.readouterr().err
