"""Run a file of purchases through the shop, and check its books against a plain computation.

Exit code 0: every order completed and every figure agrees. 1: not so, and the text says what
differs. 2: the input cannot be read or holds no purchase, or the output cannot be written.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from dramaturg.actors import DramaturgError
from examples.storefront import plain
from examples.storefront.accounts import LedgerAccount
from examples.storefront.display import open_bar
from examples.storefront.parsing import Batch, read_purchases
from examples.storefront.reconcile import reconcile
from examples.storefront.report import (
    rejected_text,
    result_text,
    summary_text,
    write_ledger,
    write_rejected,
)
from examples.storefront.shop import Day, Terms, run_shop

SAMPLE = Path(__file__).parent / "data" / "CDNOW_sample.txt"


class UnusableFileError(Exception):
    """A file named by the user cannot be used; the text says which, and why."""


def main(argv: Sequence[str] | None = None, terms: Terms | None = None) -> int:
    """Run the demo; return its exit code."""
    options = _options(argv)
    try:
        return _run(options.input, options.out, options.limit, terms or Terms())
    except UnusableFileError as error:
        print(f"storefront: {error}", file=sys.stderr)
        return 2
    except DramaturgError as error:
        print(f"storefront: the day could not be seen through: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("storefront: interrupted", file=sys.stderr)
        return 130


def _run(source: Path, ledger: Path, limit: int | None, terms: Terms) -> int:
    lines, reasons = ledger.with_name("rejected.txt"), ledger.with_name("rejected_reasons.csv")
    data = _read(source, {ledger, lines, reasons})
    batch = read_purchases(data, limit=limit)
    try:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        ledger.unlink(missing_ok=True)  # so that no old one is taken for the new one
        write_rejected(lines, reasons, batch.rejected)
    except OSError as error:
        raise UnusableFileError(f"cannot write to {ledger.parent}: {error}") from error
    print(f"{source}: {len(batch.purchases)} purchases")
    print(rejected_text(batch.rejected, lines, reasons))
    if not batch.purchases:
        raise UnusableFileError(f"{source} holds no purchase")

    with open_bar(len(batch.purchases)) as bar:
        day = asyncio.run(run_shop(batch.purchases, bar, terms))
    return _close(day, batch, data, limit, ledger)


def _close(day: Day, batch: Batch, data: bytes, limit: int | None, ledger: Path) -> int:
    entries = [e for a in day.accounts if isinstance(a, LedgerAccount) for e in a.entries]
    try:
        write_ledger(ledger, entries)
    except OSError as error:
        raise UnusableFileError(f"cannot write {ledger}: {error}") from error
    books = plain.compute(data, without={reject.line for reject in batch.rejected}, limit=limit)
    result = reconcile(day.accounts, books)
    print(summary_text(day))
    print(f"{books.total.orders} purchases, {books.total.units} CDs, {books.total.dollars} dollars")
    print(f"the ledger is in {ledger}")
    print(result_text(day, result))
    return 1 if day.missing or day.settlement.failed or result.differences else 0


def _read(source: Path, outputs: set[Path]) -> bytes:
    if source.resolve() in {output.resolve() for output in outputs}:
        raise UnusableFileError(f"{source} would be overwritten: choose another --out")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UnusableFileError(f"cannot read {source}: {error.strerror or error}") from error
    if not data:
        raise UnusableFileError(f"{source} is empty")
    return data


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.storefront", description=__doc__)
    parser.add_argument(
        "--input", type=Path, default=SAMPLE, metavar="FILE", help="default: the CDNOW sample"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("storefront-out", "ledger.csv"),
        metavar="FILE",
        help="the ledger as CSV; malformed lines go beside it (default: %(default)s)",
    )
    parser.add_argument("--limit", type=_count, metavar="N", help="read the first N lines only")
    return parser.parse_args(argv)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
