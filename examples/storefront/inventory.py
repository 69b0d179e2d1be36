"""Inventory: what stands on the shelves."""

from dataclasses import dataclass

from dramaturg.actors import Refused, handler
from examples.storefront.accounts import AuditInventory, InventoryAccount, ShelfStock
from examples.storefront.messages import Reserve, Reserved
from examples.storefront.records import Department
from examples.storefront.terms import BANDS, LOT, STARTING_STOCK


@dataclass(slots=True)
class _Shelf:
    left: int = STARTING_STOCK
    restocked: int = 0
    sold: int = 0

    def move(self, *, bought: int, sold: int) -> None:
        self.restocked += bought
        self.sold += sold
        self.left += bought - sold


class Inventory(Department[Reserve, Reserved]):
    """Takes CDs off the shelves, and buys whole lots where there are not enough."""

    async def on_start(self) -> None:
        """Stock the shelves, and take off and put on what was so far."""
        await super().on_start()
        self._shelves = {band.sku: _Shelf() for band in BANDS}
        for reserve, reserved in self._answers:
            self._shelves[reserve.sku].move(bought=reserved.restocked, sold=reserve.units)

    @handler
    def reserve(self, message: Reserve) -> Reserved:
        """Take CDs for an order; the same order again takes nothing more."""
        return self.answer(message)

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

    def obey(self, command: Reserve) -> Reserved:
        """Move CDs.

        :raises Refused: there is no such shelf.
        """
        shelf = self._shelves.get(command.sku)
        if shelf is None:
            raise Refused("there is no such shelf", sku=command.sku)
        missing = max(0, command.units - shelf.left)
        bought = -(-missing // LOT) * LOT
        shelf.move(bought=bought, sold=command.units)
        return Reserved(order=command.order, restocked=bought)
