"""The books of the shop computed without a single actor: one pass over the file, decimal dollars.

It shares with the actors the terms of trade and the numbers of the lines that were set aside, and
nothing else: it splits the columns and adds them up by itself, so that a mistake made there is not
made here too.
"""

from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass, field
from decimal import Decimal

from examples.storefront.terms import BANDS, LOT, STARTING_STOCK


@dataclass(slots=True)
class Sum:
    """What a number of purchases add up to."""

    orders: int = 0
    units: int = 0
    dollars: Decimal = Decimal("0.00")

    def add(self, units: int, dollars: Decimal) -> None:
        """Count one more purchase."""
        self.orders += 1
        self.units += units
        self.dollars += dollars


@dataclass(frozen=True, slots=True)
class Shelf:
    """What became of the stock of one shelf."""

    initial: int
    restocked: int
    sold: int
    left: int


def _sums() -> defaultdict[str, Sum]:
    return defaultdict(Sum)


@dataclass(frozen=True, slots=True)
class PlainBooks:
    """Sums of all purchases and of those of each order, day, month, customer and shelf.

    Orders are named by their line, days YYYY-MM-DD, months YYYY-MM.
    """

    total: Sum = field(default_factory=Sum)
    by_order: defaultdict[str, Sum] = field(default_factory=_sums)
    by_day: defaultdict[str, Sum] = field(default_factory=_sums)
    by_month: defaultdict[str, Sum] = field(default_factory=_sums)
    by_customer: defaultdict[str, Sum] = field(default_factory=_sums)
    by_sku: defaultdict[str, Sum] = field(default_factory=_sums)

    def add(self, line: int, customer: str, day: str, units: int, dollars: Decimal) -> None:
        """Count one more purchase in every sum that it belongs to."""
        sums = (
            self.total,
            self.by_order[str(line)],
            self.by_day[day],
            self.by_month[day[:7]],
            self.by_customer[customer],
            self.by_sku[shelf_of(units, dollars)],
        )
        for each in sums:
            each.add(units, dollars)

    def shelves(self) -> dict[str, Shelf]:
        """Say for each shelf what must have been restocked, and what must be left."""
        return {
            band.sku: _shelf(self.by_sku[band.sku].units if band.sku in self.by_sku else 0)
            for band in BANDS
        }


def compute(data: bytes, *, without: Container[int] = (), limit: int | None = None) -> PlainBooks:
    """Add up the first `limit` lines of a file's bytes, or all, but for those `without`."""
    books = PlainBooks()
    for number, line in enumerate(data.split(b"\n")[:limit], start=1):
        if number in without or not line:
            continue
        _, customer, day, units, dollars = line.decode("ascii").split()
        books.add(number, customer, f"{day[:4]}-{day[4:6]}-{day[6:]}", int(units), Decimal(dollars))
    return books


def shelf_of(units: int, dollars: Decimal) -> str:
    """Say which shelf CDs of this price come from."""
    price = dollars / units
    return next(band.sku for band in reversed(BANDS) if price * 100 >= band.from_cents)


def _shelf(sold: int) -> Shelf:
    missing = max(0, sold - STARTING_STOCK)
    restocked = -(-missing // LOT) * LOT
    return Shelf(STARTING_STOCK, restocked, sold, STARTING_STOCK + restocked - sold)
