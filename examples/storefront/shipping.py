"""Shipping: the parcels that went out."""

from dramaturg.actors import Actor, handler
from examples.storefront.accounts import AuditShipping, ShippingAccount
from examples.storefront.answers import Answers
from examples.storefront.messages import Ship, Shipped


class Shipping(Actor):
    """Sends parcels."""

    def __init__(self) -> None:
        self._parcels: Answers[Ship, Shipped] = Answers()

    @handler
    def ship(self, message: Ship) -> Shipped:
        """Send a parcel for an order; the same order again gets no second parcel."""
        return self._parcels.once(message, _parcel)

    @handler
    def audit(self, message: AuditShipping) -> ShippingAccount:
        """Count the parcels, and the CDs in them."""
        return ShippingAccount(
            parcels=len(self._parcels),
            units=sum(ship.units for ship, _ in self._parcels),
        )


def _parcel(ship: Ship) -> Shipped:
    return Shipped(order=ship.order, parcel=f"P{ship.order:07}")
