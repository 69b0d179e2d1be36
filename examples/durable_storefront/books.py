"""What must come out, computed from the file alone: one pass, decimal dollars, no actors.

It splits the columns and decides by itself what becomes of an order, so that a mistake made by the
shop is not made here, too.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from decimal import Decimal

from examples.durable_storefront.terms import (
    BAD_CARD_EVERY,
    BAD_ROAD_EVERY,
    LIMIT_CENTS,
    MOST_UNITS,
)
from examples.storefront.plain import Sum, shelf_of


@dataclass(slots=True)
class Books:
    """What must be said of each order, customer, day and shelf."""

    states: dict[int, str] = field(default_factory=dict[int, str])
    """How each order ends."""
    dollars: dict[int, Decimal] = field(default_factory=dict[int, Decimal])
    """What was paid for each order that was sent."""
    customers: dict[str, Sum] = field(default_factory=dict[str, Sum])
    days: dict[str, Sum] = field(default_factory=dict[str, Sum])
    shelves: dict[str, int] = field(default_factory=dict[str, int])
    """CDs sold from each."""
    total: Sum = field(default_factory=Sum)

    def add(self, order: int, customer: str, day: str, units: int, dollars: Decimal) -> None:
        """Count an order."""
        state = self.states[order] = state_of(order, units, dollars)
        if state != "SENT":
            self.customers.setdefault(customer, Sum())
            return
        shelf = shelf_of(units, dollars)
        self.shelves[shelf] = self.shelves.get(shelf, 0) + units
        self.dollars[order] = dollars
        for each in (
            self.total,
            self.customers.setdefault(customer, Sum()),
            self.days.setdefault(day, Sum()),
        ):
            each.add(units, dollars)


def state_of(order: int, units: int, dollars: Decimal) -> str:
    """Say how an order must end."""
    if dollars * 100 >= LIMIT_CENTS and units > MOST_UNITS:
        return "DECLINED"
    if order % BAD_CARD_EVERY == 0 or order % BAD_ROAD_EVERY == 0:
        return "CANCELLED"
    return "SENT"


def compute(data: bytes, *, without: Container[int] = (), limit: int | None = None) -> Books:
    """Add up the first `limit` lines of a file's bytes, or all, but for those `without`."""
    books = Books()
    for number, line in enumerate(data.split(b"\n")[:limit], start=1):
        if number in without or not line:
            continue
        *ids, day, units, dollars = line.decode("ascii").split()
        name = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        books.add(number, ids[-1], name, int(units), Decimal(dollars))
    return books
