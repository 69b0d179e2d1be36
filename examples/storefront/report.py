"""What the demo leaves behind: the ledger, the lines set aside, and a summary on the terminal."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from examples.storefront.messages import Book
from examples.storefront.parsing import Rejected
from examples.storefront.reconcile import Reconciliation, dollars
from examples.storefront.shop import Day

SHOWN = 20
"""So many differences, failures or bad lines are shown on the terminal; the rest is counted."""


def write_ledger(path: Path, entries: Iterable[Book]) -> None:
    """Write the sales as CSV, in the order of the file that they came from.

    :raises OSError: the file cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                "order",
                "day",
                "customer",
                "master_id",
                "sku",
                "units",
                "dollars",
                "receipt",
                "parcel",
            )
        )
        for entry in sorted(entries, key=lambda entry: entry.order):
            writer.writerow(
                (
                    entry.order,
                    entry.day,
                    entry.customer,
                    entry.master_id,
                    entry.sku,
                    entry.units,
                    dollars(entry.cents),
                    entry.receipt,
                    entry.parcel,
                )
            )


def write_rejected(lines: Path, reasons: Path, rejected: Iterable[Rejected]) -> None:
    """Write bad lines byte by byte into one file, and where and why into another one.

    :raises OSError: a file cannot be written.
    """
    rejected = tuple(rejected)
    lines.write_bytes(b"".join(reject.raw for reject in rejected))
    with reasons.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "reason"))
        writer.writerows((reject.line, reject.reason) for reject in rejected)


def rejected_text(rejected: tuple[Rejected, ...], lines: Path, reasons: Path) -> str:
    """Say which lines were set aside, and why."""
    if not rejected:
        return "no line was set aside"
    shown = [f"  line {reject.line}: {reject.reason}" for reject in rejected]
    head = f"{len(rejected)} malformed lines set aside in {lines}, their reasons in {reasons}:"
    return "\n".join([head, *_at_most(shown)])


def summary_text(day: Day) -> str:
    """Say who worked in the shop, and how fast."""
    settled = day.settlement
    seconds = max(day.seconds, 0.001)  # where the clock is coarse a short day takes no time
    orders = settled.completed + len(settled.failed)
    pace = f"{orders / seconds:,.0f} orders/s, {day.messages / seconds:,.0f} messages/s"
    peak = f"{day.most_alive} actors alive"
    if not day.annals.restarts["front-desk"]:  # it counts them
        peak = f"{settled.most_in_flight} orders in flight, {peak}"
    return "\n".join((*day.tree, f"{orders} orders in {seconds:.2f} s: {pace}", f"at most {peak}"))


def faults_text(day: Day) -> str:
    """Say what went wrong, and what became of it."""
    annals, letters = day.annals, day.letters
    kinds = Counter[str]()
    for (_, kind), times in annals.faults.items():
        kinds[kind] += times
    degraded: dict[str, float] = {}
    for name, seconds in annals.degraded:
        degraded[name] = degraded.get(name, 0.0) + seconds
    spans = ", ".join(f"{name} for {seconds:.2f} s" for name, seconds in degraded.items())
    found = f"{letters.found} found, {letters.replayed} replayed, {letters.left} left"
    once = f"{len(letters.orders)}, counted once: {len(letters.counted_once)}"
    return "\n".join(
        (
            f"faults injected: {kinds.total()}{_listed(kinds)}",
            f"restarts: {annals.restarts.total()}{_listed(annals.restarts)}",
            f"degraded: {spans or 'nobody'}",
            f"dead letters: {found}",
            f"orders that they were about: {once}",
        )
    )


def _listed(counts: Counter[str]) -> str:
    named = ", ".join(f"{name} {times}" for name, times in counts.most_common())
    return f" ({named})" if named else ""


def result_text(day: Day, result: Reconciliation) -> str:
    """Say whether all orders were completed and all figures agree; if not, what is wrong."""
    missing = [f"  {text}" for text in day.missing]
    failed = [f"  order {failure.order}: {failure.reason}" for failure in day.settlement.failed]
    differences = [f"  {difference}" for difference in result.differences]
    lines: list[str] = []
    if missing:
        lines += ["not every department rendered an account:", *missing]
    if failed:
        lines += [f"{len(failed)} orders failed:", *_at_most(failed)]
    if differences:
        lines += [
            f"{len(differences)} of {result.compared} figures differ:",
            *_at_most(differences),
        ]
    return "\n".join(lines or [f"reconciled: all {result.compared} figures agree"])


def _at_most(lines: list[str]) -> list[str]:
    more = len(lines) - SHOWN
    return lines if more <= 0 else [*lines[:SHOWN], f"  ... and {more} more"]
