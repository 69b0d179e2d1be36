"""Payment: the money that came in."""

from dramaturg.actors import handler
from examples.storefront.accounts import AuditPayment, PaymentAccount
from examples.storefront.messages import Charge, Charged
from examples.storefront.records import Department


class Payment(Department[Charge, Charged]):
    """Charges customers. A CD given away is a charge of nothing, with a receipt like any other."""

    @handler
    def charge(self, message: Charge) -> Charged:
        """Charge for an order; the same order again is charged nothing more."""
        return self.answer(message)

    @handler
    def audit(self, message: AuditPayment) -> PaymentAccount:
        """Count the money."""
        return PaymentAccount(
            charges=len(self._answers), cents=sum(charge.cents for charge, _ in self._answers)
        )

    def obey(self, command: Charge) -> Charged:
        """Take the money. The receipt belongs to the order: asked again the bank gives the same."""
        return Charged(order=command.order, receipt=f"R{command.order:07}")
