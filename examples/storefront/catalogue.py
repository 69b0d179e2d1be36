"""The catalogue: what a CD costs, and on which shelf it stands; and who stands in for it."""

from collections.abc import Iterable

from dramaturg.actors import handler
from examples.storefront.accounts import AuditCatalogue, CatalogueAccount, ShelfQuotes
from examples.storefront.messages import CheckPrices, ComeBackLater, PriceOrder, Quote
from examples.storefront.records import Department
from examples.storefront.terms import BANDS


class Pricing(Department[PriceOrder, Quote]):
    """Quotes orders; where the prices come from is a subclass's business.

    All of them keep one record, so that each knows what the others have quoted.
    """

    @handler
    def price(self, message: PriceOrder) -> Quote:
        """Quote an order; the same order again gets the same quote."""
        return self.answer(message)

    async def on_recover(self) -> None:
        """Take note of what was quoted in its place since it was started, on trial."""
        await self.recall()

    @handler
    def audit(self, message: AuditCatalogue) -> CatalogueAccount:
        """Add up the quotes."""
        quotes = [quote for _, quote in self._answers]
        return CatalogueAccount(
            shelves=tuple(
                _account(band.sku, (quote for quote in quotes if quote.sku == band.sku))
                for band in BANDS
            )
        )


class Catalogue(Pricing):
    """Works prices out. The file knows what an order cost; the price of each CD follows."""

    def obey(self, command: PriceOrder) -> Quote:
        """Work a quote out."""
        return quote_for(command)

    @handler
    def check(self, message: CheckPrices) -> None:
        """Show that there are prices."""
        quote_for(PriceOrder(order=0, units=1, cents=0))


class CachedPrices(Pricing):
    """Stands in for the catalogue: what cost as much before costs the same again."""

    async def on_start(self) -> None:
        """Remember all prices that were ever quoted."""
        await super().on_start()
        self._known = {(order.units, order.cents): quote for order, quote in self._answers}

    def obey(self, command: PriceOrder) -> Quote:
        """Quote what was quoted before.

        :raises ComeBackLater: no order like it was quoted yet.
        """
        known = self._known.get((command.units, command.cents))
        if known is None:
            raise ComeBackLater("this price is not known at the moment")
        return known.model_copy(update={"order": command.order})


class NoPrices(Pricing):
    """The last resort: whoever has a quote gets it again, all others are asked to come back."""

    def obey(self, command: PriceOrder) -> Quote:
        """Refuse.

        :raises ComeBackLater: always.
        """
        raise ComeBackLater("there are no prices at the moment")


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
