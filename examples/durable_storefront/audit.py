"""Hold what every actor of the shop says against the books, to the cent and the unit."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from dramaturg.actors import ActorSystem
from dramaturg.protocols import GetAll
from examples.durable_storefront.addresses import (
    BOARD,
    CUSTOMERS,
    INVENTORY,
    ORDERS,
    PAYMENT,
    SHIPPING,
)
from examples.durable_storefront.books import Books
from examples.durable_storefront.messages import (
    AuditCustomer,
    AuditInventory,
    AuditOrder,
    AuditPayment,
    AuditShipping,
    Charged,
    DayFigures,
    Purchases,
    Sent,
)
from examples.durable_storefront.purchase import FULFILMENT, PURCHASE
from examples.durable_storefront.shop import ends
from examples.storefront.addresses import find
from examples.storefront.plain import Sum
from examples.storefront.reconcile import Difference, Reconciliation, dollars
from examples.storefront.terms import BANDS, LOT, STARTING_STOCK

ENDS_OF: Final = {
    "SENT": {"purchase": "completed", "fulfilment": "completed"},
    "CANCELLED": {"purchase": "compensated", "fulfilment": "compensated"},
    "DECLINED": {"purchase": "compensated"},
}
"""How the workflows of an order end that ends so."""

Figure = tuple[str, object]


async def audit(system: ActorSystem, books: Books) -> Reconciliation:
    """Compare every figure; what only one side has differs, too."""
    expected = dict(_expected(books))
    actual = await _actual(system, books)
    figures = expected | actual
    return Reconciliation(
        compared=len(figures),
        differences=tuple(
            Difference(figure, expected.get(figure), actual.get(figure))
            for figure in figures
            if expected.get(figure) != actual.get(figure)
        ),
    )


def _expected(books: Books) -> Iterator[Figure]:
    for order, state in books.states.items():
        yield f"order {order}, state", state
        for workflow, end in ENDS_OF[state].items():
            yield f"order {order}, {workflow}", end
    for order, paid in books.dollars.items():
        yield f"order {order}, payments", (paid,)
        yield f"order {order}, parcels", (paid,)
    for name, bought in books.customers.items():
        yield from _sum(f"customer {name}", bought).items()
    for name, sold in books.days.items():
        yield from _sum(f"board, day {name}", sold).items()
    for band in BANDS:
        yield f"inventory, shelf {band.sku}, sold", books.shelves.get(band.sku, 0)
        yield f"inventory, shelf {band.sku}, that nobody can account for", 0
        yield f"inventory, shelf {band.sku}, broken lots", 0
    yield "board, waiting for the office", 0
    yield "dead letters", 0


async def _actual(system: ActorSystem, books: Books) -> dict[str, object]:
    figures: dict[str, object] = {}
    for workflow in (PURCHASE, FULFILMENT):
        for order, end in (await ends(system, workflow)).items():
            figures[f"order {order}, {workflow.name}"] = end
    orders, customers = find(system, ORDERS), find(system, CUSTOMERS)
    for order in books.states:
        figures[f"order {order}, state"] = await orders.request(AuditOrder(order=order))
    figures |= _by_order("payments", await find(system, PAYMENT).request(AuditPayment()))
    figures |= _by_order("parcels", await find(system, SHIPPING).request(AuditShipping()))
    for name in books.customers:
        bought: Purchases = await customers.request(AuditCustomer(customer=name))
        figures |= _sum(f"customer {name}", _as_sum(bought))
    board = find(system, BOARD)
    for entry in (await board.request(GetAll("day/*"))).entries:
        figures |= _sum(f"board, {entry.key.replace('/', ' ')}", _as_sum(entry.value))
    figures["board, waiting for the office"] = len(
        (await board.request(GetAll("waiting/*"))).entries
    )
    for shelf in await find(system, INVENTORY).request(AuditInventory()):
        name = f"inventory, shelf {shelf.sku}"
        balance = STARTING_STOCK + shelf.restocked - shelf.sold - shelf.left
        figures[f"{name}, sold"] = shelf.sold
        figures[f"{name}, that nobody can account for"] = balance
        figures[f"{name}, broken lots"] = shelf.restocked % LOT
    figures["dead letters"] = len(system.dead_letters)
    return figures


def _by_order(what: str, deeds: tuple[Charged | Sent, ...]) -> dict[str, object]:
    """List what was done for each order: twice is once too often."""
    found: dict[int, tuple[Decimal, ...]] = {}
    for deed in deeds:
        found[deed.order] = (*found.get(deed.order, ()), dollars(deed.cents))
    return {f"order {order}, {what}": each for order, each in found.items()}


def _as_sum(figures: DayFigures | Purchases) -> Sum:
    return Sum(figures.orders, figures.units, dollars(figures.cents))


def _sum(name: str, figures: Sum) -> dict[str, object]:
    return {
        f"{name}, orders": figures.orders,
        f"{name}, CDs": figures.units,
        f"{name}, dollars": figures.dollars,
    }
