"""Payment: the money that came in."""

from dramaturg.actors import Actor, handler
from examples.storefront.accounts import AuditPayment, PaymentAccount
from examples.storefront.answers import Answers
from examples.storefront.messages import Charge, Charged


class Payment(Actor):
    """Charges customers. A CD given away is a charge of nothing, with a receipt like any other."""

    def __init__(self) -> None:
        self._charges: Answers[Charge, Charged] = Answers()

    @handler
    def charge(self, message: Charge) -> Charged:
        """Charge for an order; the same order again is charged nothing more."""
        return self._charges.once(message, _receipt)

    @handler
    def audit(self, message: AuditPayment) -> PaymentAccount:
        """Count the money."""
        return PaymentAccount(
            charges=len(self._charges), cents=sum(charge.cents for charge, _ in self._charges)
        )


def _receipt(charge: Charge) -> Charged:
    return Charged(order=charge.order, receipt=f"R{charge.order:07}")
