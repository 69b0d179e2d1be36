"""The catalogue: what a CD costs, and on which shelf it stands."""

from collections.abc import Iterable

from dramaturg.actors import Actor, handler
from examples.storefront.accounts import AuditCatalogue, CatalogueAccount, ShelfQuotes
from examples.storefront.answers import Answers
from examples.storefront.messages import PriceOrder, Quote
from examples.storefront.terms import BANDS


class Catalogue(Actor):
    """Prices orders. The file knows what an order cost; the price of each CD follows from that."""

    def __init__(self) -> None:
        self._quotes: Answers[PriceOrder, Quote] = Answers()

    @handler
    def price(self, message: PriceOrder) -> Quote:
        """Quote an order; the same order again gets the same quote."""
        return self._quotes.once(message, quote_for)

    @handler
    def audit(self, message: AuditCatalogue) -> CatalogueAccount:
        """Add up the quotes."""
        quotes = [quote for _, quote in self._quotes]
        return CatalogueAccount(
            shelves=tuple(
                _account(band.sku, (quote for quote in quotes if quote.sku == band.sku))
                for band in BANDS
            )
        )


def quote_for(order: PriceOrder) -> Quote:
    """Split what an order cost over its CDs: a remainder of r cents makes r CDs a cent dearer."""
    unit_cents, dearer_units = divmod(order.cents, order.units)
    return Quote(
        order=order.order,
        sku=next(band.sku for band in reversed(BANDS) if unit_cents >= band.from_cents),
        units=order.units,
        unit_cents=unit_cents,
        dearer_units=dearer_units,
    )


def _account(sku: str, quotes: Iterable[Quote]) -> ShelfQuotes:
    orders = units = cents = 0
    for quote in quotes:
        orders += 1
        units += quote.units
        cents += quote.total_cents
    return ShelfQuotes(sku=sku, orders=orders, units=units, cents=cents)
