"""Shipping: the parcels that went out."""

from dramaturg.actors import handler
from examples.storefront.accounts import AuditShipping, ShippingAccount
from examples.storefront.messages import Ship, Shipped
from examples.storefront.records import Department


class Shipping(Department[Ship, Shipped]):
    """Sends parcels."""

    @handler
    def ship(self, message: Ship) -> Shipped:
        """Send a parcel for an order; the same order again gets no second parcel."""
        return self.answer(message)

    @handler
    def audit(self, message: AuditShipping) -> ShippingAccount:
        """Count the parcels, and the CDs in them."""
        return ShippingAccount(
            parcels=len(self._answers),
            units=sum(ship.units for ship, _ in self._answers),
        )

    def obey(self, command: Ship) -> Shipped:
        """Hand the parcel over. Its number belongs to the order, so that it is never a second."""
        return Shipped(order=command.order, parcel=f"P{command.order:07}")
