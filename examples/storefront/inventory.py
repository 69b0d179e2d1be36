"""Inventory: what stands on the shelves."""

from dataclasses import dataclass

from dramaturg.actors import Actor, Refused, handler
from examples.storefront.accounts import AuditInventory, InventoryAccount, ShelfStock
from examples.storefront.answers import Answers
from examples.storefront.messages import Reserve, Reserved
from examples.storefront.terms import BANDS, LOT, STARTING_STOCK


@dataclass(slots=True)
class _Shelf:
    left: int = STARTING_STOCK
    restocked: int = 0
    sold: int = 0


class Inventory(Actor):
    """Takes CDs off the shelves, and buys whole lots where there are not enough."""

    def __init__(self) -> None:
        self._shelves = {band.sku: _Shelf() for band in BANDS}
        self._reservations: Answers[Reserve, Reserved] = Answers()

    @handler
    def reserve(self, message: Reserve) -> Reserved:
        """Take CDs for an order; the same order again takes nothing more."""
        return self._reservations.once(message, self._take)

    @handler
    def audit(self, message: AuditInventory) -> InventoryAccount:
        """Count the stock."""
        return InventoryAccount(
            shelves=tuple(
                ShelfStock(
                    sku=sku,
                    initial=STARTING_STOCK,
                    restocked=shelf.restocked,
                    sold=shelf.sold,
                    left=shelf.left,
                )
                for sku, shelf in self._shelves.items()
            )
        )

    def _take(self, message: Reserve) -> Reserved:
        shelf = self._shelves.get(message.sku)
        if shelf is None:
            raise Refused("there is no such shelf", sku=message.sku)
        missing = max(0, message.units - shelf.left)
        bought = -(-missing // LOT) * LOT
        shelf.restocked += bought
        shelf.left += bought - message.units
        shelf.sold += message.units
        return Reserved(order=message.order, restocked=bought)
