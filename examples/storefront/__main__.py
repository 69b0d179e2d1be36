"""Run a file of purchases through the shop, and check its books against a plain computation.

Faults are injected meanwhile; see `faults`. Exit code 0: every order completed, every figure agrees
and no dead letter is left. 1: not so, and the text says what differs. 2: the input cannot be read
or holds no purchase, or the output cannot be written.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import structlog

from dramaturg.actors import DramaturgError
from examples.storefront import plain
from examples.storefront.accounts import LedgerAccount
from examples.storefront.display import open_bar
from examples.storefront.faults import Faults, standard
from examples.storefront.parsing import Batch, read_purchases
from examples.storefront.reconcile import reconcile
from examples.storefront.report import (
    faults_text,
    rejected_text,
    result_text,
    summary_text,
    write_ledger,
    write_rejected,
)
from examples.storefront.shop import Day, run_shop
from examples.storefront.tree import Terms

SAMPLE = Path(__file__).parent / "data" / "CDNOW_sample.txt"


class UnusableFileError(Exception):
    """A file named by the user cannot be used; the text says which, and why."""


def main(argv: Sequence[str] | None = None, terms: Terms | None = None) -> int:
    """Run the demo; return its exit code."""
    options = _options(argv)
    try:
        return _run(options, terms or Terms())
    except UnusableFileError as error:
        print(f"storefront: {error}", file=sys.stderr)
        return 2
    except DramaturgError as error:
        print(f"storefront: the day could not be seen through: {error}", file=sys.stderr)
        cause = error.__cause__
        while cause is not None:
            print(f"  because {type(cause).__name__}: {cause}", file=sys.stderr)
            cause = cause.__cause__
        return 1
    except KeyboardInterrupt:
        print("storefront: interrupted", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace, terms: Terms) -> int:
    source, ledger = options.input, options.out
    lines, reasons = ledger.with_name("rejected.txt"), ledger.with_name("rejected_reasons.csv")
    log = ledger.with_name("shop.log")
    data = _read(source, {ledger, lines, reasons, log})
    batch = read_purchases(data, limit=options.limit)
    try:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        ledger.unlink(missing_ok=True)  # so that no old one is taken for the new one
        write_rejected(lines, reasons, batch.rejected)
        log_file = log.open("w", encoding="utf-8")
    except OSError as error:
        raise UnusableFileError(f"cannot write to {ledger.parent}: {error}") from error
    with log_file:
        print(f"{source}: {len(batch.purchases)} purchases")
        print(rejected_text(batch.rejected, lines, reasons))
        if not batch.purchases:
            raise UnusableFileError(f"{source} holds no purchase")
        day = _see_through(batch, options, terms, log_file)
    return _close(day, batch, data, options.limit, ledger)


def _see_through(batch: Batch, options: argparse.Namespace, terms: Terms, log: TextIO) -> Day:
    orders = len(batch.purchases)
    if options.chaos is not None:
        faults = Faults(rate=options.chaos)
    else:
        faults = standard(orders) if options.faults == "standard" else Faults()
    with open_bar(orders) as bar:
        day = run_shop(batch.purchases, bar, terms, faults, seed=options.seed, logger=_logger(log))
        return asyncio.run(day)


def _logger(file: TextIO) -> Any:
    # What goes wrong on purpose is not to fill the terminal with tracebacks.
    return structlog.wrap_logger(
        structlog.WriteLogger(file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
    )


def _close(day: Day, batch: Batch, data: bytes, limit: int | None, ledger: Path) -> int:
    entries = [e for a in day.accounts if isinstance(a, LedgerAccount) for e in a.entries]
    try:
        write_ledger(ledger, entries)
    except OSError as error:
        raise UnusableFileError(f"cannot write {ledger}: {error}") from error
    books = plain.compute(data, without={reject.line for reject in batch.rejected}, limit=limit)
    result = reconcile(day.accounts, books)
    print(summary_text(day))
    print(faults_text(day))
    print(f"{books.total.orders} purchases, {books.total.units} CDs, {books.total.dollars} dollars")
    print(f"the ledger is in {ledger}, and beside it in shop.log what went wrong in full")
    print(result_text(day, result))
    amiss = day.missing or day.settlement.failed or result.differences or day.letters.left
    return 1 if amiss else 0


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
    parser.add_argument(
        "--faults",
        choices=("standard", "none"),
        default="standard",
        help="what goes wrong on purpose (default: %(default)s)",
    )
    parser.add_argument(
        "--chaos",
        type=_rate,
        metavar="RATE",
        help="instead, let anybody fail upon any message with this chance, such as 0.01",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is random")
    return parser.parse_args(argv)


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate < 1:
        raise argparse.ArgumentTypeError("must be from 0 to below 1")
    return rate


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
