"""Hold the accounts of the departments against the plain computation, to the cent and the unit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never

from examples.storefront.accounts import (
    Account,
    CatalogueAccount,
    CustomersAccount,
    InventoryAccount,
    LedgerAccount,
    PaymentAccount,
    ShippingAccount,
)
from examples.storefront.messages import Book
from examples.storefront.plain import PlainBooks, Shelf, Sum


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure on which shop and plain computation differ; None where one has no such figure."""

    figure: str
    expected: object
    actual: object

    def __str__(self) -> str:
        return f"{self.figure}: expected {self.expected}, the shop says {self.actual}"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How many figures were compared, and those that differ."""

    compared: int
    differences: tuple[Difference, ...]


def reconcile(accounts: Iterable[Account], books: PlainBooks) -> Reconciliation:
    """Compare every figure of the plain books with the same figure of the shop's accounts.

    What only one of them has differs too: an account that is missing is not overlooked.
    """
    expected = dict(_expected(books))
    actual = dict(figure for account in accounts for figure in _figures(account))
    figures = expected | actual
    return Reconciliation(
        compared=len(figures),
        differences=tuple(
            Difference(figure, expected.get(figure), actual.get(figure))
            for figure in figures
            if expected.get(figure) != actual.get(figure)
        ),
    )


def _expected(books: PlainBooks) -> Iterator[tuple[str, object]]:
    quoted = {sku: books.by_sku.get(sku, Sum()) for sku in books.shelves()}
    yield from _sums("catalogue, shelf", quoted)
    for sku, shelf in books.shelves().items():
        yield from _stock(sku, shelf)
    yield "payment, charges", books.total.orders
    yield "payment, dollars", books.total.dollars
    yield "shipping, parcels", books.total.orders
    yield "shipping, CDs", books.total.units
    yield from _sums("ledger", {"total": books.total})
    yield from _sums("ledger, order", books.by_order)
    yield from _sums("ledger, day", books.by_day)
    yield from _sums("ledger, month", books.by_month)
    yield from _sums("ledger, customer", books.by_customer)
    yield from _sums("ledger, shelf", books.by_sku)
    yield from _sums("customers, customer", books.by_customer)


def _figures(account: Account) -> Iterator[tuple[str, object]]:
    match account:
        case CatalogueAccount(shelves=shelves):
            for quotes in shelves:
                quoted = Sum(quotes.orders, quotes.units, dollars(quotes.cents))
                yield from _sums("catalogue, shelf", {quotes.sku: quoted})
        case InventoryAccount(shelves=stocks):
            for stock in stocks:
                shelf = Shelf(stock.initial, stock.restocked, stock.sold, stock.left)
                yield from _stock(stock.sku, shelf)
        case PaymentAccount():
            yield "payment, charges", account.charges
            yield "payment, dollars", dollars(account.cents)
        case ShippingAccount():
            yield "shipping, parcels", account.parcels
            yield "shipping, CDs", account.units
        case LedgerAccount():
            yield from _ledger(account.entries)
        case CustomersAccount(customers=customers):
            for each in customers:
                bought = Sum(each.orders, each.units, dollars(each.cents))
                yield from _sums("customers, customer", {each.customer: bought})
        case _:
            assert_never(account)


def _ledger(entries: tuple[Book, ...]) -> Iterator[tuple[str, object]]:
    total = Sum()
    groups: dict[str, defaultdict[str, Sum]] = {
        group: defaultdict(Sum) for group in ("order", "day", "month", "customer", "shelf")
    }
    for entry in entries:
        value = dollars(entry.cents)
        total.add(entry.units, value)
        groups["order"][f"{entry.order}"].add(entry.units, value)
        groups["day"][f"{entry.day}"].add(entry.units, value)
        groups["month"][f"{entry.day}"[:7]].add(entry.units, value)
        groups["customer"][entry.customer].add(entry.units, value)
        groups["shelf"][entry.sku].add(entry.units, value)
    yield from _sums("ledger", {"total": total})
    for group, sums in groups.items():
        yield from _sums(f"ledger, {group}", sums)


def _sums(group: str, sums: Mapping[str, Sum]) -> Iterator[tuple[str, object]]:
    for name, each in sums.items():
        yield f"{group} {name}, orders", each.orders
        yield f"{group} {name}, CDs", each.units
        yield f"{group} {name}, dollars", each.dollars


def _stock(sku: str, shelf: Shelf) -> Iterator[tuple[str, object]]:
    yield f"inventory, shelf {sku}, at first", shelf.initial
    yield f"inventory, shelf {sku}, restocked", shelf.restocked
    yield f"inventory, shelf {sku}, sold", shelf.sold
    yield f"inventory, shelf {sku}, left", shelf.left


def dollars(cents: int) -> Decimal:
    """Turn whole cents into dollars with two decimals."""
    return Decimal(cents).scaleb(-2)
